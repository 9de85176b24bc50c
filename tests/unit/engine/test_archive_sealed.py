"""What lies in the archive is sealed, and every change of it is found, wherever it was made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from hub.archive import Archive, Keyring, object_name
from hub.archive.changing import count_keks, encrypt_plain, kek_of, rewrap_all
from hub.archive.sealed import MAGIC, decode_head, open_object, seal_object
from hub.digest import sm3_hex
from hub.errors import HubError, KeysUnusable
from hub.model import Stage
from hub.settings import now

FIRST, SECOND = "11" * 32, "22" * 32
BITS, CHUNK = 4, 16
"""Chunks of 16 bytes, so that an object of several is small enough to try every byte of it."""


@pytest.fixture(autouse=True)
def _kek(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("HUB_KEK", "HUB_SUITE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HUB_KEK", FIRST)


@pytest.fixture(params=["folder", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """A folder, and an object store."""
    yield tmp_path if request.param == "folder" else f"memory://{uuid4().hex}/archive"
    fsspec.filesystem("memory").store.clear()


def stored(archive: Archive, name: str) -> bytes:
    """An object's bytes as they lie there."""
    return b"".join(archive.shelf.chunks(name))


def lay(archive: Archive, name: str, data: bytes) -> None:
    """Somebody who may write there puts other bytes in an object's place."""
    archive.shelf.remove(name)
    archive.shelf.put(name, [data])


def opened(data: bytes, name: str, keyring: Keyring | None = None) -> bytes:
    return b"".join(open_object(keyring or Keyring(), name, [data]))


def sealed(data: bytes) -> tuple[str, bytes]:
    """The name and the stored bytes of an object in chunks of sixteen bytes."""
    name = object_name(sm3_hex(data))
    return name, b"".join(seal_object(Keyring(), name, [data], BITS))


@pytest.mark.parametrize("suite", ["aes", "sm"])
@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_every_flip_cut_and_addition_is_found(monkeypatch: pytest.MonkeyPatch, suite: str, size: int) -> None:
    """Every byte of the object in all its eight bits, every shorter length, and every byte more; always as S005."""
    monkeypatch.setenv("HUB_SUITE", suite)
    name, good = sealed(os.urandom(size))
    keyring = Keyring()
    assert sm3_hex(opened(good, name)) == name[3:]
    changes = [good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :] for at in range(len(good)) for bit in range(8)]
    changes += [
        good[:length] for length in range(len(good)) if length or size
    ]  # none at all is what an empty file holds
    changes += [good + bytes([byte]) for byte in range(256)] + [good + good, good + good[-CHUNK - 16 :]]
    for change in changes:
        with pytest.raises(HubError) as error:
            opened(change, name, keyring)
        assert (error.value.code, type(error.value)) == ("S005", HubError)


@pytest.mark.parametrize("suite", ["aes", "sm"])
def test_chunks_cannot_be_swapped_dropped_or_repeated(monkeypatch: pytest.MonkeyPatch, suite: str) -> None:
    """Each is authentic by itself, and stands in the wrong place."""
    monkeypatch.setenv("HUB_SUITE", suite)
    data = b"".join(bytes([n]) * CHUNK for n in range(4))
    name, good = sealed(data)
    size = CHUNK + 16
    head, chunks = good[: -4 * size], [good[len(good) - n * size :][:size] for n in (4, 3, 2, 1)]
    a, b, c, d = chunks
    assert head + a + b + c + d == good
    for order in (
        [b, a, c, d],
        [a, c, d],
        [a, b, c],
        [b, c, d],
        [a, a, b, c, d],
        [a, b, c, d, d],
        [a, b, d, c],
        [d],
        [],
    ):
        with pytest.raises(HubError, match="was changed"):
            opened(head + b"".join(order), name)


def test_an_object_under_another_name_is_found() -> None:
    """Also one that holds the same number of bytes, and a journal entry that is given another moment."""
    name, good = sealed(b"x" * 40)
    other, _ = sealed(b"y" * 40)
    moved = f"told/20261125/093000.000001_{name[3:]}"
    for wrong in (other, moved):
        with pytest.raises(HubError, match="was changed"):
            opened(good, wrong)


