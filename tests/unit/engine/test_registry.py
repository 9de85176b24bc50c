"""A broken mapping is named with its file, its line and a cause an admin understands, and hides no other feed."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hub.errors import MappingInvalid
from hub.registry import Registry, read_registry
from hub.registry.arrivals import longest_pause
from schemas.catalogue import SCHEMAS

PARTNERS = """\
partners:
  acme: {title: 甲, kind: bank}
  taker: {title: 乙, kind: platform}
"""
REST = """\
title: 工资批次
partner: acme
schedule: "*/5 * * * *"
source:
  connector: rest
  connection: acme_api
  path: /x
  paging: {page: p, size: s, rows: rows, total: total}
  envelope: {code: code, success: "0", message: m}
  since: {parameter: since, member: at, form: text}
  format: {type: json}
records:
  payroll_batch:
    rows: rows
    key: {number: batch}
    fields:
      bank3_code: {const: "313"}
      batch_no: batch
      permit_no: permit
      payer_account_no: payer
      pay_month: {from: month, as: month %Y%m}
      employer_uscc: {from: employer, as: upper}
      total_count: count
      total_fen: {from: amount, as: yuan}
      made_at: {from: made, as: time %Y%m%d%H%M%S}
      area6_code: {from: area, codes: areas6}
report:
  outcome:
    call: /told
    rows: items
    fields:
      STATUS: {from: outcome, codes: told}
"""
FILE = """\
title: 工资批次
partner: acme
schedule: "*/5 * * * *"
source:
  connector: sftp
  connection: acme_sftp
  files: "in/{date}/*.txt"
  name: "{bank}_{area}_{date}.txt"
  format:
    type: delimited
    separator: "|"
    header: {mark: H, columns: [标识, 银行, 笔数, 金额]}
    detail:
      mark: D
      columns: [标识, 序号, 批次号, 许可证号, 账号, 月份, 单位, 笔数, 总额, 备注]
    trailer: {mark: T, columns: [标识, 笔数, 金额]}
    line: 序号
    totals: {rows: 笔数, amount: 金额, of: 总额, as: yuan}
    agreed:
      银行: {equals: "313", else: F010}
records:
  payroll_batch:
    rows: detail
    fields:
      bank3_code: ../银行
      batch_no: 批次号
      permit_no: 许可证号
      payer_account_no: 账号
      pay_month: {from: 月份, as: month %Y%m}
      employer_uscc: 单位
      total_count: 笔数
      total_fen: {from: 总额, as: yuan}
      area6_code: "@area"
    ignore: [备注]
