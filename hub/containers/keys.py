"""Keys and pins as an administrator enters them among a connection's extras: one a line, the newest first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from hub.errors import MappingInvalid
from hub.model import Connection
from hub.settings import TIME_ZONE

PIN = re.compile(r"([0-9A-Fa-f ]+?)(?:\s+until\s+([0-9]{4}-[0-9]{2}-[0-9]{2}))?")


@dataclass(frozen=True)
class Pin:
    """A key of the partner that counts: an OpenPGP fingerprint or an SM2 public key, and the last day on which it does."""

    value: str
    until: date | None = None

    def counts_at(self, moment: datetime) -> bool:
        """Whether a file that arrived at this moment may be signed by it."""
        return self.until is None or moment.astimezone(TIME_ZONE).date() <= self.until


def read_lines(connection: Connection, name: str) -> list[str]:
    """The lines of an extra that say something. Raises MappingInvalid when there are none."""
    found = [line.strip() for line in connection.extra.get(name, "").splitlines() if line.strip()]
    if not found:
        raise unusable(connection, name, "is not entered")
    return found


def read_keys(connection: Connection, name: str, sizes: Sequence[int]) -> list[bytes]:
    """Keys in hex, of one of these sizes in bytes. Raises MappingInvalid; no key stands in its words."""
    found = []
    for line in read_lines(connection, name):
        try:
            key = bytes.fromhex(line)
        except ValueError:
            raise unusable(connection, name, "is not hexadecimal") from None
        if len(key) not in sizes:
            raise unusable(connection, name, f"needs keys of {' or '.join(map(str, sizes))} bytes")
        found.append(key)
    return found


def read_pins(connection: Connection, name: str, sizes: Sequence[int]) -> list[Pin]:
    """Fingerprints or public keys in hex, of one of these sizes in bytes, each perhaps with ``until 2027-03-31``."""
    found = []
    for line in read_lines(connection, name):
        match = PIN.fullmatch(line)
        value = match[1].replace(" ", "").upper() if match else ""
        if match is None or len(value) not in [2 * size for size in sizes]:
            raise unusable(connection, name, "is not a key in hexadecimal, perhaps with `until 2027-03-31`")
        try:
            found.append(Pin(value, date.fromisoformat(match[2]) if match[2] else None))
        except ValueError:
            raise unusable(connection, name, f"has no such day as {match[2]}") from None
    return found


def unusable(connection: Connection, name: str, cause: str) -> MappingInvalid:
    """What is said of an extra that is ours to mend."""
    return MappingInvalid(f"connection {connection.name}: the extra {name} {cause}; see docs/operating.md")