def test_chunks_of_two_objects_with_the_same_content_do_not_mix() -> None:
    """Each has a data key of its own."""
    (name, one), (_, two) = sealed(b"x" * 40), sealed(b"x" * 40)
    assert one != two
    for at in range(len(one)):
        mixed = one[:at] + two[at:]
        if mixed not in (one, two):
            with pytest.raises(HubError, match="was changed"):
                opened(mixed, name)


@pytest.mark.parametrize("written", ["aes", "sm"])
@pytest.mark.parametrize("size", [0, 5, 1 << 18, (1 << 18) + 1, 3 << 18])
def test_an_object_is_read_whatever_the_suite_is_now(
    place: Path | str, monkeypatch: pytest.MonkeyPatch, written: str, size: int
) -> None:
    """The suite stands in its head; the setting is for new objects."""
    data = os.urandom(size)
    monkeypatch.setenv("HUB_SUITE", written)
    archive = Archive(place)
    digest = archive.keep(data)
    monkeypatch.setenv("HUB_SUITE", "aes" if written == "sm" else "sm")
    assert Archive(place).read(digest) == data
    before = archive.stored_digest(object_name(digest))
    assert Archive(place).keep(data) == digest
    assert archive.stored_digest(object_name(digest)) == before, "the same bytes again are the same object"


def test_nothing_of_the_content_lies_in_the_archive(tmp_path: Path) -> None:
    """Neither of raw bytes nor of the journal; names are for the owner as well."""
    before = os.umask(0)
    try:
        archive = Archive(tmp_path)
        archive.keep("张三|370102199001011234".encode() * 50_000)
        archive.note_told("nat_clues", Stage.INTAKE, ["a"])
    finally:
        os.umask(before)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2
    for path in files:
        data = path.read_bytes()
        assert data.startswith(MAGIC)
        assert not any(part in data for part in ("张三".encode(), b"370102199001011234", b"nat_clues", b"intake"))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_dir()} == {0o700}


