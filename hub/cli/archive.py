"""Commands about the archive: hold it against its digests, seal what lies there in clear, give out an original."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from hub import pipeline, upkeep
from hub.archive import Archive, object_name
from hub.archive.changing import count_keks
from hub.bootstrap import open_house
from hub.errors import NotAllowed


def look_after_archive(words: argparse.Namespace) -> int:
    """Read raw bytes back and hold them against their digests: those of the last days, or everything (verify);
    seal what an older hub kept as it came (encrypt); or write one object as it was received to standard output (show),
    for whoever gives name and reason, which are kept.
    """
    if words.what == "show":
        return _show_object(words)
    if words.what == "encrypt":
        count = pipeline.encrypt_archive(open_house("", ""))
        print(f"{count} 个对象已加密 / {count} objects sealed; nothing lies in clear now")
        return 0
    count, broken = upkeep.verify_archive(open_house(), None if words.all else words.days)
    for sentence in broken:
        print(sentence, file=sys.stderr)
    print(f"{count} 个对象已核对，{len(broken)} 个有问题 / {count} objects checked, {len(broken)} missing or changed")
    if words.all:
        _show_keks(open_house().archive)
    return 1 if broken else 0


def _show_object(words: argparse.Namespace) -> int:
    """Whole or not at all: it is read once before the first byte goes out."""
    if not (words.digest and words.by and words.reason):
        raise NotAllowed("name object, name and reason: hub archive show DIGEST --by NAME --reason WHY")
    house, name = open_house("", ""), object_name(words.digest)
    house.archive.check(words.digest)
    pipeline.note_shown(house, "archive show", f"archive {words.digest}", ["raw bytes"], words.by, words.reason)
    for piece in house.archive.chunks(name):
        sys.stdout.buffer.write(piece)
    return 0


def _show_keks(archive: Archive) -> None:
    for check, count in sorted(count_keks(archive).items()):
        if check == "plain":
            print(
                f"{count} 个对象未加密，运行 hub archive encrypt / {count} objects lie in clear: `hub archive encrypt`"
            )
        else:
            print(f"{count} 个对象由 HUB_KEK {check} 封存 / {count} objects lie under the HUB_KEK known as {check}")


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """The words of these commands."""
    looking = add("archive", look_after_archive)
    looking.add_argument("what", choices=["verify", "encrypt", "show"], help="what to do with it")
    looking.add_argument("digest", metavar="DIGEST", nargs="?", help="show: the object, by the SM3 of its bytes")
    looking.add_argument("--days", type=int, default=2, metavar="N", help="verify: only batches of the last days (2)")
    looking.add_argument("--all", action="store_true", help="verify: everything, the journal as well")
    looking.add_argument("--by", help="show: who looks")
    looking.add_argument("--reason", help="show: why, such as the number of the case")
