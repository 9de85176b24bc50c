"""Hostile answers from real HTTP servers: pages of JSON and SOAP answers that nobody agreed on, by the same table as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from answering import Answer, answering
from round_trip import Hub

from connectors.rest import RestConnector
from connectors.soap import SoapConnector
from hub import bootstrap, pipeline
from hub.conservation import gaps_of
from hub.errors import FeedChanged, HubError, PartnerUnavailable
from hub.feed import RestSource, SoapSource
from hub.model import BatchState, Connection, Fetched
from hub.pipeline import balance_of
from tests.corpus.cases import Case, all_cases
from tests.corpus.outcomes import registry

PAGES = [case for case in all_cases() if case.feed == "jiaolai_payrolls" and case.codes]
ROWS = [case for case in all_cases() if case.feed == "bureau_permits"]
XML = [case for case in all_cases() if case.feed in ("xiaoqing_payrolls", "daizong_guarantees") and case.codes]
WSDL = Path(__file__).parents[2] / "mappings" / "wsdl" / "daizong.wsdl"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)


@pytest.mark.parametrize("case", PAGES, ids=lambda case: case.id)
def test_a_page_that_is_not_strict_json_is_asked_for_again(case: Case) -> None:
    """It may have been cut off on the way: S001 with the cause, and no word of what it said."""
    source = registry().feed("bureau_permits").spec.source
    assert isinstance(source, RestSource)
    with answering(lambda asked: Answer(case.data())) as (url, asked), pytest.raises(HubError) as error:
        list(RestConnector(Connection("x", url), source).fetch(None, frozenset()))
    assert isinstance(error.value, PartnerUnavailable | FeedChanged) or error.value.code == "S002"
    assert not any(word in str(error.value) for word in ("batchNo", "杨", "6217"))
    assert asked


@pytest.mark.parametrize("case", XML, ids=lambda case: case.id)
def test_a_soap_answer_that_is_not_as_agreed_is_kept_or_asked_for_again(case: Case) -> None:
    """Kept with its fault where it is XML of another form, asked for again where it is none; never taken."""
    source = registry().feed("daizong_guarantees").spec.source
    assert isinstance(source, SoapSource)
    with answering(lambda asked: Answer(case.data(), media="text/xml")) as (url, asked):
        try:
            found = list(
                SoapConnector(Connection("x", url, login="hub", password="secret"), source, WSDL).fetch(
                    None, frozenset()
                )
            )
        except HubError as error:
            assert error.code in ("S001", "S002"), error  # noqa: PT017
            assert not any(word in str(error) for word in ("曾超", "3709"))  # noqa: PT017
        else:
            assert [isinstance(one, Fetched) and one.fault is not None for one in found] == [True]
    assert asked


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.id)
def test_rows_of_a_page_are_turned_down_one_by_one(case: Case, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through fetch and store: the codes of the table in the database, and every row accounted for."""
    with answering(lambda asked: Answer(case.data())) as (url, _):
        monkeypatch.setattr(bootstrap, "find_connection", lambda name: Connection(name, url, password="x"))
        ids = hub.fetch("bureau_permits")
    assert ids
    if hub.store("bureau_permits") != [
        BatchState.STORED
    ]:  # one row of four is too large a share: an officer lets it pass
        assert hub.ask("select hold_code from batch where batch_id = :id", id=ids[-1])[0].hold_code == "F013"
        pipeline.release_batch(hub.house, ids[-1], "王工")
        assert hub.store("bureau_permits") == [BatchState.STORED]
    sql = """select schema_name || '/' || printed_no as place, r.code from rejection, jsonb_to_recordset(reasons) as r(code text)
             where batch_id = :id"""
    told: dict[str, set[str]] = {}
    for row in hub.ask(sql, id=ids[-1]):
        told.setdefault(row.place, set()).add(row.code)
    assert told == {row: {codes} if isinstance(codes, str) else set(codes) for row, codes in case.lines.items()}
    assert gaps_of(balance_of(hub.house, ids)) == []
