"""One thing under many numbers: what a stored batch leaves in the crosswalk, and what `hub who` tells of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import pytest
import sqlalchemy as sa
from round_trip import Hub

from hub import bootstrap
from hub.cli import main
from hub.migrations import migrate
from hub.store import crosswalk
from hub.store.database import Work, open_database, working
from hub.store.places import record_place
from hub.store.sealed import seal_rows

AREA = "370911001"
PERMIT, OTHER_PERMIT = "370911202601010101", "370911202601010201"
GENERAL, OTHER_GENERAL = "91370900MA57BQ03LT", "91370900MA51640BLC"


@pytest.fixture
def engine(empty_database: Callable[[], str]) -> sa.Engine:
    """A database with the newest tables and one batch."""
    engine = open_database(empty_database())
    migrate(engine)
    with working(engine) as work:
        sql = """insert into batch (feed_id, source_name, digest, state, parts, mapping_digest, hub_version)
                 values ('any_feed', 'x', 'x', 'stored', '{}', '', '')"""
        work.execute(sa.text(sql))
    return engine


def put(work: Work, schema: str, key: str, **fields: object) -> None:
    """One record of batch 1, with its envelope."""
    envelope = {"batch_id": 1, "part_no": 0, "row_no": 1, "printed_no": "1", "record_key": key, "version": 1,
                "content_digest": key, "fen": 0}  # fmt: skip
    values = envelope | fields
    place = record_place(schema)
    texts = {column: [cast("str | None", fields.get(column))] for column in place.columns}
    if texts:
        values |= {name: column[0] for name, column in seal_rows(work, place, [f"1/{key}"], texts).items()}
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    sql = f"insert into record.{schema} ({names}, source_key) values ({places}, '{{}}')"
    work.execute(sa.text(sql), values)


def put_project(work: Work, permit_no: str, contractor: str, invest_code: str, name: str) -> None:
    put(work, "project", permit_no, permit_no=permit_no, contractor_uscc=contractor, invest_code=invest_code, name=name,
        domain="construction", category="01", owner_uscc=OTHER_GENERAL, contractor_name="甲建设", contract_amount_fen=1,
        contract_sign_on="2026-01-01", status="003", area_code=AREA)  # fmt: skip


def things(work: Work, number: str) -> dict[int, set[tuple[str, str]]]:
    """hub_id -> its numbers."""
    found: dict[int, set[tuple[str, str]]] = {}
    for row in crosswalk.find_things(work, number):
        found.setdefault(row.hub_id, set()).add((row.id_kind, row.id_value))
    return found


def test_one_investment_code_leads_to_each_of_its_sections(engine: sa.Engine) -> None:
    """A code of several sections is taken for none of them alone; a permit number leads to exactly one."""
    code = "2601-370911-04-01-000001"
    with working(engine) as work:
        put_project(work, PERMIT, GENERAL, code, "一标段")
        put_project(work, OTHER_PERMIT, OTHER_GENERAL, code, "二标段")
        crosswalk.note_identities(work, 1, "project")
        sections = things(work, code)
        assert len(sections) == 2
        [numbers] = things(work, PERMIT).values()
        assert numbers == {
            ("section", f"{PERMIT} {GENERAL}"), ("permit_no", PERMIT), ("invest_code", code), ("name", "一标段"),
        }  # fmt: skip


def test_a_worker_is_one_thing_on_every_site_and_a_card_may_lead_to_two(engine: sa.Engine) -> None:
    """The document is the anchor; numbers of sites and cards are beside it."""
    worker = {"contractor_uscc": GENERAL, "worker_name": "甲", "id_type": "01", "work_type": "010", "work_role": "20",
              "entered_on": "2026-01-01", "area_code": AREA}  # fmt: skip
    with working(engine) as work:
        put(
            work, "worker", "a", permit_no=PERMIT, worker_no="W1", id_no="370999199001010018", card_no="62100", **worker
        )
        put(
            work,
            "worker",
            "b",
            permit_no=OTHER_PERMIT,
            worker_no="W7",
            id_no="370999199001010018",
            card_no="62100",
            **worker,
        )
        put(
            work, "worker", "c", permit_no=PERMIT, worker_no="W2", id_no="370999199001010026", card_no="62100", **worker
        )
        crosswalk.note_identities(work, 1, "worker")
        [numbers] = things(work, "370999199001010018").values()
        assert {value for kind, value in numbers if kind == "worker_no"} == {
            f"{PERMIT} {GENERAL} W1",
            f"{OTHER_PERMIT} {GENERAL} W7",
        }
        assert len(things(work, "62100")) == 2


def test_the_same_batch_again_adds_nothing_and_no_anchor_no_thing(engine: sa.Engine) -> None:
    """Noted twice it stays one; a permit without its contractor names no section."""
    with working(engine) as work:
        put_project(work, PERMIT, GENERAL, "2601-370911-04-01-000001", "一标段")
        crosswalk.note_identities(work, 1, "project")
        before = things(work, PERMIT)
        crosswalk.note_identities(work, 1, "project")
        assert things(work, PERMIT) == before
        put(work, "permit", "p", type="land_plan", permit_no=OTHER_PERMIT, project_name="乙", issue_org="局",
            issue_on="2026-01-01", area_code=AREA)  # fmt: skip
        crosswalk.note_identities(work, 1, "permit")
        assert things(work, OTHER_PERMIT) == {}


class Interleaved:
    """A worker's connection that waits, after each statement, for the other worker to come as far, if it can."""

    def __init__(self, work: Work, together: threading.Barrier) -> None:
        self._work, self._together = work, together

    def execute(self, *words: Any) -> Any:
        found = self._work.execute(*words)
        with suppress(threading.BrokenBarrierError):
            self._together.wait(1)
        return found


