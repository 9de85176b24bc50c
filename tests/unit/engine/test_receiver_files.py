"""Receivers' files: who takes what, and what is wrong with a file, by line; one broken file hides nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.errors import MappingInvalid
from hub.registry import Registry, read_registry
from schemas.catalogue import SCHEMAS
from schemas.codes import CODE_LISTS

MAPPINGS = Path(__file__).parents[3] / "mappings"
PARTNERS = """\
partners:
  taker: {title: 甲, kind: platform}
  other: {title: 乙, kind: platform}
"""
TAKER = """\
title: 甲
partner: taker
connection: taker_api
areas: ["3702"]
style:
  address: /open.api
  method: method
  data: {name: data, of: object}
  submission: batchKey
  signing:
    fields: {appid: "@login", nonce: "@unique"}
    text: "{sorted}&appsecret={secret}"
    algorithm: sha256
    name: sign
  sealed: {cipher: aes_cbc, fields: [card]}
  envelope: {code: code, success: "0", message: message}
  serial: data.serial
  asking: {call: Ask, parameter: serial, state: data.status, waiting: ["0"], done: ["20"]}
  results: {rows: data.result, key: idempotencyKey, code: code}
accepted: ["0"]
exists: {codes: ["1086"], words: [已存在]}
records:
  payroll_line:
    call: Payroll.Add
    rows: list
    fields:
      batch: batch_no
      card: card_no
      state: {from: result, codes: taker_result}
      amount: {from: net_fen, as: yuan}
      day: {from: paid_at, as: "time %Y-%m-%d"}
      month: {from: pay_month, as: month %Y%m}
  project: {call: Project.Add}
