"""What an officer or an admin reads of an incident: what is the matter, and what to do, Chinese first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hub.incidents.facts import Incident, Kind, Occasion
from hub.settings import TIME_ZONE


class Words(NamedTuple):
    """A kind in both languages, and what to do about it."""

    zh: str
    en: str
    do_zh: str
    do_en: str


KINDS: Mapping[Kind, Words] = {
    Kind.LATE: Words(
        "文件未按时到达", "file has not come in time",
        "联系对方补报；确属当日无数据时请对方报送空文件",
        "ask the partner for the file, or for an empty one when there is nothing to send",
    ),
    Kind.SILENT: Words(
        "接口长时间没有新数据", "nothing new from the interface",
        "请对方核对更新时间字段和增量查询",
        "ask the partner whether rows change, and whether the query by time finds them",
    ),
    Kind.SMALL: Words(
        "数据量明显偏少", "suspiciously few rows",
        "请对方确认是否漏报；属实则无需处理，下一次正常后自动消除",
        "ask whether rows are missing; if not, nothing need be done, the next normal day ends it",
    ),
    Kind.UNREACHABLE: Words(
        "连不上对方", "partner cannot be reached",
        "看该数据源任务 fetch 的日志：网络、口令、主机密钥；必要时打电话",
        "read the log of the feed's task fetch: network, password, host key; call the partner",
    ),
    Kind.UNACKNOWLEDGED: Words(
        "文件或批次没有接收告知", "file or batch without acknowledgement",
        "取不走的文件列在下面（hub incidents），请对方改名、补放标志或重报；批次看任务 store、acknowledge 的日志",
        "hub incidents lists files that cannot be taken: ask for name, flag or a new file; for batches see the log of acknowledge",
    ),
    Kind.HELD: Words(
        "批次被扣留", "batch is held",
        "hub batches held，逐个处理",
        "hub batches held, and deal with each",
    ),
    Kind.STUCK: Words(
        "等待答复或回传超过时限", "answers or outcomes are overdue",
        "看 deliver 或 report 中它那一格的日志；恢复后自动补上",
        "read the log of its square in deliver or report; what waits goes out by itself",
    ),
    Kind.EXPIRING: Words(
        "证书或密钥即将到期", "certificate or key is about to end",
        "与对方更换，并改连接中的 expires",
        "renew it with the partner, and correct expires in the connection",
    ),
    Kind.EXPIRED: Words(
        "证书或密钥已到期", "certificate or key has ended",
        "立即更换",
        "renew it at once",
    ),
    Kind.UNSEALED: Words(
        "交换日志没有按时封存", "the exchange log is not sealed in time",
        "看 DAG seal 的日志（S061 私钥，S062 日志被改）；改好后自动封存，一条不少",
        "read the log of the DAG seal (S061 its key, S062 an altered log); it goes on by itself and loses no entry",
    ),
}  # fmt: skip

COUNTED = {
    "rows": ("行数", "rows"),
    "median": ("平时", "normally"),
    "batches": ("批次", "batches"),
    "batch_ids": ("编号", "ids"),
    "files": ("文件", "files"),
    "records": ("记录", "records"),
    "entries": ("条目", "entries"),
    "feeds": ("数据源", "feeds"),
    "last_at": ("最近一次", "last"),
    "days": ("剩余天数", "days left"),
}
"""The words of ``detail``; no other may stand there."""

OCCASIONS = {
    Occasion.OPENED: ("新事件", "incident"),
    Occasion.WORSENED: ("事件加重", "incident is worse"),
    Occasion.CLOSED: ("已恢复", "recovered"),
}


def describe(incident: Incident, occasion: Occasion | None = None) -> str:
    """One line: what, whose, since when it is due, and the counts, in both languages."""
    words = KINDS[incident.kind]
    heads = OCCASIONS[occasion] if occasion else ("", "")
    zh = f"【{heads[0]}】{words.zh}" if occasion else words.zh
    en = f"{heads[1]}: {words.en}" if occasion else words.en
    due = f"（时限 {incident.due_at.astimezone(TIME_ZONE):%Y-%m-%d %H:%M} due）" if incident.due_at else ""
    counts = "；".join(f"{'/'.join(COUNTED[name])} {_shown(value)}" for name, value in incident.detail.items())
    return f"{zh} {incident.subject}{due} / {en}{f'：{counts}' if counts else ''}"


def advise(kind: Kind) -> str:
    """What to do about it, in both languages."""
    return f"{KINDS[kind].do_zh} / {KINDS[kind].do_en}"


def _shown(value: object) -> str:
    return "、".join(str(one) for one in value) if isinstance(value, list) else str(value)
