"""Bank folders over SFTP: the same rules against the simulated bank's server and against OpenSSH's own."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from round_trip import bank_connection
from ssh_server import find_sshd, serving

from connectors.sftp import SftpConnector
from hub.digest import sm3_hex
from hub.errors import FencedOff, PartnerRefused, PartnerUnavailable
from hub.feed import SftpSource
from hub.model import Connection, Fetched, FileStamp, Notice
from hub.pipeline import bytes_of
from simulators.running import Running

NAME = "313_370900_PAYR_20261123_0001_v1.txt"
OTHER = "313_370900_PAYR_20261123_0002_v1.txt"
DATA = "H|工资|\r\nD|1|张三\r\nT|1\r\n".encode("gb18030")
FORMAT = {"type": "delimited", "separator": "|", "detail": {"mark": "D", "columns": ["标识", "序号", "姓名"]}}


@dataclass(frozen=True)
class Folder:
    """A bank's folder on a server: how to reach it, and the same folder on disk."""

    connection: Connection
    root: Path
    within: str

    @property
    def day(self) -> Path:
        return self.root / self.within / "20261123"

    def source(self) -> SftpSource:
        return SftpSource.model_validate(
            {"connector": "sftp", "connection": "any", "files": f"{self.within}/{{date}}/*_PAYR_*.txt", "name": "{any}",
             "done": ".ok", "digest": ".sm3", "look_back_days": 36500, "format": FORMAT}
        )  # fmt: skip

    def open(self, **changes: object) -> SftpConnector:
        return SftpConnector(replace(self.connection, **changes), self.source())  # type: ignore[arg-type]

    def drop(
        self, name: str = NAME, data: bytes = DATA, *, digest: str | None = "", flag: str | None = "", age: float = 60
    ) -> Path:
        """A file with digest and flag, written `age` seconds ago; None leaves one of them out, a text replaces it."""
        path = self.day / name
        path.write_bytes(data)
        written = time.time() - age
        os.utime(path, (written, written))
        if digest is not None:
            path.with_name(f"{name}.sm3").write_text(digest or f"{sm3_hex(data)}  {name}\n")
        if flag is not None:
            path.with_name(f"{name}.ok").write_text(flag or f"{len(data)}|{data.count(b'D|')}")
        return path

    def fetch(self, seen: frozenset[FileStamp] = frozenset()) -> list[Fetched | Notice]:
        with self.open() as connector:
            return list(connector.fetch(None, seen))


@pytest.fixture(scope="module")
def openssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Connection, Path]]:
    """OpenSSH's sshd, where it is installed."""
    if find_sshd() is None:
        pytest.skip("OpenSSH's sshd is not installed (Debian: apt install openssh-server)")
    with serving(tmp_path_factory.mktemp("sshd")) as served:
        yield served


