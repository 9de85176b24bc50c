"""The guide to adding a feed: its example works as it is copied, and what the commands say stands on the page."""

import csv
import re
import shutil
from ast import literal_eval
from datetime import date
from pathlib import Path

import pytest

from hub import cli
from hub.registry import read_registry
from hub.samples import EXPECTED, sample_files
from schemas.codes import CODE_LISTS
from simulators.mirror.check import check_feeds, open_stock
from simulators.mirror.plain import read_plan
from simulators.truth import firms

PROJECT = Path(__file__).parents[3]
PAGE = (PROJECT / "docs" / "adding-a-feed.md").read_text("utf-8")
EXAMPLE = re.compile(r"^`(mappings/[^`]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GUARANTEE_TYPES = CODE_LISTS["guarantee_type"]


def copied_example(folder: Path) -> Path:
    """The mappings with the example of the page beside the others: mapping, code table, sample, partner."""
    page = PAGE
    mappings = folder / "mappings"
    shutil.copytree(PROJECT / "mappings", mappings, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in EXAMPLE.findall(page):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    partner = re.search(r"^```yaml\n(  nishan:\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert partner
    with (mappings / "partners.yaml").open("a", encoding="utf-8") as file:
        file.write(partner.group(1))
    return mappings


def test_the_example_of_a_new_bank_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Copied from the page, it is a feed without problems, and the commands say what the page shows."""
    page, mappings = PAGE, copied_example(tmp_path)
    code = cli.main(["check", "--mappings", str(mappings)])
    told = capsys.readouterr()
    assert code == 0, told.err
    assert f"    $ hub check\n    {told.out}" in page
    sample = next(iter(sample_files(mappings, "nishan_accounts")))
    assert cli.main(["try", str(mappings / "nishan_accounts.yaml"), str(sample)]) == 0
    told = capsys.readouterr()
    assert told.out == "special_account: 2 records, 0 rejections, 0 repeated\n"
    assert f"{sample.name}\n    {told.out}" in page
    assert set(read_registry(mappings).feed("nishan_accounts").spec.records) == {"special_account"}


def test_the_example_expects_what_it_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its expected.json is what `hub try --json` prints."""
    mappings = copied_example(tmp_path)
    sample = next(iter(sample_files(mappings, "nishan_accounts")))
    assert cli.main(["try", str(mappings / "nishan_accounts.yaml"), str(sample), "--json"]) == 0
    assert capsys.readouterr().out == sample.with_name(EXPECTED).read_text("utf-8")


MISTAKES = (
    ("nishan_accounts.yaml", "schedule:", "shedule:"),
    ("nishan_accounts.yaml", "open_on: {from", "opened_on: {from"),
    ("nishan_accounts.yaml", "account_no: 账号", "account_no: 帐号"),
    ("nishan_accounts.yaml", "ignore: [柜员号]", "ignore: []"),
    ("nishan_accounts.yaml", "within_minutes: 60", "within_minutes: 9"),
    ("nishan_accounts.yaml", "codes: nishan_account_status", "codes: nishan_status"),
    ("samples/nishan_accounts/expected.json", "2026-03-13", "2026-03-14"),
    ("samples/nishan_accounts/NS_ACCT_370900_20261123_0001_v1.txt", "2026/03/13", "2026/13/13"),
    ("receivers/taian.yaml", "ConstructPermitNo: permit_no", "ConstructPermitNo: permit_number"),
)
"""A file of the example, what stands there, what somebody writes by mistake."""


def test_mistakes_look_as_the_page_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `hub check` says of each stands on the page, with file, line and cause."""
    page, mappings = PAGE, copied_example(tmp_path)
    for path in mappings.glob("*.yaml"):  # reading the samples of all the others takes its time
        if path.stem not in ("partners", "nishan_accounts"):
            path.unlink()
    for name, right, wrong in MISTAKES:
        path = mappings / name
        text = path.read_text("utf-8")
        assert right in text
        path.write_text(text.replace(right, wrong, 1), "utf-8")
        assert cli.main(["check", "--mappings", str(mappings)]) == 1
        told = re.sub(r"nishan_accounts/NS_[\w.]+", "nishan_accounts/….txt", capsys.readouterr().err).splitlines()
        assert [line for line in told if f"| `{line}`" in page], told
        path.write_text(text, "utf-8")


def test_bad_files_look_as_the_page_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `hub try` says of bad rows, and of a file that is bad as a whole."""
    page, mappings = PAGE, copied_example(tmp_path)
    sample = next(iter(sample_files(mappings, "nishan_accounts")))
    text = sample.read_text("utf-8")
    bad_rows = text.replace("MA57BQ03LT", "MA57BQ03L1").replace("2026/03/13^2^", "2026/13/13^8^")
    for content, code in ((bad_rows, 1), (text.replace("1250.50", "1250.51"), 2)):
        sample.write_text(content, "utf-8")
        assert cli.main(["try", str(mappings / "nishan_accounts.yaml"), str(sample)]) == code
        told = capsys.readouterr()
        shown = "".join(f"    {line}\n" for line in (told.out + told.err).splitlines())
        assert shown in page


def test_the_example_has_a_simulated_partner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the two lines of the page; what that partner writes is read back, row for row and fen for fen."""
    page, mappings = PAGE, copied_example(tmp_path)
    profile = re.search(r"^  nishan_accounts: \{.*\}$", page, re.MULTILINE)
    firm = re.search(r'^    (\("nishan", .*\)),$', page, re.MULTILINE)
    assert profile
    assert firm
    (tmp_path / "profiles.yaml").write_text(f"feeds:\n{profile.group()}\n", "utf-8")
    partner, title, bank3, home = literal_eval(firm.group(1))
    monkeypatch.setitem(firms.BANKS, partner, firms.Bank(partner, title, bank3, 99, home))
    plan = read_plan(mappings, "nishan", tmp_path / "profiles.yaml")
    [found] = check_feeds(open_stock(plan, 7, 1, 0, date(2026, 11, 23)), tmp_path / "ledger.sqlite")
    assert (found.difference, found.records) == ("", plan.feeds["nishan_accounts"].profile.count)


def test_the_example_of_a_receiver_works(tmp_path: Path) -> None:
    """With its code table and its partner it is a receiver without problems, and takes the records of its area."""
    page, mappings = PAGE, copied_example(tmp_path)
    text = re.search(r"^```yaml\n(title: [^`]*?^partner: nishanplatform\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert text
    (mappings / "receivers" / "nishanplatform.yaml").write_text(text.group(1), "utf-8")
    table = "code,value,label\n" + "".join(
        f"{word},{word.upper()},{label}\n" for word, label in GUARANTEE_TYPES.items()
    )
    (mappings / "codes" / "nishanplatform_guarantee_type.csv").write_text(table, "utf-8")
    with (mappings / "partners.yaml").open("a", encoding="utf-8") as file:
        file.write("  nishanplatform: {title: 尼山市平台（虚构） / Nishan platform (invented), kind: platform}\n")
    registry = read_registry(mappings)
    assert [str(problem) for problem in registry.problems] == []
    assert ("nishanplatform", "3709") in registry.routes("guarantee")


def test_code_tables_of_the_example_have_the_agreed_head() -> None:
    """The page and the real tables agree on code, value, label."""
    heads = {tuple(next(csv.reader(text.splitlines()))) for name, text in EXAMPLE.findall(PAGE)
             if name.endswith(".csv")}  # fmt: skip
    assert heads == {("code", "value", "label")}