"""
WORDS = "code,value\n" + "".join(f"{word},{number}\n" for number, word in enumerate(CODE_LISTS["payroll_result"]))
Change = Callable[[str], str]


def written(folder: Path, taker: str, **more: str) -> Registry:
    """The registry of a folder with this receiver, and others."""
    for name in ("codes", "receivers"):
        (folder / name).mkdir()
    (folder / "partners.yaml").write_text(PARTNERS, "utf-8")
    (folder / "codes" / "taker_result.csv").write_text(WORDS, "utf-8")
    for name, content in {"taker": taker, **more}.items():
        (folder / "receivers" / f"{name}.yaml").write_text(content, "utf-8")
    return read_registry(folder)


def test_receivers_are_found_by_what_they_take_and_where(tmp_path: Path) -> None:
    """A receiver without areas takes all of them; a partner without a file takes nothing."""
    other = TAKER.replace("taker\n", "other\n", 1).replace('areas: ["3702"]\n', "")
    found = written(tmp_path, TAKER, other=other)
    assert found.problems == ()
    assert found.routes("payroll_line") == [("other", ""), ("taker", "3702")]
    assert found.routes("permit") == []
    assert found.receives("taker").connection == "taker_api"
    with pytest.raises(MappingInvalid, match="receives nothing: no such file"):
        found.receives("nobody")


def swap(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


BROKEN: dict[str, tuple[Change, str, str]] = {
    "unknown schema": (swap("  project:", "  projekt:"), "projekt", "there is no schema projekt"),
    "unknown column": (swap("batch: batch_no", "batch: batch_nr"), "batch_nr", "has no column batch_nr"),
    "unknown recipe": (swap("as: yuan", "as: yen"), "yen", "there is no recipe yen; known: yuan"),
    "wrong recipe for money": (swap("batch_no", "{from: line_no, as: yuan}"), "line_no", "is no such thing"),
    "wrong recipe for a time": (swap('"time %Y-%m-%d"', "date %Y%m%d"), "paid_at", "is no such thing"),
    "wrong recipe for a text": (swap("{from: pay_month", "{from: batch_no"), "month %Y%m", "is no such thing"),
    "a recipe without its form": (swap('"time %Y-%m-%d"', "time"), "paid_at", "recipe time needs argument"),
    "an expression that some texts stop": (
        swap("batch: batch_no", "batch: {sql: 'cast(batch_no as int)'}"), "cast(", "no expression over our columns"),
    "a time of day of a date": (
        swap("project: {call: Project.Add}", "project: {call: P, fields: {begin: {from: start_on, as: date %Y%m%d%H%M%S}}}"),
        "start_on", "is no form of a date"),
    "a form that is none": (swap("month %Y%m", "month %Q%!"), "%Q", ""),
    "a time without recipe": (swap(', as: "time %Y-%m-%d"', ""), "paid_at", "name the recipe that writes it"),
    "unknown table": (swap("codes: taker_result", "codes: nothing"), "nothing", "no table mappings/codes/nothing.csv"),
    "a table for free text": (
        swap("batch: batch_no", "batch: {from: batch_no, codes: taker_result}"),
        "batch:",
        "only words of our code lists",
    ),
    "an expression nobody can read": (swap("batch: batch_no", "batch: {sql: 'nope + 1'}"), "nope", "no expression"),
    "an expression over the batch": (swap("batch: batch_no", "batch: {sql: 'sum(net_fen)'}"), "sum(", "whole batch"),
    "no such area": (swap("3702", "9902"), "9902", "no area code begins with 9902"),
    "an area that is a name": (swap("3702", "青岛"), "青岛", "pattern"),
    "technical names missing": (
        swap("  envelope", "  technical: {key: id}\n  envelope"), "technical", "record_key: this word is missing"),
    "a technical name twice": (swap("batch: batch_no", "version: batch_no"), "fields", "version would stand twice"),
    "rows under the key's name": (swap("rows: list", "rows: batchKey"), "rows: batchKey", "twice in a call"),
    "nothing to seal": (swap("fields: [card]", "fields: [kard]"), "kard", "no record sends a member kard"),
    "unknown partner": (swap("partner: taker", "partner: token"), "token", "token is not in partners.yaml"),
    "another's file": (swap("partner: taker", "partner: other"), "other", "should be named other.yaml"),
    "later without asking": (swap("  serial: data.serial\n", ""), "style", "serial and asking are needed"),
    "no call anywhere": (swap("  method: method\n", ""), "style", "{call} must name the call"),
    "a form without parameter": (swap("{name: data, of: object}", "{of: object}"), "style", "a form needs"),
    "a signature of nothing": (swap("{sorted}&", "{stamp}&"), "style", "there is nothing called stamp"),
    "a code that means two things": (swap('["1086"]', '["0"]'), "title", "code 0 would mean two things"),
    "a word nobody knows": (swap("connection:", "conection: x\nconnection:"), "conection", "no such word"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_named_with_line_and_cause(tmp_path: Path, case: str) -> None:
    """And the other receiver goes on."""
    change, where, cause = BROKEN[case]
    broken = change(TAKER)
    other = TAKER.replace("taker\n", "other\n", 1)
    found = written(tmp_path, broken, other=other)
    lines = [number for number, text in enumerate(broken.splitlines(), 1) if where in text]
    assert set(found.receivers) == {"other"}
    assert any(
        problem.file == "receivers/taker.yaml" and problem.line in lines and cause in problem.cause
        for problem in found.problems
    ), found.problems
    with pytest.raises(MappingInvalid, match=r"receives nothing: receivers/taker\.yaml"):
        found.receives("taker")


def test_a_table_that_lacks_one_of_our_words_is_said(tmp_path: Path) -> None:
    """Found by hub check, not when the first such record is to be sent."""
    other = TAKER.replace("taker\n", "other\n", 1)
    written(tmp_path, TAKER, other=other)
    (tmp_path / "codes" / "taker_result.csv").write_text(WORDS.replace("returned,", "returnd,"), "utf-8")
    found = read_registry(tmp_path)
    assert [str(problem) for problem in found.problems] == [
        f"receivers/{name}.yaml:29: table taker_result lacks our returned" for name in ("other", "taker")
    ]


def test_the_delivered_receivers_are_whole() -> None:
    """Every file is a receiver; the province takes every kind of record there is."""
    found = read_registry(MAPPINGS)
    assert {path.stem for path in (MAPPINGS / "receivers").glob("*.yaml")} == set(found.receivers)
    assert set(found.receives("province").records) == set(SCHEMAS)
