"""Commands about sealed fields: the keys, and the few ways in which a personal value is found or shown."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from hub import pipeline
from hub.bootstrap import open_house
from hub.cli.printing import show_lines, show_table
from hub.errors import NotAllowed
from hub.store import audit, resealing, reveals
from hub.store import keys as stored
from hub.store.database import working


def keys(words: argparse.Namespace) -> int:
    """List the data keys, make a new one (rotate), bring rows under it (reseal), destroy an older one,
    or bring all of them, and those of the archive, from HUB_KEK_OLD under HUB_KEK (rewrap).

    All of it while the hub runs. What lies under a destroyed key is gone for good.
    """
    house = open_house("", "")
    if words.what == "rotate":
        key_id = pipeline.rotate_key(house, words.by)
        print(f"现用密钥 {key_id}；旧密钥只解不封，运行 hub keys reseal 换封 / key {key_id} seals from now on; "
              "older ones only open: `hub keys reseal` brings rows under it")  # fmt: skip
    elif words.what == "reseal":
        count = pipeline.reseal(house, words.most)
        print(f"{count} 行已换封到现用密钥 / {count} rows brought under the active key")
    elif words.what == "rewrap":
        count, objects = pipeline.rewrap_keys(house, words.by), pipeline.rewrap_archive(house)
        print(f"{count} 把数据密钥、{objects} 个归档对象已改由新的 HUB_KEK 封存 / {count} data keys and {objects} archived objects "
              "lie under the new HUB_KEK now; take HUB_KEK_OLD away everywhere")  # fmt: skip
    elif words.what == "destroy":
        _destroy(words)
    else:
        with working(house.engine) as work:
            show_table("", stored.list_keys(work))
            under = {row.key: resealing.count_under(work, row.key) for row in stored.list_keys(work)}
        for key_id, counts in under.items():
            print(f"  {key_id}: {sum(counts.values())} 行 rows")
    return 0


def _destroy(words: argparse.Namespace) -> None:
    if words.key is None or not words.reason:
        raise NotAllowed("name the key and the reason: hub keys destroy KEY --by NAME --reason WHY")
    rows = pipeline.destroy_key(open_house("", ""), words.key, words.by, words.reason, with_values=words.with_values)
    print(f"密钥 {words.key} 已销毁，{rows} 行的个人信息随之销毁 / key {words.key} is destroyed, and with it the personal "
          f"values of {rows} rows; backups that hold it must go as well")  # fmt: skip


def reveal(words: argparse.Namespace) -> int:
    """Show personal values of a record or of a batch's row: masked, or in clear to whoever gives --by and --reason.

    Who saw what in clear, and why, is kept; `hub reveals` lists it.
    """
    house, asked = open_house("", ""), (words.what, words.name)
    if (words.by is None) != (words.reason is None):
        raise NotAllowed("values in clear need both --by NAME and --reason WHY; without either they are shown masked")
    if words.reason is None:
        found = pipeline.show_masked(house, *asked, words.column)
    else:
        found = pipeline.reveal(house, *asked, words.by, words.reason, words.column)
    lines = [("记录 record", "版本 version", "列 column", "值 value")]
    lines += [
        (one.schema, "退回行 rejected" if one.version is None else str(one.version), one.column, one.value or "-")
        for one in found
    ]
    show_lines(lines)
    return 0


def list_reveals(words: argparse.Namespace) -> int:
    """Who was shown personal values of what, when and why. No value stands here."""
    with working(open_house("", "").engine) as work:
        show_table("", audit.list_reveals(work, words.last))
    return 0


def find(words: argparse.Namespace) -> int:
    """Every record in which a document, card, account or telephone number stands, however it is written; by keys alone."""
    with working(open_house("", "").engine) as work:
        found = reveals.find_records(work, words.number)
    if not found:
        raise NotAllowed("this number stands in no record; only whole numbers are found, no parts of them")
    show_lines([reveals.Found._fields, *([str(value) for value in one] for one in found)])
    return 0


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """The words of these commands."""
    sealing = add("keys", keys)
    sealing.add_argument("what", nargs="?", default="list", choices=["list", "rotate", "reseal", "rewrap", "destroy"],
                         help="the list is what is shown without a word")  # fmt: skip
    sealing.add_argument("key", metavar="KEY", nargs="?", type=int, help="with destroy: the number of the key")
    sealing.add_argument("--by", help="who decides")
    sealing.add_argument("--reason", help="with destroy: why")
    sealing.add_argument("--with-values", action="store_true", help="with destroy: also what still lies under it")
    sealing.add_argument("--most", metavar="N", type=int, help="with reseal: stop after so many rows")
    showing = add("reveal", reveal)
    showing.add_argument(
        "what", metavar="WHAT", help="a kind of record, such as payroll_line, or the number of a batch"
    )
    showing.add_argument("name", metavar="KEY", help="the record's key; of a batch, the number printed on the row")
    showing.add_argument("--column", help="only this column")
    showing.add_argument("--by", help="who looks; with --reason values are shown in clear")
    showing.add_argument("--reason", help="why, such as the number of the case")
    add("reveals", list_reveals).add_argument("--last", type=int, default=50, help="how many, newest last (50)")
    add("find", find).add_argument("number", metavar="NUMBER", help="a whole number, in any way of writing")
