"""Two more partners the code has never seen join by a mapping alone, as different from each other as from those before.

One sends a zip with quoted UTF-16 lines under column names, flag and MD5 in place of its suffix. The other drops a workbook with a
title, real times and a last row that adds up, and one READY for the folder.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from round_trip import Hub, connections

from hub import bootstrap
from hub.archive import Archive
from hub.migrations import migrate
from hub.model import BatchState, Stage
from hub.pipeline import House
from hub.registry import read_registry
from hub.store.database import open_database
from simulators.identifiers import make_card, make_cnaps, make_id_no
from simulators.projects import BANKS
from simulators.running import Running
from simulators.world import City

HEAD = """\
title: {zh}代发结果 / {en} payroll results
partner: {partner}
schedule: "*/5 * * * *"
source:
  connector: sftp
  connection: any_sftp
  files: "{partner}/*.{suffix}"
  name: "{{batch}}-{{area}}.{suffix}"
"""
ZIPPED = """\
  done: "{stem}.flg"
  digest: "{stem}.md5"
  packed: zip
  format:
    type: delimited
    encoding: utf-16
    separator: ","
    quote: '"'
    detail: {names: true, columns: [序号, 姓名, 身份证号, 卡号, 开户行, 实发, 结果, 时间, 流水, 许可证, 月份]}
    trailer: {columns: [笔数, 总额]}
    line: 序号
    totals: {rows: 笔数, amount: 总额, of: 实发, as: yuan_commas}
"""
SHEET = """\
  done: READY
  format:
    type: sheet
    sheet: 明细
    above: 2
    columns: [序号, 姓名, 身份证号, 卡号, 开户行, 实发, 结果, 时间, 流水, 许可证, 月份]
    trailer: 合计
    line: 序号
    totals: {amount: 实发, of: 实发, as: yuan}
"""
RECORDS = """\
records:
  payroll_line:
    rows: detail
    fields:
      bank3_code: {{const: "988"}}
      batch_no: "@batch"
      line_no: 序号
      worker_name: 姓名
      id_type: {{const: "01"}}
      id_no: {{from: 身份证号, as: upper}}
      card_no: 卡号
      cnaps_code: 开户行
      net_fen: {{from: 实发, as: {money}}}
      result: {{from: 结果, codes: new_result}}
      paid_at: {{from: 时间, as: {time}}}
      bank_serial_no: 流水
      pay_month: {{from: 月份, as: {month}}}
      permit_no: 许可证
      area6_code: "@area"
report:
  intake: {{file: "{partner}/answers/RET_{{name}}.txt", form: summary_and_bad_lines, newline: lf}}
"""
CODES = "code,value,label\n成功,success,发放成功\n退票,returned,退票\n"
NAMES = ["序号", "姓名", "身份证号", "卡号", "开户行", "实发", "结果", "时间", "流水", "许可证", "月份"]
FEN = [543_210, 120_000_05, 7]
PAYEES = ["张三", '王㭎, "小"', "㛃𠮷"]


def write_mappings(folder: Path) -> Path:
    """Partners, a code list and two mappings; no file of the others'."""
    zipped = HEAD.format(zh="七里桥银行", en="Qiliqiao Bank", partner="qiliqiao", suffix="zip") + ZIPPED
    zipped += RECORDS.format(
        money="yuan_commas", time="time %Y年%m月%d日 %H:%M", month="month %Y年%m月", partner="qiliqiao"
    )
    sheet = HEAD.format(zh="桃花峪农商行", en="Taohuayu Bank", partner="taohuayu", suffix="xlsx") + SHEET
    sheet += RECORDS.format(money="yuan", time="time %Y-%m-%d %H:%M:%S", month="month %Y-%m", partner="taohuayu")
    partners = "".join(
        f"  {name}:\n    title: 虚构银行 / Invented bank\n    kind: bank\n" for name in ("qiliqiao", "taohuayu")
    )
    for name, text in (
        ("partners.yaml", f"partners:\n{partners}"),
        ("qiliqiao_payrolls.yaml", zipped),
        ("taohuayu_payrolls.yaml", sheet),
        ("codes/new_result.csv", CODES),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def joined(up: Running, empty_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that knows these two partners only; their login is a folder of the simulated server."""
    folder = write_mappings(tmp_path_factory.mktemp("joined") / "mappings")
    registry = read_registry(folder)
    assert registry.problems == ()
    engine: sa.Engine = open_database(empty_database())
    migrate(engine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "find_connection", lambda _: connections(up.addresses)["haidai_sftp"])
        patch.setenv("HUB_MAPPINGS", str(folder))
        yield Hub(House(engine, Archive(tmp_path_factory.mktemp("archive")), registry), up)
    engine.dispose()


def write(up: Running, name: str, content: bytes, age: float = 60) -> None:
    """A file in the bank's folder, written some seconds ago."""
    path = Path(up.addresses["sftp"]["users"]["haidai"]["root"]) / name
    (path.parent / "answers").mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - age, time.time() - age))


