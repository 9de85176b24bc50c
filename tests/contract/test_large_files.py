"""A file larger than anybody wants in memory goes from the partner's server into the archive and through a backup in pieces."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from large_files import NAME, drop, measure
from ssh_server import find_sshd, serving

from connectors import sftp, spool
from connectors.sftp import SftpConnector
from connectors.spool import Spool
from hub.archive import Archive, object_name
from hub.digest import sm3_hex
from hub.errors import HubUnavailable
from hub.feed import SftpSource
from hub.model import Connection, Fetched, Notice

MEGABYTES, MOST_MB = 100, 60
needs_sshd = pytest.mark.skipif(
    find_sshd() is None, reason="OpenSSH's sshd is not installed (Debian: apt install openssh-server)"
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Connection, Path]]:
    """OpenSSH's own server, and the folder that it shows."""
    with serving(tmp_path) as served:
        yield served


def source(**changes: object) -> SftpSource:
    """A folder in which each file has a flag."""
    agreed = {"connector": "sftp", "connection": "any", "files": "in/*_PAYR_*.txt", "name": "{any}", "done": ".ok"}
    format_ = {"type": "delimited", "separator": "|", "detail": {"mark": "D", "columns": ["标识", "序号", "姓名"]}}
    return SftpSource.model_validate({**agreed, "format": format_, **changes})


@needs_sshd
def test_a_large_file_takes_little_memory(
    server: tuple[Connection, Path], tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    """Fetched, verified, backed up, checked, restored; a file of 100 MB, at most 60 MB more than the process had before.

    Each step by itself, in a process of its own; what parsing takes afterwards is another matter.
    """
    connection, root = server
    size = drop(root, MEGABYTES)
    steps = measure(connection, tmp_path, (empty_database(), empty_database()))
    assert [step.name for step in steps if step.peak_mb > MOST_MB] == []
    assert len(steps) == 5
    data = (root / "in" / NAME).read_bytes()
    assert len(data) == size
    for place in ("archive", "backup/archive", "second"):
        stored = tmp_path / place / object_name(sm3_hex(data))
        assert size < stored.stat().st_size < size + size // 1000
        assert data[:64] not in stored.read_bytes()


@needs_sshd
@pytest.mark.parametrize(("form", "algorithm"), [(".sm3", "sm3"), (".sha256", "sha256"), (".md5", "md5")])
def test_a_stream_is_held_against_flag_and_digest(
    server: tuple[Connection, Path], monkeypatch: pytest.MonkeyPatch, form: str, algorithm: str
) -> None:
    """As a file in memory is; its bytes come as often as they are asked for."""
    monkeypatch.setattr(sftp, "IN_MEMORY", 1 << 20)
    connection, root = server
    size = drop(root, 3)
    path = root / "in" / NAME
    data = path.read_bytes()
    found = hashlib.new(algorithm, data).hexdigest() if algorithm != "sm3" else sm3_hex(data)
    for declared, flag, fault in (
        (found, size, None),
        ("0" * len(found), size, "F001"),
        (found, size + 1, "F007"),
    ):
        path.with_name(f"{NAME}{form}").write_text(declared)
        path.with_name(f"{NAME}.ok").write_text(f"{flag}|1")
        with SftpConnector(connection, source(digest=form)) as connector:
            [one] = connector.fetch(None, frozenset())
        assert isinstance(one, Fetched)
        [part] = one.parts
        assert isinstance(part, Spool)
        assert (part.size, part.digest, one.fault and one.fault[0]) == (size, sm3_hex(data), fault)
        assert b"".join(part.chunks()) == b"".join(part.chunks()) == data


@needs_sshd
def test_a_file_larger_than_agreed_is_left_alone(
    server: tuple[Connection, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one of which the server told less than then comes: it stops there."""
    monkeypatch.setattr(sftp, "LARGEST_FILE", 2 << 20)
    connection, root = server
    drop(root, 3)
    read = SftpConnector._bytes
    for tell in (lambda size: size, lambda size: 10):
        monkeypatch.setattr(SftpConnector, "_bytes", lambda self, path, size, tell=tell: read(self, path, tell(size)))
        with SftpConnector(connection, source()) as connector:
            [one] = connector.fetch(None, frozenset())
        assert isinstance(one, Notice)
        assert (one.code, "are the most" in one.message) == ("F030", True)


def test_what_waits_on_disk_cannot_be_read_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no name, and what it holds is sealed."""
    files = []

    def noted(**options: object) -> object:
        files.append(TemporaryFile(dir=tmp_path, **options))  # type: ignore[call-overload]  # noqa: SIM115
        return files[-1]

    monkeypatch.setattr(spool, "TemporaryFile", noted)
    held = Spool([b"D|00001|some worker\n"] * 100_000)
    assert list(tmp_path.iterdir()) == []
    size = os.fstat(files[0].fileno()).st_size
    assert b"worker" not in os.pread(files[0].fileno(), size, 0)
    assert size > held.size == 2_000_000
    assert Archive(tmp_path).keep(held) == held.digest == sm3_hex(b"D|00001|some worker\n" * 100_000)


def test_a_full_disk_on_the_way_is_ours_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """S055, and no fault of the partner's; nothing stays behind."""

    class Full:
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool, "TemporaryFile", lambda **_: Full())
    with pytest.raises(HubUnavailable, match="No space left") as error:
        Spool([b"x"])
    assert error.value.code == "S055"
