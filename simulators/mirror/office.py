"""A mirrored partner's side of its SFTP folder: the day's files out, return files in."""

import asyncio
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from simulators.ledger import Ledger, count_concluded
from simulators.mirror.containers import Keys, decrypt, encrypt
from simulators.mirror.files import File, files_of
from simulators.mirror.packing import beside, digest_of, is_shared
from simulators.mirror.plain import MirroredFeed, MirrorError
from simulators.mirror.reports import concluded
from simulators.mirror.stock import Stock, sent_of

_TABLES = """
create table if not exists returned (
    file text, stage text, digest text, first_line text, body blob, digest_ok integer, flag_ok integer, at text,
    primary key (file, digest));
"""
_FIRST_LINE = ("mark", "file", "status", "rows", "accepted", "bad", "code", "message")
_SHORT = {"intake": "ret", "outcome": "fin", "conclusion": "con"}


class Office:
    """Writes each file of the day once and reads what comes back."""

    def __init__(
        self, feeds: Sequence[MirroredFeed], stock: Stock, root: Path, ledger: Path, keys: Keys | None = None
    ) -> None:
        self._keys = keys or {}
        self.feeds, self.root, self.ledger = list(feeds), root, Ledger(ledger, _TABLES)
        self._stock = stock
        self._read: dict[Path, tuple[int, int]] = {}
        day = f"{stock.day:%Y%m%d}"
        folders = [feed.source["files"] for feed in feeds]
        folders += [report["file"] for feed in feeds for report in (*feed.reports, feed.conclusion) if "file" in report]
        for path in folders:
            (root / path.rpartition("/")[0].replace("{date}", day)).mkdir(parents=True, exist_ok=True)

    async def drop_day(self) -> list[str]:
        """Write the whole day's files; what was written before stays as it is."""
        names, flags = [], {}
        for feed in self.feeds:
            for file in self._files(feed):
                names.append(self._drop(feed, file))
                done = feed.source.get("done")
                if done and is_shared(done):
                    flags[(self.root / file.path).with_name(done)] = b""
                await asyncio.sleep(0)
        for flag, content in flags.items():
            _put(flag, content)
        return names

    def _files(self, feed: MirroredFeed) -> list[File]:
        rows = self._stock.rows(feed)
        try:
            return files_of(feed, rows, self._stock.day)
        except MirrorError as problem:
            self._stock.problems[feed.feed_id] = str(problem)
            return []

    def _drop(self, feed: MirroredFeed, file: File) -> str:
        if self.ledger.has_file(file.name):
            return file.name
        target, source = self.root / file.path, feed.source
        target.parent.mkdir(parents=True, exist_ok=True)
        content, signature = encrypt(source, self._keys, file.entry, file.content)
        digest, done = digest_of(source, content), source.get("done")
        # Booked before it can be seen: whatever a reader finds is in the ledger already.
        self.ledger.note_sent(
            sent for place, row in enumerate(file.holds) for sent in sent_of(feed, row, place, file.name)
        )
        beside_it = [(target.with_name(beside(source["digest"], file.name)), os.fsencode(f"{digest}  {file.name}\n"))] \
            if source.get("digest") else []  # fmt: skip
        if signature is not None:
            beside_it.append((target.with_name(beside(source["signature"], file.name)), signature))
        writes = [(target, content), *beside_it] if done else [*beside_it, (target, content)]
        if done and not is_shared(done):
            writes.append((target.with_name(beside(done, file.name)), f"{len(content)}|{file.rows}".encode()))
        for path, written in writes:
            _put(path, written)
        self.ledger.note_file(file.name, feed.feed_id, None, digest)
        return file.name

    def drop_extra(self, kind: str, fault: str | None) -> str:
        """Extra files are written by the two banks with simulators of their own."""
        raise ValueError("mirrored partners write the day's files only")

    def drop_correction(self, name: str) -> str:
        """Corrections are written by the two banks with simulators of their own."""
        raise ValueError("mirrored partners write the day's files only")

    def drop_bytes(
        self, path: str, content: bytes, digest: str = "", flag: bool = True, name_encoding: str = "utf-8"
    ) -> str:
        """Write any bytes under any path of the folder, with the digest and flag of the feed whose folder it is."""
        target = (self.root / os.fsdecode(path.encode(name_encoding))).resolve()
        if not target.is_relative_to(self.root.resolve()):
            raise ValueError("the path leaves the partner's folder")
        source = self.feeds[0].source
        target.parent.mkdir(parents=True, exist_ok=True)
        said = digest_of(source, b"" if digest == "wrong" else content)
        _put(target, content)
        if source.get("digest"):
            _put(target.with_name(beside(source["digest"], target.name)), os.fsencode(f"{said}  {target.name}\n"))
        if flag and source.get("done"):
            _put(target.with_name(beside(source["done"], target.name)), f"{len(content)}|0".encode())
        name = path.rpartition("/")[2]
        self.ledger.note_file(name, f"{self.feeds[0].partner}_custom", "custom", said)
        return name

    def collect(self) -> None:
        """Read every complete return file, again only when it has changed."""
        for feed in self.feeds:
            for stage, report in feed.report.items():
                pattern = str(report.get("file", "")).replace("{date}", "*").replace("{name}", "*")
                for data in sorted(self.root.glob(pattern)) if pattern else ():
                    if _answers(feed, report, data):
                        self._look_at(feed, stage, data)
            for data in sorted(self.root.glob(_anything(feed.conclusion.get("file", "")))) if feed.conclusion else ():
                self._look_at(feed, "conclusion", data)

    def _look_at(self, feed: MirroredFeed, stage: str, data: Path) -> None:
        source = feed.source
        around = [source[word] for word in ("done", "digest", "signature") if source.get(word)]
        if data.suffix in (".part", ".tmp") or any(_is_beside(pattern, data) for pattern in around):
            return
        done = source.get("done")
        flag = data.with_name(beside(done, data.name)) if done and not is_shared(done) else data
        if not flag.is_file():
            return
        version = (data.stat().st_mtime_ns, flag.stat().st_mtime_ns)
        if self._read.get(data) != version:
            self._note_return(feed, stage, data, flag)
            self._read[data] = version

    def _note_return(self, feed: MirroredFeed, stage: str, data: Path, flag: Path) -> None:
        content, source = data.read_bytes(), feed.source
        digest = digest_of(source, content)
        digest_ok = True
        if source.get("digest"):
            near = data.with_name(beside(source["digest"], data.name))
            digest_ok = near.is_file() and near.read_text(errors="replace").split()[:1] == [digest]
        said = flag.read_text(errors="replace").split("|")[0].strip() if flag != data else ""
        flag_ok = said in ("", str(len(content)))
        try:
            content = self._in_clear(feed, stage, data, content)
        except (ValueError, OSError) as problem:
            self._stock.problems[feed.feed_id] = f"{data.name} is not encrypted as agreed: {problem}"[:200]
            digest_ok = False
        digest = digest_of(source, content)
        if stage == "conclusion":
            self._note_conclusion(feed, data.name, content, digest_ok and flag_ok)
        first = content.decode("gb18030", errors="replace").splitlines()[:1] or [""]
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        self.ledger.db.execute(
            "insert or ignore into returned values (?, ?, ?, ?, ?, ?, ?, ?)",
            (data.name, _SHORT[stage], digest, first[0], content, digest_ok, flag_ok, now),
        )

    def _in_clear(self, feed: MirroredFeed, stage: str, data: Path, content: bytes) -> bytes:
        """What a return file says. Known by its content: encrypting it again gives other bytes."""
        kind = feed.report.get(stage, {}).get("encrypted")
        form = feed.source.get("signature")
        near = data.with_name(beside(form, data.name)) if form and kind == feed.source.get("encrypted") else None
        return decrypt(kind, self._keys, content, near.read_bytes() if near is not None else None)

    def _note_conclusion(self, feed: MirroredFeed, name: str, content: bytes, is_whole: bool) -> None:
        """Book what a whole and readable file says of a clue; the same content seen again is no second telling."""
        key = "select 1 from returned where file = ? and digest = ?"
        if not is_whole or self.ledger.db.execute(key, (name, digest_of(feed.source, content))).fetchone():
            return
        words, fields = feed.conclusion, feed.conclusion["fields"]
        lines = [line.split(words.get("separator", "|")) for line in content.decode("gb18030").splitlines()]
        if len(lines) != 2 or lines[0] != ["C", name, "1"] or len(lines[1]) != len(fields):
            self._stock.problems[feed.feed_id] = "a conclusion that cannot be read"
            return
        cells = dict(zip(fields, lines[1], strict=True))
        serial = next(cells[column] for column, fact in fields.items() if fact == "serial")
        self.ledger.note_status(serial, concluded(fields, cells, self._stock.plan.codes) or "", cells)

    def return_file(self, name: str) -> str | None:
        """The text of the last version of a return file."""
        self.collect()
        found = self.ledger.db.execute("select body from returned where file = ? order by at desc", (name,)).fetchone()
        return found["body"].decode("gb18030", errors="replace") if found else None

    def received(self) -> Mapping[str, Any]:
        """How many return files came and what their first lines say."""
        self.collect()
        told: dict[str, dict[str, Any]] = {"ret": {}, "fin": {}, "con": {}}
        for stage, name, line in self._first_lines():
            told[stage][name] = line
        conclusions = told.pop("con")
        more = {"con": conclusions, **count_concluded(self.ledger)} if conclusions else {}
        return {"ret_files": len(told["ret"]), "fin_files": len(told["fin"]), **told, **more}

    def _first_lines(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        rows = self.ledger.db.execute(
            "select *, count(*) over (partition by file) as versions from returned order by file, at"
        )
        for row in rows:
            fields = dict(zip(_FIRST_LINE, row["first_line"].split("|", 7), strict=False))
            checks = {"digest_ok": bool(row["digest_ok"]), "flag_ok": bool(row["flag_ok"])}
            yield row["stage"], row["file"], {**fields, **checks, "versions": row["versions"]}


def _answers(feed: MirroredFeed, report: Mapping[str, Any], path: Path) -> bool:
    """Whether a return file speaks of a file of this feed, and not of another that shares its folders."""
    before, _, after = report["file"].rpartition("/")[2].partition("{name}")
    answered = path.name.removeprefix(before).removesuffix(after)
    return fnmatchcase(answered, feed.source["files"].rpartition("/")[2])


def _anything(pattern: str) -> str:
    """The pattern of a file's path, whatever is filled in."""
    return re.sub(r"\{\w+\}", "*", pattern)


def _is_beside(pattern: str, path: Path) -> bool:
    """Whether the file is a flag or a digest itself."""
    return path.name.endswith(pattern.replace("{stem}", "")) if "." in pattern else path.name == pattern


def _put(path: Path, content: bytes) -> None:
    """Write under a temporary name, then rename."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)