def answer(up: Running, name: str) -> list[list[str]]:
    """The cells of a return file."""
    root = Path(up.addresses["sftp"]["users"]["haidai"]["root"])
    return [line.split("|") for line in (root / name).read_text("gb18030").splitlines()]


def permit() -> str:
    return City(7, 0.1).accounts_at(BANKS["haidai"])[0].permit_no


def rows(first: int) -> list[tuple[int, str, str, str, str, int]]:
    """Number, payee, document, card, branch and fen of each wage."""
    return [
        (n, name, make_id_no(first + n), make_card("621700", first + n), make_cnaps("105", 7), fen)
        for n, (name, fen) in enumerate(zip(PAYEES, FEN, strict=True), 1)
    ]


def zipped(first: int, total: int = sum(FEN), names: list[str] = NAMES, spoil: Callable[[str], str] = str) -> bytes:
    """What the first bank sends."""
    lines = [",".join(names)]
    for n, name, id_no, card, branch, fen in rows(first):
        cells = [str(n), spoil(name), id_no.lower(), card, branch, f"{fen / 100:,.2f}", "退票" if n == 2 else "成功"]
        cells += [f"2026年11月22日 09:{n:02d}", f"Q{first}{n}", permit(), "2026年10月"]
        lines.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
    lines.append(f'3,"{total / 100:,.2f}"')
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("工资.csv", "".join(f"{line}\r\n" for line in lines).encode("utf-16"))
    return file.getvalue()


def drop_zipped(up: Running, name: str, content: bytes) -> None:
    write(up, f"qiliqiao/{name}.zip", content)
    write(up, f"qiliqiao/{name}.md5", hashlib.md5(content).hexdigest().encode())
    write(up, f"qiliqiao/{name}.flg", f"{len(content)}|3".encode())


def workbook(first: int, broken: object = None) -> bytes:
    """What the second bank sends; ``broken`` stands in place of the second card."""
    made = openpyxl.Workbook()
    made.active.append(["说明"])  # type: ignore[union-attr]
    page = made.create_sheet("明细")
    page.append(["2026年10月代发明细"])
    page.append([])
    page.append(NAMES)
    for n, name, id_no, card, branch, fen in rows(first):
        paid = dt.datetime(2026, 11, 22, 9, n)
        shown = broken if n == 2 and broken is not None else card
        page.append([n, name, id_no, shown, branch, fen / 100, "退票" if n == 2 else "成功", paid, f"T{first}{n}", permit(),
                     "2026-10"])  # fmt: skip
    page.append(["合计", None, None, None, None, sum(FEN) / 100])
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def take_in(joined: Hub, feed_id: str) -> list[BatchState]:
    joined.fetch(feed_id)
    states = joined.store(feed_id)
    joined.tell(feed_id, Stage.INTAKE)
    return states


