"""Raw bytes are kept once, for their owner only, and a change is noticed."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.archive import Archive
from hub.digest import sm3_hex, sm3_texts
from hub.errors import HubError


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
    monkeypatch.setattr("hub.archive.token_hex", lambda _: "known")
    digest, target = sm3_hex(b"x"), tmp_path / "elsewhere"
    archive = Archive(tmp_path / "archive")
    place = archive.folder / digest[:2]
    place.mkdir(parents=True)
    (place / f"{digest}.known.part").symlink_to(target)
    with pytest.raises(OSError, match="exists"):
        archive.keep(b"x")
    assert not target.exists()


def test_many_at_once_keep_the_same_bytes_without_harm(tmp_path: Path) -> None:
    """Two tasks of one process, or of two containers with one process number, may keep one file at the same time."""
    archive, data = Archive(tmp_path), os.urandom(200_000)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: archive.keep(data), range(64))) == {sm3_hex(data)}
    assert archive.read(sm3_hex(data)) == data
    assert len(files(tmp_path)) == 1


def test_a_failed_writing_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is not filled further by halves, and nothing incomplete has the name of the whole."""

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        Archive(tmp_path).keep(b"x")
    assert files(tmp_path) == []


def test_content_and_every_new_folder_are_on_the_disk_before_the_digest_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could lose a file, or the folder that holds it, after it was acknowledged."""
    synced: set[str] = set()
    sync = os.fsync

    def remember(descriptor: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", remember)
    digest = Archive(tmp_path).keep(b"x")
    assert {str(tmp_path), str(tmp_path / digest[:2])} <= synced
    assert any(path.endswith(".part") for path in synced)


def test_sm3_is_the_standards_own() -> None:
    """GB/T 32905-2016, appendix A."""
    assert sm3_hex(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3_hex(b"abcd" * 16) == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    assert sm3_texts(["abc", "农"]) == [sm3_hex(b"abc"), sm3_hex("农".encode())]