def test_another_key_is_told_apart_from_changed_bytes(place: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S051 and not S005; nothing is written, and with the right key all is well."""
    archive = Archive(place)
    digest = archive.keep(b"x")
    monkeypatch.setenv("HUB_KEK", SECOND)
    other = Archive(place)
    uses: list[Callable[[], object]] = [
        lambda: other.read(digest),
        lambda: other.check(digest),
        lambda: other.is_whole(object_name(digest)),
        lambda: other.keep(b"x"),
        lambda: other.copy(object_name(digest), Archive(f"memory://{uuid4().hex}")),
    ]
    for use in uses:
        with pytest.raises(KeysUnusable, match="under the key-encryption key") as error:
            use()
        assert error.value.code == "S051"
    monkeypatch.setenv("HUB_KEK_OLD", FIRST)
    assert Archive(place).read(digest) == b"x"


def test_plain_objects_of_an_older_hub_are_read_and_sealed(place: Path | str) -> None:
    """Every one of them, once; run again it finds nothing to do. The journal too."""
    archive = Archive(place)
    plain = {object_name(sm3_hex(data)): data for data in (b"", b"x", os.urandom(600_000))}
    told = b'{"digests": ["a"], "feed_id": "nat_clues", "stage": "intake"}'
    plain[f"told/{now():%Y%m%d}/093000.000001_{sm3_hex(told)}"] = told
    for name, data in plain.items():
        archive.shelf.put(name, [data])
    already = archive.keep(b"sealed from the start")
    for name, data in plain.items():
        assert archive.is_whole(name)
        assert b"".join(archive.chunks(name)) == data
    assert (count_keks(archive)["plain"], archive.keep(b"x")) == (4, sm3_hex(b"x"))
    assert (encrypt_plain(archive).count, encrypt_plain(archive).count) == (4, 0)
    assert count_keks(archive) == {archive.keyring.check: 5}
    for name, data in plain.items():
        assert b"".join(archive.chunks(name)) == data
        assert len(data) < 8 or data not in stored(archive, name), "one byte may be there by chance"
    assert archive.read(already) == b"sealed from the start"
    assert set(archive.names()) == {*plain, object_name(already)}, "nothing unfinished is left"


def test_a_damaged_plain_object_is_left_as_it_is_and_named(place: Path | str) -> None:
    """Sealing it would make something that nobody can look into; the others go on."""
    archive = Archive(place)
    bad, good = object_name(sm3_hex(b"x")), object_name(sm3_hex(b"z"))
    archive.shelf.put(bad, [b"y"])
    archive.shelf.put(good, [b"z"])
    done = encrypt_plain(archive)
    assert (done.count, len(done.left)) == (1, 1)
    assert bad in done.left[0]
    assert stored(archive, bad) == b"y"


@pytest.mark.parametrize("suite", ["aes", "sm"])
def test_a_new_kek_rewrites_heads_and_no_chunk(place: Path | str, monkeypatch: pytest.MonkeyPatch, suite: str) -> None:
    """Readable under both keys at once, then under the new one alone; the chunks are the same bytes."""
    monkeypatch.setenv("HUB_SUITE", suite)
    archive = Archive(place)
    digests = [archive.keep(data) for data in (b"", b"x", os.urandom(600_000))]
    archive.note_told("nat_clues", Stage.INTAKE, ["a"])
    before = {name: stored(archive, name) for name in archive.names()}
    monkeypatch.setenv("HUB_KEK", SECOND)
    monkeypatch.setenv("HUB_KEK_OLD", FIRST)
    both = Archive(place)
    young = both.keep(b"under the new one from the start")
    assert [both.check(digest) for digest in digests] == [None] * 3
    assert (rewrap_all(both).count, rewrap_all(both).count) == (4, 0)
    monkeypatch.delenv("HUB_KEK_OLD")
    alone = Archive(place)
    for digest in [*digests, young]:
        alone.check(digest)
    assert len(list(alone.told_since(now().replace(hour=0)))) == 1
    head = 59 if suite == "aes" else 63
    for name, data in before.items():
        assert stored(alone, name)[head:] == data[head:]
        assert stored(alone, name)[:11] == data[:11]
        assert stored(alone, name)[:head] != data[:head]


def test_objects_under_a_key_that_is_gone_are_named(place: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may take the old key away then; they are left as they are, and so is one whose head is damaged."""
    archive = Archive(place)
    name, other = object_name(archive.keep(b"x")), object_name(archive.keep(b"y"))
    lay(archive, other, stored(archive, other)[:40])
    before = stored(archive, name)
    monkeypatch.setenv("HUB_KEK", SECOND)
    done = rewrap_all(Archive(place))
    assert (done.count, len(done.left)) == (0, 2)
    assert stored(archive, name) == before
    assert kek_of(archive, name) == archive.keyring.check


def test_what_retention_takes_meanwhile_does_not_come_back(place: Path | str) -> None:
    """An object that is gone when its successor is finished stays gone, and nothing is left of the successor."""
    archive = Archive(place)
    name = object_name(sm3_hex(b"x"))
    archive.shelf.put(name, [b"x"])

    def late() -> Iterator[bytes]:
        yield b"anything"
        archive.shelf.remove(name)

    assert archive.shelf.replace(name, late()) is False
    assert list(archive.shelf.names()) == []


def test_a_stream_is_kept_under_its_own_digest_or_not_at_all(place: Path | str) -> None:
    """What a connector says of a stream is held against what comes of it."""

    class Given:
        def __init__(self, data: bytes, digest: str) -> None:
            self.size, self.digest, self._data = len(data), digest, data

        def chunks(self) -> Iterator[bytes]:
            yield from (self._data[at : at + 1000] for at in range(0, len(self._data), 1000))

    archive, data = Archive(place), os.urandom(700_000)
    with pytest.raises(HubError, match="was changed"):
        archive.keep(Given(data, sm3_hex(b"other")))
    assert list(archive.shelf.names()) == []
    digest = archive.keep(Given(data, sm3_hex(data)))
    assert (digest, archive.read(digest)) == (sm3_hex(data), data)


def test_a_head_may_not_ask_for_huge_chunks() -> None:
    """They would be opened in memory before anything is known to be right."""
    name, good = sealed(b"x")
    assert decode_head(good, name)
    for bits in (0, 3, 25, 60, 255):
        with pytest.raises(HubError, match="was changed"):
            decode_head(good[:10] + bytes([bits]) + good[11:], name)