def stored(joined: Hub, batch_no: str) -> list[tuple[object, ...]]:
    """The wages of one batch as they are kept."""
    rows = joined.opened("payroll_line", "where batch_no = :batch_no order by line_no", batch_no=batch_no)
    plain = ("line_no", "worker_name", "net_fen", "result", "pay_month")
    return [(*(row[name] for name in plain), f"{row['paid_at']:%Y-%m-%d %H:%M}") for row in rows]


def expected() -> list[tuple[object, ...]]:
    return [
        (n, name, fen, "returned" if n == 2 else "success", "2026-10", f"2026-11-22 09:{n:02d}")
        for n, (name, fen) in enumerate(zip(PAYEES, FEN, strict=True), 1)
    ]


def test_a_zip_of_quoted_utf_16_is_stored_to_the_fen(joined: Hub, up: Running) -> None:
    """Commas and quotes in a name, commas in an amount, Chinese dates; the archive keeps the zip."""
    content = zipped(100)
    drop_zipped(up, "Q1-370900", content)
    assert take_in(joined, "qiliqiao_payrolls") == [BatchState.STORED]
    assert stored(joined, "Q1") == expected()
    [batch] = joined.batches("qiliqiao_payrolls")
    assert joined.house.archive.read(batch.parts[0]) == content
    assert answer(up, "qiliqiao/answers/RET_Q1-370900.zip.txt")[0][2:6] == ["ACCEPTED", "3", "3", "0"]


ZIPS = [
    ("Q2", zipped(200, total=sum(FEN) + 1), "F003"),
    ("Q3", zipped(300, names=[*NAMES[:-1], "所属月份"]), "F008"),
    ("Q4", zipped(400)[:-40], "F016"),
    ("Q5", zipped(500, spoil=lambda name: "锟斤拷"), "F017"),
]


@pytest.mark.parametrize(("name", "content", "code"), ZIPS, ids=[case[2] for case in ZIPS])
def test_a_zip_that_is_not_as_agreed_is_held(joined: Hub, up: Running, name: str, content: bytes, code: str) -> None:
    """A fen off, a column renamed, an archive cut off, Chinese decoded wrongly: the bank is told which."""
    drop_zipped(up, f"{name}-370900", content)
    assert take_in(joined, "qiliqiao_payrolls") == [BatchState.HELD]
    assert stored(joined, name) == []
    assert answer(up, f"qiliqiao/answers/RET_{name}-370900.zip.txt")[0][2:7:4] == ["REJECTED", code]


def test_a_workbook_waits_for_its_flag_and_is_stored_to_the_fen(joined: Hub, up: Running) -> None:
    """Dates are dates, cards are text, the last row adds up; a file behind the flag waits for the next."""
    write(up, "taohuayu/T1-370900.xlsx", workbook(600))
    assert take_in(joined, "taohuayu_payrolls") == []
    write(up, "taohuayu/READY", b"", age=30)
    write(up, "taohuayu/T2-370900.xlsx", workbook(700), age=10)
    assert take_in(joined, "taohuayu_payrolls") == [BatchState.STORED]
    assert (stored(joined, "T1"), stored(joined, "T2")) == (expected(), [])
    write(up, "taohuayu/READY", b"", age=5)
    assert take_in(joined, "taohuayu_payrolls") == [BatchState.STORED]
    assert stored(joined, "T2") == expected()


def test_a_card_spoiled_by_the_spreadsheet_costs_its_row(joined: Hub, up: Running) -> None:
    """A card kept as a number has lost its last digits: L102 with the bank's own column and the row's own number."""
    write(up, "taohuayu/T3-370900.xlsx", workbook(800, broken=6217000000000000018))
    write(up, "taohuayu/READY", b"", age=5)
    assert take_in(joined, "taohuayu_payrolls") == [BatchState.STORED]
    assert [row[0] for row in stored(joined, "T3")] == [1, 3]
    lines = answer(up, "taohuayu/answers/RET_T3-370900.xlsx.txt")
    assert (lines[0][2:6], lines[1][:3]) == (["PARTIAL", "3", "2", "1"], ["2", "卡号", "L102"])
