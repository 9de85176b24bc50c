"""Mapping files, code tables and profiles as plain data: the few words a mirror needs, without the hub's own reading of them."""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Codes = Mapping[str, Mapping[str, str]]
PROFILES = Path(__file__).parents[1] / "profiles.yaml"


class MirrorError(ValueError):
    """A mapping and the truth do not go together: the feed cannot be written."""


@dataclass(frozen=True)
class FieldWords:
    """Where the hub reads one field; `columns` is empty for what no column holds (const, sql)."""

    columns: tuple[str, ...]
    codes: str | None = None
    recipe: str | None = None
    sql: str = ""


@dataclass(frozen=True)
class RecordWords:
    """One record of a mapping."""

    schema: str
    place: str
    fields: Mapping[str, FieldWords]
    key: Mapping[str, str]
    ignore: tuple[str, ...]
    repeats: str

    def columns(self) -> set[str]:
        """Every column the record names, of its own row, its parent's and the file's name."""
        named = {column for words in self.fields.values() for column in words.columns}
        return named | set(self.key.values()) | set(self.ignore)


@dataclass(frozen=True)
class Profile:
    """What a mirrored feed sends, as `profiles.yaml` says."""

    population: str
    count: int
    nature: str = "project"
    cells: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MirroredFeed:
    """One mapping with its profile."""

    feed_id: str
    partner: str
    title: str
    source: Mapping[str, Any]
    records: Mapping[str, RecordWords]
    report: Mapping[str, Mapping[str, Any]]
    profile: Profile
    conclusion: Mapping[str, Any] = field(default_factory=dict)

    @property
    def form(self) -> Mapping[str, Any]:
        """The format of its bytes."""
        form: Mapping[str, Any] = self.source["format"]
        return form

    @property
    def reports(self) -> tuple[Mapping[str, Any], ...]:
        """How the partner is told, at both stages."""
        return tuple(self.report.values())


@dataclass(frozen=True)
class Plan:
    """Everything that is mirrored from one mappings folder."""

    folder: Path
    feeds: Mapping[str, MirroredFeed]
    codes: Codes

    def partners_of(self, connector: str) -> dict[str, list[MirroredFeed]]:
        """The feeds of each partner with this connector."""
        found: dict[str, list[MirroredFeed]] = {}
        for feed in self.feeds.values():
            if feed.source["connector"] == connector:
                found.setdefault(feed.partner, []).append(feed)
        return found


def read_plan(folder: Path, wanted: str = "all", profiles: Path = PROFILES, receivers: Collection[str] = ()) -> Plan:
    """The profiled feeds whose mapping exists; `wanted` is all, none or partners with commas between."""
    told = (_read_yaml(profiles) or {}).get("feeds", {}) if wanted != "none" else {}
    feeds = {}
    for feed_id, profile in told.items():
        path = folder / f"{feed_id}.yaml"
        if path.exists():
            feeds[feed_id] = read_feed(path, Profile(**profile))
    if wanted not in ("all", "none"):
        names = set(wanted.split(","))
        if unknown := sorted(names - {feed.partner for feed in feeds.values()} - set(receivers)):
            raise MirrorError(f"there is nothing to mirror of {', '.join(unknown)}")
        feeds = {feed_id: feed for feed_id, feed in feeds.items() if feed.partner in names}
    return Plan(folder, feeds, read_codes(folder / "codes"))


def read_feed(path: Path, profile: Profile) -> MirroredFeed:
    """One mapping file."""
    spec = _read_yaml(path)
    records = {schema: _record(schema, words) for schema, words in spec["records"].items()}
    told = spec.get("report") or {}, profile, spec.get("conclusion") or {}
    return MirroredFeed(path.stem, spec["partner"], spec["title"], spec["source"], records, *told)


def _record(schema: str, words: Mapping[str, Any]) -> RecordWords:
    return RecordWords(
        schema=schema,
        place=words["rows"],
        fields={name: _field(field_words) for name, field_words in words["fields"].items()},
        key=words.get("key") or {},
        ignore=tuple(words.get("ignore") or ()),
        repeats=words.get("repeats", "reject"),
    )


def _field(words: Any) -> FieldWords:
    if isinstance(words, str):
        return FieldWords((words,))
    columns = tuple(words["first_of"]) if "first_of" in words else (words["from"],) if "from" in words else ()
    return FieldWords(columns, words.get("codes"), words.get("as"), words.get("sql") or "")


def read_codes(folder: Path) -> Codes:
    """Every table of partners' codes: table -> code -> our word."""
    tables: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames and "value" in reader.fieldnames:
                tables[path.stem] = {row["code"]: row["value"] for row in reader}
    return tables


def _read_yaml(path: Path) -> Any:
    return _load(path.read_text(encoding="utf-8"))


@cache
def _load(text: str) -> Any:
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
