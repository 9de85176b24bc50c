"""Documents of the truth as rows of a partner: texts by column, at the places the mapping takes them from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from simulators.mirror.facts import facts_of
from simulators.mirror.plain import Codes, MirroredFeed, MirrorError, RecordWords
from simulators.mirror.writing import write

Values = Mapping[str, Any]


class Document(Protocol):
    """What the truth gives: facts of one row by schema, and the rows below it."""

    @property
    def rows(self) -> Mapping[str, Values]:
        """Fields by schema."""
        ...

    @property
    def inner(self) -> Sequence["Document"]:
        """The documents below."""
        ...


@dataclass
class Record:
    """One record a row stands for, as the hub should read it, and how it is spoiled if it is."""

    schema: str
    values: Values
    bad: str | None = None
    code: str | None = None
    loses_fen: bool = False

    @property
    def key(self) -> str:
        """Its business key in one text."""
        return "/".join(str(self.values.get(name, "")) for name in facts_of(self.schema).key)

    @property
    def fen(self) -> int | None:
        """Its money as the sender counts it."""
        money = None if self.loses_fen else self.values.get(facts_of(self.schema).money)
        return None if money is None else int(money)


@dataclass
class Row:
    """One row at one place: its own texts, and those that stand in the row above it or in the file's name."""

    place: str
    cells: dict[str, str] = field(default_factory=dict)
    outer: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    shared: list[Record] = field(default_factory=list)
    """Records that the rows after this one state once more."""
    inner: list["Row"] = field(default_factory=list)

    def everything(self) -> Iterator["Row"]:
        """The row and all below it, top first."""
        yield self
        for row in self.inner:
            yield from row.everything()


def rows_of(feed: MirroredFeed, documents: Iterable[Document], codes: Codes) -> list[Row]:
    """The rows of a feed, top rows with their inner rows."""
    return [row for document in documents for row in _rows(feed, document, codes)]


def _rows(feed: MirroredFeed, document: Document, codes: Codes) -> list[Row]:
    """A document's rows: one for each place its schemas stand at; what is below hangs on the first."""
    found: dict[str, Row] = {}
    for schema, values in document.rows.items():
        if (words := feed.records.get(schema)) is not None:
            row = found.setdefault(words.place, Row(words.place))
            _put_record(feed, row, words, values, codes)
    for row in found.values():
        _put_profile_cells(feed, row)
    below = [row for inner in document.inner for row in _rows(feed, inner, codes)]
    if not found:
        return below
    top, *others = found.values()
    return [*_hang(top, below), *others]


def _hang(top: Row, below: list[Row]) -> list[Row]:
    """Inner rows below their parent; rows of one place with it become flat rows that say the parent's facts as well."""
    flat = [row for row in below if row.place == top.place]
    for row in below:
        if row.place != top.place:
            _merge(top.cells, row.outer, f"{top.place} above {row.place}")
            top.inner.append(row)
    for number, row in enumerate(flat):
        _merge(row.cells, top.cells, row.place)
        _merge(row.outer, top.outer, row.place)
        _merge(row.parts, top.parts, row.place)
        if number == 0:
            row.shared[:0] = [*top.shared, *top.records]
            row.inner[:0] = top.inner
    return flat or [top]


def _put_record(feed: MirroredFeed, row: Row, words: RecordWords, values: Values, codes: Codes) -> None:
    kept: dict[str, Any] = {}
    for name, field_words in words.fields.items():
        value = values.get(name)
        kept[name] = value
        if field_words.columns:
            try:
                text = write(value, field_words, codes)
                _put(row, field_words.columns[0], text)
            except (MirrorError, ValueError, TypeError, AttributeError) as problem:
                raise MirrorError(f"{feed.feed_id}: {words.schema}.{name}: {problem}") from problem
    row.records.append(Record(words.schema, kept))


def _put(row: Row, column: str, text: str) -> None:
    """A column of the row, of the row above (../x) or of the file's name (@x)."""
    if column.startswith("../"):
        _merge(row.outer, {column[3:]: text}, row.place)
    elif column.startswith("@"):
        _merge(row.parts, {column[1:]: text}, row.place)
    else:
        _merge(row.cells, {column: text}, row.place)


def _merge(into: dict[str, str], more: Mapping[str, str], where: str) -> None:
    """Texts under one name must agree; where one fact is empty the other stands."""
    for name, text in more.items():
        if text and into.get(name, text) not in ("", text):
            raise MirrorError(f"column {name} of {where} would have to say two things at once")
        into[name] = text or into.get(name, "")


def _put_profile_cells(feed: MirroredFeed, row: Row) -> None:
    """What a profile says of a column; `{field}` in it stands for the value of any of the row's records."""
    known = {name: value for record in row.records for name, value in record.values.items() if value is not None}
    for column, text in feed.profile.cells.items():
        place, _, name = column.rpartition(":")
        if place in ("", row.place):
            there = row.outer if name.startswith("../") else row.cells
            there[name.removeprefix("../")] = _filled(text, known)


def _filled(text: str, known: Mapping[str, Any]) -> str:
    for name, value in known.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
