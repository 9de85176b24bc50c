"""A bank the code has never seen joins by files alone: a mapping, a sample, code lists, a line in partners.yaml, a connection.

Its layout shares nothing with the two other banks': tabs, UTF-8 with a byte order mark, 万元, English columns, day first.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from round_trip import MAPPINGS, PROVINCE, Hub, connections

from hub import bootstrap, cli, pipeline
from hub.archive import Archive
from hub.digest import sm3_hex
from hub.migrations import migrate
from hub.model import BatchState
from hub.pipeline import House
from hub.registry import read_registry
from hub.samples import EXPECTED, as_json, describe
from hub.store.database import open_database
from simulators.identifiers import make_card, make_cnaps, make_id_no
from simulators.projects import BANKS
from simulators.province_ledger import is_refused
from simulators.running import Running
from simulators.world import City

FEED = "lingyan_payrolls"
MAPPING = """\
title: 灵岩银行工资代发结果 / Lingyan Bank payroll results
partner: lingyan
schedule: "*/5 * * * *"
source:
  connector: sftp
  connection: lingyan_sftp
  files: "upload/wages/*.tsv"
  name: "{type}-{seq}-{area}.tsv"
  done: .ok
  digest: .sm3
  format:
    type: delimited
    encoding: utf-8
    separator: "\\t"
    header: {mark: FILE, columns: [kind, institution, created, order, permit, account, period, employer, payments, sum]}
    detail:
      mark: PAY
      columns: [kind, position, order, item, payee, document, document_no, card, branch, wage, state, error, paid, reference]
    trailer: {mark: END, columns: [kind, sum, payments]}
    line: position
    totals: {rows: payments, amount: sum, of: wage, as: money_wan}
    agreed:
      institution: {equals: "988", else: F010}
records:
  payroll_batch:
    rows: header
    fields:
      bank3_code: institution
      batch_no: order
      permit_no: permit
      payer_account_no: account
      pay_month: {from: period, as: month %m/%Y}
      employer_uscc: {from: employer, as: upper}
      total_count: payments
      total_fen: {from: sum, as: money_wan}
      made_at: {from: created, as: time %d/%m/%Y %H:%M:%S}
      area6_code: "@area"
  payroll_line:
    rows: detail
    fields:
      bank3_code: ../institution
      batch_no: order
      line_no: item
      worker_name: payee
      id_type: {from: document, codes: lingyan_document}
      id_no: {from: document_no, as: upper}
      card_no: card
      cnaps_code: branch
      net_fen: {from: wage, as: money_wan}
      result: {from: state, codes: lingyan_payroll_result}
      fail_code: error
      paid_at: {from: paid, as: time %d/%m/%Y %H:%M}
      bank_serial_no: reference
      pay_month: {from: ../period, as: month %m/%Y}
      permit_no: ../permit
      area6_code: "@area"
report:
  intake: {file: "answers/RET_{name}", form: summary_and_bad_lines, newline: lf}
  outcome: {file: "answers/FIN_{name}", form: summary_and_every_line, newline: lf}
