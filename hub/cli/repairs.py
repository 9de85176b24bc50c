"""Commands about repairs: one officer corrects rejected rows, another approves, and both find out what waits."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from hub import pipeline
from hub.bootstrap import open_house
from hub.cli.printing import show_lines, show_table
from hub.errors import NotAllowed
from hub.store import repairs
from hub.store.database import working
from hub.store.repairs import RepairedRow

DETAIL_HEADS = ("序号 row", "行 line", "退回原因 was turned down for", "列 column", "改前摘要 row before (SM3)")


def repair(words: argparse.Namespace) -> int:
    """Correct cells of rejected rows of a batch. Takes effect only once a second person has approved (`hub approve`)."""
    if (words.csv is None) == (words.no is None) or (words.csv is not None and words.set):
        raise NotAllowed("name one row and its --set, or give --csv FILE for many rows")
    wanted = {words.no: _cells(words.set)} if words.csv is None else read_corrections(words.csv)
    asked = pipeline.ask_repair(open_house(), words.id, wanted, words.by, words.reason)
    print(
        f"改正 {asked.repair_id}（{asked.rows} 行，{'、'.join(asked.columns)}）等待另一人批准，尚未写入任何数据 / "
        f"repair {asked.repair_id} of {asked.rows} rows waits for a second person, and changes nothing until then:\n"
        f"  hub repairs {asked.repair_id} --values --by NAME --reason WHY\n  hub approve {asked.repair_id} --by NAME"
    )
    return 0


def approve(words: argparse.Namespace) -> int:
    """Let a repair that somebody else asked for take effect: its rows go on as records; or decline it."""
    if words.decline:
        pipeline.decline_repair(open_house(), words.repair, words.by)
        print(
            f"改正 {words.repair} 不予批准，没有改动任何数据 / repair {words.repair} is declined; nothing was changed"
        )
        return 0
    batch_id = pipeline.approve_repair(open_house(), words.repair, words.by)
    print(
        f"改正 {words.repair} 已生效，批次 {batch_id} 由下一次 deliver、report 接着处理，并重新告知伙伴 / "
        f"repair {words.repair} took effect; the next runs of deliver and report go on with batch {batch_id}, "
        "and its partner is told anew"
    )
    return 0


def list_repairs(words: argparse.Namespace) -> int:
    """Repairs with who asked, why and who decided; of one of them every row, and what it changes with --values."""
    house = open_house()
    if words.repair is None:
        with working(house.engine) as work:
            show_table("", repairs.list_repairs(work, words.state, words.last))
        return 0
    with working(house.engine) as work:
        rows = repairs.rows_of_repair(work, words.repair)
    if not rows:
        raise NotAllowed(f"there is no repair {words.repair}; `hub repairs` lists them")
    if words.values:
        columns = _columns(rows)
        pipeline.note_shown(
            house, "repairs --values", f"repair {words.repair}", columns, words.by or "", words.reason or ""
        )
    last = "改后的值 new value" if words.values else "改后摘要 row after (SM3)"
    show_lines([(*DETAIL_HEADS, last), *_described(rows, words)])
    return 0


def _columns(rows: list[RepairedRow]) -> list[str]:
    return sorted({column for row in rows for column in row.correction.cells})


def _described(rows: list[RepairedRow], words: argparse.Namespace) -> list[tuple[str, ...]]:
    """Digests of the row before and after; the new values only for whoever asks for them, to approve."""
    found: list[tuple[str, ...]] = []
    for row in rows:
        codes = " ".join(sorted({why["code"] for why in row.reasons}))
        for column, value in row.correction.cells.items():
            after = value if words.values else row.after_digest[:12]
            spot = (row.printed_no, str(row.correction.row_no), codes, column)
            found.append((*spot, row.before_digest[:12], after))
    return found


def _cells(said: list[str]) -> dict[str, str]:
    """``列名=值`` as typed; what stands after the first sign of equality is the value."""
    cells: dict[str, str] = {}
    for one in said:
        column, sign, value = one.partition("=")
        if not sign or not column or column in cells:
            raise NotAllowed("--set 写作 列名=值，每列一次 / --set needs COLUMN=VALUE, each column once")
        cells[column] = value
    return cells


def read_corrections(path: Path) -> dict[str, dict[str, str]]:
    """A table in UTF-8: the row's number first, then columns of the partner; an empty cell changes nothing."""
    try:
        lines = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    except (UnicodeDecodeError, csv.Error):
        raise NotAllowed(f"{path.name} 不是 UTF-8 的表格，请另存为“CSV UTF-8” / is no table in UTF-8") from None
    if len(lines) < 2 or len(lines[0]) < 2 or len(set(lines[0])) < len(lines[0]):
        raise NotAllowed(
            f"{path.name} needs a line of different column names, the row's number first, and a line for each row"
        )
    wanted: dict[str, dict[str, str]] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        if len(line) != len(lines[0]) or line[0] in wanted:
            raise NotAllowed(f"line {number} of {path.name} has other columns than the first, or names a row twice")
        wanted[line[0]] = {column: value for column, value in zip(lines[0][1:], line[1:], strict=True) if value}
    return wanted
