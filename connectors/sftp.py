"""Files over SSH: a partner's drops in, return files out. Host keys are pinned, names are bytes, nothing of theirs is renamed.

A file counts as complete when its flag stands beside it and its size is what the flag says.
"""

from __future__ import annotations

import base64
import io
import logging
import posixpath
import re
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase

import paramiko
from paramiko.sftp import CMD_CLOSE, CMD_HANDLE, CMD_NAME, CMD_OPENDIR, CMD_READDIR
from paramiko.sftp_attr import SFTPAttributes

from hub.digest import sm3_hex
from hub.errors import PartnerRefused, PartnerUnavailable
from hub.feed import SftpSource
from hub.model import Connection, Fetched, FileStamp, Notice
from hub.settings import today

logging.getLogger("paramiko").setLevel(logging.WARNING)  # it tells of every login and every channel otherwise

TIMEOUT_SECONDS = 30
# SFTP tells whole seconds: a file this young may be replaced without its stamp showing it, so it is looked at once more.
YOUNG_SECONDS = 3
LARGEST_FILE = 2 * 1024**3
SAFE_NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,199}")
# What paramiko still offers and no bank should choose.
WEAK = {
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"],
    "kex": ["diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1", "diffie-hellman-group-exchange-sha1"],
}


@dataclass(frozen=True)
class Entry:
    """One name in a remote folder."""

    name: bytes
    attributes: SFTPAttributes

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.attributes.st_mode or 0)


