"""The container `openpgp`: encrypted to one side's key and signed by the other's, by gpg through pipes: no plain text on a disk."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hub.containers.bounds import most_bytes, too_large
from hub.containers.gpg import open_home, spoken, status_of
from hub.containers.keys import Pin, read_pins, unusable
from hub.containers.signatures import judge, wants_pass_phrase
from hub.errors import FeedChanged, PartnerRefused
from hub.model import Connection

OUR_KEYS, THEIR_KEYS, PINS, PASS_PHRASE = "pgp_private_keys", "pgp_partner_keys", "pgp_partner_pins", "pgp_pass_phrase"
FINGERPRINTS = (20, 32)
"""Bytes of a fingerprint, of version 4 and 5 or 6."""
BEYOND = 1024**2
"""gpg may write so much more than we take, so that it is always us who say that it was too much."""
SESSION_KEYS = (0x84, 0x85, 0x86, 0x87, 0x8C, 0x8D, 0x8E, 0x8F, 0xC1, 0xC3)
"""First bytes of packets with a session key, to a public key or a pass phrase, of the old form and the new."""
ARMOUR = b"-----BEGIN PGP MESSAGE-----"


@dataclass(frozen=True)
class Ring:
    """What was imported of a connection: our keys, the newest first, and whose signatures count."""

    gpg: Any
    ours: tuple[str, ...]
    pins: tuple[Pin, ...]
    pass_phrase: str


def is_message(data: bytes) -> bool:
    """Whether it looks like an encrypted OpenPGP message: armoured, or beginning with a session key's packet."""
    return data.lstrip()[:27] == ARMOUR or (bool(data) and data[0] in SESSION_KEYS)


def open_message(data: bytes, connection: Connection, arrived_at: datetime) -> bytes:
    """The plain text of a message to us. Raises FeedChanged F023–F029; MappingInvalid when our own keys are at fault."""
    if not is_message(data):
        raise FeedChanged("the file is no encrypted OpenPGP message", code="F023")
    most = most_bytes(len(data))
    with open_home() as gpg:
        ring, taken = _import(gpg, connection), _Taken(most)
        gpg.on_data = taken
        result = gpg.decrypt_file(
            io.BytesIO(data), passphrase=spoken(ring.pass_phrase), extra_args=["--max-output", str(most + BEYOND)]
        )
        status = status_of(result)
    if wants_pass_phrase(status):
        raise unusable(connection, PASS_PHRASE, "does not open our own key")
    if taken.size > most:
        raise too_large(len(data), most)
    judge(status, result.returncode, ring.pins, arrived_at)
    return bytes(result.data)


class _Taken:
    """Counts what gpg gives, and lets nothing be kept beyond the bound."""

    def __init__(self, most: int) -> None:
        self.size, self._most = 0, most

    def __call__(self, piece: bytes) -> bool:
        self.size += len(piece)
        return self.size <= self._most


def close_message(data: bytes, connection: Connection) -> bytes:
    """A message to the partner's first pinned key, signed by our first key.

    Raises PartnerRefused when the partner's key cannot be encrypted to, MappingInvalid when ours cannot sign.
    """
    with open_home() as gpg:
        ring = _import(gpg, connection)
        result = gpg.encrypt_file(
            io.BytesIO(data), [ring.pins[0].value], sign=ring.ours[0], armor=False, always_trust=True,
            passphrase=spoken(ring.pass_phrase),
            extra_args=["--digest-algo", "SHA256"],
        )  # fmt: skip
    status = status_of(result)
    names = {words[0] for words in status}
    if "INV_RECP" in names:
        raise PartnerRefused(f"connection {connection.name}: the partner's key is expired, revoked or cannot encrypt")
    if result.returncode != 0 or not {"SIG_CREATED", "END_ENCRYPTION"} <= names:
        raise unusable(connection, OUR_KEYS, f"cannot sign (pass phrase, expiry?); gpg ended with {result.returncode}")
    return bytes(result.data)


def read_ends(connection: Connection, name: str) -> list[datetime | None]:
    """When each key of an extra ends, or its first part that does; None for one that never does.

    Of the partner's only those with a pin. Raises MappingInvalid where gpg is missing or the pins cannot be read.
    """
    with open_home() as gpg:
        gpg.import_keys(connection.extra.get(name, "").encode())
        keys = {key["fingerprint"]: _first_end(key) for key in gpg.list_keys()}
    if name != THEIR_KEYS:
        return list(keys.values())
    return [keys[pin.value] for pin in read_pins(connection, PINS, FINGERPRINTS) if pin.value in keys]


def _first_end(key: Any) -> datetime | None:
    ends = [part.get("expires") for part in (key, *key["subkey_info"].values())]
    known = [int(end) for end in ends if end]
    return datetime.fromtimestamp(min(known), UTC) if known else None


def _import(gpg: Any, connection: Connection) -> Ring:
    """Bring the connection's keys into a home. Raises MappingInvalid when one is missing, or a pin fits none."""
    pins = read_pins(connection, PINS, FINGERPRINTS)
    theirs = _take(gpg, connection, THEIR_KEYS)
    named = _take(gpg, connection, OUR_KEYS)
    private = {key["fingerprint"] for key in gpg.list_keys(secret=True)}
    ours = [name for name in named if name in private]
    if not ours:
        raise unusable(connection, OUR_KEYS, "holds no private key")
    if pins[0].value not in theirs:
        raise unusable(connection, PINS, f"names first a key that {THEIR_KEYS} does not hold")
    return Ring(gpg, tuple(ours), tuple(pins), connection.extra.get(PASS_PHRASE, ""))


def _take(gpg: Any, connection: Connection, name: str) -> list[str]:
    """The fingerprints of an extra's keys, in their order."""
    text = connection.extra.get(name, "")
    found = gpg.import_keys(text.encode()).fingerprints if "-----BEGIN PGP" in text else []
    if not found:
        raise unusable(connection, name, "holds no key in ASCII armour")
    return list(dict.fromkeys(found))
