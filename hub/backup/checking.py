"""Check a backup without a database or a key: every file and every object as it was written, and every byte that is named there.

Objects were opened when they were copied; the SM3 of their stored bytes says that they are the same still.
"""

from __future__ import annotations

from pathlib import Path

from hub.archive import Archive, digest_in
from hub.backup.manifest import ARCHIVE, DUMP, PARTS, Manifest, digest_of_file, read_list, read_manifest, read_objects
from hub.backup.postgres import is_readable


def check_backup(folder: Path) -> tuple[Manifest, list[str]]:
    """The manifest, and one sentence for each thing that is not as it says. Raises HubError S021 when it cannot be read at all."""
    manifest = read_manifest(folder)
    wrong = [
        f"{name} is missing or was changed" for name, sm3 in manifest.files.items() if _digest(folder / name) != sm3
    ]
    if wrong:
        return manifest, wrong
    if not is_readable(folder / DUMP):
        wrong.append(f"{DUMP} cannot be read by pg_restore")
    names, parts = read_objects(folder), read_list(folder / PARTS)
    archive = Archive(folder / ARCHIVE)
    wrong += [
        f"object {name} is missing or was changed"
        for name, stored in names.items()
        if archive.stored_digest(name) != (stored or digest_in(name))
    ]
    listed = {digest_in(name) for name in names}
    wrong += [f"the database names {digest}, which is not in the archive" for digest in parts if digest not in listed]
    if (len(names), len(parts)) != (manifest.objects, manifest.parts):
        wrong.append("the lists are not as long as the manifest says")
    return manifest, wrong


def _digest(path: Path) -> str | None:
    try:
        return digest_of_file(path)
    except OSError:
        return None
