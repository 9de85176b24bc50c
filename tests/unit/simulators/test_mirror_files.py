"""Files of every form the mappings can agree on, written by the mirror and read by the hub: the same values come back."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mirrored import (
    ACCOUNT_COLUMNS,
    ACCOUNT_WIDTHS,
    DAY,
    Fact,
    account_record,
    accounts,
    guarantees,
    mapping,
    payrolls,
    sftp,
    stock,
)

from hub.model import Sorted
from hub.pipeline.reading import read_rows
from simulators.mirror.check import check_feed, open_stock
from simulators.mirror.files import files_of
from simulators.mirror.plain import MirrorError, read_plan
from simulators.mirror.rows import rows_of
from simulators.mirror.trees import write_tree

HEADER = ["标识", "机构", "业务日期", "笔数", "金额", "生成时间"]
TOTALS = {"rows": "笔数", "amount": "金额", "of": "余额", "as": "yuan"}
AGREED = {"机构": {"equals": "@bank", "else": "F010"}, "业务日期": {"equals": "@date", "else": "F011"}}
MARKED: dict[str, Any] = {
    "type": "delimited",
    "separator": "|",
    "escape": "\\",
    "header": {"mark": "H", "columns": HEADER},
    "detail": {"mark": "D", "columns": ["标识", "序号", *ACCOUNT_COLUMNS]},
    "trailer": {"mark": "T", "columns": ["标识", "笔数", "金额"]},
    "line": "序号",
    "totals": TOTALS,
    "agreed": AGREED,
}
BY_PLACE: dict[str, Any] = {
    "type": "delimited",
    "separator": "|!",
    "escape": "^",
    "header": {"columns": HEADER[1:]},
    "detail": {"columns": ACCOUNT_COLUMNS},
    "trailer": {"columns": ["笔数", "金额"]},
    "totals": TOTALS,
    "agreed": AGREED,
}
NAMED: dict[str, Any] = {
    "type": "delimited",
    "separator": ",",
    "quote": '"',
    "detail": {"names": True, "columns": ACCOUNT_COLUMNS},
}
COUNTED: dict[str, Any] = {**NAMED, "separator": "\t", "header": {"columns": ["笔数"]}, "totals": {"rows": "笔数"}}
WIDTHS: dict[str, Any] = {
    "type": "fixed",
    "header": {"mark": "0", "columns": dict(zip(HEADER, (1, 3, 8, 8, 15, 14), strict=True))},
    "detail": {"mark": "1", "columns": {"标识": 1, "序号": 6, **ACCOUNT_WIDTHS}},
    "trailer": {"mark": "9", "columns": {"标识": 1, "笔数": 8, "金额": 15}},
    "line": "序号",
    "totals": TOTALS,
    "agreed": AGREED,
}
UNMARKED_WIDTHS: dict[str, Any] = {"type": "fixed", "detail": {"columns": ACCOUNT_WIDTHS}}
SHEET: dict[str, Any] = {
    "type": "sheet",
    "sheet": "专户",
    "above": 2,
    "columns": ["行号", *ACCOUNT_COLUMNS],
    "line": "行号",
    "trailer": "合计",
    "totals": {"amount": "余额", "of": "余额", "as": "yuan"},
}
FORMS = {
    "marks": MARKED,
    "places": BY_PLACE,
    "names": NAMED,
    "counted": COUNTED,
    "widths": WIDTHS,
    "plain widths": UNMARKED_WIDTHS,
}
ENCODED = [
    (name, {**form, "encoding": encoding})
    for name, form in FORMS.items()
    for encoding in ("gb18030", "utf-8", "utf-16")
    if (form["type"], encoding) != ("fixed", "utf-16")
]


@pytest.mark.parametrize(
    "form",
    [*(form for _, form in ENCODED), SHEET, {"type": "json"}, {"type": "xml", "body": "Drop"}],
    ids=[*(f"{name} {form['encoding']}" for name, form in ENCODED), "sheet", "json", "xml"],
)
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_what_a_file_says_is_what_was_true(tmp_path: Path, form: Mapping[str, Any], share: float) -> None:
    """Field by field and fen by fen; spoiled rows are turned down with their own code and no other."""
    record = account_record()
    if form["type"] in ("json", "xml"):
        record["special_account"]["rows"] = "body/rows"
    pair = mapping(tmp_path, sftp(form), record)
    found = check_feed(stock(pair, accounts(30), share), pair.mirrored, pair.feed, pair.plan.codes, tmp_path / "l")
    assert not found.difference
    assert (found.rows, found.records + found.rejected) == (30, 30)
    assert found.rejected == round(30 * share)


@pytest.mark.parametrize(
    ("change", "tells"),
    [
        ({"balance_fen": {"from": "余额", "as": "money_wan"}}, "balance_fen"),
        ({"open_on": {"from": "协议日", "as": "date %Y%m%d"}, "agreement_on": {"from": "开户日", "as": "date %Y-%m-%d"}},
         "on"),
        ({"contractor_name": "户名", "account_name": "总包名称"}, "account_name"),
        ({"balance_at": {"from": "余额时间", "as": "time %Y-%d-%m %H:%M:%S"}}, "balance_at"),
        ({"status": {"from": "状态", "codes": "paid"}}, "status"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_found(tmp_path: Path, change: Mapping[str, Any], tells: str) -> None:
    """The hub reads by another mapping than the mirror writes by."""
    good = mapping(tmp_path / "good", sftp(NAMED), account_record())
    wrong = mapping(tmp_path / "wrong", sftp(NAMED), account_record(**change))
    found = check_feed(stock(good, accounts(30)), good.mirrored, wrong.feed, good.plan.codes, tmp_path / "l")
    assert tells in found.difference


@pytest.mark.parametrize("recipe", ["yuan", "yuan_commas", "money_wan", "fen"])
def test_amounts_in_every_writing(tmp_path: Path, recipe: str) -> None:
    """Commas, ten thousands and whole fen, in rows and in totals."""
    form = {**MARKED, "totals": {**TOTALS, "as": recipe}}
    pair = mapping(tmp_path, sftp(form), account_record(balance_fen={"from": "余额", "as": recipe}))
    found = check_feed(stock(pair, accounts(30), 0.5), pair.mirrored, pair.feed, pair.plan.codes, tmp_path / "l")
    assert not found.difference
    assert found.rejected == 15


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("rate_ppm", {"from": "费率", "as": "ppm"}),
        ("rate_ppm", {"from": "费率", "as": "percent"}),
        ("rate_ppm", {"from": "费率", "as": "permille"}),
        ("source_updated_at", {"from": "更新", "as": "iso_time"}),
        ("source_updated_at", {"from": "更新", "as": "epoch_ms"}),
        ("source_updated_at", {"from": "更新", "as": "time %Y年%m月%d日 %H时%M分%S秒"}),
        ("issue_on", {"from": "签发", "as": "date %d.%m.%Y"}),
        ("applicant_name", {"first_of": ["投保人", "被保证人"]}),
    ],
)
def test_every_other_recipe(tmp_path: Path, field: str, words: Mapping[str, Any]) -> None:
    """Shares, moments and days, in XML with the events inside their guarantee."""
    pair = mapping(tmp_path, sftp({"type": "xml", "body": "Data"}), guarantee_records(**{field: dict(words)}))
    found = check_feed(stock(pair, guarantees(20), 0.2), pair.mirrored, pair.feed, pair.plan.codes, tmp_path / "l")
    assert not found.difference
    assert (found.records + found.rejected, found.rejected) == (60, 12)


def guarantee_records(**changes: Any) -> dict[str, Any]:
    """Guarantees with events that take what they share from above."""
    fields: dict[str, Any] = {
        name: name
        for name in (
            "applicant_uscc", "applicant_name", "beneficiary_org", "project_name", "permit_no", "guarantee_no",
            "insurer_uscc", "area_code",
        )
    }  # fmt: skip
    fields |= {name: {"from": name, "as": "yuan"} for name in ("contract_amount_fen", "amount_fen", "premium_fen")}
    fields |= {name: {"from": name, "as": "date %Y%m%d"} for name in ("issue_on", "valid_from_on", "valid_to_on")}
    fields |= {name: {"from": name, "codes": "ja"} for name in ("is_irrevocable", "is_on_demand")}
    fields |= {"type": {"from": "type", "codes": "shape"}, "status": {"from": "status", "codes": "state"}}
    fields |= {"rate_ppm": {"from": "rate", "as": "ppm"}, "purpose": {"const": "wage_deposit"}}
    fields |= {"source_updated_at": {"from": "updated", "as": "time %Y%m%d%H%M%S"}, **changes}
    above = {name: f"../{name}" for name in ("guarantee_no", "insurer_uscc", "area_code")}
    event = {
        **above,
        "event_seq": "seq",
        "type": {"from": "kind", "codes": "event"},
        "occurred_at": {"from": "at", "as": "time %Y%m%d%H%M%S"},
        "amount_fen": {"from": "amount", "as": "yuan"},
    }
    return {
        "guarantee": {"rows": "list/item", "key": {"no": "guarantee_no"}, "fields": fields},
        "guarantee_event": {
            "rows": "list/item/events",
            "key": {"no": "../guarantee_no", "seq": "seq"},
            "fields": event,
        },
    }


def payroll_records(batch_place: str, line_place: str, above: str) -> dict[str, Any]:
    """A batch and its lines; `above` stands before the columns that lines take from their batch."""
    batch = {
        "bank3_code": "bank", "batch_no": "batch", "permit_no": "permit", "payer_account_no": "payer",
        "pay_month": {"from": "month", "as": "month %Y%m"}, "employer_uscc": "employer", "total_count": "count",
        "total_fen": {"from": "total", "as": "yuan"}, "made_at": {"from": "made", "as": "time %Y%m%d%H%M%S"},
        "area6_code": "area",
    }  # fmt: skip
    line = {
        "bank3_code": f"{above}bank", "batch_no": f"{above}batch", "line_no": "no", "worker_name": "name",
        "id_type": {"from": "card_kind", "codes": "card"}, "id_no": "id", "card_no": "card", "cnaps_code": "cnaps",
        "net_fen": {"from": "net", "as": "yuan"}, "result": {"from": "result", "codes": "paid"}, "fail_code": "why",
        "paid_at": {"from": "at", "as": "time %Y%m%d%H%M%S"}, "bank_serial_no": "serial",
        "pay_month": {"from": f"{above}month", "as": "month %Y%m"}, "permit_no": f"{above}permit",
        "area6_code": f"{above}area",
    }  # fmt: skip
    flat = batch_place == line_place
    return {
        "payroll_batch": {"rows": batch_place, "fields": batch, "repeats": "last_wins", "ignore": LINE if flat else []},
        "payroll_line": {"rows": line_place, "fields": line, "ignore": OF_BATCH_ONLY if flat else []},
    }


BATCH = ["bank", "batch", "permit", "payer", "month", "employer", "count", "total", "made", "area"]
LINE = ["no", "name", "card_kind", "id", "card", "cnaps", "net", "result", "why", "at", "serial"]
OF_BATCH_ONLY = ["payer", "employer", "count", "total", "made"]


def test_a_payroll_is_a_file_with_the_batch_in_its_header(tmp_path: Path) -> None:
    """Each batch a file of its own; the header's totals are the batch's own facts."""
    form = {
        "type": "delimited", "separator": "|", "header": {"mark": "H", "columns": ["mark", *BATCH]},
        "detail": {"mark": "D", "columns": ["mark", *LINE]}, "trailer": {"mark": "T", "columns": ["mark", "count", "total"]},
        "totals": {"rows": "count", "amount": "total", "of": "net", "as": "yuan"},
    }  # fmt: skip
    pair = mapping(tmp_path, sftp(form), payroll_records("header", "detail", "../"))
    made = stock(pair, payrolls(3), 0.2)
    assert len(files_of(pair.mirrored, made.rows(pair.mirrored), DAY)) == 3
    found = check_feed(made, pair.mirrored, pair.feed, pair.plan.codes, tmp_path / "l")
    assert not found.difference
    assert (found.records, found.rejected) == (3 + 36 - 8, 8)


@pytest.mark.parametrize("form", [{"type": "json"}, {"type": "xml", "body": "Payrolls"}], ids=["json", "xml"])
def test_a_payroll_is_an_object_with_its_lines_inside(tmp_path: Path, form: Mapping[str, Any]) -> None:
    """Lines take what they share from the object around them."""
    pair = mapping(tmp_path, sftp(form), payroll_records("batches/batch", "batches/batch/lines/line", "../"))
    pair_inner = mapping(tmp_path / "flat", sftp(form), payroll_records("batches", "batches/lines", "../"))
    found = check_feed(
        stock(pair_inner, payrolls(3), 0.2), pair_inner.mirrored, pair_inner.feed, pair.plan.codes, tmp_path / "l"
    )
    assert not found.difference
    assert (found.records, found.rejected) == (3 + 36 - 8, 8)


def test_flat_rows_state_their_batch_once_more_each(tmp_path: Path) -> None:
    """Batch and line in one row: nothing of the batch is ever spoiled, because its other rows would contradict."""
    form = {**NAMED, "detail": {"names": True, "columns": [*BATCH, *LINE]}}
    pair = mapping(tmp_path, sftp(form), payroll_records("detail", "detail", ""))
    found = check_feed(stock(pair, payrolls(3), 0.2), pair.mirrored, pair.feed, pair.plan.codes, tmp_path / "l")
    assert not found.difference
    assert (found.records, found.rejected) == (3 + 36 - 7, 7)


def test_packed_files_hold_one_file_with_a_chinese_name(tmp_path: Path) -> None:
    """zip and gzip; the hub reads what is inside."""
    for packed in ("zip", "gzip"):
        pair = mapping(tmp_path / packed, sftp(NAMED, packed=packed), account_record())
        made = stock(pair, accounts(10), 0.2)
        found = check_feed(made, pair.mirrored, pair.feed, pair.plan.codes, tmp_path / packed / "l")
        assert not found.difference
    file = files_of(pair.mirrored, made.rows(pair.mirrored), DAY)[0]
    assert file.content[:2] == b"\x1f\x8b"
    pair = mapping(tmp_path / "zipped", sftp(NAMED, packed="zip"), account_record())
    content = files_of(pair.mirrored, stock(pair, accounts(10)).rows(pair.mirrored), DAY)[0].content
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == [f"探针_{DAY:%Y%m%d}.txt"]


def test_the_name_is_found_by_the_pattern(tmp_path: Path) -> None:
    """Parts come from the rows, the day and the pattern; rows of another area make another file."""
    facts = accounts(4)
    facts[3] = Fact({"special_account": {**facts[3].rows["special_account"], "area6_code": "370911"}})
    pair = mapping(tmp_path, sftp(NAMED), account_record())
    names = [file.path for file in files_of(pair.mirrored, stock(pair, facts).rows(pair.mirrored), DAY)]
    assert names == [
        "in/20261123/701_370902_ZH_20261123_0001.dat",
        "in/20261123/701_370911_ZH_20261123_0002.dat",
    ]


def test_bytes_are_as_written_by_hand(tmp_path: Path) -> None:
    """What the round trip cannot see: both sides agreeing on something that no partner would send."""
    form = {
        **MARKED,
        "detail": {"mark": "D", "columns": ["标识", "序号", "账号", "状态", "余额"]},
        "encoding": "gb18030",
    }
    fields = {k: v for k, v in account_record()["special_account"]["fields"].items() if k in _FEW}
    facts = [Fact({"special_account": {**fact.rows["special_account"]}}) for fact in accounts(2)]
    pair = mirror_only(tmp_path, form, fields)
    content = files_of(pair, rows_of(pair, facts, {"account_state": {"A1": "normal", "A2": "frozen"}}), DAY)[0].content
    numbers = [fact.rows["special_account"]["account_no"] for fact in facts]
    assert content.decode("gb18030").splitlines() == [
        "H|701|20261123|2|12344.52|20261123181500",
        f"D|1|{numbers[0]}|A1|-1.20",
        f"D|2|{numbers[1]}|A2|12345.72",
        "T|2|12344.52",
    ]


_FEW = ("account_no", "status", "balance_fen", "bank3_code")


def mirror_only(tmp_path: Path, form: Mapping[str, Any], fields: Mapping[str, Any]) -> Any:
    """A feed the hub would not take, because fields are missing."""
    from mirrored import Profile, read_feed, yaml

    path = tmp_path / "probe_few.yaml"
    records = {"special_account": {"rows": "detail", "fields": dict(fields)}}
    path.write_text(yaml.safe_dump({"title": "x", "partner": "p", "source": sftp(form), "records": records}))
    return read_feed(path, Profile("probe", 2))


@pytest.mark.parametrize(
    ("change", "form", "says"),
    [
        ({"status": "unheard of"}, NAMED, "no code for"),
        ({"contractor_name": "很" * 60}, UNMARKED_WIDTHS, "bytes"),
        ({"contractor_name": "a,b"}, {**NAMED, "quote": None}, "separator"),
    ],
)
def test_what_cannot_be_written_is_said(
    tmp_path: Path, change: Mapping[str, Any], form: Mapping[str, Any], says: str
) -> None:
    """A name too long, a word without a code, a separator nobody may escape: a fault of the population, never cut."""
    form = {word: value for word, value in form.items() if value is not None}
    facts = [Fact({"special_account": {**fact.rows["special_account"], **change}}) for fact in accounts(3)]
    pair = mapping(tmp_path, sftp(form), account_record())
    with pytest.raises(MirrorError, match=says):
        files_of(pair.mirrored, rows_of(pair.mirrored, facts, pair.plan.codes), DAY)


def test_an_amount_that_cannot_be_read_is_in_the_totals(tmp_path: Path) -> None:
    """The sender knows what it paid; without totals nobody does, and the ledger says nothing of it."""
    for form, counts in ((MARKED, True), (NAMED, False)):
        pair = mapping(tmp_path / form["separator"].replace("|", "bar"), sftp(form), account_record())
        made = stock(pair, accounts(60), 0.9)
        records = [record for row in made.rows(pair.mirrored) for record in row.records]
        unread = [record for record in records if (record.bad or "").startswith("amount_")]
        assert unread
        assert all((record.fen is not None) == counts for record in unread)


def test_digests_are_of_the_bytes_in_the_folder(tmp_path: Path) -> None:
    """Under the agreed name, by the agreed algorithm."""
    from simulators.mirror.packing import beside, digest_of

    assert beside("{stem}.md5", "A_1.tar") == "A_1.md5"
    assert beside(".sha256", "A_1.tar") == "A_1.tar.sha256"
    assert digest_of({"digest": "{stem}.md5"}, b"x") == hashlib.md5(b"x").hexdigest()
    assert digest_of({"digest": ".sha256"}, b"x") == hashlib.sha256(b"x").hexdigest()


def test_small_feeds_are_left_alone(tmp_path: Path) -> None:
    """Four rows stay good whatever the share, ten have one bad row at least."""
    pair = mapping(tmp_path, sftp(NAMED), account_record())
    for rows, bad in ((4, 0), (10, 1), (60, 1)):
        made = stock(pair, accounts(rows), 0.02)
        records = [record for row in made.rows(pair.mirrored) for record in row.records]
        assert sum(record.bad is not None for record in records) == bad


def read_one(pair: Any, content: bytes, name: str) -> Sorted:
    """One batch, read by the hub."""
    return read_rows(pair.feed, [content], name, pair.plan.codes).found[0]


def test_a_row_is_written_alike_on_whatever_page_it_stands() -> None:
    """Numbers or texts, null or nothing: one row's own way, or a fetch that looks back would take it for another row."""
    plan = read_plan(Path(__file__).parents[3] / "mappings", "inspection")
    feed = plan.feeds["inspection_warningsteps"]
    rows = open_stock(plan, 7, 1, 0.1, DAY).rows(feed)
    whole = json.loads(write_tree(feed, rows, DAY))
    later = json.loads(write_tree(feed, rows[1:], DAY))
    *path, last = next(iter(feed.records.values())).place.split("/")
    for step in path:
        whole, later = whole[step], later[step]
    assert whole[last][1:] == later[last]
