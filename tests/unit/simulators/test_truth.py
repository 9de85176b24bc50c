"""What is true of the five cities obeys every rule of the shared records, and its parts agree with each other."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from schemas import checks
from schemas.catalogue import SCHEMAS
from schemas.shared import Shared
from simulators.projects import BANKS
from simulators.truth import Document, Truth, populations
from simulators.truth.profiles import read_profiles
from simulators.workdays import is_workday
from simulators.world import City

DAY = date(2026, 11, 23)
Rows = list[Mapping[str, object]]


def send(truth: Truth, scale: float) -> dict[str, list[Document]]:
    """The documents of every profiled feed."""
    return {
        planned.feed: truth.documents(
            planned.population,
            partner=planned.partner,
            feed=planned.feed,
            count=planned.at(scale),
            nature=planned.nature,
        )
        for planned in read_profiles()
    }


def everything(documents: Iterable[Document]) -> Iterator[Document]:
    """Documents with all that is inside them."""
    for document in documents:
        yield document
        yield from everything(document.inner)


def by_schema(sent: dict[str, list[Document]]) -> dict[str, Rows]:
    """Every row that is sent, by schema."""
    found: dict[str, Rows] = {}
    for documents in sent.values():
        for document in everything(documents):
            for schema, fields in document.rows.items():
                found.setdefault(schema, []).append(fields)
    return found


@cache
def rows_at(scale: float) -> dict[str, Rows]:
    """Every row that all feeds send at a scale."""
    return by_schema(send(Truth(day=DAY, scale=scale), scale))


def frame(schema: type[Shared], rows: Rows) -> pl.DataFrame:
    """The rows with the columns of a schema; a field it does not know is an error."""
    columns = schema.columns()
    assert not {name for row in rows for name in row} - set(columns)
    made = {}
    for name, column in columns.items():
        dtype = column.dtype
        plain = pl.Datetime("us") if isinstance(dtype, pl.Datetime) else dtype
        series = pl.Series(name, [row.get(name) for row in rows], dtype=plain)
        made[name] = series.dt.replace_time_zone(checks.TIME_ZONE) if isinstance(dtype, pl.Datetime) else series
    return pl.DataFrame(made)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "today", lambda: DAY)


@pytest.fixture(scope="module")
def rows() -> dict[str, Rows]:
    """What all feeds send at scale 1."""
    return rows_at(1)


@pytest.mark.parametrize("scale", [1, 0.1, 2.5])
def test_every_population_obeys_the_shared_rules(scale: float) -> None:
    """No row is turned down, and no key is sent twice."""
    found = rows_at(scale)
    failures = {}
    for name, of_schema in found.items():
        _, info = SCHEMAS[name].filter(frame(SCHEMAS[name], of_schema), cast=True)
        failures[name] = info.counts()
    assert {name: counts for name, counts in failures.items() if counts} == {}
    assert set(found) == set(SCHEMAS)


def test_the_same_seed_scale_and_day_give_the_same_facts() -> None:
    """Asked in any order and for any count, a document is the same; another seed gives another one."""
    again = Truth(day=DAY)
    for planned in reversed(read_profiles()):
        ask = {"partner": planned.partner, "feed": planned.feed, "nature": planned.nature}
        few = again.documents(planned.population, count=min(2, planned.at(1)), **ask)
        assert Truth(day=DAY).documents(planned.population, count=planned.at(1), **ask)[: len(few)] == few
    other = Truth(seed=8, day=DAY).documents(
        "permits.construction.water", partner="water", feed="water_permits", count=3
    )
    assert other != again.documents("permits.construction.water", partner="water", feed="water_permits", count=3)


def test_an_unknown_population_is_an_error() -> None:
    """A misspelt profile is told by name."""
    with pytest.raises(ValueError, match="wages"):
        Truth().documents("wages", partner="laoshan", feed="laoshan_wages", count=1)


PARENTS = [
    ("project_party", "project"),
    ("worker", "project"),
    ("attendance_summary", "worker"),
    ("site_media_ref", "project"),
    ("site_activity", "project"),
    ("progress_settlement", "project"),
    ("account_txn", "special_account"),
    ("payroll_line", "payroll_batch"),
    ("guarantee_event", "guarantee"),
    ("guarantee_claim", "guarantee"),
    ("clue_step", "clue"),
    ("warning_step", "warning"),
]
PARENT_KEYS = {
    "project": ("permit_no", "contractor_uscc"),
    "worker": ("permit_no", "contractor_uscc", "worker_no"),
    "special_account": ("bank3_code", "account_no"),
    "payroll_batch": ("bank3_code", "batch_no"),
    "guarantee": ("insurer_uscc", "guarantee_no"),
    "clue": ("channel", "channel_serial_no"),
    "warning": ("rule_code", "subject_kind", "subject_no", "period"),
}


def keys(found: Rows, names: Iterable[str]) -> set[tuple[object, ...]]:
    """The keys of some rows."""
    return {tuple(row[name] for name in names) for row in found}


@pytest.mark.parametrize("scale", [1, 0.1, 2.5])
@pytest.mark.parametrize(("child", "parent"), PARENTS)
def test_every_child_has_its_parent(scale: float, child: str, parent: str) -> None:
    """What refers to something refers to what another feed sends at the same scale."""
    found = rows_at(scale)
    assert keys(found[child], PARENT_KEYS[parent]) <= keys(found[parent], PARENT_KEYS[parent])


def test_accounts_payrolls_and_guarantees_name_projects_that_are_sent(rows: dict[str, Rows]) -> None:
    """By permit or by service contract, never by both."""
    permits, services = keys(rows["project"], ["permit_no"]), keys(rows["service_project"], ["service_no"])
    for schema in ("special_account", "payroll_batch", "payroll_line"):
        for row in rows[schema]:
            assert ((row["permit_no"],) in permits) != ((row["service_no"],) in services)
    assert keys(rows["guarantee"], ["permit_no"]) <= permits
    assert keys(rows["credit_use"], ["uscc", "list_no"]) <= keys(rows["credit_list"], ["uscc", "list_no"])
    clues = keys(rows["clue"], PARENT_KEYS["clue"])
    assert {(row["clue_channel"], row["channel_serial_no"]) for row in rows["notification"]} <= clues


@pytest.mark.parametrize("scale", [1, 2.5])
def test_balances_follow_from_movements_and_wages_from_payrolls(scale: float) -> None:
    """Before + in - out = after, to the closing balance; a batch leaves its account as one movement of its total."""
    found = rows_at(scale)
    balances: dict[object, int] = {}
    for row in sorted(found["account_txn"], key=lambda row: (str(row["bank3_code"]), str(row["txn_no"]))):
        amount, after = int(str(row["amount_fen"])), int(str(row["balance_after_fen"]))
        before = after - amount if row["direction"] == "in" else after + amount
        assert balances.get(row["account_no"], before) == before
        balances[row["account_no"]] = after
    closing = {row["account_no"]: row["balance_fen"] for row in found["special_account"]}
    assert {account: closing[account] for account in balances} == balances
    paid = {row["batch_no"]: row["amount_fen"] for row in found["account_txn"] if row["action"] == "wage"}
    batches = {row["batch_no"]: row for row in found["payroll_batch"]}
    assert paid == {number: batch["total_fen"] for number, batch in batches.items()}
    for number, batch in batches.items():
        lines = [row for row in found["payroll_line"] if row["batch_no"] == number]
        assert (batch["total_count"], batch["total_fen"]) == (len(lines), sum(int(str(x["net_fen"])) for x in lines))
        assert batch["payer_account_no"] in closing


def test_the_same_workers_stand_in_all_sources(rows: dict[str, Rows]) -> None:
    """On most sites that pay, who is paid is registered with that card and name; many are insured and some complain."""
    workers = keys(rows["worker"], ["permit_no", "id_no", "card_no", "worker_name"])
    lines = [row for row in rows["payroll_line"] if row["permit_no"]]
    known = [row for row in lines if tuple(row[n] for n in ("permit_no", "id_no", "card_no", "worker_name")) in workers]
    assert 0.9 * len(lines) < len(known) < len(lines)
    documents = keys(rows["worker"], ["id_no"])
    assert len(keys(rows["labor_contract"], ["id_no"]) & documents) > 100
    assert len(keys(rows["worker_employment"], ["id_no"]) & documents) > 20
    assert len(keys(rows["clue"], ["reporter_id_no"]) & documents) > 20
    days = {(row["permit_no"], row["worker_no"]): row["days"] for row in rows["attendance_summary"]}
    numbers = {(row["permit_no"], row["id_no"]): row["worker_no"] for row in rows["worker"]}
    assert all(row["days"] == days[row["permit_no"], numbers[row["permit_no"], row["id_no"]]] for row in known)


def test_some_matters_are_reported_through_several_channels(rows: dict[str, Rows]) -> None:
    """Known duplicates: one person, one project, one amount, several channels."""
    found = {(row["channel"], row["channel_serial_no"]): row for row in rows["clue"]}
    matters = Truth(day=DAY).same_matters()
    assert max(len(of_matter) for of_matter in matters.values()) >= 4
    for of_matter in matters.values():
        told = [found[key] for key in of_matter]
        assert len({(row["reporter_phone"], row["project_name"], row["arrears_fen"]) for row in told}) == 1


def test_some_matters_are_handled_together_and_concluded_once(rows: dict[str, Rows]) -> None:
    """Two to four channels each; one of them is concluded, and the list of who must hear it names every one of them."""
    heard = Truth(day=DAY).must_hear()
    steps = {(row["channel"], row["channel_serial_no"], row["step_no"]): row for row in rows["clue_step"]}
    for clue, step in heard.items():
        assert steps[step]["action"] == "conclude", clue
    together: dict[tuple[str, str, int], list[tuple[str, str]]] = {}
    for clue, step in heard.items():
        together.setdefault(step, []).append(clue)
    groups = [clues for clues in together.values() if len(clues) > 1]
    assert len(groups) >= 2
    assert {len(clues) for clues in groups} <= {2, 3, 4}
    assert all(len({channel for channel, _ in clues}) == len(clues) for clues in groups)
    own = [clue for clue, step in heard.items() if clue == step[:2]]
    concluded = [key for key, row in steps.items() if row["action"] == "conclude"]
    assert len(own) == len(concluded)


def test_terms_are_counted_in_working_days(rows: dict[str, Rows]) -> None:
    """Five for claims, ten for corrections, none of them a holiday."""
    terms = [(row["notice_on"], row["pay_due_on"], 5) for row in rows["guarantee_claim"]]
    terms += [(row["raised_on"], row["due_on"], 10) for row in rows["correction_request"]]
    assert len(terms) > 10
    for begin, end, workdays in terms:
        assert isinstance(begin, date)
        assert isinstance(end, date)
        between = [date.fromordinal(n) for n in range(begin.toordinal() + 1, end.toordinal() + 1)]
        assert sum(is_workday(day) for day in between) == workdays
        assert is_workday(end)


def test_nothing_has_happened_after_the_day(rows: dict[str, Rows]) -> None:
    """Only what is planned or due lies ahead."""
    ahead = ("due_on", "planned_end_on", "until_on", "valid_to_on", "end_on")
    for schema, found in rows.items():
        for row in found:
            for name, value in row.items():
                if isinstance(value, date) and not name.endswith(ahead):
                    day = value.date() if isinstance(value, datetime) else value
                    assert day <= DAY, (schema, name)
                if isinstance(value, str) and name.endswith(("month", "period")):
                    assert value <= f"{DAY:%Y-%m}", (schema, name)


def test_keys_are_apart_from_those_of_the_first_five_partners(rows: dict[str, Rows]) -> None:
    """No permit, account, batch, guarantee, clue, enterprise or person of theirs."""
    city = City(day=DAY)
    theirs = {number for p in city.projects for number in (p.permit_no, p.approval_no, p.account_no)}
    theirs |= {code for p in city.projects for code in (p.owner_uscc, p.contractor_uscc, p.invest_code)}
    theirs |= {g.guarantee_no for g in city.guarantees} | {c.code for c in city.clues} | {c.id_no for c in city.clues}
    for bank in BANKS.values():
        payrolls = [city.payroll(bank, index) for index in range(city.payroll_count(bank))]
        theirs |= {p.batch_no for p in payrolls} | {x for p in payrolls for n in p.lines for x in (n.id_no, n.card_no)}
        theirs |= {txn.txn_no for txn in city.txns(bank)}
    ours = {value for found in rows.values() for row in found for value in row.values() if isinstance(value, str)}
    assert not ours & (theirs - {""})


def test_all_five_cities_and_a_functional_zone_are_there(rows: dict[str, Rows]) -> None:
    """Each with projects and services; banks are of classes that only invented ones have here."""
    for schema in ("project", "service_project"):
        assert {str(row["area_code"])[:4] for row in rows[schema]} == {"3702", "3707", "3708", "3709", "3710"}
    assert {"370772", "370871", "371071"} <= {str(row["area_code"])[:6] for row in rows["project"]}
    assert {row["bank3_code"] for row in rows["special_account"]} <= {"313", "314", "317", "320", "402"}
    assert set(Counter(row["permit_no"] for row in rows["project"]).values()) == {1}


def test_the_truth_does_not_ask_the_hub() -> None:
    """The simulators judge by themselves."""
    sources = [path.read_text(encoding="utf-8") for path in Path(populations.__file__).parent.glob("*.py")]
    assert len(sources) > 10
    for source in sources:
        assert not re.search(r"^\s*(from|import) (hub|schemas|connectors)\b", source, re.MULTILINE)
