"""What slips into a log line: persons' numbers and secrets go out of it, business numbers stay."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from hub import masking
from hub.cli import main
from hub.masking import CARD, ID, PHONE, SECRET, MaskedStream, hide, masked, masked_text
from simulators.identifiers import make_card, make_id_no, make_phone

ID_NO, CARD_NO, MOBILE = make_id_no(77), make_card("622202", 77), make_phone(77)
WRONG_ID = ID_NO[:-1] + ("1" if ID_NO[-1] != "1" else "2")
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


@pytest.mark.parametrize(
    ("text", "left"),
    [(f"cell id_no={ID_NO}.", f"cell id_no={ID}."), (f"'{WRONG_ID}' is no id", f"'{ID}' is no id"),
     (f"身份证{ID_NO}，", f"身份证{ID}，"), (f"ID{ID_NO}", f"ID{ID}"), (f"{ID_NO}|{CARD_NO}", f"{ID}|{CARD}"),
     ("old 370102900101123 form", f"old {ID} form"), (f"{ID_NO[:6]} {ID_NO[6:14]} {ID_NO[14:]}", ID),
     ("11010519491231002x", ID), (ID_NO.translate(FULL_WIDTH).replace("Ｘ", "X"), ID),
     (f"card {CARD_NO}", f"card {CARD}"), ("6222 0212 3456 7890", CARD), ("6222-0212-3456-7890-123", CARD),
     (make_card("6217", 5, 16), CARD), (f"call {MOBILE}", f"call {PHONE}"), ("tel:13800001234,", f"tel:{PHONE},"),
     ("+8613800001234", f"+{PHONE}"), ("138 0000 1234", PHONE), ("138-0000-1234", PHONE), ("Phone13800001234", f"Phone{PHONE}"),
     ("account=13800001234", f"account={PHONE}"), (f"account: {CARD_NO}", f"account: {CARD}"),
     (f'{{"phone":"{MOBILE}"}}', f'{{"phone":"{PHONE}"}}'), ("line 1\nline 13800001234", f"line 1\nline {PHONE}")],
)  # fmt: skip
def test_numbers_of_persons_are_masked(text: str, left: str) -> None:
    """With and without separators, beside any letters, with a wrong check digit too."""
    assert masked_text(text) == left


@pytest.mark.parametrize(
    "text",
    ["batch_no=31320261123000001", "permit 370911202512180101", "serial 313202611230000000000077", "account 88621088000000101",
     "uscc 91370900MA5XXXXX1A", "worker 37090000010001", "fen=13800001234", '"net_fen": 13800001234', "共13800001234分",
     "13800001234 fen", "rows=18612345678", "at 2026-11-24 10:00:00.13812345678", "ms 1790000000000", "us 1790000000000000",
     "ns 1790000000000000000", "sm3 66c7f0f462eeedd9d1f2d46bdc10e4e24167c13800001234c4875cf2f7a2297da0", "CNAPS 105463000127",
     "run 018f6f2e-7d3a-7cc1-8a13-13800001234b", "313_370900_PAYR_20261124_0009_v1.txt", "clue TS2026112400000012",
     "2026-11-24 2026-11-25", "0x7f13800001234", "11.13800001234"],
)  # fmt: skip
def test_business_numbers_stay(text: str) -> None:
    """Batch numbers, permits, serials, accounts of companies, amounts, moments, digests, ids of runs."""
    assert masked_text(text) == text


def test_the_parts_of_an_event_are_masked_in_their_places() -> None:
    """Numbers as numbers too; counts under a word that counts stay."""
    event = {
        "event": f"x {ID_NO}",
        "deep": [{"a": (int(MOBILE),)}],
        "net_fen": 13800001234,
        "rows": 5,
        "at": 1.5,
        "on": True,
    }
    assert masked(event) == {
        "event": f"x {ID}",
        "deep": [{"a": [PHONE]}],
        "net_fen": 13800001234,
        "rows": 5,
        "at": 1.5,
        "on": True,
    }


def test_known_secrets_are_masked_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are, in an address, in JSON, as a basic login, a private key line by line; short ones are no secrets."""
    monkeypatch.setattr(masking, "_secrets", set())
    monkeypatch.setattr(masking, "_hidden", None)
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAbbbb\n-----END OPENSSH PRIVATE KEY-----"
    hide("geheim/äß", "ab", key, login="haidai")
    for form in ("geheim/äß", "geheim%2F%C3%A4%C3%9F", '"geheim/\\u00e4\\u00df"', "Basic aGFpZGFpOmdlaGVpbS/DpMOf",
                 "AAAAAAAAAAAAAAAAAAAAAAAAbbbb"):  # fmt: skip
        assert SECRET in masked_text(f"x {form} y"), form
    assert masked_text("ab -----BEGIN OPENSSH PRIVATE KEY-----") == "ab -----BEGIN OPENSSH PRIVATE KEY-----"


COMMAND = f"""
import logging, sys, warnings
from hub.masking import masked_stderr
with masked_stderr():
    logging.getLogger("paramiko.transport").error("odd cell %s", "{ID_NO}")
    try:
        raise ValueError("no card: {CARD_NO}")
    except ValueError:
        logging.getLogger("zeep").exception("failed")
    warnings.warn("old phone {MOBILE}")
    print("in ", "{ID_NO[:9]}", "{ID_NO[9:]}", sep="", end="", file=sys.stderr)
"""


def test_a_commands_standard_error_is_masked() -> None:
    """Log records of any library with their tracebacks, warnings, prints in pieces; in a process of its own, as a command is."""
    said = subprocess.run([sys.executable, "-W", "always", "-c", COMMAND], capture_output=True, text=True).stderr
    assert [said.count(mask) for mask in (ID, CARD, PHONE)] == [2, 1, 1]
    assert not any(number in said for number in (ID_NO, CARD_NO, MOBILE))
    assert "ValueError: no card: <masked card>" in said


def test_an_error_of_a_command_is_masked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its words were built from."""
    monkeypatch.setenv("HUB_MAPPINGS", f"/nowhere/{ID_NO}")
    assert main(["try", "nothing", f"/nowhere/{ID_NO}.txt"]) == 2
    assert ID_NO not in capsys.readouterr().err


def test_an_error_nobody_caught_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """With the errors before it."""
    try:
        try:
            raise KeyError(CARD_NO)
        except KeyError as error:
            raise RuntimeError(f"row {ID_NO}") from error
    except RuntimeError as error:
        masking.print_masked(type(error), error, error.__traceback__)
    said = capsys.readouterr().err
    assert (ID in said, CARD in said, ID_NO in said, CARD_NO in said) == (True, True, False, False)


def test_a_number_written_in_pieces_is_still_found() -> None:
    """A line is looked at when it is whole, or when it is flushed."""
    stream = io.StringIO()
    masking_stream = MaskedStream(stream)
    for letter in f"a {ID_NO}\nb":
        masking_stream.write(letter)
    assert stream.getvalue() == f"a {ID}\n"
    masking_stream.flush()
    assert stream.getvalue() == f"a {ID}\nb"
