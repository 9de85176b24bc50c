"""What a backup says of itself, written last: without it a folder is no backup, and a part that does not fit it is none either."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.archive.folder import sync_folder, write_file
from hub.archive.shelf import CHUNK
from hub.digest import sm3_hex, sm3_of
from hub.errors import HubError

FORM = 1
DUMP, ARCHIVE, PARTS, OBJECTS = "database.dump", "archive", "parts.txt", "objects.txt"
MANIFEST, MANIFEST_DIGEST = "manifest.json", "manifest.json.sm3"


@dataclass(frozen=True)
class Manifest:
    """``backup_at``: the moment the database was seen at. ``files``: SM3 of each file beside the archive's objects.

    ``tables``: rows of every table; ``tallies``: rows and fen of each kind of record. ``roots``: check values of the
    key-encryption keys that database and archive open with, and of the index root; the keys themselves are in no backup.
    """

    form: int
    backup_at: datetime
    hub_version: str
    step: str
    files: Mapping[str, str]
    tables: Mapping[str, int]
    tallies: Sequence[Mapping[str, Any]]
    parts: int
    objects: int
    roots: Mapping[str, Sequence[str]] = field(default_factory=dict)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The last thing written: manifest, then its digest, both on the disk."""
    data = json.dumps(asdict(manifest), ensure_ascii=False, indent=1, sort_keys=True, default=str).encode()
    write_file(folder / MANIFEST, [data])
    write_file(folder / MANIFEST_DIGEST, [f"{sm3_hex(data)}  {MANIFEST}\n".encode()])
    sync_folder(folder)


def read_manifest(folder: Path) -> Manifest:
    """Raises HubError S021 when there is none, or it is not as it was written."""
    try:
        data = (folder / MANIFEST).read_bytes()
        declared = (folder / MANIFEST_DIGEST).read_text("ascii").split()[0]
    except (OSError, ValueError, IndexError) as error:
        raise HubError(f"{folder} is no finished backup: manifest or its digest is missing", code="S021") from error
    if sm3_hex(data) != declared:
        raise HubError(f"the manifest of {folder} was changed", code="S021")
    facts = json.loads(data)
    if facts.get("form") != FORM:
        raise HubError(f"the manifest of {folder} has a form this hub does not know", code="S021")
    return Manifest(**{**facts, "backup_at": datetime.fromisoformat(facts["backup_at"])})


def write_list(path: Path, lines: Iterable[str]) -> str:
    """A list, one a line; its SM3."""
    data = "".join(f"{line}\n" for line in lines).encode()
    write_file(path, [data])
    return sm3_hex(data)


def read_list(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def read_objects(folder: Path) -> dict[str, str | None]:
    """The objects of a backup, each with the SM3 of its bytes as they are stored; None in backups of before there was one."""
    lines = (line.partition(" ") for line in read_list(folder / OBJECTS))
    return {name: stored or None for name, _, stored in lines}


def digest_of_file(path: Path) -> str:
    """The SM3 of a file, however large."""
    with path.open("rb") as file:
        return sm3_of(iter(lambda: file.read(CHUNK), b""))
