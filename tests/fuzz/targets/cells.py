"""Values: a file of many rows with one odd cell each, through mapping and checks; a plain reading says what may be taken."""

from __future__ import annotations

import random
import re
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from hub.errors import FeedChanged
from hub.pipeline import Reading
from hub.text import OLD_LETTERS
from tests.corpus.outcomes import read_data, unbalanced
from tests.corpus.plain import Draft, Row, draft, mapping, write
from tests.fuzz.judging import codes
from tests.fuzz.mutations import odd_text

ROWS = 200
FEED = "haidai_payrolls"
AMOUNT, MOMENT, ID_NO, CARD = "实发金额", "发放时间", "证件号码", "卡号"
COLUMNS = (AMOUNT, AMOUNT, MOMENT, ID_NO, CARD, "姓名", "证件类型", "联行号", "发放结果", "银行流水号")
FIELDS = {AMOUNT: "net_fen", MOMENT: "paid_at", ID_NO: "id_no", CARD: "card_no", "姓名": "worker_name"}
PLAIN = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@cache
def base() -> Row:
    return draft(FEED).rows[0]


def rows_of_values(dice: random.Random) -> int:
    """Two hundred cases."""
    made, touched = draft(FEED), []
    made.rows, made.amounts = [], []
    for number in range(1, ROWS + 1):
        column = dice.choice(COLUMNS)
        text = _writable(odd_text(dice, near=(base()[column],)))
        made.rows.append(
            {**base(), "序号": str(number), "行号": str(number), "银行流水号": f"S{number:08}", column: text}
        )
        made.amounts.append(base()[AMOUNT])
        touched.append((column, text))
    _count(made)
    try:
        reading = read_data(FEED, write(made))
    except FeedChanged as error:
        if error.code != "F017":  # so many of them may be garbled
            raise
        return ROWS
    _judge(reading, touched)
    return ROWS


def _writable(text: str) -> str:
    """A cell that stays one cell: no line end, no escape at its end."""
    return text.replace("\r", "").replace("\n", "").rstrip("\\").encode("gb18030", "replace").decode("gb18030")


def _count(made: Draft) -> None:
    """The declared total: what a plain reading of the amounts gives, and what stood there before where it gives none."""
    total = sum((Decimal(_trim(row[AMOUNT]) if PLAIN.fullmatch(_trim(row[AMOUNT])) else was)
                 for row, was in zip(made.rows, made.amounts, strict=True)), Decimal())  # fmt: skip
    for end in (made.header, made.trailer):
        end["明细笔数"], end["总金额"] = str(ROWS), str(total)


def _trim(text: str) -> str:
    return text.strip(" \t\n\r\u3000\u00a0")


def _judge(reading: Reading, touched: list[tuple[str, str]]) -> None:
    records = {name: _Rows(record["rows"]) for name, record in mapping(FEED)["records"].items()}
    assert list(unbalanced(reading, records)) == []
    lines = next(found for found in reading.found if found.schema == "payroll_line")
    assert lines.records.height + lines.rejections.height == ROWS
    for row in lines.rejections.iter_rows(named=True):
        assert {why["code"] for why in row["#reasons"]} <= codes()
        assert "L126" not in {why["code"] for why in row["#reasons"]}, "a row nobody could process"
    for row in lines.records.iter_rows(named=True):
        column, text = touched[int(row["line_no"]) - 1]
        for name in {AMOUNT, MOMENT, ID_NO, CARD, "姓名"} - {column}:
            assert row[FIELDS[name]] == _wanted(name, base()[name]), f"{name} changed with {column}"
        if column in FIELDS:
            assert row[FIELDS[column]] == _wanted(column, text), f"{column} {text!r} became {row[FIELDS[column]]!r}"


class _Rows:
    """What the account needs of a record's mapping."""

    def __init__(self, rows: str) -> None:
        self.rows = rows


def _wanted(column: str, text: str) -> Any:
    """What a plain reading makes of a cell that was taken."""
    text = _trim(text)
    if column == AMOUNT:
        assert PLAIN.fullmatch(text), f"{text!r} was taken for an amount"
        return int(Decimal(text) * 100)
    text = "".join(OLD_LETTERS.get(letter, letter) for letter in text)
    if column == "姓名":
        return text
    text = "".join(chr(ord(letter) - 0xFEE0) if "\uff01" <= letter <= "\uff5e" else letter for letter in text)
    if column == MOMENT and not text:
        return None  # a wage that was not paid has none
    if column == MOMENT:
        assert re.fullmatch("[0-9]{14}", text), f"{text!r} was taken for a moment"
        return datetime.strptime(text + "+0800", "%Y%m%d%H%M%S%z")
    if column == ID_NO:
        assert re.fullmatch("[0-9]{17}[0-9X]", text.upper()), f"{text!r} was taken for an ID number"
        left = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, text, strict=False)) % 11
        assert "10X98765432"[left] == text.upper()[17]
        return text.upper()
    return text
