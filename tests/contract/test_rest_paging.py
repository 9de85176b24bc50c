"""Pages by number, offset and token, from partners whose rows move while they are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from answering import Answer, Asked, answering
from pydantic import ValidationError

from connectors.rest import RestConnector
from hub.errors import FeedChanged, HubError, PartnerUnavailable
from hub.feed import RestSource
from hub.model import Connection, Fetched

BASE: dict[str, Any] = {
    "connector": "rest", "connection": "x", "path": "/rows", "calls_per_second": 1000,
    "envelope": {"code": "code", "success": "0", "message": "message"}, "format": {"type": "json"},
}  # fmt: skip
BY_PAGE = {"page": "page", "size": "size", "per_page": 4, "rows": "data.rows", "total": "data.total"}
BY_OFFSET = {
    "by": "offset",
    "offset": "start",
    "size": "limit",
    "per_page": 4,
    "rows": "data.rows",
    "total": "data.total",
}
BY_TOKEN = {"by": "token", "token": "pageToken", "next": "data.next", "rows": "data.rows"}
NONE = {"by": "none", "rows": "data.rows"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)


def source(paging: dict[str, Any], **more: Any) -> RestSource:
    return RestSource.model_validate({**BASE, "paging": paging, **more})


def fetch(url: str, spec: RestSource, cursor: str | None = None) -> tuple[list[dict[str, Any]], Fetched | None]:
    found = [one for one in RestConnector(Connection("x", url), spec).fetch(cursor, frozenset())]
    assert all(isinstance(one, Fetched) for one in found)
    batch: Any = found[0] if found else None
    return [row for part in (batch.parts if batch else ()) for row in json.loads(part)["data"]["rows"]], batch


def body(rows: Any, **data: Any) -> Answer:
    return Answer(json.dumps({"code": "0", "message": "ok", "data": {"rows": rows, **data}}).encode())


@dataclass
class LivingList:
    """Rows in the order of their last update; ``between`` changes them after each answer but does not see the question."""

    between: Callable[[LivingList, int], None]
    rows: list[dict[str, Any]] = field(default_factory=lambda: [{"no": n, "version": 1} for n in range(1, 15)])
    answered: int = 0
    newest_first: bool = False

    def touch(self, *numbers: int) -> None:
        """Update rows: they move to the end, or to the front."""
        for number in numbers:
            row = next(row for row in self.rows if row["no"] == number)
            self.rows.remove(row)
            newer = {**row, "version": row["version"] + 1}
            self.rows.insert(0 if self.newest_first else len(self.rows), newer)

    def drop(self, *numbers: int) -> None:
        """Withdraw rows."""
        self.rows = [row for row in self.rows if row["no"] not in numbers]

    def answer(self, asked: Asked) -> Answer:
        query = asked.query
        start = int(query["start"]) if "start" in query else (int(query["page"]) - 1) * int(query["size"])
        size = int(query.get("limit") or query["size"])
        given = body(self.rows[start : start + size], total=len(self.rows))
        self.answered += 1
        self.between(self, self.answered)
        return given


def once(after: int, change: Callable[[LivingList], None]) -> Callable[[LivingList, int], None]:
    return lambda living, answered: change(living) if answered == after else None


def one_always(living: LivingList, answered: int) -> None:
    """A busy partner: after every answer the oldest row is updated."""
    living.touch(min(living.rows, key=lambda row: (row["version"], row["no"]))["no"])


MOVES: dict[str, Callable[[LivingList, int], None]] = {
    "nothing": lambda living, answered: None,
    "one row read already is updated": once(1, lambda living: living.touch(2)),
    "two rows are": once(1, lambda living: living.touch(1, 3)),
    "a whole page is": once(1, lambda living: living.touch(1, 2, 3, 4)),
    "more than a page is, over two answers": lambda living, n: living.touch(*{3: (1, 2, 3), 4: (4, 5, 6)}.get(n, ())),
    "a row of a later page is": once(1, lambda living: living.touch(9)),
    "a row read already is withdrawn": once(1, lambda living: living.drop(4)),
    "so many that the last page is gone": once(3, lambda living: living.drop(1, 2)),
    "one withdrawn, one updated": once(2, lambda living: (living.drop(1), living.touch(6))[0]),
    "one after every answer": one_always,
}


@pytest.mark.parametrize("paging", [BY_PAGE, BY_OFFSET], ids=["page", "offset"])
@pytest.mark.parametrize("move", MOVES)
def test_no_row_is_lost_while_others_move(move: str, paging: dict[str, Any]) -> None:
    """Every row that was there before and after has come, and the last version of a row that came is the newest read."""
    living = LivingList(MOVES[move])
    with answering(living.answer) as (url, _):
        rows, batch = fetch(url, source(paging))
    assert batch is not None
    assert {row["no"] for row in living.rows} <= {row["no"] for row in rows}
    for number in {row["no"] for row in rows}:
        versions = [row["version"] for row in rows if row["no"] == number]
        assert versions == sorted(versions)
    assert batch.printed_rows == len(rows)


@pytest.mark.parametrize(("after", "number"), [(1, 9), (3, 13)])
@pytest.mark.parametrize("paging", [BY_PAGE, BY_OFFSET], ids=["page", "offset"])
def test_newest_first_a_row_that_jumps_to_the_front_is_read(paging: dict[str, Any], after: int, number: int) -> None:
    """Its old place is gone and its new place was read before: fewer different rows than announced, so all is read again."""
    living = LivingList(once(after, lambda living: living.touch(number)), newest_first=True)
    with answering(living.answer) as (url, _):
        rows, _ = fetch(url, source(paging))
    assert {row["no"] for row in rows} == set(range(1, 15))


def test_quiet_pages_are_handed_on_once() -> None:
    """Looking back brings no second copy of a page."""
    with answering(LivingList(MOVES["nothing"]).answer) as (url, asked):
        rows, batch = fetch(url, source(BY_PAGE))
    assert [row["no"] for row in rows] == list(range(1, 15))
    assert batch is not None
    assert len(batch.parts) == 4
    assert [int(one.query["page"]) for one in asked] == [1, 2, 1, 3, 2, 4, 3]


def test_one_page_is_one_call() -> None:
    """What most fetches are."""
    living = LivingList(MOVES["nothing"], rows=[{"no": 1, "version": 1}])
    with answering(living.answer) as (url, asked):
        fetch(url, source(BY_PAGE))
    assert len(asked) == 1


def test_equal_rows_of_the_partner_are_no_reason_to_fail() -> None:
    """Fewer different rows than announced, and reading again brings nothing new: so it is."""
    living = LivingList(MOVES["nothing"], rows=[{"no": n // 2, "version": 1} for n in range(9)])
    with answering(living.answer) as (url, _):
        rows, _ = fetch(url, source(BY_PAGE))
    assert len(rows) == 9


def test_rows_that_never_come_to_rest_are_unavailable() -> None:
    """However often it is read, something new comes and much is missing: that is said, not hidden."""

    def renew(living: LivingList, answered: int) -> None:
        living.rows = [{"no": 1, "version": answered}] * 40

    living = LivingList(renew, rows=[{"no": 1, "version": 0}] * 40)
    with answering(living.answer) as (url, _), pytest.raises(PartnerUnavailable, match="kept moving"):
        fetch(url, source({**BY_PAGE, "per_page": 20}))


@pytest.mark.parametrize("paging", [BY_PAGE, BY_OFFSET], ids=["page", "offset"])
def test_more_rows_than_announced_are_not_believed(paging: dict[str, Any]) -> None:
    """A total that counts the page or something else cannot say where the end is."""
    with answering(lambda asked: body([{"no": 1}, {"no": 2}], total=1)) as (url, _), pytest.raises(PartnerUnavailable):
        fetch(url, source(paging))


def test_offsets_count_what_came_not_what_was_asked_for() -> None:
    """A partner that gives less than it is asked for."""
    rows = [{"no": n} for n in range(7)]

    def answer(asked: Asked) -> Answer:
        start = int(asked.query["start"])
        return body(rows[start : start + 3], total=7)

    with answering(answer) as (url, asked):
        found, _ = fetch(url, source({**BY_OFFSET, "per_page": 100}))
    assert found == rows
    assert {one.query["start"] for one in asked} == {"0", "3", "6"}


def tokens(asked: Asked, **last: Any) -> Answer:
    """Three pages; the third says nothing of a next one, or ``last``."""
    page = json.loads(asked.body)["pageToken"] if b"pageToken" in asked.body else "a"
    following: dict[str, Any] = {"a": {"next": "b"}, "b": {"next": 3}, "3": last}[page]
    return body([{"no": page, "of": 1}], **following)


@pytest.mark.parametrize("last", [{}, {"next": None}, {"next": ""}, {"next": None, "total": 3}], ids=str)
def test_tokens_lead_from_page_to_page(last: dict[str, Any]) -> None:
    """The first call has none; absent, null and empty are the end. The parameters are a JSON body."""
    paging = {**BY_TOKEN, "size": "limit", "per_page": 2}
    spec = source(paging, method="post", parameters={"kind": "permit", "deep": True, "area": None, "level": 2})
    with answering(lambda asked: tokens(asked, **last)) as (url, asked):
        rows, _ = fetch(url, spec)
    assert [row["no"] for row in rows] == ["a", "b", "3"]
    constant = {"kind": "permit", "deep": True, "area": None, "level": 2, "limit": 2}
    assert [json.loads(one.body) for one in asked] == [
        constant, {**constant, "pageToken": "b"}, {**constant, "pageToken": "3"},
    ]  # fmt: skip
    assert asked[0].headers["Content-Type"].startswith("application/json")


BAD_TOKENS: dict[str, tuple[Answer, type[HubError]]] = {
    "a token for the second time": (body([{"no": 2}], next="b"), PartnerUnavailable),
    "an empty page and a token": (body([], next="c"), PartnerUnavailable),
    "the same rows again": (body([{"no": 1}], next="c"), PartnerUnavailable),
    "fewer rows than announced": (body([{"no": 2}], total=3), PartnerUnavailable),
    "a token that is none": (body([{"no": 2}], next={"a": 1}), FeedChanged),
}


@pytest.mark.parametrize("case", BAD_TOKENS)
def test_a_chain_of_tokens_that_breaks_is_not_taken_for_its_end(case: str) -> None:
    """Nothing half-read is handed on."""
    answer, error = BAD_TOKENS[case]
    total = {"total": "data.total"} if "announced" in case else {}
    first = body([{"no": 1}], next="b", total=3)
    with (
        answering(lambda asked: answer if asked.query else first) as (url, _),
        pytest.raises(error),
    ):
        fetch(url, source({**BY_TOKEN, **total}))


def test_a_partner_without_pages() -> None:
    """One call with the constant parameters alone."""
    with answering(lambda asked: body([{"no": 1}])) as (url, asked):
        rows, batch = fetch(url, source(NONE, parameters={"year": 2026, "all": True}))
    assert batch is not None
    assert (rows, batch.cursor, asked[0].query) == ([{"no": 1}], None, {"year": "2026", "all": "true"})


@pytest.mark.parametrize(
    ("rows", "error"),
    [(None, None), ([], None), ({}, FeedChanged), ("", FeedChanged)],
    ids=["null", "[]", "{}", "text"],
)
def test_null_is_nothing_but_another_kind_is_a_change(rows: Any, error: type[HubError] | None) -> None:
    """Without a total the member itself must be there."""
    with answering(lambda asked: body(rows)) as (url, _):
        if error is None:
            assert fetch(url, source(NONE)) == ([], None)
        else:
            with pytest.raises(error):
                fetch(url, source(NONE))


def test_rows_under_another_name_are_a_change() -> None:
    """Not an empty answer."""
    renamed = Answer(b'{"code": "0", "message": "", "data": {"list": [{"no": 1}]}}')
    with answering(lambda asked: renamed) as (url, _), pytest.raises(FeedChanged):
        fetch(url, source(NONE))


FORMS = {  # form: moments of three rows, the last one centuries ahead; the newest that is believed; what the next fetch asks for
    "text": (["2026-11-23 10:00:00", "2026-11-23 09:00:00", "2999-01-01 00:00:00"], "2026-11-23 09:55:00"),
    "compact": (["20261123100000", "20261123090000", "29990101000000"], "20261123095500"),
    "date": (["2026-11-23", "2026-11-22", "2999-01-01"], "2026-11-22"),
    "iso": (
        ["2026-11-23T10:00:00.5+08:00", "2026-11-23T01:59:59Z", "2999-01-01T00:00:00Z"],
        "2026-11-23T09:55:00+08:00",
    ),
    "epoch_ms": ([1795399200000, 1795395600000, 9999999999999], "1795398900000"),
    "epoch_s": ([1795399200, 1795395600, 9999999999], "1795398900"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_moment(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor is the newest believable moment as the partner wrote it; the next fetch begins five minutes before."""
    moments, expected = FORMS[form]
    spec = source(NONE, since={"parameter": "from", "member": "at", "form": form})
    rows = [{"no": n, "at": at} for n, at in enumerate([*moments, "soon", None])]
    with answering(lambda asked: body(rows)) as (url, asked):
        _, first = fetch(url, spec)
        assert first is not None
        assert first.cursor == str(moments[0])
        _, second = fetch(url, spec, first.cursor)
    assert second is not None
    assert second.cursor == first.cursor
    assert [one.query for one in asked] == [{}, {"from": expected}]


