"""The archive in an object store, and the journal beside the raw bytes wherever they lie."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from hub.archive import Archive, digest_in, object_name
from hub.digest import sm3_hex
from hub.errors import ArchiveUnavailable, HubError
from hub.model import Journalled, Stage, Told
from hub.settings import now

ENTRY = Journalled(7, "haidai_txns", "in/20261123/a.txt", "d" * 64, ("d" * 64,), "m" * 64, "0.1.0",
                   datetime(2026, 11, 23, 8, tzinfo=UTC), stamp_size=9, stamp_modified_at=3)  # fmt: skip


@pytest.fixture(params=["folder", "file", "memory"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    """One archive of each kind."""
    places = {"folder": tmp_path, "file": tmp_path.as_uri(), "memory": f"memory://{uuid4().hex}/archive"}
    yield Archive(places[request.param])
    fsspec.filesystem("memory").store.clear()


def test_every_place_keeps_reads_lists_and_lets_go(archive: Archive) -> None:
    """The same behaviour behind every address."""
    digest = archive.keep(b"x")
    assert archive.keep(b"x") == digest == sm3_hex(b"x")
    assert archive.read(digest) == b"x"
    archive.check(digest)
    assert list(archive.names()) == [object_name(digest)]
    archive.remove(digest)
    archive.remove(digest)
    assert list(archive.names()) == []
    with pytest.raises(HubError, match="is not there") as error:
        archive.read(digest)
    assert error.value.code == "S005"


def test_every_place_notices_damage(archive: Archive) -> None:
    """When it is read, checked, kept again or copied."""
    digest = archive.keep(b"x")
    archive.shelf.remove(object_name(digest))
    archive.shelf.put(object_name(digest), [b"y"])
    for use in (archive.read, archive.check, lambda _: archive.keep(b"x")):
        with pytest.raises(HubError, match="was changed") as error:
            use(digest)
        assert error.value.code == "S005"
    with pytest.raises(HubError, match="was changed"):
        archive.copy(object_name(digest), Archive(f"memory://{uuid4().hex}"))


def test_copying_takes_over_what_is_there_and_refuses_what_is_damaged(archive: Archive) -> None:
    """From any place to any other."""
    name, other = object_name(archive.keep(b"x")), Archive(f"memory://{uuid4().hex}")
    first, second = archive.copy(name, other), archive.copy(name, other)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.stored == second.stored == archive.stored_digest(name) == other.stored_digest(name), "as it is stored"
    assert first.kek == second.kek == archive.keyring.check
    other.shelf.remove(name)
    other.shelf.put(name, [b"y"])
    with pytest.raises(HubError, match="with other bytes"):
        archive.copy(name, other)


def test_the_journal_gives_back_what_was_told_since(archive: Archive) -> None:
    """By the moment it was written; what came before stays out."""
    archive.note_told("nat_clues", Stage.INTAKE, ["a", "b"])
    between = now()
    archive.note_told("nat_clues", Stage.OUTCOME, ["c"])
    archive.note_told("nat_clues", Stage.OUTCOME, ["c"])
    assert list(archive.told_since(between)) == [Told("nat_clues", Stage.OUTCOME, ("c",))] * 2
    assert len(list(archive.told_since(between - timedelta(days=40)))) == 3
    assert list(archive.told_since(now() + timedelta(hours=1))) == []


def test_the_journal_gives_back_batches_in_the_order_of_their_numbers(archive: Archive) -> None:
    """A clock that was put back does not turn them round."""
    later = Journalled(**{**vars(ENTRY), "batch_id": 8, "source_name": "文件.txt"})
    archive.note_fetched(later)
    archive.note_fetched(ENTRY)
    assert archive.fetched_since(now() - timedelta(days=1)) == [ENTRY, later]


def test_a_changed_entry_of_the_journal_is_refused(archive: Archive) -> None:
    """Its name proves it, as with raw bytes."""
    archive.note_told("nat_clues", Stage.INTAKE, ["a"])
    (name,) = archive.names()
    data = b"".join(archive.chunks(name))
    assert digest_in(name) == sm3_hex(data)
    archive.shelf.remove(name)
    archive.shelf.put(name, [data.replace(b"nat", b"tan")])
    with pytest.raises(HubError, match="was changed"):
        list(archive.told_since(now() - timedelta(days=1)))


def test_old_days_of_the_journal_go_and_raw_bytes_stay(archive: Archive) -> None:
    """No backup so old will be restored."""
    archive.keep(b"x")
    archive.note_told("nat_clues", Stage.INTAKE, ["a"])
    assert archive.forget_journal(now()) == 0
    assert archive.forget_journal(now() + timedelta(days=1)) == 1
    assert list(archive.names()) == [object_name(sm3_hex(b"x"))]


def test_a_store_that_breaks_off_leaves_nothing_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some stores make an object of whatever came before the line broke."""
    archive = Archive(f"memory://{uuid4().hex}")
    pipe = MemoryFileSystem.pipe_file

    def broken(store: MemoryFileSystem, path: str, value: bytes, **options: object) -> None:
        pipe(store, path, value[:1], **options)
        raise ConnectionError("line broke")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "pipe_file", broken)
        with pytest.raises(ArchiveUnavailable) as error:
            archive.keep(b"xyz")
    assert error.value.code == "S020"
    assert list(archive.names()) == []
    assert archive.read(archive.keep(b"xyz")) == b"xyz"


def test_files_of_others_are_no_objects(tmp_path: Path) -> None:
    """What an admin or a file system put there neither stops a backup nor goes into one."""
    archive = Archive(tmp_path)
    name = object_name(archive.keep(b"x"))
    for path in ("README", "lost+found/x", f"{name}.bak", "told/notes"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"y")
    assert list(archive.names()) == [name]


@pytest.mark.parametrize("address", ["nowhere://a/b", "://a/b"])
def test_an_address_nobody_can_use_is_said_at_once(address: str) -> None:
    """With what is missing; a package for the store, say."""
    with pytest.raises(HubError, match="HUB_ARCHIVE cannot be used"):
        Archive(address).keep(b"x")
