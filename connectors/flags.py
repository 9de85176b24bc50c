"""Which files of a folder are complete: their flag stands beside them, or one flag stands for all, or they came by rename. Pure."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping, Sequence

from connectors.names import fits_pattern
from connectors.ssh import Entry
from hub.digest import sm3_hex
from hub.feed import SftpSource
from hub.model import Stream

STEM = "{stem}"
UNFINISHED = (b".part", b".tmp")


def beside(name: bytes, form: str) -> bytes:
    """The file that belongs to another: its suffix appended, or put in place of the other's ({stem})."""
    if form.startswith(STEM):
        return posixpath.splitext(name)[0] + form.removeprefix(STEM).encode()
    return name + form.encode()


def path_beside(path: str, form: str) -> str:
    """The same for a whole path."""
    return beside(path.encode(), form).decode()


def endings(source: SftpSource) -> tuple[bytes, ...]:
    """How the names of flags, digests and signatures end, which are no data."""
    forms = (source.done, source.digest, source.signature)
    return tuple(form.removeprefix(STEM).encode() for form in forms if form)


def flags_each_file(source: SftpSource) -> bool:
    """Whether every file has a flag of its own."""
    return source.done is not None and source.done.startswith((".", STEM))


def is_agreed(source: SftpSource, name: bytes) -> bool:
    """Whether it is data that the mapping looks for."""
    if name.endswith(UNFINISHED) or (source.done is not None and name == source.done.encode()):
        return False
    return fits_pattern(source, name)


def complete_names(source: SftpSource, entries: Mapping[bytes, Entry]) -> list[bytes]:
    """The agreed names in a folder that are complete. Under one flag for the folder, a file younger than the flag waits for the
    next flag; without any flag a digest is no data."""
    found = [name for name in entries if is_agreed(source, name)]
    if source.done is None:
        return [name for name in found if not name.endswith(endings(source))]
    if flags_each_file(source):
        return [name for name in found if beside(name, source.done) in entries]
    flag = entries.get(source.done.encode())
    if flag is None or not flag.is_file:
        return []
    return [name for name in found if (entries[name].attributes.st_mtime or 0) <= (flag.attributes.st_mtime or 0)]


def flagless_names(source: SftpSource, entries: Mapping[bytes, Entry]) -> list[bytes]:
    """Agreed names whose data have come and whose flag has not: the file's own, or the next one of the whole folder."""
    if source.done is None:
        return []
    complete = set(complete_names(source, entries))
    return [
        name
        for name in sorted(entries)
        if is_agreed(source, name) and name not in complete and not name.endswith(endings(source))
    ]


def strangers(sources: Sequence[SftpSource], entries: Mapping[bytes, Entry]) -> list[bytes]:
    """Files that none of the sources which look into a folder agreed on: no data, no flag, no digest, no upload under way."""
    beside_others = tuple(ending for one in sources for ending in endings(one))
    return [
        name
        for name, entry in sorted(entries.items())
        if entry.is_file
        and not name.startswith(b".")
        and not name.endswith((*UNFINISHED, *beside_others))
        and not any(is_agreed(source, name) for source in sources)
    ]


def lone_flags(source: SftpSource, entries: Mapping[bytes, Entry]) -> list[bytes]:
    """Agreed names whose flag has come and whose data have not. A flag for the whole folder may stand there alone."""
    if source.done is None or not flags_each_file(source):
        return []
    ending = source.done.removeprefix(STEM).encode()
    suffix = posixpath.splitext(posixpath.basename(source.files).encode())[1] if source.done.startswith(STEM) else b""
    missing = [name.removesuffix(ending) + suffix for name in sorted(entries) if name.endswith(ending)]
    return [name for name in missing if name not in entries and is_agreed(source, name)]


def digest_of(form: str, part: bytes | Stream) -> str:
    """The digest that the suffix of its file names."""
    algorithm = form.rpartition(".")[2].lower()
    if algorithm == "sm3":
        return sm3_hex(part) if isinstance(part, bytes) else part.digest
    found = hashlib.new(algorithm, usedforsecurity=False)
    for piece in [part] if isinstance(part, bytes) else part.chunks():
        found.update(piece)
    return found.hexdigest()
