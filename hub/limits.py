"""Every bound on what comes in, in one place: how much is read, why not more, and the code its sender gets beyond it.

`docs/reference/input-limits.md` is written from ``LIMITS``; see docs/decisions/0035-input-limits.md.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024**2

LARGEST_FILE = 512 * MIB
LARGEST_TREE = 64 * MIB
LARGEST_ANSWER = 64 * MIB
MOST_LINES = 2_000_000
LONGEST_LINE = 65_536
LONGEST_CELL = 32_767
DEEPEST = 64
MOST_PIECES = 4_000_000
MOST_NAMES = 1_000

LARGEST_UNPACKED = LARGEST_FILE
GROWS_AT_MOST = 250
UNSUSPICIOUS = 8 * MIB
MOST_MEMBERS = 1_000
LARGEST_CHUNK = 16 * MIB

LARGEST_XLS = 64 * MIB
LARGEST_XLSX = 256 * MIB
BOOK_GROWS_AT_MOST = 200
MOST_FILES = 1_000
MOST_TAGS = 12_000_000
MOST_ROWS = 300_000
LAST_ROW = 1_048_576
MOST_COLUMNS = 256
MOST_CELLS = 20_000_000
MOST_LETTERS = 256 * MIB

LARGEST_KNOCK = 64 * 1024
KNOCK_SECONDS = 10


@dataclass(frozen=True)
class Limit:
    """One bound as a partner reads it: what is counted, how much, why so much, the code beyond it; Chinese and English."""

    what_zh: str
    what_en: str
    value: str
    code: str
    why_zh: str
    why_en: str


def _mib(size: int) -> str:
    return f"{size // MIB} MiB"


LIMITS: dict[str, tuple[Limit, ...]] = {
    "所有文件 · Every file": (
        Limit("文件大小", "size of a file", _mib(LARGEST_FILE), "F030",
              "一百万行工资明细约 200 MiB", "a million payroll lines are some 200 MiB"),
        Limit("单元格长度", "length of a cell", f"{LONGEST_CELL:,} 字 letters", "L127",
              "电子表格的一格也只能放这么多；只退回该行", "what a spreadsheet's cell can hold; the row alone is turned down"),
    ),
    "分隔与定长文件 · Delimited and fixed-width files": (
        Limit("行数", "lines", f"{MOST_LINES:,}", "F030",
              "十个城市一天的明细也不到一半", "ten cities' lines of a day are less than half of it"),
        Limit("每行长度", "length of a line", f"{LONGEST_LINE:,} 字 letters", "F031",
              "没有一种约定的行超过 1 KiB；更长说明换行符丢失或引号没有闭合", "none agreed has 1 KiB: line ends were lost"),
    ),
    "JSON 与 XML · JSON and XML": (
        Limit("文件或一次应答的大小", "size of a file or of one answer", _mib(LARGEST_TREE), "F030",
              "整个放进内存才能读", "it is read whole, in memory"),
        Limit("嵌套层数", "nesting", f"{DEEPEST} 层 levels", "F030",
              "约定的结构最多六层", "what is agreed has six levels at most"),
        Limit("成员、元素总数", "members or tags", f"{MOST_PIECES:,}", "F030",
              "几个字节的空成员也要占内存", "an empty member costs memory too"),
        Limit("各行不同成员名", "different names of members", f"{MOST_NAMES:,}", "F030",
              "每个名字是一列", "each name is a column"),
        Limit("DTD、实体", "DTD, entities", "不接受 none", "F022",
              "可以读本机文件、无限膨胀", "they read files of ours, or grow without end"),
    ),
    "压缩文件 · Packed files": (
        Limit("包内文件数", "files inside", "1", "F016", "多个文件不知以哪个为准", "of several nobody knows which counts"),
        Limit("解开后大小", "size when unpacked", _mib(LARGEST_UNPACKED), "F016", "同文件大小", "as the size of a file"),
        Limit("膨胀倍数", "growth", f"{GROWS_AT_MOST} 倍 times（{_mib(UNSUSPICIOUS)} 以下不限 below that free）", "F016",
              "明细文件最多压缩几十倍", "files of lines are packed some tens of times"),
        Limit("gzip 段数", "gzip members", f"{MOST_MEMBERS:,}", "F016", "每段都要复制其后全部", "each copies what follows"),
    ),
    "加密文件 · Encrypted files": (
        Limit("打开后大小", "size when opened", _mib(LARGEST_UNPACKED), "F029", "同文件大小", "as the size of a file"),
        Limit("膨胀倍数", "growth", f"{GROWS_AT_MOST} 倍 times（{_mib(UNSUSPICIOUS)} 以下不限 below that free）", "F029",
              "同压缩文件", "as of packed files"),
        Limit("SM4-GCM 每块", "a chunk of SM4-GCM", _mib(LARGEST_CHUNK), "F023", "每块先整块校验", "each is checked whole"),
    ),
    "电子表格 · Spreadsheets": (
        Limit("xls 大小", "size of an xls", _mib(LARGEST_XLS), "F016", "一次读入内存", "it is read whole"),
        Limit("xlsx 解开后大小", "size of an xlsx when unpacked", _mib(LARGEST_XLSX), "F016", "同上", "the same"),
        Limit("xlsx 膨胀倍数", "growth of an xlsx", f"{BOOK_GROWS_AT_MOST} 倍 times", "F016", "正常约十倍", "usual is ten times"),
        Limit("xlsx 内部件数", "parts of an xlsx", f"{MOST_FILES:,}", "F016", "正常不到一百", "usual is below a hundred"),
        Limit("xlsx 标签数", "tags of an xlsx", f"{MOST_TAGS:,}", "F016", "一格四个", "a cell has four"),
        Limit("行数", "rows", f"{MOST_ROWS:,}", "F030", "更多请改用文本文件", "more is for a text file"),
        Limit("列数", "columns", f"{MOST_COLUMNS}", "F030", "约定最多几十列", "some tens are agreed"),
        Limit("格数（含行尾之前的空格）", "cells, empty ones before the last of a row too", f"{MOST_CELLS:,}", "F030",
              "几个字母就能在行尾放一格", "a few letters place a cell at the far end of a row"),
        Limit("全部文字（共享字符串按每次引用计）", "all text, shared strings at each use", f"{MOST_LETTERS // MIB} Mi 字", "F030",
              "一个长字符串可被每一格引用", "one long text may stand in every cell"),
    ),
    "就绪通知 · Knocks": (
        Limit("报文大小", "size of the body", f"{LARGEST_KNOCK // 1024} KiB", "S071",
              "只有一个数据源名称", "it names one feed"),
        Limit("报文传送时间", "time for the body", f"{KNOCK_SECONDS} s", "S071",
              "慢慢传来的调用占着连接", "a call that drips keeps a connection busy"),
    ),
}  # fmt: skip
"""By what they bound, in the order a partner meets them."""
