"""What a mapping may agree on, and how pins and keys are entered."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.flags import complete_names
from connectors.names import fits_pattern, is_safe
from connectors.ssh import Entry
from hub.containers import Containers
from hub.containers.keys import Pin, read_keys, read_pins
from hub.errors import MappingInvalid
from hub.feed import SftpSource
from hub.model import Connection

FORMAT = {"type": "delimited", "separator": "|", "detail": {"columns": ["a"]}}
ONE, TWO = "AB" * 20, "CD" * 20


def source(**words: Any) -> SftpSource:
    agreed = {"connector": "sftp", "connection": "any", "files": "in/*.txt*", "name": "{any}", "format": FORMAT}
    return SftpSource.model_validate(agreed | words)


@pytest.mark.parametrize(
    "words",
    [
        {"encrypted": "pgp"},
        {"signature": ".sig"},
        {"encrypted": "openpgp", "signature": ".sig"},
        {"encrypted": "sm4-gcm", "signature": "SIGNATURE"},
        {"encrypted": "sm4-gcm", "signature": ".ok", "done": ".ok"},
        {"encrypted": "aes-zip", "packed": "zip"},
        {"names": "gbk"},
    ],
    ids=str,
)
def test_words_that_do_not_go_together_are_refused(words: dict[str, str]) -> None:
    """By `hub check`, never at night."""
    with pytest.raises(ValidationError):
        source(**words)


@pytest.mark.parametrize("done", [".ok", None])
def test_a_signature_is_no_data(done: str | None) -> None:
    """Whatever the pattern says."""
    agreed = source(encrypted="sm4-gcm", signature=".sig", done=done)
    entries = {name: Entry(name, None) for name in (b"a.txt", b"a.txt.sig", b"a.txt.ok")}  # type: ignore[arg-type]
    assert [name for name in complete_names(agreed, entries) if not name.endswith(b".ok")] == [b"a.txt"]


@pytest.mark.parametrize(
    ("text", "pins"),
    [
        (ONE, [Pin(ONE)]),
        (f" {ONE.lower()} \n\n{TWO} until 2027-03-31\n", [Pin(ONE), Pin(TWO, date(2027, 3, 31))]),
        (" ".join(ONE[place : place + 4] for place in range(0, 40, 4)), [Pin(ONE)]),
    ],
)
def test_pins_are_read_as_people_write_them(text: str, pins: list[Pin]) -> None:
    """Spaces, small letters and empty lines do not matter."""
    assert read_pins(Connection("any", extra={"pins": text}), "pins", (20, 32)) == pins


def test_a_pin_counts_to_the_end_of_its_day_in_china() -> None:
    """Days are those of the partner."""
    pin = Pin(ONE, date(2027, 3, 31))
    assert pin.counts_at(datetime(2027, 3, 31, 15, 59, tzinfo=UTC))
    assert not pin.counts_at(datetime(2027, 3, 31, 16, 0, tzinfo=UTC))


@pytest.mark.parametrize("text", ["", " \n", "no hex", "ABC", "AB" * 15])
def test_no_key_stands_in_the_words_about_a_wrong_one(text: str) -> None:
    """What is said goes into logs."""
    with pytest.raises(MappingInvalid) as raised:
        read_keys(Connection("any", extra={"sm4_keys": text}), "sm4_keys", (16,))
    assert "sm4_keys" in str(raised.value)
    assert not text.strip() or text not in str(raised.value)


def test_a_hub_without_connections_opens_nothing_and_reads_the_rest() -> None:
    """As where a sample is checked."""
    now, containers = datetime.now(UTC), Containers()
    assert containers.opened(source(), [b"x"], now) == [b"x"]
    assert containers.closed(source(), None, "RET", b"x").data == b"x"
    with pytest.raises(MappingInvalid):
        containers.opened(source(encrypted="aes-zip"), [b"x"], now)


@pytest.mark.parametrize(
    ("names", "name", "fits", "safe"),
    [
        (None, b"a_1.txt", True, True),
        (None, "工资.txt".encode(), True, False),
        ("gb18030", "工资.txt".encode("gb18030"), True, True),
        ("gb18030", b"\x81\x5b.txt", True, True),
        ("gb18030", "工资.txt\u202e".encode("gb18030"), True, False),
        ("utf-8", "工资.txt".encode("gb18030"), True, False),
        ("utf-8", b"../a.txt", True, False),
        ("utf-8", b"a\0.txt", True, False),
        ("utf-8", b".txt", True, False),
        ("utf-8", b"a.csv", False, True),
    ],
)
def test_names_by_their_code_page(names: str | None, name: bytes, fits: bool, safe: bool) -> None:
    """One that fits and is not safe is noticed, and never opened."""
    agreed = source(names=names)
    assert (fits_pattern(agreed, name), is_safe(agreed, name)) == (fits, safe)