@pytest.fixture(params=["asyncssh", "openssh"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """An empty day folder of its own on either server."""
    if request.param == "openssh":
        connection, root = request.getfixturevalue("openssh")
    else:
        addresses = request.getfixturevalue("up").addresses
        connection, root = bank_connection(addresses, "haidai"), Path(addresses["sftp"]["users"]["haidai"]["root"])
    made = Folder(connection, root, f"in-{tmp_path.name}")
    made.day.mkdir(parents=True)
    return made


def files(found: list[Fetched | Notice]) -> dict[str, Fetched]:
    return {one.name.rpartition("/")[2]: one for one in found if isinstance(one, Fetched)}


def notices(found: list[Fetched | Notice]) -> list[Notice]:
    return [one for one in found if isinstance(one, Notice)]


class TestFetching:
    """What is taken, what is left alone, and that one bad file never hides the others."""

    def test_a_complete_file_comes_to_the_byte(self, folder: Folder) -> None:
        """Data, the rows its flag prints, and the stamp by which it is known again."""
        path = folder.drop()
        [found] = folder.fetch()
        assert isinstance(found, Fetched)
        assert (found.parts, found.printed_rows, found.fault) == ([DATA], 1, None)
        assert found.stamp == FileStamp(f"{folder.within}/20261123/{NAME}", len(DATA), int(path.stat().st_mtime))

    def test_a_file_seen_before_is_not_read_again(self, folder: Folder) -> None:
        """Same name, size and time: seen. Another time: read again."""
        path = folder.drop()
        [found] = folder.fetch()
        assert isinstance(found, Fetched)
        assert found.stamp is not None
        seen = frozenset({found.stamp})
        assert folder.fetch(seen) == []
        os.utime(path, (1_700_000_000, 1_700_000_000))
        assert list(files(folder.fetch(seen))) == [NAME]

    def test_a_young_file_is_looked_at_once_more(self, folder: Folder) -> None:
        """SFTP tells whole seconds: another file of the same size may take its place within one."""
        folder.drop(age=0)
        [found] = folder.fetch()
        assert isinstance(found, Fetched)
        assert found.stamp is not None
        other = DATA.replace(b"1", b"2")
        folder.drop(data=other, age=0)
        [again] = folder.fetch(frozenset({found.stamp}))
        assert isinstance(again, Fetched)
        assert again.parts == [other]

    def test_without_its_flag_a_file_is_not_ready(self, folder: Folder) -> None:
        """Neither the file without a flag nor unfinished uploads are touched."""
        folder.drop(flag=None)
        (folder.day / f"{OTHER}.part").write_bytes(DATA)
        (folder.day / f"{OTHER}.tmp").write_bytes(DATA)
        [found] = folder.fetch()
        assert isinstance(found, Notice)
        assert (found.code, found.path, found.is_waiting) == ("F018", f"{folder.within}/20261123/{NAME}", True)

    def test_a_flag_without_its_data_is_noticed(self, folder: Folder) -> None:
        """F015, and the others come all the same."""
        folder.drop().unlink()
        folder.drop(OTHER)
        found = folder.fetch()
        assert list(files(found)) == [OTHER]
        assert [notice.code for notice in notices(found)] == ["F015"]
        assert NAME in notices(found)[0].message

    def test_what_no_feed_agreed_on_is_said_once_for_the_folder(self, folder: Folder) -> None:
        """By the feed that is given all sources of the folder; another one's files, flags, digests and uploads are no strangers."""
        folder.drop()
        folder.drop("1_TXN_1.txt")
        folder.drop("1_PAYRR_1.TXT", digest=None, flag=None)
        (folder.day / "2_TXN_2.txt.part").write_bytes(DATA)
        (folder.day / "old").mkdir()
        own = folder.source()
        other = own.model_copy(update={"files": own.files.replace("PAYR", "TXN")})
        for household, strange in (((), []), ((own, other), ["1_PAYRR_1.TXT"])):
            with SftpConnector(folder.connection, own, lambda sources=household: sources) as connector:
                found = list(connector.fetch(None, frozenset()))
            assert list(files(found)) == [NAME]
            assert [(one.code, one.path.rpartition("/")[2]) for one in notices(found)] == [("F008", n) for n in strange]

    @pytest.mark.parametrize("digest", [None, f"{'0' * 64}  {NAME}\n", "\n", "工资"])
    def test_a_digest_that_does_not_fit_is_a_fault(self, folder: Folder, digest: str | None) -> None:
        """F001 for a missing, foreign, empty or garbled digest file; the bytes come along for the archive."""
        folder.drop(digest=digest)
        found = files(folder.fetch())[NAME]
        assert found.parts == [DATA]
        assert found.fault is not None
        assert found.fault[0] == "F001"

    @pytest.mark.parametrize("size", [len(DATA) + 1, len(DATA) - 1, 0])
    def test_a_size_that_does_not_fit_is_a_fault(self, folder: Folder, size: int) -> None:
        """F007 when the flag says another size."""
        folder.drop(flag=f"{size}|1")
        fault = files(folder.fetch())[NAME].fault
        assert fault is not None
        assert fault[0] == "F007"

    def test_a_number_of_rows_beyond_counting_says_nothing(self, folder: Folder) -> None:
        """No database could keep it, and the files behind this one would never come."""
        folder.drop(flag=f"{len(DATA)}|{'9' * 4000}")
        [found] = folder.fetch()
        assert isinstance(found, Fetched)
        assert (found.fault, found.printed_rows) == (None, None)

    def test_an_empty_flag_says_nothing(self, folder: Folder) -> None:
        """A flag of no bytes is a flag; its digest still protects the file."""
        folder.drop()
        (folder.day / f"{NAME}.ok").write_bytes(b"")
        found = files(folder.fetch())[NAME]
        assert (found.fault, found.printed_rows) == (None, None)

    def test_a_digest_in_capitals_fits(self, folder: Folder) -> None:
        """Hexadecimal digits have no case."""
        folder.drop(digest=sm3_hex(DATA).upper())
        assert files(folder.fetch())[NAME].fault is None

    def test_a_file_that_grows_while_it_is_read_is_left_for_later(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The next look takes it whole."""
        path, read = folder.drop(), SftpConnector._bytes

        def read_and_grow(connector: SftpConnector, name: str, size: int) -> bytes:
            data = read(connector, name, size)
            path.write_bytes(DATA + b"more")
            return data

        monkeypatch.setattr(SftpConnector, "_bytes", read_and_grow)
        assert folder.fetch() == []
        monkeypatch.undo()
        folder.drop(data=DATA + b"more")
        assert files(folder.fetch())[NAME].parts == [DATA + b"more"]

    def test_only_plain_files_are_read(self, folder: Folder) -> None:
        """A link to a secret, a pipe and a directory with agreed names are left alone and noticed."""
        (folder.day / "1_PAYR_1.txt").symlink_to("/etc/passwd")
        os.mkfifo(folder.day / "2_PAYR_2.txt")
        (folder.day / "3_PAYR_3.txt").mkdir()
        (folder.day / "4_PAYR_4.txt").symlink_to(folder.day / OTHER)
        for number in range(1, 5):
            (folder.day / f"{number}_PAYR_{number}.txt.ok").write_text("1|1")
        folder.drop(OTHER)
        found = folder.fetch()
        assert list(files(found)) == [OTHER]
        assert [notice.code for notice in notices(found)] == ["F008"] * 4

    @pytest.mark.parametrize(
        "name",
        ["工资_PAYR_1.txt".encode("gb18030"), "工资_PAYR_1.txt".encode(), b"-rf_PAYR_1.txt", b"a b_PAYR_1.txt",
         b"a\n_PAYR_1.txt", b"a;id_PAYR_1.txt", b"..%2f_PAYR_1.txt", b"..\\_PAYR_1.txt", "\u202e_PAYR_1.txt".encode(),
         b"\xff\xfe_PAYR_1.txt", b"_PAYR_" + b"9" * 220 + b".txt"],
        ids=["gb18030", "utf-8", "dash", "space", "newline", "semicolon", "percent", "backslash", "rtl", "bytes", "long"],
    )  # fmt: skip
    def test_odd_names_are_noticed_and_hide_nobody(self, folder: Folder, name: bytes) -> None:
        """F008 for a name that is not as agreed; the file beside it comes."""
        odd = os.fsencode(folder.day) + b"/" + name
        for suffix, content in ((b"", DATA), (b".sm3", b""), (b".ok", b"1|1")):
            Path(os.fsdecode(odd + suffix)).write_bytes(content)
        folder.drop()
        found = folder.fetch()
        assert list(files(found)) == [NAME]
        assert [notice.code for notice in notices(found)] == ["F008"]

    @pytest.mark.parametrize("coding", ["gb18030", "utf-8"])
    def test_chinese_names_come_where_their_code_page_is_agreed(self, folder: Folder, coding: str) -> None:
        """File, flag and digest by their bytes; a name in the other code page, or with more than Chinese in it, is noticed."""
        name, other = "工资䶮一_代发_20261123.txt", {"gb18030": "utf-8", "utf-8": "gb18030"}[coding]
        odd = ("工\u202e资_代发_2.txt", "工 资_代发_3.txt", "-工资_代发_4.txt", "工资\n_代发_5.txt")
        for written in (name.encode(coding), "工资_代发_1.txt".encode(other), *(one.encode(coding) for one in odd)):
            for suffix, content in (
                (b"", DATA),
                (b".sm3", sm3_hex(DATA).encode()),
                (b".ok", f"{len(DATA)}|1".encode()),
            ):
                Path(os.fsdecode(os.fsencode(folder.day) + b"/" + written + suffix)).write_bytes(content)
        agreed = folder.source().model_copy(update={"names": coding, "files": f"{folder.within}/{{date}}/*_代发_*.txt"})
        with SftpConnector(folder.connection, agreed) as connector:
            found = list(connector.fetch(None, frozenset()))
        assert {one: got.parts for one, got in files(found).items()} == {name: [DATA]}
        assert files(found)[name].fault is None
        assert files(found)[name].printed_rows == 1
        assert {notice.code for notice in notices(found)} == {"F008"}
        assert len(notices(found)) >= 4

    @pytest.mark.parametrize("coding", ["gb18030", "utf-8"])
    def test_return_files_are_named_in_the_same_code_page(self, folder: Folder, coding: str) -> None:
        """Put once more they are the same; nothing is left of a try that ended half-way."""
        agreed = folder.source().model_copy(update={"names": coding})
        path = f"{folder.within}/20261123/RET_工资.txt"
        left = os.fsencode(folder.day) + b"/" + "RET_工资.txt.00112233.part".encode(coding)
        Path(os.fsdecode(left)).write_bytes(b"half")
        with SftpConnector(folder.connection, agreed) as connector:
            for _ in range(2):
                connector.put(path, DATA, lambda: None)
        names = {os.fsencode(one.name) for one in folder.day.iterdir()}
        assert names == {f"RET_工资.txt{suffix}".encode(coding) for suffix in ("", ".sm3", ".ok")}

    def test_a_signature_file_comes_along_and_is_no_stranger(self, folder: Folder) -> None:
        """It is the second part; where it is missing the file is held for it."""
        folder.drop()
        agreed = folder.source().model_copy(update={"encrypted": "sm4-gcm", "signature": ".sig"})
        for signature, fault in ((None, "F025"), (b"signed", None)):
            if signature is not None:
                (folder.day / f"{NAME}.sig").write_bytes(signature)
            with SftpConnector(folder.connection, agreed, lambda: (agreed,)) as connector:
                [found] = connector.fetch(None, frozenset())
            assert isinstance(found, Fetched)
            assert found.parts == [DATA, *([signature] if signature else [])]
            assert (found.fault or (None,))[0] == fault

    def test_a_file_that_cannot_be_read_hides_nobody(self, folder: Folder) -> None:
        """A flag or digest that is a folder is the bank's slip; the other files come."""
        folder.drop(flag=None)
        (folder.day / f"{NAME}.ok").mkdir()
        folder.drop("1_PAYR_1.txt", digest=None)
        (folder.day / "1_PAYR_1.txt.sm3").mkdir()
        folder.drop(OTHER)
        found = folder.fetch()
        assert list(files(found)) == [OTHER]
        assert len(notices(found)) == 2

    def test_a_file_too_large_hides_nobody(self, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
        """Larger than agreed: noticed, not read."""
        monkeypatch.setattr("connectors.sftp.LARGEST_FILE", len(DATA))
        folder.drop(data=DATA + b"x")
        folder.drop(OTHER)
        found = folder.fetch()
        assert (list(files(found)), len(notices(found))) == ([OTHER], 1)

    def test_a_large_file_comes_whole(self, folder: Folder) -> None:
        """Ten megabytes, many times the size of one read."""
        data = os.urandom(10 * 1024 * 1024)
        folder.drop(data=data)
        assert bytes_of(files(folder.fetch())[NAME].parts) == [data]

    def test_a_thousand_files_are_listed_at_once(self, folder: Folder) -> None:
        """Three thousand names take a moment, and only what is new is read."""
        for number in range(1000):
            folder.drop(f"313_PAYR_{number:04d}.txt")
        names = [
            (f"{folder.within}/20261123/313_PAYR_{n:04d}.txt", folder.day / f"313_PAYR_{n:04d}.txt") for n in range(995)
        ]
        seen = frozenset(FileStamp(name, len(DATA), int(path.stat().st_mtime)) for name, path in names)
        started = time.monotonic()
        found = folder.fetch(seen)
        assert list(files(found)) == [f"313_PAYR_{number:04d}.txt" for number in range(995, 1000)]
        assert time.monotonic() - started < 10

    def test_old_day_folders_are_not_looked_at(self, folder: Folder) -> None:
        """Only day folders young enough, and only folders named by a day."""
        folder.drop()
        (folder.root / folder.within / "archive").mkdir()
        source = folder.source().model_copy(update={"look_back_days": 1})
        (folder.root / folder.within / "20200101").mkdir()
        (folder.root / folder.within / "20200101" / NAME).write_bytes(DATA)
        (folder.root / folder.within / "20200101" / f"{NAME}.ok").write_bytes(b"")
        with SftpConnector(folder.connection, source) as connector:
            assert all("20200101" not in path for path, _ in connector.complete_files())


class TestOtherFlags:
    """Flags in place of the suffix, one flag for the folder, none; digests by other names."""

    def fetch(
        self, folder: Folder, seen: frozenset[FileStamp] = frozenset(), **words: object
    ) -> list[Fetched | Notice]:
        agreed = folder.source().model_dump(by_alias=True) | words
        with SftpConnector(folder.connection, SftpSource.model_validate(agreed)) as connector:
            return list(connector.fetch(None, seen))

    def write(self, folder: Folder, name: str, data: bytes, age: float = 60) -> None:
        path = folder.day / name
        path.write_bytes(data)
        os.utime(path, (time.time() - age, time.time() - age))

    @pytest.mark.parametrize("fits", [True, False])
    def test_flag_and_digest_may_take_the_place_of_the_suffix(self, folder: Folder, fits: bool) -> None:
        """The flag still says the size, the digest is that of its suffix."""
        self.write(folder, NAME, DATA)
        self.write(folder, NAME.replace(".txt", ".flg"), f"{len(DATA)}|1".encode())
        self.write(folder, NAME.replace(".txt", ".md5"), hashlib.md5(DATA if fits else b"").hexdigest().encode())
        found = files(self.fetch(folder, done="{stem}.flg", digest="{stem}.md5"))[NAME]
        assert (found.printed_rows, found.fault is None) == (1, fits)

    def test_one_flag_stands_for_the_folder(self, folder: Folder) -> None:
        """What is younger than the flag waits for the next flag."""
        self.write(folder, NAME, DATA, age=60)
        assert [notice.code for notice in notices(self.fetch(folder, done="READY", digest=None))] == ["F018"]
        self.write(folder, "READY", b"", age=30)
        self.write(folder, OTHER, DATA, age=10)
        assert list(files(self.fetch(folder, done="READY", digest=None))) == [NAME]
        self.write(folder, "READY", b"", age=5)
        assert list(files(self.fetch(folder, done="READY", digest=None))) == [NAME, OTHER]

    def test_without_flags_a_file_that_still_grows_waits(self, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two listings must agree about it; the file beside it comes."""
        self.write(folder, NAME, DATA)
        self.write(folder, OTHER, DATA)
        self.write(folder, f"{OTHER}.part", DATA)
        monkeypatch.setattr("connectors.sftp.time.sleep", lambda _: (folder.day / NAME).write_bytes(DATA * 2))
        assert list(files(self.fetch(folder, done=None, digest=None))) == [OTHER]
        monkeypatch.undo()
        monkeypatch.setattr("connectors.sftp.SETTLE_SECONDS", 0)
        assert files(self.fetch(folder, done=None, digest=None))[NAME].parts == [DATA * 2]

    def test_the_return_file_has_the_same_kind_of_flag(self, folder: Folder) -> None:
        """A partner that flags each file finds a flag beside ours; one for a whole folder is never put by us."""
        for number, (done, beside) in enumerate(
            [("{stem}.flg", ["R.flg", "R.sha256", "R.txt"]), ("READY", ["R.sha256", "R.txt"])]
        ):
            agreed = folder.source().model_dump(by_alias=True) | {"done": done, "digest": "{stem}.sha256"}
            with SftpConnector(folder.connection, SftpSource.model_validate(agreed)) as connector:
                connector.put(f"{folder.within}/out{number}/R.txt", DATA, lambda: None)
            place = folder.root / folder.within / f"out{number}"
            assert sorted(path.name for path in place.iterdir()) == beside
            assert (place / "R.sha256").read_text() == f"{hashlib.sha256(DATA).hexdigest()}  R.txt\n"


class TestPutting:
    """Return files: whole or not at all, and the same one twice is one."""

    def test_data_digest_and_flag_are_placed(self, folder: Folder) -> None:
        """All three, fitting each other, and no unfinished file is left."""
        self._put(folder)
        place = folder.root / folder.within / "out"
        assert sorted(path.name for path in place.iterdir()) == ["RET_1.txt", "RET_1.txt.ok", "RET_1.txt.sm3"]
        assert (place / "RET_1.txt").read_bytes() == DATA
        assert (place / "RET_1.txt.sm3").read_text() == f"{sm3_hex(DATA)}  RET_1.txt\n"
        assert (place / "RET_1.txt.ok").read_text() == f"{len(DATA)}|3"

    def test_the_same_file_twice_is_not_written_again(self, folder: Folder) -> None:
        """Neither content nor time of any of the three changes."""
        self._put(folder)
        place = folder.root / folder.within / "out"
        before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in place.iterdir()}
        self._put(folder)
        assert {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in place.iterdir()} == before

    def test_a_crash_between_data_and_flag_is_mended(self, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
        """What stood unfinished is finished by the next try; the flag comes last."""
        place, write = SftpConnector._place, folder.root / folder.within / "out"

        def stop_before_flag(connector: SftpConnector, path: str, data: bytes, still_ours: Callable[[], None]) -> None:
            if path.endswith(".ok"):
                raise PartnerUnavailable("the line went dead")
            place(connector, path, data, still_ours)

        monkeypatch.setattr(SftpConnector, "_place", stop_before_flag)
        with pytest.raises(PartnerUnavailable):
            self._put(folder)
        assert sorted(path.name for path in write.iterdir()) == ["RET_1.txt", "RET_1.txt.sm3"]
        for left in ("RET_1.txt.ok.part", "RET_1.txt.0a1b2c3d.part", "RET_1.txt.sm3.0a1b2c3d.part"):
            (write / left).write_bytes(b"half")
        monkeypatch.undo()
        self._put(folder)
        assert sorted(path.name for path in write.iterdir()) == ["RET_1.txt", "RET_1.txt.ok", "RET_1.txt.sm3"]

    def test_other_content_replaces_the_file(self, folder: Folder) -> None:
        """A corrected report stands under the same name."""
        self._put(folder)
        self._put(folder, b"R|2\r\n")
        assert (folder.root / folder.within / "out" / "RET_1.txt").read_bytes() == b"R|2\r\n"

    def test_new_data_are_never_found_beside_an_old_flag(self, folder: Folder) -> None:
        """The flag goes first and comes last: whoever waits for it never reads half an answer."""
        place, seen = folder.root / folder.within / "out", list[tuple[bytes, bool]]()
        self._put(folder)
        self._put(
            folder,
            b"R|2\r\n",
            lambda: seen.append(((place / "RET_1.txt").read_bytes(), (place / "RET_1.txt.ok").exists())),
        )
        assert seen == [(DATA, True), (DATA, False), (b"R|2\r\n", False), (b"R|2\r\n", False)]

    @pytest.mark.parametrize("checks", [1, 2, 3, 4])
    def test_one_that_was_taken_over_gives_nothing_its_name_any_more(self, folder: Folder, checks: int) -> None:
        """It is asked before each of the three, and before the flag is taken away; the newer one finishes what it began."""
        place, asked = folder.root / folder.within / "out", list[int]()

        def taken_over() -> None:
            asked.append(1)
            if len(asked) == checks:
                raise FencedOff("a newer worker is at it")

        self._put(folder)
        with pytest.raises(FencedOff):
            self._put(folder, b"R|2\r\n", taken_over)
        stands = [(place / f"RET_1.txt{end}").exists() for end in ("", ".sm3", ".ok")]
        assert stands == [True, True, checks == 1]
        assert (place / "RET_1.txt").read_bytes() == (DATA if checks < 3 else b"R|2\r\n")
        self._put(folder, b"R|3\r\n")
        assert sorted(path.name for path in place.iterdir()) == ["RET_1.txt", "RET_1.txt.ok", "RET_1.txt.sm3"]
        assert (place / "RET_1.txt.sm3").read_text() == f"{sm3_hex((place / 'RET_1.txt').read_bytes())}  RET_1.txt\n"

    def test_two_who_write_the_same_file_at_once_never_show_half_of_it(self, folder: Folder) -> None:
        """The second comes while the first is about to give its part a name: it takes the part away and finishes alone."""
        place, seen = folder.root / folder.within / "out", list[str]()

        def second_comes() -> None:
            if not seen:
                self._put(folder)
            seen.append((place / "RET_1.txt.ok").read_text())

        with pytest.raises(PartnerUnavailable):
            self._put(folder, DATA, second_comes)
        assert seen == [f"{len(DATA)}|3"]
        self._put(folder)
        assert sorted(path.name for path in place.iterdir()) == ["RET_1.txt", "RET_1.txt.ok", "RET_1.txt.sm3"]
        assert (place / "RET_1.txt").read_bytes() == DATA

    def _put(self, folder: Folder, data: bytes = DATA, still_ours: Callable[[], None] = lambda: None) -> None:
        with folder.open() as connector:
            connector.put(f"{folder.within}/out/RET_1.txt", data, still_ours)


class TestConnecting:
    """Who must act when there is no session."""

    def test_without_a_pinned_key_nothing_is_tried(self, folder: Folder) -> None:
        """The host key is asked of the bank, never taken from the line."""
        with pytest.raises(PartnerRefused, match="host_key"):
            self._enter(folder, extra={**folder.connection.extra, "host_key": ""})

    @pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"])
    def test_another_host_key_is_refused(self, folder: Folder, kind: str) -> None:
        """Another key of the same kind, or a key of a kind the host does not show."""
        with pytest.raises(PartnerRefused):
            self._enter(folder, extra={**folder.connection.extra, "host_key": OTHER_KEYS[kind]})

    @pytest.mark.parametrize("text", ["ssh-ed25519 !!!", "nonsense", "ssh-ed25519 AAAA", "ssh-ed25519 "])
    def test_a_garbled_pinned_key_is_refused(self, folder: Folder, text: str) -> None:
        """A slip in the connection is the admin's to mend."""
        with pytest.raises(PartnerRefused):
            self._enter(folder, extra={**folder.connection.extra, "host_key": text})

    def test_a_wrong_password_is_refused(self, folder: Folder) -> None:
        """Never tried again blindly: banks lock logins."""
        extra = {"host_key": folder.connection.extra["host_key"]}
        with pytest.raises(PartnerRefused):
            self._enter(folder, password="wrong", extra=extra)

    def test_a_wrong_private_key_is_refused(self, folder: Folder) -> None:
        """A key the bank does not know."""
        with pytest.raises(PartnerRefused):
            self._enter(folder, password="", extra={**folder.connection.extra, "private_key": new_private_key()})

    def test_a_garbled_private_key_is_refused(self, folder: Folder) -> None:
        """The admin mends the connection; the key's text stands in no message."""
        with pytest.raises(PartnerRefused) as caught:
            self._enter(folder, password="", extra={**folder.connection.extra, "private_key": "no key at all"})
        assert "no key at all" not in str(caught.value)

    def test_a_server_that_is_gone_is_unavailable(self, folder: Folder) -> None:
        """Nobody listens: tried again later."""
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        with pytest.raises(PartnerUnavailable):
            self._enter(folder, port=port)

    def _enter(self, folder: Folder, **changes: object) -> None:
        with folder.open(**changes):
            pytest.fail("there should be no session")


def test_a_line_cut_in_the_middle_is_unavailable_and_the_next_fetch_has_it_all(up: Running, tmp_path: Path) -> None:
    """Half a file is no file."""
    root = Path(up.addresses["sftp"]["users"]["haidai"]["root"])
    folder = Folder(bank_connection(up.addresses, "haidai"), root, f"in-{tmp_path.name}")
    folder.day.mkdir(parents=True)
    data = os.urandom(600 * 1024)
    folder.drop(data=data)
    up.control.fault("haidai", "cut_after_kb", 300)
    with pytest.raises(PartnerUnavailable):
        folder.fetch()
    up.control.clear_faults()
    assert files(folder.fetch())[NAME].parts == [data]


def test_a_login_refused_once_works_the_next_time(up: Running, tmp_path: Path) -> None:
    """A refused login is reported, not repeated."""
    folder = Folder(bank_connection(up.addresses, "haidai"), tmp_path, "in")
    up.control.fault("haidai", "refuse_logins", 1)
    with pytest.raises(PartnerRefused), folder.open():
        pass
    with folder.open():
        pass


def new_private_key() -> str:
    """A fresh key in OpenSSH's own form."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    openssh = serialization.PrivateFormat.OpenSSH
    return key.private_bytes(serialization.Encoding.PEM, openssh, serialization.NoEncryption()).decode()


OTHER_KEYS: dict[str, str] = {}


@pytest.fixture(autouse=True, scope="module")
def other_keys() -> None:
    """Host keys that no server of these tests shows."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    made: Callable[..., bytes] = lambda key: key.public_key().public_bytes(  # noqa: E731
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    OTHER_KEYS["ssh-ed25519"] = made(ed25519.Ed25519PrivateKey.generate()).decode()
    OTHER_KEYS["ssh-rsa"] = made(rsa.generate_private_key(65537, 2048)).decode()
    OTHER_KEYS["ecdsa-sha2-nistp256"] = made(ec.generate_private_key(ec.SECP256R1())).decode()
