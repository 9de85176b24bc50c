"""The SFTP server of the banks: each bank's user is locked into its own folder.

Its knobs refuse logins, slow every read down or cut the connection after so many kilobytes.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from simulators.faults import SFTP_KNOBS, Knobs


@dataclass(frozen=True)
class BankUser:
    """One bank's login; `on_flag` is called when a flag file has come."""

    password: str
    root: Path
    knobs: Knobs
    on_flag: Callable[[], None]


def make_knobs() -> Knobs:
    """The knobs of one bank's login."""
    return Knobs(SFTP_KNOBS)


class _Login(asyncssh.SSHServer):
    def __init__(self, users: Mapping[str, BankUser]) -> None:
        self._users = users

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        user = self._users.get(username)
        return user is not None and user.password == password and not user.knobs.take("refuse_logins")


class _Folder(asyncssh.SFTPServer):
    """A bank's folder, with the faults of a bad line."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", users: Mapping[str, BankUser]) -> None:
        self._user = users[channel.get_extra_info("username")]
        self._left = self._user.knobs.get("cut_after_kb") * 1024
        super().__init__(channel, chroot=str(self._user.root).encode())

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        await asyncio.sleep(self._user.knobs.get("slow"))
        data = super().read(file_obj, offset, size)
        assert isinstance(data, bytes)
        limit = self._user.knobs.get("cut_after_kb")
        if limit:
            self._left -= len(data)
            if self._left < 0:
                self.connection.abort()
        return data

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().rename(oldpath, newpath)
        self._notice(newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().posix_rename(oldpath, newpath)
        self._notice(newpath)

    def _notice(self, path: bytes) -> None:
        if path.endswith(b".ok"):
            self._user.on_flag()


def read_host_key(path: Path) -> asyncssh.SSHKey:
    """The server's key, made at the first start of this state."""
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519")
        path.touch(mode=0o600)
        path.write_bytes(key.export_private_key())
    return asyncssh.read_private_key(str(path))


async def start_sftp(users: Mapping[str, BankUser], host_key: asyncssh.SSHKey, port: int) -> asyncssh.SSHAcceptor:
    """Listen on this port of the local machine."""
    return await asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=lambda: _Login(users),
        server_host_keys=[host_key],
        sftp_factory=lambda channel: _Folder(channel, users),
        allow_scp=False,
        agent_forwarding=False,
    )
