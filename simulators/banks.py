"""The two banks' SFTP house: one server, one locked-in user per bank, and an office that drops and collects files.

The office writes data, digest, flag, each under a temporary name first, and reads the RET_ and FIN_ files it gets back.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from simulators.bankfiles import ENCODING
from simulators.bankstatements import statement_of
from simulators.drops import Drop, corrected_drop, drops_of, extra_drop
from simulators.ledger import Ledger
from simulators.projects import BANKS, Bank
from simulators.sm3 import sm3_hex
from simulators.world import City

_TABLES = """
create table if not exists returned (
    file text, digest text, first_line text, body blob, digest_ok integer, flag_ok integer, at text,
    primary key (file, digest));
"""
_FIRST_LINE = ("mark", "file", "status", "rows", "accepted", "bad", "code", "message")
_DEMO_FAULT = ("haidai", "PAYR", "wrong_amount")


class BankOffice:
    """One bank's side of the SFTP folder."""

    def __init__(self, bank: Bank, city: City, bad_share: float, root: Path, ledger_path: Path) -> None:
        self.bank, self.city, self.bad_share, self.root = bank, city, bad_share, root
        self.ledger = Ledger(ledger_path, _TABLES)
        self._read: dict[Path, tuple[int, int]] = {}
        self._next: dict[str, int] = {}
        for folder in ("in", "out"):
            (root / folder / f"{city.day:%Y%m%d}").mkdir(parents=True, exist_ok=True)

    async def drop_day(self) -> list[str]:
        """Write the whole day's files; what was written before stays as it is."""
        names = []
        for drop in drops_of(self.city, self.bank, self.bad_share):
            names.append(self._drop(drop))
            await asyncio.sleep(0)
        if self.bank.partner == _DEMO_FAULT[0]:
            names.append(self._drop(extra_drop(self.city, self.bank, _DEMO_FAULT[1], 1, _DEMO_FAULT[2])))
        return names

    def drop_extra(self, kind: str, fault: str | None) -> str:
        """Write one more file, the next of its type, and give its name."""
        extra = self._next.get(kind, 2 if (self.bank.partner, kind) == _DEMO_FAULT[:2] else 1)
        while self.ledger.has_file((drop := extra_drop(self.city, self.bank, kind, extra, fault)).name):
            extra += 1
        self._next[kind] = extra + 1
        return self._drop(drop)

    def drop_statement(self) -> str:
        """Write the statement of the day's files as the ledger has them now, under the next version, and give its name."""
        folder, version = self.root / "in" / f"{self.city.day:%Y%m%d}", 1
        while (folder / (made := statement_of(self.ledger, self.bank, self.city.day, version))[0]).exists():
            version += 1
        self._write(folder / made[0], made[1], sm3_hex(made[1]))
        lines = made[1].count(b"\n") - 2
        _put(folder / f"{made[0]}.ok", f"{len(made[1])}|{lines}".encode())
        return made[0]

    def drop_correction(self, name: str) -> str:
        """Write the second version of a payroll file and give its name."""
        return self._drop(corrected_drop(self.city, self.bank, name))

    def drop_bytes(
        self, path: str, content: bytes, digest: str = "", flag: bool = True, name_encoding: str = "utf-8"
    ) -> str:
        """Write any bytes under any path in the bank's folder, with digest and flag unless told otherwise."""
        target = (self.root / os.fsdecode(path.encode(name_encoding))).resolve()
        if not target.is_relative_to(self.root.resolve()):
            raise ValueError("the path leaves the bank's folder")
        marks = b"D|" if self.bank.partner == "haidai" else b"1"
        rows = sum(line.startswith(marks) for line in content.split(b"\n"))
        self._write(target, content, sm3_hex(b"") if digest == "wrong" else sm3_hex(content))
        if flag:
            _put(target.with_name(target.name + ".ok"), f"{len(content)}|{rows}".encode())
        name = path.rsplit("/", 1)[-1]
        self.ledger.note_file(name, f"{self.bank.partner}_custom", "custom", sm3_hex(content))
        return name

    def _drop(self, drop: Drop) -> str:
        if self.ledger.has_file(drop.name):
            return drop.name
        target = self.root / "in" / f"{self.city.day:%Y%m%d}" / drop.name
        self._write(target, drop.content, drop.digest)
        # Booked before the flag: whatever a reader can see is in the ledger already.
        self.ledger.note_sent(drop.sent)
        _put(target.with_name(target.name + ".ok"), drop.flag.encode())
        self.ledger.note_file(drop.name, drop.feed, drop.fault, drop.digest)
        return drop.name

    def _write(self, target: Path, content: bytes | None, digest: str) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            _put(target, content)
        _put(target.with_name(target.name + ".sm3"), os.fsencode(f"{digest}  {target.name}\n"))

    def collect(self) -> None:
        """Read every return file whose flag has come, again only when it has changed."""
        for flag in sorted((self.root / "out").glob("*/*.ok")):
            data = flag.with_suffix("")
            if data.name[:4] in ("RET_", "FIN_") and data.is_file():
                with suppress(FileNotFoundError):  # taken away meanwhile: an answer is being replaced
                    version = (data.stat().st_mtime_ns, flag.stat().st_mtime_ns)
                    if self._read.get(flag) != version:
                        self._note_return(data, flag)
                        self._read[flag] = version

    def _note_return(self, data: Path, flag: Path) -> None:
        content = data.read_bytes()
        digest = sm3_hex(content)
        beside = data.with_name(data.name + ".sm3")
        digest_ok = beside.is_file() and beside.read_text(errors="replace").split()[:1] == [digest]
        flag_ok = flag.read_text(errors="replace").split("|")[0].strip() == str(len(content))
        first = content.decode(ENCODING, errors="replace").splitlines()[:1] or [""]
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        self.ledger.db.execute(
            "insert or ignore into returned values (?, ?, ?, ?, ?, ?, ?)",
            (data.name, digest, first[0], content, digest_ok, flag_ok, now),
        )

    def return_file(self, name: str) -> str | None:
        """The text of the last version of a return file."""
        self.collect()
        found = self.ledger.db.execute("select body from returned where file = ? order by at desc", (name,)).fetchone()
        return found["body"].decode(ENCODING, errors="replace") if found else None

    def received(self) -> dict[str, Any]:
        """How many return files came and what their first lines say."""
        self.collect()
        files = dict(self._first_lines())
        ret = {name: line for name, line in files.items() if name.startswith("RET_")}
        fin = {name: line for name, line in files.items() if name.startswith("FIN_")}
        return {"ret_files": len(ret), "fin_files": len(fin), "ret": ret, "fin": fin}

    def _first_lines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        rows = self.ledger.db.execute(
            "select *, count(*) over (partition by file) as versions from returned order by file, at"
        )
        for row in rows:
            fields = dict(zip(_FIRST_LINE, row["first_line"].split("|", 7), strict=False))
            checks = {"digest_ok": bool(row["digest_ok"]), "flag_ok": bool(row["flag_ok"])}
            yield row["file"], {**fields, **checks, "versions": row["versions"]}


def open_offices(city: City, bad_share: float, state: Path) -> dict[str, BankOffice]:
    """Both banks' offices on their folders."""
    return {
        name: BankOffice(bank, city, bad_share, state / "sftp" / name, state / f"{name}.sqlite")
        for name, bank in BANKS.items()
    }


def _put(path: Path, content: bytes) -> None:
    """Write under a temporary name, then rename."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)
