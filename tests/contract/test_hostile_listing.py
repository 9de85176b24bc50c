"""A server that lists what no folder can hold: paths, NUL, names without end. Nothing of it is opened, and what is good comes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncssh
import pytest

from connectors.sftp import SftpConnector
from hub.feed import SftpSource
from hub.model import Connection, Fetched, Notice

GOOD = "1_PAYR_1.txt"
NAMES = (b"../../etc/x_PAYR_1.txt", b"/etc/x_PAYR_2.txt", b"..\\x_PAYR_3.txt", b"x\0_PAYR_4.txt", b"_PAYR_" + b"9" * 4000 + b".txt",
         "工资_PAYR_5.txt".encode("gb18030"), b"\x1b[2J_PAYR_6.txt")  # fmt: skip
DATA = b"D|1|x\n"
SOURCE = {
    "connector": "sftp", "connection": "any", "files": "in/*_PAYR_*.txt", "name": "{any}", "done": ".ok",
    "format": {"type": "delimited", "separator": "|", "detail": {"mark": "D", "columns": ["a", "b", "c"]}},
}  # fmt: skip
opened: list[bytes] = []


class _Hostile(asyncssh.SFTPServer):
    """Shows its folder, and beside it names that are none."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(channel, chroot=_Hostile.root)

    root = b""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        async for name in super().scandir(path):
            yield name
        for odd in NAMES:
            for ending in (b"", b".ok"):
                attributes = asyncssh.SFTPAttrs(type=1, size=len(DATA), permissions=0o100644, atime=1, mtime=1)
                yield asyncssh.SFTPName(odd + ending, attrs=attributes)

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        opened.append(path)
        return super().open(path, pflags, attrs)


class _Anyone(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return False


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Connection]:
    """The server, in a thread of its own."""
    _Hostile.root = str(tmp_path).encode()
    opened.clear()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / GOOD).write_bytes(DATA)
    (tmp_path / "in" / f"{GOOD}.ok").write_bytes(b"6|1")
    loop, key = asyncio.new_event_loop(), asyncssh.generate_private_key("ssh-ed25519")
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=_Anyone, server_host_keys=[key], sftp_factory=_Hostile
        )

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)
    host_key = " ".join(key.export_public_key().decode().split()[:2])
    yield Connection("hostile_sftp", "127.0.0.1", server.get_port(), "hub", "any", {"host_key": host_key})
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()


@pytest.mark.parametrize("names", [None, "gb18030"])
def test_no_name_of_a_hostile_listing_is_opened(hostile: Connection, names: str | None) -> None:
    """Each is noticed in letters that a terminal may show; the good file beside them comes."""
    with SftpConnector(hostile, SftpSource.model_validate({**SOURCE, "names": names})) as connector:
        found = list(connector.fetch(None, frozenset()))
    good = [one.name for one in found if isinstance(one, Fetched)]
    assert f"in/{GOOD}" in good
    assert set(good) <= {f"in/{GOOD}"} or names == "gb18030"
    told = [one for one in found if isinstance(one, Notice)]
    assert {one.code for one in told} == {"F008"}
    assert len(told) >= len(NAMES) - 1
    assert all(character.isprintable() for one in told for character in one.message)
    assert any(path.endswith(GOOD.encode()) for path in opened)
    assert not [path for path in opened if b".." in path or b"\0" in path or b"etc" in path]
