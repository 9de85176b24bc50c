"""The documents keep up with the code: every command, recipe, word, code and DAG is described, and every link leads somewhere."""

import argparse
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from hub import cli, feed, writing
from hub.feed import RestSource, SftpSource
from hub.reasons import all_reasons
from hub.recipes import RECIPES
from hub.registry import read_registry
from schemas.catalogue import SCHEMAS

PROJECT = Path(__file__).parents[3]
DOCS = PROJECT / "docs"
READMES = ("README.md", "README.zh-CN.md")
FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NOT_WRITTEN = {"Feed", "Spec", "SoapCursor"}  # what the hub makes of a mapping, and what words have in common
KINDS = {"bureau": ("bureaus", "部门"), "bank": ("banks", "银行"), "insurer": ("insurers and guarantors", "保险、担保机构"),
         "platform": ("platforms", "平台")}  # fmt: skip
REGISTRY = read_registry(PROJECT / "mappings")


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def tracked() -> list[str]:
    """Files of the project as git knows them, those about to be added included; all of them where there is no git."""
    told = subprocess.run(
        ["git", "-C", str(PROJECT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True,
        text=True,
    )
    names = told.stdout.split("\0") if told.returncode == 0 else map(str, (p.relative_to(PROJECT) for p in walk()))
    return sorted(name for name in names if name and (PROJECT / name).is_file())


def walk() -> Iterator[Path]:
    """Without what a run leaves behind."""
    left = {"var", "build", "dist", "__pycache__"}
    inside = (path.relative_to(PROJECT).parts for path in PROJECT.rglob("*"))
    return (PROJECT.joinpath(*parts) for parts in inside if not left & set(parts) and not parts[0].startswith("."))


PAGES = [name for name in tracked() if name.endswith(".md")]


def commands() -> list[str]:
    """The words of the `hub` command."""
    action = next(a for a in cli.build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return list(action.choices)


def words_of_mappings() -> list[str]:
    """Every word that a mapping, a receiver's file or partners.yaml may hold, as it is written there."""
    modules = [
        feed,
        *(importlib.import_module(f"hub.feed.{found.name}") for found in pkgutil.iter_modules(feed.__path__)),
    ]
    specs = {
        found
        for module in modules
        for name, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, BaseModel) and found.__module__.startswith(feed.__name__) and name not in NOT_WRITTEN
    }
    return sorted({spec.alias or name for found in specs for name, spec in found.model_fields.items()})


def connections() -> dict[str, str]:
    """Every connection the mappings name, with the first word of the line of the manual that it belongs to."""
    kinds = {receives.connection: "receiver" for receives in REGISTRY.receivers.values()}
    for source in (one.spec.source for one in REGISTRY.feeds.values()):
        if isinstance(source, RestSource):
            kinds[source.connection] = "REST" if source.signing is None else "signed"
        else:
            kinds[source.connection] = "SFTP" if isinstance(source, SftpSource) else "SOAP"
    return kinds


def anchors(page: str) -> set[str]:
    """The headings of a page as GitHub names them in links."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", READMES)
@pytest.mark.parametrize("command", ["make demo", "make test", "make clean", "ONCE=1", "SCALE=10", "HUB_STATE"])
def test_a_readme_names_what_a_newcomer_types(name: str, command: str) -> None:
    """The words stand there exactly as they are typed."""
    assert command in read(name)


@pytest.mark.parametrize("name", READMES)
@pytest.mark.parametrize("command", commands())
def test_a_readme_names_every_command(name: str, command: str) -> None:
    """A command nobody reads about does not exist for an admin."""
    assert f"hub {command}" in read(name)


def test_both_readmes_have_the_same_parts() -> None:
    """They say the same: as many headings, tables rows and blocks, and links to the same pages."""
    english, chinese = (read(name) for name in READMES)
    for pattern in (r"^#+ ", r"^\|", r"^```", r"^\d\. ", r"^\* "):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, chinese, re.MULTILINE)), (
            pattern
        )
    links = [set(LINK.findall(page)) - {"README.md", "README.zh-CN.md"} for page in (english, chinese)]
    assert links[0] == links[1]


@pytest.mark.parametrize("name", READMES)
def test_a_readme_leads_to_every_dag(name: str) -> None:
    """The three fixed DAGs by name; each feed on the page of all feeds, to which the README links."""
    page, feeds = read(name), "docs/reference/partners/README.md"
    fixed = [re.search(r'dag_id="(\w+)"', path.read_text("utf-8")) for path in (PROJECT / "dags").glob("*.py")]
    assert {found.group(1) for found in fixed if found and f"`{found.group(1)}`" not in page} == set()
    assert feeds in LINK.findall(page)
    assert {one for one in REGISTRY.feeds if f"`{one}`" not in read(feeds)} == set()


def test_both_readmes_count_what_there_is() -> None:
    """Feeds, partners that send, receivers and kinds of record; partners and feeds of each kind in the table below."""
    senders = {one.spec.partner for one in REGISTRY.feeds.values()}
    counts = (len(REGISTRY.feeds), len(senders), len(REGISTRY.receivers), len(SCHEMAS))
    assert "**{} feeds of {} partners, {} receivers, {} kinds of record**".format(*counts) in read(READMES[0])
    assert "**{1} 个伙伴的 {0} 个数据源，{2} 个接收方，{3} 类记录**".format(*counts) in read(READMES[1])
    for kind, titles in KINDS.items():
        partners = [one for one in senders if REGISTRY.partners[one].kind == kind]
        feeds = [one for one in REGISTRY.feeds.values() if one.spec.partner in partners]
        for name, title in zip(READMES, titles, strict=True):
            assert f"| {title} | {len(partners)} | {len(feeds)} |" in read(name)


@pytest.mark.parametrize("name", READMES)
def test_a_readme_names_every_receiver(name: str) -> None:
    """By the name of its file."""
    assert {one for one in REGISTRY.receivers if f"`{one}`" not in read(name)} == set()


def test_every_folder_is_in_the_readme() -> None:
    """The table says where things are."""
    folders = {name.split("/")[0] for name in tracked() if "/" in name and not name.startswith(".")}
    assert {folder for folder in folders if f"`{folder}/`" not in read("README.md")} == set()


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_is_described(recipe: str) -> None:
    """With its argument where it takes one, and with the code it rejects by."""
    form = rf"`{recipe} FORM`" if RECIPES[recipe].argument else rf"`{recipe}`"
    assert re.search(rf"^\| {form} \|.*\| {RECIPES[recipe].code} \|$", read("docs/adding-a-feed.md"), re.MULTILINE)


@pytest.mark.parametrize("recipe", writing.RECIPES)
def test_every_recipe_of_receivers_is_described(recipe: str) -> None:
    """Below the heading of receivers, with its argument where it takes one."""
    below = read("docs/adding-a-feed.md").partition("\n## Receivers")[2]
    form = rf"`{recipe} FORM`" if writing.RECIPES[recipe].argument else rf"`{recipe}`"
    assert re.search(rf"^\| {form} \|", below, re.MULTILINE)


@pytest.mark.parametrize("word", words_of_mappings())
def test_every_word_of_a_mapping_is_described(word: str) -> None:
    """Words of receivers' files and of partners.yaml included."""
    assert f"`{word}`" in read("docs/adding-a-feed.md")


def test_every_code_of_a_file_has_a_way_out_for_the_admin() -> None:
    """Held batches are dealt with code by code."""
    codes = [reason.code for reason in all_reasons() if reason.level == "file"]
    rows = re.findall(r"^\| ((?:F\d{3} ?)+)\|", read("docs/operating.md"), re.MULTILINE)
    assert sorted(" ".join(rows).split()) == codes


@pytest.mark.parametrize("level", sorted({reason.level for reason in all_reasons()}))
def test_every_level_of_reason_code_is_described(level: str) -> None:
    """The reference has each code, and the manual for admins speaks of each level."""
    codes = [reason.code for reason in all_reasons() if reason.level == level]
    assert {code for code in codes if f"| {code} |" not in read("docs/reference/reasons.md")} == set()
    assert any(code in read("docs/operating.md") for code in codes) or f"{codes[0][0]}1xx" in read("docs/operating.md")


@pytest.mark.parametrize("kind", sorted(set(connections().values())))
def test_every_connection_is_described(kind: str) -> None:
    """An admin finds which fields to fill in: each connection stands in the line of its kind, and in no other."""
    lines = re.findall(
        r"^\| (SFTP|REST|signed|SOAP|receiver)\b[^|]*\|([^|]*)\|", read("docs/operating.md"), re.MULTILINE
    )
    named = {name for word, cell in lines if word == kind for name in re.findall(r"`(\w+)`", cell)}
    assert named == {name for name, word in connections().items() if word == kind}


def test_every_decision_is_in_the_index() -> None:
    """Numbered without a gap, with its title, context, decision and consequence."""
    pages = sorted(path.name for path in (DOCS / "decisions").glob("*.md"))
    assert [page[:4] for page in pages] == [f"{number:04}" for number in range(len(pages))]
    index = (DOCS / "decisions" / pages[0]).read_text("utf-8")
    for page in pages:
        text = (DOCS / "decisions" / page).read_text("utf-8")
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequence")), page
        title = text.splitlines()[0].removeprefix("# ")
        assert page == pages[0] or f"[{title}]({page})" in index


@pytest.mark.parametrize("name", PAGES)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    """To a file of the project, and to a heading of it where one is named."""
    page = read(name)
    for link in LINK.findall(FENCE.sub("", page)):
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        path = (PROJECT / name).parent / target if target else PROJECT / name
        assert path.exists(), f"{name} links to {link}"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path.read_text("utf-8")), f"{name} links to {link}"


def test_the_schema_of_mappings_is_fresh() -> None:
    """After a change: hub schema > mappings/feed.schema.json."""
    written = json.loads(read("mappings/feed.schema.json"))
    assert written == feed.FeedSpec.model_json_schema(by_alias=True)


def test_no_file_names_a_package_mirror_or_somebodys_home() -> None:
    """What holds on one machine only, or should not be public, stays out of the repository."""
    homes = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/[A-Za-z][\w.-]*/")
    mirrors = re.compile(
        r"(?:--(?:extra-)?index-url[ =]+|PIP_(?:EXTRA_)?INDEX_URL[ =]+)https?:|https?://[\w.-]+/(?:[\w.-]+/)*simple\b"
    )
    found = []
    for name in tracked():
        try:
            text = read(name)
        except UnicodeDecodeError:
            continue  # a sample in the bank's own encoding
        found += [f"{name}: {hit.group()}" for pattern in (homes, mirrors) for hit in pattern.finditer(text)]
    assert found == []