class SftpConnector:
    """Fetcher and FileReporter over one connection. Use as a context manager."""

    def __init__(self, connection: Connection, source: SftpSource) -> None:
        self._connection = connection
        self._source = source
        self._client = paramiko.SSHClient()
        self._client.set_missing_host_key_policy(paramiko.RejectPolicy())

    def __enter__(self) -> SftpConnector:
        try:
            with translated(self._connection.name):
                self._open()
        except BaseException:
            self._client.close()  # a session that failed half-way would stay open at the bank
            raise
        return self

    def _open(self) -> None:
        self._pin_host_key()
        connection, key = self._connection, self._private_key()
        self._client.connect(
            connection.host, connection.port or 22, connection.login, None if key else connection.password, key,
            timeout=TIMEOUT_SECONDS, banner_timeout=TIMEOUT_SECONDS, auth_timeout=TIMEOUT_SECONDS,
            channel_timeout=TIMEOUT_SECONDS, allow_agent=False, look_for_keys=False, disabled_algorithms=WEAK,
        )  # fmt: skip
        self._sftp = self._client.open_sftp()
        self._sftp.get_channel().settimeout(TIMEOUT_SECONDS)  # type: ignore[union-attr]

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _pin_host_key(self) -> None:
        """The one key this host may show, as ``type base64`` in the connection's ``host_key``."""
        kind, _, text = self._connection.extra.get("host_key", "").partition(" ")
        if not text:
            raise PartnerRefused(f"connection {self._connection.name} names no host_key; ask the bank and pin it")
        port = self._connection.port or 22
        name = self._connection.host if port == 22 else f"[{self._connection.host}]:{port}"
        try:
            key = paramiko.PKey.from_type_string(kind, base64.b64decode(text.split()[0], validate=True))
        except (paramiko.SSHException, ValueError, IndexError) as error:
            raise PartnerRefused(f"the host_key of connection {self._connection.name} is no public key") from error
        self._client.get_host_keys().add(name, kind, key)

    def _private_key(self) -> paramiko.PKey | None:
        """The key of the connection's ``private_key`` (OpenSSH or PEM text), where the bank wants one instead of a password.

        A key under a pass phrase is opened with the connection's password.
        """
        text = self._connection.extra.get("private_key", "")
        for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey) if text else ():
            try:
                return kind.from_private_key(io.StringIO(text), self._connection.password or None)
            except (paramiko.SSHException, ValueError):
                continue
        if text:
            raise PartnerRefused(f"the private_key of connection {self._connection.name} cannot be read")
        return None

    def fetch(self, cursor: str | None, seen: frozenset[FileStamp]) -> Iterator[Fetched | Notice]:
        """Every complete file not seen before, oldest name first. One that cannot be read now does not hide the others."""
        with translated(self._connection.name):
            listings = self._listings()
        known = {stamp.name for stamp in seen}
        for path in self._lone_flags(listings):
            if path not in known:
                yield Notice("F015", f"{path!r} has its flag and is not there itself")
        for path, entry in sorted(self._complete(listings), key=lambda found: found[0]):
            if _stamp(path, entry.attributes) in seen:
                continue
            if not entry.is_file or not SAFE_NAME.fullmatch(entry.name):
                yield Notice("F008", f"{path!r} is not a plain file with an agreed name; it was left alone")
                continue
            with translated(self._connection.name):
                found = self._read_or_notice(path, entry)
            if found is not None:
                yield found

    def _read_or_notice(self, path: str, entry: Entry) -> Fetched | Notice | None:
        """What the server refuses about one file is said of that file; only a line that is dead ends the fetch."""
        try:
            return self._read(path, entry)
        except TimeoutError:
            raise
        except PartnerRefused as error:
            return Notice("F008", f"{error}; skipped")
        except OSError as error:
            transport = self._client.get_transport()
            if transport is None or not transport.is_active():
                raise
            return Notice(
                "F008", f"{path!r}, its flag or its digest cannot be read ({error.strerror or error}); skipped"
            )

    def looking_at(self, source: SftpSource) -> SftpConnector:
        """The same session for another feed of the same connection."""
        other = copy(self)
        other._source = source
        return other

    def complete_files(self) -> list[tuple[str, Entry]]:
        """Files of the agreed pattern whose flag stands beside them, in the day folders that are looked at."""
        with translated(self._connection.name):
            return self._complete(self._listings())

    def _listings(self) -> dict[str, dict[bytes, Entry]]:
        return {folder: {entry.name: entry for entry in self._list(folder)} for folder in self._folders()}

    def _complete(self, listings: Mapping[str, Mapping[bytes, Entry]]) -> list[tuple[str, Entry]]:
        done = self._source.done
        return [
            (f"{folder}/{_shown(name)}", entry)
            for folder, entries in listings.items()
            for name, entry in entries.items()
            if self._is_ours(name) and (done is None or name + done.encode() in entries)
        ]

    def _lone_flags(self, listings: Mapping[str, Mapping[bytes, Entry]]) -> list[str]:
        """Agreed names whose flag has come and whose data have not."""
        done = (self._source.done or "").encode()
        return [
            f"{folder}/{_shown(data)}"
            for folder, entries in listings.items()
            for data in (name.removesuffix(done) for name in sorted(entries) if done and name.endswith(done))
            if data not in entries and self._is_ours(data)
        ]

    def _is_ours(self, name: bytes) -> bool:
        """Compare bytes: read in the wrong encoding, a name may swallow the underscore that the pattern looks for."""
        return fnmatchcase(name, posixpath.basename(self._source.files).encode())

    def _folders(self) -> list[str]:
        """``in/{date}`` for each day folder that exists and is young enough."""
        folder = posixpath.dirname(self._source.files)
        before, dated, after = folder.partition("{date}")
        if not dated:
            return [folder]
        oldest = (today() - timedelta(days=self._source.look_back_days)).strftime("%Y%m%d").encode()
        days = [entry.name for entry in self._list(before.rstrip("/") or ".") if re.fullmatch(rb"[0-9]{8}", entry.name)]
        return [f"{before}{day.decode()}{after}" for day in sorted(days) if day >= oldest]

    def _list(self, folder: str) -> list[Entry]:
        """List at byte level: one name that is not UTF-8 makes paramiko's own listdir fail for the whole folder.

        Still so in paramiko 5.1; goes away when its listdir gives names as bytes.
        """
        kind, message = self._sftp._request(CMD_OPENDIR, folder.encode())  # type: ignore[attr-defined]
        if kind != CMD_HANDLE:
            raise PartnerRefused(f"{folder} cannot be listed")
        handle, entries = message.get_binary(), []
        while True:
            try:
                kind, message = self._sftp._request(CMD_READDIR, handle)  # type: ignore[attr-defined]
            except EOFError:
                break
            for _ in range(message.get_int() if kind == CMD_NAME else 0):
                name, _long = message.get_binary(), message.get_binary()
                entries.append(Entry(name, SFTPAttributes._from_msg(message)))  # type: ignore[attr-defined]
        self._sftp._request(CMD_CLOSE, handle)  # type: ignore[attr-defined]
        return [entry for entry in entries if entry.name not in (b".", b"..")]

    def _read(self, path: str, entry: Entry) -> Fetched | None:
        """The whole file, or None while it is still being written. What is wrong with it as a whole goes along as a fault."""
        flag = self._small(path + self._source.done) if self._source.done else ""
        data = self._bytes(path, entry.attributes.st_size or 0)
        stamp = _stamp(path, entry.attributes)
        if _stamp(path, self._sftp.lstat(path)) != stamp:
            return None
        if abs(time.time() - stamp.modified_at) < YOUNG_SECONDS:
            stamp = replace(stamp, modified_at=-1)
        size, _, rows = flag.strip().partition("|")
        fault = self._fault(path, data, size)
        return Fetched(path, [data], stamp=stamp, fault=fault, printed_rows=int(rows) if rows.isdigit() else None)

    def _fault(self, path: str, data: bytes, size: str) -> tuple[str, str] | None:
        if size.isdigit() and int(size) != len(data):
            return "F007", f"the flag says {size} bytes and the file has {len(data)}"
        if self._source.digest is None:
            return None
        try:
            declared = self._small(path + self._source.digest).split()
        except FileNotFoundError:
            return "F001", "the digest file is missing"
        if not declared or declared[0].lower() != sm3_hex(data):
            return "F001", "the digest file does not fit the data file"
        return None

    def _bytes(self, path: str, size: int) -> bytes:
        if size > LARGEST_FILE:
            raise PartnerRefused(f"{path} has {size} bytes, more than agreed")
        with self._sftp.open(path, "rb") as file:
            file.prefetch(size)
            return file.read()

    def _small(self, path: str) -> str:
        with self._sftp.open(path, "rb") as file:
            return file.read(4096).decode("ascii", "replace")

    def put(self, path: str, data: bytes) -> None:
        """Place a return file: data, then its digest, then its flag, each under its final name in one step."""
        name = posixpath.basename(path)
        with translated(self._connection.name):
            self._make_folder(posixpath.dirname(path))
            self._place(path, data)
            if self._source.digest:
                self._place(path + self._source.digest, f"{sm3_hex(data)}  {name}\n".encode())
            if self._source.done:
                lines = data.count(b"\n")
                self._place(path + self._source.done, f"{len(data)}|{lines}".encode())

    def _make_folder(self, folder: str) -> None:
        try:
            self._sftp.stat(folder)
        except FileNotFoundError:
            self._sftp.mkdir(folder)

    def _place(self, path: str, data: bytes) -> None:
        try:
            with self._sftp.open(path, "rb") as file:
                if file.read() == data:
                    return
        except FileNotFoundError:
            pass
        part = f"{path}.part"
        with self._sftp.open(part, "wb") as file:
            file.set_pipelined(True)
            file.write(data)
        self._sftp.posix_rename(part, path)


def _shown(name: bytes) -> str:
    return name.decode("gb18030", "backslashreplace")


def _stamp(path: str, attributes: SFTPAttributes) -> FileStamp:
    return FileStamp(path, attributes.st_size or 0, int(attributes.st_mtime or 0))


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Sort what SSH and SFTP raise into who must act."""
    try:
        yield
    except (paramiko.AuthenticationException, paramiko.BadHostKeyException) as error:
        raise PartnerRefused(f"{name}: {type(error).__name__}; check the password and the pinned host key") from error
    except PermissionError as error:
        raise PartnerRefused(f"{name}: the partner does not let us at a file or folder") from error
    except paramiko.SSHException as error:
        if "not found in known_hosts" in str(error):
            raise PartnerRefused(f"{name}: the host showed a key that is not pinned") from error
        raise PartnerUnavailable(f"{name}: {type(error).__name__}") from error
    except (OSError, EOFError) as error:
        raise PartnerUnavailable(f"{name}: {type(error).__name__}") from error
