"""Raw bytes are kept once, for their owner only, and a change is noticed."""

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.archive import Archive
from hub.digest import sm3_hex, sm3_texts
from hub.errors import ArchiveUnavailable, HubError, PartnerUnavailable


def files(folder: Path) -> list[Path]:
    """Every file below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("data", [b"", b"x", "农业\r\n".encode("gb18030"), b"\x00" * 100_000])
def test_what_was_kept_is_read_back_to_the_byte(tmp_path: Path, data: bytes) -> None:
    """Under the SM3 of its content."""
    archive = Archive(tmp_path)
    assert archive.keep(data) == sm3_hex(data)
    assert archive.read(sm3_hex(data)) == data


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    """The second time changes nothing, not even the time of the file."""
    archive = Archive(tmp_path)
    archive.keep(b"x")
    (kept,) = files(tmp_path)
    os.utime(kept, (1, 1))
    archive.keep(b"x")
    archive.keep(b"y")
    assert len(files(tmp_path)) == 2
    assert kept.stat().st_mtime == 1


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    """Whatever the process would have allowed otherwise; it holds personal data."""
    before = os.umask(0)
    try:
        Archive(tmp_path).keep(b"x")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in files(tmp_path)] == [0o600]


@pytest.mark.parametrize("change", [b"", b"y", b"x\n"])
def test_changed_bytes_are_never_handed_out(tmp_path: Path, change: bytes) -> None:
    """The digest is checked at every reading."""
    archive = Archive(tmp_path)
    digest = archive.keep(b"x")
    (kept,) = files(tmp_path)
    kept.write_bytes(change)
    with pytest.raises(HubError, match="was changed after it was received") as error:
        archive.read(digest)
    assert error.value.code == "S005"


def test_missing_bytes_are_an_error_with_a_code(tmp_path: Path) -> None:
    """Not a stray system error."""
    with pytest.raises(HubError, match="cannot be read") as error:
        Archive(tmp_path).read(sm3_hex(b"never kept"))
    assert error.value.code == "S005"


def test_a_link_laid_in_the_way_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unfinished file is made new, never written through a link to somewhere else."""
    monkeypatch.setattr("hub.archive.folder.token_hex", lambda _: "known")
    digest, target = sm3_hex(b"x"), tmp_path / "elsewhere"
    archive = Archive(tmp_path / "archive")
    place = archive.folder / digest[:2]
    place.mkdir(parents=True)
    (place / f"{digest}.known.part").symlink_to(target)
    with pytest.raises(ArchiveUnavailable, match="exists"):
        archive.keep(b"x")
    assert not target.exists()


def test_many_at_once_keep_the_same_bytes_without_harm(tmp_path: Path) -> None:
    """Two tasks of one process, or of two containers with one process number, may keep one file at the same time."""
    archive, data = Archive(tmp_path), os.urandom(200_000)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: archive.keep(data), range(64))) == {sm3_hex(data)}
    assert archive.read(sm3_hex(data)) == data
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("call", ["write", "fsync", "mkdir"])
def test_a_full_disk_leaves_nothing_half_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Wherever it shows: a clear error that Airflow tries again, no byte under any name, and it goes on when there is room."""

    def disk_full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    archive = Archive(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, disk_full)
        with pytest.raises(ArchiveUnavailable, match="No space left") as error:
            archive.keep(b"x")
    assert (error.value.code, isinstance(error.value, PartnerUnavailable)) == ("S020", True)
    assert files(tmp_path) == []
    assert archive.read(archive.keep(b"x")) == b"x"


def test_a_disk_that_fills_in_the_middle_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first bytes went down, the rest did not: a short write is gone on with, a failed one is taken back."""
    write, room = os.write, [3]

    def little_room(descriptor: int, data: bytes) -> int:
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = write(descriptor, bytes(data)[: room[0]])
        room[0] -= taken
        return taken

    archive = Archive(tmp_path)
    assert archive.keyring.kek
    monkeypatch.setattr(os, "write", little_room)
    with pytest.raises(ArchiveUnavailable):
        archive.keep(b"xxxxxx")
    assert files(tmp_path) == []
    room[0] = 100
    assert archive.read(archive.keep(b"xxxxxx")) == b"xxxxxx"
    assert 0 < room[0] < 100


def test_damaged_bytes_under_a_name_are_never_taken_as_kept(tmp_path: Path) -> None:
    """Neither acknowledged nor overwritten: somebody must find out why."""
    archive = Archive(tmp_path)
    archive.keep(b"x")
    (kept,) = files(tmp_path)
    kept.write_bytes(b"y")
    with pytest.raises(HubError, match="was changed after it was received"):
        archive.keep(b"x")
    assert kept.read_bytes() == b"y"


def test_what_dead_writers_left_goes_after_a_day(tmp_path: Path) -> None:
    """Not sooner: its writer may be alive."""
    archive = Archive(tmp_path)
    digest = archive.keep(b"x")
    young, old = (tmp_path / digest[:2] / f"{digest}.{n}.part" for n in (1, 2))
    for path in (young, old):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    assert list(archive.names()) == [f"{digest[:2]}/{digest}"]
    assert (archive.shelf.sweep(), young.exists(), old.exists()) == (1, True, False)


def test_everything_is_on_the_disk_before_the_digest_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this order: new folders, the bytes, the name, the folder that holds it. A power cut at any moment loses nothing told."""
    calls: list[str] = []
    sync, rename = os.fsync, Path.rename

    def note_sync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        calls.append("bytes" if path.suffix == ".part" else str(path.relative_to(tmp_path)))
        sync(descriptor)

    def note_rename(path: Path, target: Path) -> Path:
        calls.append("name")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "rename", note_rename)
    archive = Archive(tmp_path / "new" / "archive")
    assert archive.keyring.kek
    calls.clear()
    digest = archive.keep(b"x")
    expected = [".", "new", "new/archive", "bytes", "name", f"new/archive/{digest[:2]}"]
    assert calls == expected
    calls.clear()
    archive.keep(b"x")
    assert calls == ["new/archive", f"new/archive/{digest[:2]}"], "another writer's name may not be on the disk yet"


def test_sm3_is_the_standards_own() -> None:
    """GB/T 32905-2016, appendix A."""
    assert sm3_hex(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3_hex(b"abcd" * 16) == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    assert sm3_texts(["abc", "农"]) == [sm3_hex(b"abc"), sm3_hex("农".encode())]