"""
CODES = {
    "lingyan_payroll_result": "code,value,label\nPAID,success,发放成功\nBOUNCED,returned,退票\nERROR,failed,发放失败\n",
    "lingyan_document": "code,value,label\nPRC-ID,01,居民身份证\n",
}
PARTNER = "  lingyan:\n    title: 灵岩银行（虚构） / Lingyan Bank (invented)\n    kind: bank\n"
NAME = "wages-0001-370900.tsv"
FEN = [5_432_10, 12_000_00, 3_000_01, 7_777_77]


def wan(fen: int) -> str:
    """Fen in 万元 with six decimals."""
    return f"{fen // 1_000_000}.{fen % 1_000_000:06d}"


@dataclass(frozen=True)
class Wages:
    """What the new bank paid, as its own file says it."""

    order: str
    fen: Sequence[int]
    names: Sequence[str]

    def file(self, *, cards: Sequence[str] = ()) -> bytes:
        project = City(7, 0.1).accounts_at(BANKS["haidai"])[0]
        rows = [
            ["FILE", "988", "22/11/2026 18:30:00", self.order, project.permit_no, project.account_no, "10/2026",
             project.contractor_uscc.lower(), str(len(self.fen)), wan(sum(self.fen))]
        ]  # fmt: skip
        for number, (fen, name) in enumerate(zip(self.fen, self.names, strict=True), 1):
            card = cards[number - 1] if cards else make_card("621700", number)
            rows.append(
                ["PAY", str(number), self.order, str(number), name, "PRC-ID", make_id_no(900 + number), card,
                 make_cnaps("105", 7), wan(fen), "BOUNCED" if number == 2 else "PAID", "R02" if number == 2 else "",
                 f"22/11/2026 09:{number:02d}", f"CL{number:08d}"]
            )  # fmt: skip
        rows.append(["END", wan(sum(self.fen)), str(len(self.fen))])
        return b"\xef\xbb\xbf" + "".join("\t".join(row) + "\n" for row in rows).encode()


def accepted_order() -> str:
    """An order number all of whose records the province takes."""
    keys = (f"CL2026{n:06d}" for n in range(1000))
    return next(k for k in keys if not any(is_refused(f"988/{k}{tail}") for tail in ("", "/1", "/2", "/3", "/4")))


WAGES = Wages(accepted_order(), FEN, ["张三", "㛃𠮷", "阿卜杜拉·买买提", "Ann O'Neil | Co"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mappings with the new bank's files beside the others'."""
    made = tmp_path_factory.mktemp("joined") / "mappings"
    shutil.copytree(MAPPINGS, made)
    (made / f"{FEED}.yaml").write_text(MAPPING, "utf-8")
    for name, table in CODES.items():
        (made / "codes" / f"{name}.csv").write_text(table, "utf-8")
    partners = made / "partners.yaml"
    partners.write_text(partners.read_text("utf-8").replace("partners:\n", f"partners:\n{PARTNER}", 1), "utf-8")
    sample = made / "samples" / FEED / NAME
    sample.parent.mkdir(parents=True)
    sample.write_bytes(WAGES.file())
    for path in (made / "receivers").glob("*.yaml"):
        if path.stem != PROVINCE:
            path.unlink()  # its records are the province's business here
    feed, codes = (registry := read_registry(made)).feed(FEED), registry.codes
    found = pipeline.read_rows(feed, [WAGES.file()], NAME, codes).found
    sample.with_name(EXPECTED).write_text(as_json(describe(found)), "utf-8")
    return made


