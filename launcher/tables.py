"""The tables at the end of the demonstration: added up on the screen, line by line in a file beside the state."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from hub.feed import PartnerSpec
from launcher.summary import Line, Summary
from schemas.catalogue import SCHEMAS

INTAKE = ["对方发出\nsent", "取得\nfetched", "入库\nstored", "退回\nrejected", "重复\nunchanged",
          "对方发出 元\nsent, yuan", "入库 元\nstored, yuan", "退回 元\nrejected, yuan", ""]  # fmt: skip
DELIVERY = ["应推\nowed", "接收\naccepted", "拒收\nrefused", "等待\nwaiting", "对方台账\nits ledger",
            "应推 元\nowed, yuan", "接收 元\naccepted, yuan", "对方台账 元\nits ledger, yuan", ""]  # fmt: skip
RETURNED = ["应回\nowed", "已回\ntold", "对方台账\nits ledger", ""]
TITLES = (
    "取数与校验 Intake: sent = fetched = stored + rejected",
    "推送 Delivery: owed = accepted + refused + waiting",
    "状态回传 Statuses returned",
)
KINDS = {"bureau": "部门 bureaus", "bank": "银行 banks", "insurer": "保险担保 insurers", "platform": "平台 platforms"}


def show(summary: Summary, partners: Mapping[str, PartnerSpec], console: Console) -> None:
    """Print the tables added up: intake by record, delivery by receiver, answers by kind of partner. Chinese first."""

    def kind(line: Line) -> str:
        return f"{KINDS[partners[line.first].kind]} · {line.second}"

    intake = add_up(summary.intake, lambda line: f"{SCHEMAS[line.second].label} {line.second}")
    order = {f"{schema.label} {name}": place for place, (name, schema) in enumerate(SCHEMAS.items())}
    intake.sort(key=lambda line: order[line.first])
    table(console, TITLES[0], ["记录\nschema", "数据源数\nfeeds", *INTAKE], intake)
    table(
        console,
        TITLES[1],
        ["接收方\nreceiver", "记录种类\nschemas", *DELIVERY],
        add_up(summary.delivery, lambda line: line.first),
    )
    table(console, TITLES[2], ["伙伴\npartners", "条数\nlines", *RETURNED], add_up(summary.returned, kind))
    console.print(
        "重复 unchanged：多看五分钟时再次取到、内容未变的行，不再入库 / fetched again in the five minutes of overlap"
    )
    show_verdict(summary, console)


def show_verdict(summary: Summary, console: Console) -> None:
    """What is held, and whether everything adds up."""
    for line in summary.held:
        console.print(f"[yellow]{line}[/]", soft_wrap=True)
    if summary.held:
        console.print("它的数据源在 Airflow 里显示失败，直到处理完 / its feed stays red in Airflow until that is done")
    if summary.gaps:
        console.print("\n[bold red]不平 Not balanced[/]")
        for gap in summary.gaps:
            console.print(f"  ✗ {gap}")
    else:
        console.print("\n[bold green]每一行、每一分都对得上。Every row and every fen is accounted for.[/]")


def write_lines(summary: Summary, path: Path) -> None:
    """The same line by line: every feed and record, every receiver and record, every partner."""
    with path.open("w", encoding="utf-8") as file:
        console = Console(file=file, width=220)
        heads = (["数据源\nfeed", "记录\nschema", *INTAKE], ["接收方\nreceiver", "记录\nschema", *DELIVERY])
        table(console, TITLES[0], heads[0], summary.intake)
        table(console, TITLES[1], heads[1], summary.delivery)
        table(console, TITLES[2], ["伙伴\npartner", "回传\nreport", *RETURNED], summary.returned)
        show_verdict(summary, console)


def add_up(lines: Sequence[Line], name: Callable[[Line], str]) -> list[Line]:
    """One line for each name, in the order of their first; its second word is how many lines it stands for."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(name(line), []).append(line)
    return [
        Line(
            first,
            str(len(group)),
            tuple(map(sum, zip(*(line.rows for line in group), strict=True))),
            tuple(map(sum, zip(*(line.fen for line in group), strict=True))),
            all(line.good for line in group),
        )
        for first, group in groups.items()
    ]


def table(console: Console, title: str, heads: Sequence[str], lines: Iterable[Line]) -> None:
    """One table: two words, then numbers."""
    drawn = Table(
        title=f"\n{title}", title_justify="left", title_style="bold", header_style="", box=SIMPLE_HEAD, pad_edge=False
    )
    for place, head in enumerate(heads):
        drawn.add_column(head, justify="left" if place < 2 else "right", no_wrap=True)
    for line in lines:
        drawn.add_row(
            line.first, line.second, *(f"{n:,}" for n in line.rows), *map(yuan, line.fen), "✓" if line.good else "✗"
        )
    console.print(drawn)


def yuan(fen: int) -> str:
    """Fen as yuan, to the fen."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