"""
CODES = "code,value,label\n370902,370902,泰山区\n"

CALLED = "    call: /told\n    rows: items\n    fields:\n      STATUS: {from: outcome, codes: told}\n"
TOLD = "code,value\naccepted,1\nrefused,2\nrejected,3\n"

Change = Callable[[str], str]


def written(folder: Path, files: Mapping[str, str | bytes]) -> Registry:
    """The registry of a folder with two good feeds and these files."""
    (folder / "codes").mkdir()
    good = {"partners.yaml": PARTNERS, "acme_goods.yaml": REST, "acme_files.yaml": FILE, "codes/areas6.csv": CODES,
            "codes/told.csv": TOLD}  # fmt: skip
    for name, content in {**good, **files}.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_registry(folder)


def swap(old: str, new: str) -> Change:
    """A change of one text."""

    def change(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, 1)

    return change


def more(text: str) -> Change:
    """Something at the end."""
    return lambda whole: whole + text


def test_good_mappings_are_feeds(tmp_path: Path) -> None:
    """Named by their file, with the digest of its bytes."""
    found = written(tmp_path, {})
    assert found.problems == ()
    assert set(found.feeds) == {"acme_goods", "acme_files"}
    assert found.feed("acme_goods").feed_id == "acme_goods"
    assert len(found.feed("acme_goods").digest) == 64


EXPECTED = "expect:\n  arrives: {{{}}}\n"

# name, change of the REST mapping, line, part of the cause
BROKEN: list[tuple[str, Change | bytes, int, str]] = [
    ("an open bracket", swap("title: 工资批次", "title: [工资批次"), 2, "is not YAML: did not find expected"),
    ("a tab", swap("  connection:", "\tconnection:"), 6, "found a tab character"),
    ("a wrong indentation", swap("  path:", "   path:"), 7, "is not YAML"),
    ("two documents", more("---\ntitle: x\n"), 33, "another document"),
    ("a program in it", swap("工资批次", "!!python/object/apply:os.system [id]"), 1, "could not determine a constructor"),
    ("a control character", swap("/told", "/to\x07ld"), 29, "control characters are not allowed"),
    ("nothing", b"", 1, "the file is empty"),
    ("only a comment", b"# soon\n", 1, "the file is empty"),
    ("a list", b"- title: x\n", 1, "words with values belong here"),
    ("a sentence", b"to be written\n", 1, "words with values belong here"),
    ("GB18030", REST.replace("工资批次", "工资批次号码").encode("gb18030"), 1, "is not UTF-8"),
    ("UTF-16", REST.encode("utf-16"), 1, "is not UTF-8 (byte 0)"),
    ("itself inside", b"title: x\nrecords: &all [*all]\n", 1, "an alias holds itself"),
    ("a key twice", more("title: again\n"), 33, "title stands twice"),
    ("a field twice", swap("      permit_no: permit", "      batch_no: permit"), 19, "batch_no stands twice"),
    ("a list as a key", swap("  path: /x", "  ? [path]\n  : /x"), 7, "a key should be a word"),
    ("a day that does not exist", swap("工资批次", "2026-02-30"), 1, "day is out of range"),
    ("a day as a title", swap("工资批次", "2026-02-03"), 1, "YAML reads this as a date; put it in quotes"),
    ("a column called no", swap("batch_no: batch", "batch_no: no"), 18, "YAML reads this as yes or no; put it in quotes"),
    ("a column called 5", swap("batch_no: batch", "batch_no: 5"), 18, "YAML reads this as a number; put it in quotes"),
    ("a field without anything", swap("batch_no: batch", "batch_no:"), 18, "words with values belong here"),
    ("an unknown word on top", more("priority: high\n"), 33, "priority: there is no such word here"),
    ("an unknown word in a field", swap("{from: month, as", "{form: month, as"), 21, "form: there is no such word here"),
    ("an unknown word in the source", swap("  path: /x", "  path: /x\n  retries: 3"), 8, "retries: there is no such word"),
    ("a missing word", swap('schedule: "*/5 * * * *"\n', ""), 1, "schedule: this word is missing"),
    ("a missing word in the source", swap("  path: /x\n", ""), 4, "path: this word is missing"),
    ("two origins", swap("{from: amount,", "{from: amount, const: x,"), 24, "exactly one of: from, const"),
    ("no origin", swap("{from: amount, as: yuan}", "{as: yuan}"), 24, "exactly one of: from, const"),
    ("an unknown connector", swap("connector: rest", "connector: ftp"), 4, "'sftp', 'rest', 'soap'"),
    ("an unknown format", swap("{type: json}", "{type: csv}"), 11, "'csv'"),
    ("an unknown stage", swap("  outcome:\n", "  outcom:\n"), 28, "'intake' or 'outcome'"),
    ("a share without %", more("expect: {rejected_at_most: 5}\n"), 33, "YAML reads this as a number"),
    ("an hour YAML counts", more(EXPECTED.format('by: 18:00, within_minutes: 60')), 34, "YAML reads this as a number"),
    ("an hour of no clock", more(EXPECTED.format('by: "24:00", within_minutes: 60')), 34, "String should match pattern"),
    ("no hour", more(EXPECTED.format("within_minutes: 60")), 34, "by: this word is missing"),
    ("no patience", more(EXPECTED.format('by: "18:00"')), 34, "within_minutes: this word is missing"),
    ("days nobody knows", more(EXPECTED.format('by: "18:00", within_minutes: 60, days: mondays')), 34, "'workdays' or 'daily'"),
    ("a seldom look", more(EXPECTED.format('by: "18:00", within_minutes: 9')), 34, "looks every 5 minutes; at least 10"),
    ("too rare to be judged", more(EXPECTED.format('by: "18:00", within_minutes: 60, every: 40')), 34, "less than or equal to 23"),
    ("an unknown schema", swap("  payroll_batch:", "  payroll_batches:"), 13, "there is no schema payroll_batches; known: "),
    ("an unknown field", swap("made_at:", "made_on:"), 25, "schema payroll_batch has no field made_on"),
    ("a missing mandatory field", swap("      batch_no: batch\n", ""), 16, "schema payroll_batch needs the field batch_no"),
    ("an unknown recipe", swap("as: yuan", "as: euro"), 24, "there is no recipe euro; known: yuan"),
    ("a recipe without its form", swap("as: month %Y%m", "as: month"), 21, "recipe month needs argument"),
    ("a recipe with a needless form", swap("as: yuan", "as: yuan 2"), 24, "recipe yuan takes no argument"),
    ("a form that reads nothing", swap("%Y%m%d%H%M%S", "yyyyMMdd"), 25, "yyyyMMdd is no form of a Shanghai time"),
    ("a form that does not exist", swap("%Y%m%d%H%M%S", "%Q"), 25, "%Q is no form of"),
    ("a form without a day", swap("%Y%m%d%H%M%S", "%Y%m %H:%M"), 25, "is no form of"),
    ("a month without its month", swap("month %Y%m", "month %Y"), 21, "%Y is no form of a month"),
    ("a date where a month is due", swap("as: month %Y%m", "as: date %Y%m%d"), 21, "the field holds String; name the recipe"),
    ("no recipe for a time", swap("{from: made, as: time %Y%m%d%H%M%S}", "made"), 25, "name the recipe that reads it"),
    ("an unknown table", swap("{from: area, codes: areas6}", "{from: area, codes: areas7}"), 26, "codes/areas7.csv"),
    ("an unknown partner", swap("partner: acme", "partner: acne"), 2, "partner acne is not in partners.yaml"),
    ("SQL that is none", swap("batch_no: batch", 'batch_no: {sql: "a ||| b"}'), 18, "no expression that can read any row"),
    ("SQL that opens files", swap("batch_no: batch", "batch_no: {sql: \"read_csv('x')\"}"), 18, "unsupported function"),
    ("SQL over all rows", swap("batch_no: batch", 'batch_no: {sql: "MAX(a)"}'), 18, "one value for the whole batch"),
    ("SQL that some rows break", swap("batch_no: batch", 'batch_no: {sql: "CAST(a AS INT)"}'), 18, "can read any row"),
    ("an unknown fact in a report", swap("{from: outcome, codes: told}", "verdict"), 32, "a report knows outcome, code"),
    ("an unknown table in a report", swap("{from: outcome, codes: told}", "{from: outcome, codes: x}"), 32, "codes/x.csv"),
    ("a table without our outcomes", swap("codes: told", "codes: areas6"), 32, "lacks our accepted, refused, rejected"),
    ("a file for a call", swap(CALLED, "    {file: x, form: summary_and_bad_lines, newline: lf}\n"), 28, "calls by calls"),
    ("a report of another record", swap("    rows: items", "    rows: items\n    of: [permit]"), 31, "permit is none of this"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "line", "cause"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_mapping_is_named_and_hides_no_other(
    tmp_path: Path, change: Change | bytes, line: int, cause: str
) -> None:
    """File, line and cause; the other feeds run on."""
    content = change if isinstance(change, bytes) else change(REST)
    found = written(tmp_path, {"acme_bads.yaml": content})
    assert set(found.feeds) == {"acme_goods", "acme_files"}
    assert {problem.file for problem in found.problems} == {"acme_bads.yaml"}
    told = [problem for problem in found.problems if cause in problem.cause]
    assert told, [str(problem) for problem in found.problems]
    assert told[0].line == line
    with pytest.raises(MappingInvalid, match=r"acme_bads\.yaml:"):
        found.feed("acme_bads")


# name, change of the file mapping, line, cause
LAYOUT: list[tuple[str, Change, int, str]] = [
    ("a column that does not come", swap("no: 批次号", "no: 批号"), 24, "column 批号 is not in the agreed layout"),
    ("a column left over", swap("    ignore: [备注]\n", ""), 22, "column 备注 is neither taken nor ignored"),
    ("a column forgotten", swap("ignore: [备注]", "ignore: []"), 34, "column 备注 is neither taken nor ignored"),
    ("a parent's column that is none", swap("../银行", "../行号"), 24, "column ../行号 is not in the agreed layout"),
    ("a part of the name that is none", swap('"@area"', '"@county"'), 24, "column @county is not in the agreed layout"),
    ("rows from nowhere", swap("rows: detail", "rows: trailer"), 23, "rows of a file are header or detail"),
    ("a line number that is no column", swap("line: 序号", "line: 行号"), 17, "column 行号 is not in the agreed layout"),
    ("a sum over no column", swap("of: 总额", "of: 总价"), 18, "column 总价 is not in the agreed layout"),
    ("a total that is no column", swap("amount: 金额", "amount: 总金额"), 18, "column 总金额 is not in the agreed layout"),
    ("a total in no money", swap("as: yuan}\n    agreed", "as: euro}\n    agreed"), 18, "totals are read as one of yuan"),
    ("something agreed of no column", swap('银行: {equals', '行号: {equals'), 20, "column 行号 is not in the agreed layout"),
    ("a column twice", swap("单位, 笔数, 总额", "单位, 单位, 总额"), 15, "column 单位 stands twice"),
    ("a code that nobody knows", swap("else: F010", "else: F999"), 20, "F999 is no code of a file"),
    ("a part of the name twice", swap("{bank}_{area}", "{area}_{area}"), 8, "source.sftp.name: a part of the name stands twice"),
    ("a part without a name", swap("{bank}_{area}", "{1}_{area}"), 8, "source.sftp.name: every brace opens or closes one part"),
    ("a call to whom drops files", more("report: {intake: {call: /x, rows: r, fields: {}}}\n"), 35, "files are answered by files"),
    ("a total that stands nowhere", swap("totals: {rows: 笔数", "totals: {rows: 张数"), 18, "column 张数 is not in"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "line", "cause"), [case[1:] for case in LAYOUT], ids=[case[0] for case in LAYOUT])
def test_a_layout_and_its_mapping_must_speak_of_the_same_columns(
    tmp_path: Path, change: Change, line: int, cause: str
) -> None:
    """Every column is taken, ignored or part of the format; none is asked for that does not come."""
    found = written(tmp_path, {"acme_bads.yaml": change(FILE)})
    assert set(found.feeds) == {"acme_goods", "acme_files"}
    assert (line, cause) in [(problem.line, problem.cause[: len(cause)]) for problem in found.problems]


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    """An admin mends a file once, not once for each mistake."""
    bad = (
        REST.replace("made_at:", "made_on:").replace("as: yuan", "as: euro").replace("6}", "7}").replace("told}", "x}")
    )
    found = written(tmp_path, {"acme_bads.yaml": bad})
    assert sorted(problem.line for problem in found.problems) == [24, 25, 26, 32]


def test_a_mapping_is_named_after_its_partner(tmp_path: Path) -> None:
    """File, feed, DAG and sample share the name."""
    found = written(tmp_path, {"other_goods.yaml": REST})
    assert [str(problem) for problem in found.problems] == [
        "other_goods.yaml:2: the file should be named acme_<plural>.yaml"
    ]


# name of the table, content, line, cause
TABLES: list[tuple[str, bytes, int, str]] = [
    ("a code twice", b"code,value\n1,in\n2,out\n1,out\n", 4, "code 1 stands twice"),
    ("no code column", b"kode,value\n1,in\n", 1, "a table needs the columns code and value"),
    ("a line without a value", b"code,value\n1,in\n2\n", 3, "a line needs a code and a value"),
    ("a line with a blank value", b"code,value\n1,\n", 2, "a line needs a code and a value"),
    ("nothing", b"", 1, "the file is empty"),
    ("GB18030, as a spreadsheet saves it", "code,value\n1,收入\n".encode("gb18030"), 1, "is not UTF-8"),
    ("an open quote", b'code,value\n1,"in\n', 1, "cannot be read"),
]


@pytest.mark.parametrize(("content", "line", "cause"), [case[1:] for case in TABLES], ids=[case[0] for case in TABLES])
def test_a_broken_code_table_costs_only_the_feeds_that_use_it(
    tmp_path: Path, content: bytes, line: int, cause: str
) -> None:
    """Officials edit these tables: the cause is said in their words."""
    found = written(tmp_path, {"codes/sides.csv": content, "acme_bads.yaml": REST.replace("areas6", "sides")})
    assert set(found.feeds) == {"acme_goods", "acme_files"}
    first = found.problems[0]
    assert (first.file, first.line) == ("codes/sides.csv", line)
    assert cause in first.cause
    assert {problem.file for problem in found.problems[1:]} == {"acme_bads.yaml"}


def test_code_tables_may_carry_the_mark_that_spreadsheets_write(tmp_path: Path) -> None:
    """CSV UTF-8 with its byte order mark and CRLF; other tables of the folder are no translations."""
    mark = b"\xef\xbb\xbf"
    files: dict[str, str | bytes] = {
        "codes/sides.csv": mark + b"code,value\r\n1,in\r\n",
        "codes/places.csv": "code,name\n1,x\n",
    }
    found = written(tmp_path, files)
    assert found.problems == ()
    assert found.codes["sides"] == {"1": "in"}
    assert "places" not in found.codes


@pytest.mark.parametrize(
    ("content", "line", "cause"),
    [
        ("partners: [\n", 2, "is not YAML"),
        ("partners:\n  acme: {title: x}\n", 2, "partners.acme.kind: this word is missing"),
        ("partners:\n  acme: {title: x, kind: broker}\n", 2, "'bureau', 'bank', 'insurer' or 'platform'"),
        ("partners:\n  acme: {title: x, kind: bank}\n  acme: {title: y, kind: bank}\n", 3, "acme stands twice"),
    ],
)
def test_a_broken_partners_file_is_named_first(tmp_path: Path, content: str, line: int, cause: str) -> None:
    """No feed can run without its partner, and the first problem says why."""
    found = written(tmp_path, {"partners.yaml": content})
    assert (found.problems[0].file, found.problems[0].line) == ("partners.yaml", line)
    assert cause in found.problems[0].cause


def test_an_empty_folder_is_no_crash(tmp_path: Path) -> None:
    """The missing partners file is the problem."""
    found = read_registry(tmp_path)
    assert [(problem.file, problem.line) for problem in found.problems] == [("partners.yaml", 1)]
    assert "No such file" in found.problems[0].cause


def test_a_feed_that_is_not_there_is_said(tmp_path: Path) -> None:
    """With what is known of why."""
    with pytest.raises(MappingInvalid, match="no such file in mappings/"):
        written(tmp_path, {}).feed("acme_nothings")


def test_the_delivered_mappings_are_all_feeds(registry: Registry) -> None:
    """Every file of the folder runs, and every schema is fed."""
    assert registry.problems == ()
    files = {path.stem for path in registry.folder.glob("*.yaml")} - {"partners"}
    assert set(registry.feeds) == files
    assert {schema for feed in registry.feeds.values() for schema in feed.spec.records} == set(SCHEMAS)


@pytest.mark.parametrize(
    ("schedule", "minutes"),
    [
        ("*/5 * * * *", 5),
        ("57 * * * *", 60),
        ("16-59/30 * * * *", 30),
        ("2-59/15 * * * *", 15),
        ("0,10 * * * *", 50),
        ("1-3 * * * *", 58),
        ("0 8 * * *", 1440),
        ("@hourly", 1440),
        ("x * * * *", 1440),
    ],
)
def test_the_longest_pause_of_a_schedule_is_known(schedule: str, minutes: int) -> None:
    """The pause over the end of the hour too; a schedule that is not hourly counts as daily."""
    assert longest_pause(schedule) == minutes


def test_every_feed_says_when_it_is_expected() -> None:
    """A feed without it could stop and nobody would be told."""
    registry = read_registry(Path(__file__).parents[3] / "mappings")
    assert [name for name, feed in registry.feeds.items() if feed.spec.expect.arrives is None] == []