@pytest.fixture(scope="module")
def joined(
    up: Running, folder: Path, empty_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    """A hub with the new bank; its login is a folder of the simulated server."""
    known = connections(up.addresses)
    known["lingyan_sftp"] = known["haidai_sftp"]
    engine: sa.Engine = open_database(empty_database())
    migrate(engine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "find_connection", known.__getitem__)
        patch.setenv("HUB_MAPPINGS", str(folder))
        yield Hub(House(engine, Archive(tmp_path_factory.mktemp("archive")), read_registry(folder)), up)
    engine.dispose()


@pytest.fixture(scope="module")
def root(up: Running) -> Path:
    """The bank's folder on disk."""
    found = Path(up.addresses["sftp"]["users"]["haidai"]["root"])
    (found / "answers").mkdir()
    return found


def drop(joined: Hub, name: str, content: bytes) -> None:
    joined.up.control.drop("haidai", f"upload/wages/{name}", content)


def answer(root: Path, name: str) -> list[list[str]]:
    """The cells of a return file whose digest and flag fit."""
    path = root / "answers" / name
    content = path.read_bytes()
    assert path.with_name(f"{name}.sm3").read_text().split() == [sm3_hex(content), name]
    assert path.with_name(f"{name}.ok").read_text().split("|")[0] == str(len(content))
    return [line.split("|") for line in content.decode("gb18030").split("\n")[:-1]]


def test_hub_check_finds_nothing_to_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Mapping, code lists and sample pass the check an admin runs."""
    code = cli.main(["check", "--mappings", str(folder)])
    assert "lingyan" not in capsys.readouterr().err
    assert code == 0


def test_its_wages_go_to_the_province_and_back(joined: Hub, root: Path) -> None:
    """Every fen and every letter arrives; RET_ and FIN_ come where the mapping says."""
    drop(joined, NAME, WAGES.file())
    joined.run([FEED])
    assert joined.batch(NAME).state is BatchState.REPORTED
    on_file = {e["record_key"]: e for e in joined.up.control.effects("payroll_line")}
    assert {key: on_file[key]["fen"] for key in on_file} == {
        f"988/{WAGES.order}/{number}": fen for number, fen in enumerate(FEN, 1)
    }
    [batch] = joined.up.control.effects("payroll_batch")
    assert (batch["record_key"], batch["fen"], batch["created"]) == (f"988/{WAGES.order}", sum(FEN), 1)
    assert answer(root, f"RET_{NAME}") == [["R", NAME, "ACCEPTED", "4", "4", "0", "0000", "全部接收"]]
    final = answer(root, f"FIN_{NAME}")
    assert final[0][:7] == ["R", NAME, "ACCEPTED", "4", "4", "0", "0000"]
    assert [[line[0], line[1], line[2]] for line in final[1:]] == [
        [str(n), "ACCEPTED", on_file[f"988/{WAGES.order}/{n}"]["platform_id"]] for n in range(1, 5)
    ]


def test_what_is_stored_is_what_the_bank_wrote(joined: Hub) -> None:
    """Rare letters, bars, months and times to the minute."""
    rows = joined.opened("payroll_line", "order by line_no")
    plain = ("line_no", "worker_name", "net_fen", "result", "pay_month")
    assert [(*(row[name] for name in plain), f"{row['paid_at']:%Y-%m-%d %H:%M}") for row in rows] == [
        (n, name, fen, "returned" if n == 2 else "success", "2026-10", f"2026-11-22 09:{n:02d}")
        for n, (name, fen) in enumerate(zip(WAGES.names, FEN, strict=True), 1)
    ]
    [made] = joined.ask(
        "select employer_uscc, area6_code, to_char(made_at, 'YYYY-MM-DD HH24:MI:SS') as at from record.payroll_batch"
    )
    assert (made.employer_uscc.isupper(), made.area6_code, made.at) == (True, "370900", "2026-11-22 18:30:00")


def test_its_bad_line_comes_back_in_its_own_words(joined: Hub, root: Path) -> None:
    """The column is named as the bank names it."""
    bad = Wages("CL2026900001", FEN, WAGES.names).file(
        cards=["6217000000000001", *(make_card("621700", n) for n in (2, 3, 4))]
    )
    drop(joined, "wages-0002-370900.tsv", bad)
    joined.run([FEED])
    lines = answer(root, "RET_wages-0002-370900.tsv")
    assert lines[0][2:6] == ["PARTIAL", "4", "3", "1"]
    assert lines[1][:3] == ["1", "card", "L103"]


def test_its_totals_are_checked_in_its_own_unit(joined: Hub, root: Path) -> None:
    """One fen off in 万元 is F003."""
    good = Wages("CL2026900002", FEN, WAGES.names).file()
    wrong = good.replace(f"END\t{wan(sum(FEN))}".encode(), f"END\t{wan(sum(FEN) + 1)}".encode())
    drop(joined, "wages-0003-370900.tsv", wrong)
    joined.run([FEED])
    assert answer(root, "RET_wages-0003-370900.tsv")[0][2:7:4] == ["REJECTED", "F003"]
