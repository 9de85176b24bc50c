"""A session with a partner's SFTP server: its host key is pinned, its folders are listed as bytes. Nothing here knows of feeds."""

from __future__ import annotations

import base64
import io
import logging
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import paramiko
from paramiko.sftp import CMD_CLOSE, CMD_HANDLE, CMD_NAME, CMD_OPENDIR, CMD_READDIR
from paramiko.sftp_attr import SFTPAttributes
from paramiko.ssh_exception import IncompatiblePeer

from connectors.material import read_pem, unusable
from hub.errors import PartnerRefused, PartnerUnavailable
from hub.model import Connection

logging.getLogger("paramiko").setLevel(logging.WARNING)  # it tells of every login and every channel otherwise

TIMEOUT_SECONDS = 30
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


class SshSession:
    """One login at one server. Use as a context manager."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client = paramiko.SSHClient()
        self._client.set_missing_host_key_policy(paramiko.RejectPolicy())

    def __enter__(self) -> Self:
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
            raise unusable(self._connection, "host_key is missing; ask the bank for it and pin it")
        port = self._connection.port or 22
        name = self._connection.host if port == 22 else f"[{self._connection.host}]:{port}"
        try:
            key = paramiko.PKey.from_type_string(kind, base64.b64decode(text.split()[0], validate=True))
        except (paramiko.SSHException, ValueError, IndexError) as error:
            raise unusable(self._connection, "host_key is no public key") from error
        self._client.get_host_keys().add(name, kind, key)

    def _private_key(self) -> paramiko.PKey | None:
        """The key of the connection's ``private_key`` (text or file), where the bank wants one instead of a password.

        A key under a pass phrase is opened with ``key_password``, or the connection's password.
        """
        text = read_pem(self._connection, "private_key")
        phrase = self._connection.extra.get("key_password") or self._connection.password
        for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey) if text else ():
            try:
                return kind.from_private_key(io.StringIO(text), phrase or None)
            except (paramiko.SSHException, ValueError):
                continue
        if text:
            raise unusable(self._connection, "private_key cannot be read; is key_password right?")
        return None

    def _list(self, folder: str, coding: str = "utf-8") -> list[Entry]:
        """List at byte level: one name that is not UTF-8 makes paramiko's own listdir fail for the whole folder.

        Still so in paramiko 5.1; goes away when its listdir gives names as bytes.
        """
        kind, message = self._sftp._request(CMD_OPENDIR, folder.encode(coding))  # type: ignore[attr-defined]
        if kind != CMD_HANDLE:
            raise PartnerRefused(f"{folder!r} cannot be listed")
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


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Sort what SSH and SFTP raise into who must act."""
    try:
        yield
    except paramiko.AuthenticationException as error:
        raise PartnerRefused(f"{name}: {type(error).__name__}; check login, password or key") from error
    except paramiko.BadHostKeyException as error:
        raise PartnerRefused(f"{name}: the host showed another key than the pinned one", code="S064") from error
    except IncompatiblePeer as error:
        raise PartnerRefused(f"{name}: the host speaks no algorithm that is still safe", code="S064") from error
    except PermissionError as error:
        raise PartnerRefused(f"{name}: the partner does not let us at a file or folder") from error
    except paramiko.SSHException as error:
        if "not found in known_hosts" in str(error):
            raise PartnerRefused(f"{name}: the host showed a key that is not pinned", code="S064") from error
        raise PartnerUnavailable(f"{name}: {type(error).__name__}") from error
    except (OSError, EOFError) as error:
        raise PartnerUnavailable(f"{name}: {type(error).__name__}") from error
