"""A packed file holds exactly one other, and never more of it than is sane."""

import gzip
import io
import os
import struct
import zipfile
import zlib
from typing import Any

import pytest

from hub.errors import FeedChanged
from hub.feed import Feed, FeedSpec
from hub.parsing import packed
from hub.parsing.packed import unpack
from hub.pipeline.reading import unpacked

DATA = "1|张三\n".encode("gb18030") * 100


def zipped(*files: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in files:
            archive.writestr(name or zipfile.ZipInfo(name), content)
    return file.getvalue()


def refusal(kind: Any, data: bytes, **words: bool) -> str:
    with pytest.raises(FeedChanged) as error:
        unpack(kind, data, **words)
    assert "张三" not in str(error.value)
    return error.value.code


ONE = zipped(("a.txt", DATA))
RAW_NAME = zipped(("aaaa.txt", DATA)).replace(b"aaaa", "工资".encode("gb18030"))


@pytest.mark.parametrize("data", [ONE, zipped(("../../etc/passwd", DATA)), zipped(("工资.txt", DATA)), RAW_NAME,
                                  zipped(("", DATA)), zipped(("a.txt", DATA), how=zipfile.ZIP_STORED)])  # fmt: skip
def test_the_one_file_of_a_zip_is_taken_whatever_its_name(data: bytes) -> None:
    """The name is in any code page, or hostile; nobody looks at it."""
    assert unpack("zip", data) == DATA


def test_every_member_of_a_gzip_is_taken() -> None:
    """One, or several one after the other."""
    assert unpack("gzip", gzip.compress(DATA)) == DATA
    assert unpack("gzip", gzip.compress(DATA) + gzip.compress(b"") + gzip.compress(b"end")) == DATA + b"end"
    large = os.urandom(3_000_000)
    assert unpack("gzip", gzip.compress(large)) == unpack("zip", zipped(("a", large))) == large


def test_a_gzip_of_very_many_members_is_refused() -> None:
    """Each costs a copy of all that follows; a file of a million empty ones would be read for hours."""
    assert refusal("gzip", gzip.compress(DATA) + gzip.compress(b"") * packed.MOST_MEMBERS) == "F016"


def encrypted() -> bytes:
    """The flag that says so, in both of the places where it stands."""
    data = bytearray(ONE)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    return bytes(data)


def lying(size: int) -> bytes:
    """A zip that declares another size than it has."""
    return ONE.replace(struct.pack("<I", len(DATA)), struct.pack("<I", size))


SPOILED = bytearray(gzip.compress(DATA))
SPOILED[-6] ^= 1
REFUSED = [
    ("no zip", "zip", DATA),
    ("nothing", "zip", b""),
    ("two files", "zip", zipped(("a", DATA), ("b", b""))),
    ("no file", "zip", zipped()),
    ("a folder", "zip", zipped(("a/", b""))),
    ("a folder with a file", "zip", zipped(("a/", b""), ("a/b", DATA))),
    ("encrypted", "zip", encrypted()),
    ("cut off", "zip", ONE[:-30]),
    ("without a name", "zip", zipped(("a.txt", DATA)).replace(b"a.txt", b"").replace(b"\x05\0\0\0", bytes(4))),
    ("declared smaller", "zip", lying(10)),
    ("declared larger", "zip", lying(2**31)),
    ("packed otherwise", "zip", zipped(("a", DATA), how=zipfile.ZIP_LZMA)),
    ("a zip in it", "zip", zipped(("a.zip", ONE))),
    ("a gzip in it", "zip", zipped(("a.gz", gzip.compress(DATA)))),
    ("a zip agreed, a gzip sent", "zip", gzip.compress(DATA)),
    ("no gzip", "gzip", DATA),
    ("nothing", "gzip", b""),
    ("cut off", "gzip", gzip.compress(DATA)[:-1]),
    ("cut in its head", "gzip", gzip.compress(DATA)[:5]),
    ("garbage behind", "gzip", gzip.compress(DATA) + b"x"),
    ("noughts behind", "gzip", gzip.compress(DATA) + bytes(512)),
    ("half a member behind", "gzip", gzip.compress(DATA) + gzip.compress(DATA)[:-1]),
    ("a wrong check sum", "gzip", bytes(SPOILED)),
    ("a gzip in it", "gzip", gzip.compress(gzip.compress(DATA))),
    ("a gzip agreed, a zip sent", "gzip", ONE),
    ("a bare stream", "gzip", zlib.compress(DATA)),
]


@pytest.mark.parametrize(
    ("kind", "data"), [case[1:] for case in REFUSED], ids=[f"{case[1]}: {case[0]}" for case in REFUSED]
)
def test_anything_else_is_refused(kind: str, data: bytes) -> None:
    """F016, and nothing of the content in the message."""
    assert refusal(kind, data) == "F016"


@pytest.mark.parametrize("make", [lambda data: zipped(("a", data)), gzip.compress], ids=["zip", "gzip"])
def test_what_grows_too_much_is_not_unpacked(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its share, or beyond the largest file, and not a piece further."""
    kind = "gzip" if make is gzip.compress else "zip"
    assert refusal(kind, make(bytes(50_000_000))) == "F016"
    assert unpack(kind, make(bytes(2_000_000))) == bytes(2_000_000)
    monkeypatch.setattr(packed, "LARGEST_UNPACKED", 1_000_000)
    assert refusal(kind, make(os.urandom(1_000_001))) == "F016"


def test_a_workbook_inside_is_let_through_where_one_is_agreed() -> None:
    """It is a zip by its nature; elsewhere it is another archive."""
    data = zipped(("a.xlsx", ONE))
    assert unpack("zip", data, holds_sheet=True) == ONE
    assert refusal("zip", data) == "F016"
    assert refusal("zip", zipped(("a", gzip.compress(DATA))), holds_sheet=True) == "F016"


@pytest.mark.parametrize(
    ("kind", "data", "read"), [("zip", ONE, DATA), ("gzip", gzip.compress(DATA), DATA), (None, ONE, ONE)]
)
def test_a_feed_unpacks_what_its_mapping_says(kind: str | None, data: bytes, read: bytes) -> None:
    """Parts are one file; without the word nothing is unpacked."""
    source = {"connector": "sftp", "connection": "a", "files": "in/*", "name": "{a}", "packed": kind,
              "format": {"type": "delimited", "separator": "|", "detail": {"columns": ["a", "b"]}}}  # fmt: skip
    spec = FeedSpec.model_validate(
        {"title": "x", "partner": "a", "schedule": "* * * * *", "source": source, "records": {}}
    )
    assert b"".join(unpacked(Feed(feed_id="a_b", digest="", spec=spec), [data[:9], data[9:]])) == read
