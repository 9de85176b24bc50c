"""What is true of the five cities obeys every rule of the shared records, and its parts agree with each other."""

from collections.abc import Iterable, Iterator
from datetime import date

import polars as pl
import pytest

from schemas import checks
from schemas.catalogue import SCHEMAS
from schemas.shared import Shared
from simulators.truth import Document, Truth
from simulators.truth.profiles import read_profiles

DAY = date(2026, 11, 23)
Rows = list[dict[str, object]]


def send(truth: Truth, scale: float) -> dict[str, list[Document]]:
    """The documents of every profiled feed."""
    return {
        planned.feed: truth.documents(
            planned.population,
            partner=planned.partner,
            feed=planned.feed,
            count=planned.at(scale),
            nature=planned.nature,
        )
        for planned in read_profiles()
    }


def everything(documents: Iterable[Document]) -> Iterator[Document]:
    """Documents with all that is inside them."""
    for document in documents:
        yield document
        yield from everything(document.inner)


def by_schema(sent: dict[str, list[Document]]) -> dict[str, Rows]:
    """Every row that is sent, by schema."""
    found: dict[str, Rows] = {}
    for documents in sent.values():
        for document in everything(documents):
            for schema, fields in document.rows.items():
                found.setdefault(schema, []).append(fields)
    return found


def frame(schema: type[Shared], rows: Rows) -> pl.DataFrame:
    """The rows with the columns of a schema; a field it does not know is an error."""
    columns = schema.columns()
    assert not {name for row in rows for name in row} - set(columns)
    made = {}
    for name, column in columns.items():
        dtype = column.dtype
        plain = pl.Datetime("us") if isinstance(dtype, pl.Datetime) else dtype
        series = pl.Series(name, [row.get(name) for row in rows], dtype=plain)
        made[name] = series.dt.replace_time_zone(checks.TIME_ZONE) if isinstance(dtype, pl.Datetime) else series
    return pl.DataFrame(made)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "today", lambda: DAY)


@pytest.fixture(scope="module")
def sent() -> dict[str, list[Document]]:
    """What all feeds send at scale 1."""
    return send(Truth(day=DAY), 1)


@pytest.fixture(scope="module")
def rows(sent: dict[str, list[Document]]) -> dict[str, Rows]:
    """The same by schema."""
    return by_schema(sent)


@pytest.mark.parametrize("scale", [1, 0.1, 2.5])
def test_every_population_obeys_the_shared_rules(scale: float) -> None:
    """No row is turned down, and no key is sent twice."""
    found = by_schema(send(Truth(day=DAY, scale=scale), scale))
    failures = {}
    for name, of_schema in found.items():
        _, info = SCHEMAS[name].filter(frame(SCHEMAS[name], of_schema), cast=True)
        failures[name] = info.counts()
    assert {name: counts for name, counts in failures.items() if counts} == {}
    assert set(found) == set(SCHEMAS)
