"""AES zips: opened by any agreed pass word, and every other zip refused with the verdict its sender can act on."""

from __future__ import annotations

import io
import zipfile

import pytest

from hub.containers import aes_zip
from hub.errors import FeedChanged
from hub.limits import UNSUSPICIOUS
from simulators.mirror.containers import read_zip, write_zip

CONTENT = "批次|313|示例\n".encode("gb18030") * 2000
PASS = "an agreed 口令"
GOOD = write_zip("工资.txt", CONTENT, PASS)


def refusal(data: bytes, *pass_words: str) -> str:
    with pytest.raises(FeedChanged) as raised:
        aes_zip.open_zip(data, pass_words or (PASS,))
    assert CONTENT[:8] not in str(raised.value).encode("gb18030")
    assert PASS not in str(raised.value)
    return raised.value.code


def plain_zip(**entries: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return made.getvalue()


def marked_encrypted(data: bytes) -> bytes:
    """A zip whose headers say that it is encrypted, and nothing of AES: what ZipCrypto looks like."""
    changed, central = bytearray(data), data.index(b"PK\1\2")
    changed[6] |= 1
    changed[central + 8] |= 1
    return bytes(changed)


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_every_strength_opens(bits: int) -> None:
    """Banks' tools differ in their key sizes."""
    assert aes_zip.open_zip(write_zip("a.txt", CONTENT, PASS, bits), [PASS]) == CONTENT


def test_an_older_pass_word_opens_while_both_are_agreed() -> None:
    """The newest stands first."""
    assert aes_zip.open_zip(GOOD, ["a newer one", PASS]) == CONTENT


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("F023", CONTENT),
        ("F023", plain_zip(a=CONTENT)),
        ("F023", marked_encrypted(plain_zip(a=CONTENT))),
        ("F028", GOOD[:-30]),
        ("F028", GOOD[: len(GOOD) // 2]),
        ("F028", GOOD[:100] + bytes([GOOD[100] ^ 1]) + GOOD[101:]),
        ("F028", plain_zip(a=b"1", b=b"2")),
        ("F029", write_zip("a.txt", bytes(UNSUSPICIOUS + 1), PASS)),
    ],
    ids=["clear", "not encrypted", "ZipCrypto", "cut at its end", "cut in half", "altered", "two files", "bomb"],
)  # fmt: skip
def test_every_other_zip_gets_its_verdict(code: str, data: bytes) -> None:
    """And nothing of the content is in its words."""
    assert refusal(data) == code


def test_another_pass_word_is_said_to_be_another() -> None:
    """F024, so that the sender looks at its pass word and not at its file."""
    assert refusal(GOOD, "another", "and another") == "F024"


def test_a_flipped_bit_anywhere_in_the_ciphertext_is_found() -> None:
    """The HMAC is of all of it; no byte of a file that fails is given out."""
    start = GOOD.index(b"\x01\x99") + 11
    end = GOOD.index(b"PK\1\2")
    for place in range(start + 20, end - 1, max(1, (end - start) // 40)):
        assert refusal(GOOD[:place] + bytes([GOOD[place] ^ 0x40]) + GOOD[place + 1 :]) == "F028"


def test_what_we_close_another_opens() -> None:
    """With AES-256, under the name that was given."""
    made = aes_zip.close_zip("RET_工资.txt", CONTENT, PASS)
    assert read_zip(made, PASS) == CONTENT
    assert CONTENT[:8] not in made
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.namelist() == ["RET_工资.txt"]
