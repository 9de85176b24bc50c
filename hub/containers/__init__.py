"""Files that partners encrypt: opened between archive and parsing, each time they are read, and closed before they are put.

What comes out of an opening is whole, authentic and within bounds; what does not raises FeedChanged F023 to F029, which holds the
batch and reaches its sender. A container's bytes are described in docs/decisions/0034-encrypted-files.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.containers import aes_zip, openpgp, sm2, sm4_gcm
from hub.containers.keys import Pin, read_keys, read_lines, read_pins, unusable
from hub.errors import FeedChanged, MappingInvalid
from hub.feed import Encrypted, RestSource, SftpSource, SoapSource
from hub.model import Connection

SM4_KEYS, MAC_KEYS, ZIP_PASS_WORDS = "sm4_keys", "sm4_mac_keys", "zip_pass_words"
SM2_PRIVATE, SM2_PINS = "sm2_private_key", "sm2_partner_keys"


@dataclass(frozen=True)
class Closed:
    """A file as it is put: its bytes, and what stands in the signature file beside it, where one is agreed."""

    data: bytes
    signature: bytes | None = None


def no_connection(name: str) -> Connection:
    """For a hub that knows no connections: nothing can be opened."""
    raise MappingInvalid(f"the keys of connection {name} are asked for where no connections are known")


@dataclass(frozen=True)
class Containers:
    """Opens and closes containers with the keys of connections; ``find`` gives a connection by its name."""

    find: Callable[[str], Connection] = no_connection

    def opened(
        self, source: SftpSource | RestSource | SoapSource, parts: Sequence[bytes], arrived_at: datetime
    ) -> Sequence[bytes]:
        """The parts of a batch as formats read them: as they are, or the plain text of an encrypted file.

        Raises FeedChanged F023–F029 for what the sender must mend, MappingInvalid for what is ours.
        """
        if not isinstance(source, SftpSource) or source.encrypted is None:
            return parts
        connection = self.find(source.connection)
        data, signature = parts[0], parts[1] if len(parts) > 1 else None
        if source.encrypted == "openpgp":
            return [openpgp.open_message(data, connection, arrived_at)]
        if source.encrypted == "aes-zip":
            return [aes_zip.open_zip(data, read_lines(connection, ZIP_PASS_WORDS))]
        return [_open_chunks(source, connection, data, signature, arrived_at)]

    def closed(self, source: SftpSource, kind: Encrypted | None, name: str, data: bytes) -> Closed:
        """A return file as its partner reads it. Raises MappingInvalid or PartnerRefused when a key cannot be used."""
        if kind is None:
            return Closed(data)
        connection = self.find(source.connection)
        if kind == "openpgp":
            return Closed(openpgp.close_message(data, connection))
        if kind == "aes-zip":
            return Closed(aes_zip.close_zip(name, data, read_lines(connection, ZIP_PASS_WORDS)[0]))
        key = read_keys(connection, SM4_KEYS, (16,))[0]
        if source.signature is None:
            return Closed(sm4_gcm.close_chunks(data, key, read_keys(connection, MAC_KEYS, (32,))[0]))
        made = sm4_gcm.close_chunks(data, key, None)
        return Closed(made, sm2.sign(*_our_sm2_key(connection), made))


def is_container(kind: Encrypted, data: bytes) -> bool:
    """Whether bytes look like a container of this kind, so that a plain sample can be told from a real file."""
    if kind == "openpgp":
        return openpgp.is_message(data)
    return aes_zip.is_zip(data) if kind == "aes-zip" else data.startswith(sm4_gcm.MAGIC)


def _open_chunks(
    source: SftpSource, connection: Connection, data: bytes, signature: bytes | None, arrived_at: datetime
) -> bytes:
    keys = read_keys(connection, SM4_KEYS, (16,))
    if source.signature is None:
        return sm4_gcm.open_chunks(data, keys, read_keys(connection, MAC_KEYS, (32,)), None)
    pins = read_pins(connection, SM2_PINS, (64,))
    if signature is None:
        raise FeedChanged("the signature file is missing", code="F025")
    if (made := sm2.read_signature(signature)) is None:
        raise FeedChanged("the signature file holds no SM2 signature in base64", code="F025")
    return sm4_gcm.open_chunks(data, keys, (), lambda whole: _is_signed(pins, arrived_at, whole, made))


def _is_signed(pins: Sequence[Pin], arrived_at: datetime, data: bytes, signature: bytes) -> bool:
    """By a key that counted when the file came. Raises FeedChanged F027 for one that counted before."""
    counting = [bytes.fromhex(pin.value) for pin in pins if pin.counts_at(arrived_at)]
    if sm2.is_signed(counting, data, signature):
        return True
    if sm2.is_signed([bytes.fromhex(pin.value) for pin in pins if not pin.counts_at(arrived_at)], data, signature):
        raise FeedChanged("the file is signed by a key that did not count any more when it arrived", code="F027")
    return False


def _our_sm2_key(connection: Connection) -> tuple[bytes, bytes]:
    """Private and public half, in one line."""
    halves = read_lines(connection, SM2_PRIVATE)[0].split()
    try:
        private, public = (bytes.fromhex(half) for half in halves)
    except ValueError:
        raise unusable(connection, SM2_PRIVATE, "is not a private and a public half in hexadecimal") from None
    return private, public
