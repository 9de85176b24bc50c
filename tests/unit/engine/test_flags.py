"""Which files of a partner's folder are complete, by each form of flag."""

import stat
from typing import Any

import pytest
from paramiko.sftp_attr import SFTPAttributes
from pydantic import ValidationError

from connectors.flags import beside, complete_names, digest_of, lone_flags, path_beside
from connectors.ssh import Entry
from hub.feed import SftpSource

FORMAT = {"type": "delimited", "separator": "|", "detail": {"columns": ["a"]}}


def source(files: str = "in/*.txt", **words: Any) -> SftpSource:
    """An agreement about one folder."""
    agreed = {"connector": "sftp", "connection": "any", "files": files, "name": "{any}", "format": FORMAT}
    return SftpSource.model_validate(agreed | words)


def folder(**times: int) -> dict[bytes, Entry]:
    """Plain files by name, a double underscore for the dot, each with its time."""
    found = {}
    for word, modified in times.items():
        attributes = SFTPAttributes()
        attributes.st_mtime, attributes.st_mode, attributes.st_size = modified, stat.S_IFREG, 1
        name = word.replace("__", ".").encode()
        found[name] = Entry(name, attributes)
    return found


@pytest.mark.parametrize(
    ("done", "entries", "complete", "lone"),
    [
        (".ok", folder(a__txt=1, a__txt__ok=1, b__txt=1), [b"a.txt"], []),
        (".ok", folder(a__txt=9, a__txt__ok=1), [b"a.txt"], []),
        (".ok", folder(a__txt__ok=1), [], [b"a.txt"]),
        ("{stem}.flg", folder(a__txt=1, a__flg=1, b__txt=1), [b"a.txt"], []),
        ("{stem}.flg", folder(a__flg=1, c__csv=1, c__flg=1), [], [b"a.txt", b"c.txt"]),
        ("{stem}.TXT.done", folder(a__txt=1, a__TXT__done=1), [b"a.txt"], []),
        ("READY", folder(a__txt=1, b__txt=2), [], []),
        ("READY", folder(a__txt=1, b__txt=2, c__txt=3, READY=2), [b"a.txt", b"b.txt"], []),
        ("READY", folder(READY=2), [], []),
        ("READY.txt", folder(a__txt=1, READY__txt=2), [b"a.txt"], []),
        (None, folder(a__txt=1, b__csv=1, c__txt__part=1, d__txt__tmp=1), [b"a.txt"], []),
    ],
)
def test_a_file_is_complete_when_its_flag_says_so(
    done: str | None, entries: dict[bytes, Entry], complete: list[bytes], lone: list[bytes]
) -> None:
    """Appended, in place of the suffix, one for the folder, none at all."""
    assert complete_names(source(done=done), entries) == complete
    assert lone_flags(source(done=done), entries) == lone


def test_unfinished_names_and_digests_are_no_data_whatever_the_pattern_says() -> None:
    """A pattern of everything meets them too."""
    entries = folder(a__txt=1, a__txt__md5=1, b__txt__part=1, c__tmp=1)
    assert complete_names(source("in/*", digest=".md5"), entries) == [b"a.txt"]


def test_one_flag_for_the_folder_must_be_a_plain_file() -> None:
    """A folder of that name is no flag."""
    entries = folder(a__txt=1, READY=2)
    entries[b"READY"].attributes.st_mode = stat.S_IFDIR
    assert complete_names(source(done="READY"), entries) == []


def test_what_belongs_to_a_file_stands_beside_it() -> None:
    """A dot in a folder's name is no suffix of the file."""
    assert beside(b"a.b.txt", "{stem}.flg") == b"a.b.flg"
    assert path_beside("v1.2/data", "{stem}.flg") == "v1.2/data.flg"
    assert path_beside("in/a.txt", ".ok") == "in/a.txt.ok"


@pytest.mark.parametrize(
    ("form", "digest"),
    [
        (".sm3", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (".sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("{stem}.md5", "900150983cd24fb0d6963f7d28e17f72"),
        (".MD5", "900150983cd24fb0d6963f7d28e17f72"),
    ],
)
def test_the_suffix_names_the_digest(form: str, digest: str) -> None:
    """The published values for the text abc."""
    assert digest_of(form, b"abc") == digest


@pytest.mark.parametrize(
    "words", [{"done": "{name}.ok"}, {"done": "a/b"}, {"done": ""}, {"digest": ".crc"}, {"digest": "MD5"}]
)
def test_other_forms_are_not_agreed_to(words: dict[str, str]) -> None:
    """A slip in the mapping is found when it is read."""
    with pytest.raises(ValidationError):
        source(**words)
