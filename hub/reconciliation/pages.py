"""A day's reconciliation on paper: differences as CSV, everything as one page that needs nothing from outside. Pure.

Numbers of persons are masked in both; who must see one looks the record up by the rest of its key.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape

from hub.lines import harmless
from hub.model import StatementLine
from hub.reconciliation import FILE, KINDS, SIDES, STATES, Difference, Reconciled, State
from hub.text import in_yuan, masked
from schemas.catalogue import SCHEMAS

HEADS = (
    "日期 day", "伙伴 partner", "方向 side", "差异 difference", "数据 record", "业务主键 key",
    "本方状态 ours", "本方版本 our version", "本方笔数 our rows", "本方金额（元） our yuan",
    "对方状态 theirs", "对方版本 their version", "对方笔数 their rows", "对方金额（元） their yuan", "对方编号 their number",
)  # fmt: skip
STATUSES = {
    "accepted": "接收 accepted",
    "refused": "拒收 refused",
    "waiting": "未完 not finished",
    "held": "扣留 held",
}
PERSONAL = frozenset({"insured_no"})
"""Columns of a key that are no document number and may be made like one: many offices insure under the document's number."""
STYLE = """
:root { color-scheme: light dark; --line: #8885; --bad: #b3261e; --good: #1b6e3c; }
body { font: 16px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 1rem; max-width: 72rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } small { opacity: .75; }
.differs { color: var(--bad); } .agreed { color: var(--good); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.key { word-break: break-all; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #7fd8a0; } }
"""


def shown_key(schema: str, key: str) -> str:
    """A record's key as it may be shown: numbers of persons masked, all of it where its parts cannot be told apart."""
    if schema not in SCHEMAS:
        return key
    columns, names = SCHEMAS[schema].columns(), SCHEMAS[schema].business_key
    personal = [name in PERSONAL or (columns[name].metadata or {}).get("level") == "L4" for name in names]
    if not any(personal):
        return key
    parts = key.split("/")
    if len(parts) != len(names):
        return masked(key)
    return "/".join(masked(part) if hide else part for part, hide in zip(parts, personal, strict=True))


def render_csv(found: Sequence[Reconciled]) -> bytes:
    """Every difference on a line of its own, in UTF-8 with the mark that spreadsheets look for."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADS)
    for one in found:
        writer.writerows([harmless(cell) for cell in _cells(one, difference)] for difference in one.differences)
    return text.getvalue().encode("utf-8-sig")


def render_page(day: date, found: Sequence[Reconciled]) -> str:
    """The whole day as one page: both sides' sums with every partner, below them the differences."""
    title = f"{day} 对账 · Reconciliation"
    rows = "\n".join(_sums(one) for one in found)
    details = "\n".join(_details(one) for one in found if one.differences)
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{STYLE}</style></head><body>
<h1>{title}</h1>
<p>{_verdict(found)}</p>
<div class="wide"><table>
<thead><tr><th>伙伴<br><small>partner</small></th><th>方向<br><small>side</small></th><th>状态<br><small>state</small></th>
<th>本方笔数<br><small>our rows</small></th><th>对方笔数<br><small>their rows</small></th>
<th>本方金额（元）<br><small>our yuan</small></th>
<th>对方金额（元）<br><small>their yuan</small></th><th>差异<br><small>differences</small></th></tr></thead>
<tbody>
{rows}
</tbody></table></div>
{details}
</body></html>
"""


def _verdict(found: Sequence[Reconciled]) -> str:
    counts = {state: sum(one.state is state for one in found) for state in State}
    zh = "，".join(f"{STATES[state][0]} {count}" for state, count in counts.items())
    en = ", ".join(f"{count} {STATES[state][1]}" for state, count in counts.items())
    return f"{zh}<br><small>{en}</small>"


def _sums(one: Reconciled) -> str:
    theirs = ("—", "—") if one.theirs is None else (f"{one.theirs.rows:,}", in_yuan(one.theirs.fen))
    zh, en = STATES[one.state]
    side = "<br><small>".join(SIDES[one.side])
    numbers = (f"{one.ours.rows:,}", theirs[0], in_yuan(one.ours.fen), theirs[1], f"{len(one.differences):,}")
    cells = "".join(f'<td class="number">{cell}</td>' for cell in numbers)
    return (
        f"<tr><td>{escape(one.partner)}</td><td>{side}</small></td>"
        f'<td class="{one.state.value}">{zh}<br><small>{en}</small></td>{cells}</tr>'
    )


def _details(one: Reconciled) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in HEADS[3:])
    rows = "\n".join(
        "<tr>"
        + "".join(f"<td{_kind(number)}>{escape(cell)}</td>" for number, cell in enumerate(_cells(one, d)[3:]))
        + "</tr>"
        for d in one.differences
    )
    return f"""<h2>{escape(one.partner)} · {" ".join(SIDES[one.side])}</h2>
<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>
{rows}
</tbody></table></div>"""


def _kind(number: int) -> str:
    return ' class="key"' if number == 2 else ' class="number"' if number in (4, 5, 6, 8, 9, 10) else ""


def _cells(one: Reconciled, difference: Difference) -> list[str]:
    label = "文件 file" if difference.schema == FILE else _label(difference.schema)
    return [
        str(one.day),
        one.partner,
        " ".join(SIDES[one.side]),
        " ".join(KINDS[difference.kind]),
        label,
        shown_key(difference.schema, difference.key),
        *_side(difference.ours),
        *_side(difference.theirs),
        difference.theirs.remote_id if difference.theirs else "",
    ]


def _label(schema: str) -> str:
    return f"{SCHEMAS[schema].label} {schema}" if schema in SCHEMAS else schema


def _side(line: StatementLine | None) -> Iterator[str]:
    if line is None:
        yield from ("", "", "", "")
        return
    yield STATUSES.get(line.status, line.status)
    yield "" if line.version is None else str(line.version)
    yield str(line.rows)
    yield "" if line.fen is None else in_yuan(line.fen)