def test_a_moment_before_all_records_moves_nothing() -> None:
    """0001-01-01 is how some write no moment at all; five minutes before it, there is no time."""
    spec = source(NONE, since={"parameter": "from", "member": "at", "form": "iso"})
    empty, real = "0001-01-01T00:00:00+08:00", "2026-11-22T10:00:00+08:00"
    with answering(lambda asked: body([{"no": 1, "at": empty}])) as (url, asked):
        assert [fetch(url, spec, cursor)[1].cursor for cursor in (None, real, empty)] == [None, real, None]  # type: ignore[union-attr]
    assert [one.query for one in asked] == [{}, {"from": "2026-11-22T09:55:00+08:00"}, {}]


@pytest.mark.parametrize("total", ["9" * 5000, 10**30])
def test_a_number_of_rows_beyond_counting_is_a_change(total: Any) -> None:
    """No partner has so many, and a number of thousands of digits is not even read."""
    with answering(lambda asked: body([{"no": 1}], total=total)) as (url, _), pytest.raises(FeedChanged):
        fetch(url, source(BY_PAGE))


REFUSED: dict[str, dict[str, Any]] = {
    "a page without its number": {"paging": {**BY_PAGE, "page": None}},
    "a numbered page without total": {"paging": {**BY_PAGE, "total": None}},
    "a token among numbered pages": {"paging": {**BY_PAGE, "token": "t"}},
    "a size where there are no pages": {"paging": {**NONE, "size": "size"}},
    "a token without the next": {"paging": {**BY_TOKEN, "next": None}},
    "a parameter twice": {"paging": BY_PAGE, "parameters": {"page": "1"}},
    "null in an address": {"paging": BY_PAGE, "parameters": {"area": None}},
    "a number with a point": {"paging": BY_PAGE, "parameters": {"version": 1.0}},
    "a signature of something unknown": {
        "paging": BY_PAGE, "signing": {"text": "{nonce}{secret}", "algorithm": "md5", "name": "sign"},
    },
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_words_that_do_not_go_together_are_refused_when_read(case: str) -> None:
    """By hub check, not at night."""
    with pytest.raises(ValidationError):
        RestSource.model_validate({**BASE, **REFUSED[case]})
