"""Make a backup while the hub runs: first the database in one view, then the archive.

In this order every byte that the database names is in the copy, since the archive only grows.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from hub import __version__
from hub.archive import Archive, Copied, digest_in, object_name
from hub.archive.folder import FolderShelf, make_folder
from hub.backup.manifest import (
    ARCHIVE,
    DUMP,
    FORM,
    OBJECTS,
    PARTS,
    Manifest,
    digest_of_file,
    write_list,
    write_manifest,
)
from hub.backup.postgres import dump_database
from hub.errors import HubError, NotAllowed
from hub.settings import now
from hub.store import backups, keys


def make_backup(engine: sa.Engine, archive: Archive, folder: Path) -> Manifest:
    """Write a whole backup into a new folder. Raises HubError, and leaves no manifest, when anything of it cannot be had."""
    if folder.exists() and any(folder.iterdir()):
        raise NotAllowed(f"{folder} is not empty; a backup goes into a folder of its own and is never written over")
    if isinstance(archive.shelf, FolderShelf) and archive.folder.absolute() in folder.absolute().parents:
        raise NotAllowed(f"{folder} lies in the archive; a backup goes elsewhere, best to another machine")
    make_folder(folder.absolute())
    folder.chmod(0o700)
    backup_at = now()
    with backups.one_view(engine) as (work, snapshot):
        parts = backups.parts_named(work)
        tables, tallies, step = backups.count_tables(work), backups.sum_tallies(work), backups.step_of(work)
        roots = keys.named_roots(work)
        dump_database(engine, folder / DUMP, snapshot)
    objects = _copy_objects(archive, Archive(folder / ARCHIVE, archive.keyring), parts)
    keks = {one.kek for one in objects.values() if one.kek is not None}
    roots["kek"] = sorted(keks.union(roots["kek"]))
    files = {
        DUMP: digest_of_file(folder / DUMP),
        PARTS: write_list(folder / PARTS, parts),
        OBJECTS: write_list(folder / OBJECTS, (f"{name} {one.stored}" for name, one in objects.items())),
    }
    manifest = Manifest(FORM, backup_at, __version__, step, files, tables, tallies, len(parts), len(objects), roots)
    write_manifest(folder, manifest)
    return manifest


def _copy_objects(archive: Archive, target: Archive, parts: dict[str, int]) -> dict[str, Copied]:
    """Every object of the archive, and all those that the database named before; what retention took meanwhile is not missed."""
    copied: dict[str, Copied] = {}
    wrong: list[HubError] = []
    for name in sorted({*archive.names(), *(object_name(digest) for digest in parts)}):
        try:
            copied[name] = archive.copy(name, target)
        except HubError as error:
            if error.code != "S005" or _is_missed(archive, name, parts):
                wrong.append(error)
    if wrong:
        raise HubError(
            f"no backup was made, {len(wrong)} objects cannot be copied; the first: {wrong[0]}", code=wrong[0].code
        )
    return copied


def _is_missed(archive: Archive, name: str, parts: dict[str, int]) -> bool:
    """Whether an object should have been copied: the database names it, or it is still there and damaged."""
    try:
        return digest_in(name) in parts or archive.shelf.start(name, 1) is not None
    except FileNotFoundError:
        return False