def test_two_workers_that_meet_the_same_companies_do_not_wait_for_each_other(engine: sa.Engine) -> None:
    """One batch builds for the other's builder: whoever comes second waits, and neither is turned down."""
    with working(engine) as work:
        sql = """insert into batch (feed_id, source_name, digest, state, parts, mapping_digest, hub_version)
                 values ('other_feed', 'x', 'x', 'stored', '{}', '', '')"""
        work.execute(sa.text(sql))
        for batch_id, uscc, owner in ((1, GENERAL, OTHER_GENERAL), (2, OTHER_GENERAL, GENERAL)):
            put(work, "permit", str(batch_id), batch_id=batch_id, permit_no=PERMIT, contractor_uscc=uscc, owner_uscc=owner,
                type="construction", project_name="丙", issue_org="局", issue_on="2026-01-01", area_code=AREA)  # fmt: skip
    together, errors = threading.Barrier(2), list[Exception]()

    def note(batch_id: int) -> None:
        try:
            with working(engine) as work:
                crosswalk.note_identities(cast(Work, Interleaved(work, together)), batch_id, "permit")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=note, args=(batch_id,)) for batch_id in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with working(engine) as work:
        assert len(things(work, GENERAL)) == 2


def test_an_admin_asks_who_is_meant_and_sees_no_document_number(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From one day's records: a wage account leads to its section, a worker's number is masked, an unknown number is said so."""
    hub.up.control.drop_day()
    hub.take_in(["haidai_accounts", "haidai_payrolls"])
    monkeypatch.setattr("hub.cli.crosswalk.open_house", lambda: hub.house)
    monkeypatch.setattr(bootstrap, "open_house", lambda: hub.house)
    [account] = hub.ask("select account_no, permit_no from record.special_account order by 1 limit 1")
    assert main(["who", account.account_no]) == 0
    shown = capsys.readouterr().out
    assert account.permit_no in shown
    assert "工程项目" in shown
    id_no = hub.opened("payroll_line", "where id_type = '01' order by record_id limit 1")[0]["id_no"]
    assert main(["who", id_no]) == 0
    shown = capsys.readouterr().out
    assert id_no not in shown
    assert f"01 {id_no[:4]}**********{id_no[-4:]}" in shown
    assert main(["who", f"{id_no[:6]}-{id_no[6:14]}-{id_no[14:]}"]) == 0
    assert main(["who", "nobody"]) == 2
