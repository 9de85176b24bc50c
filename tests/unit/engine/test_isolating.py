"""Which of many fail is found by halves; a receiver sends nothing of a submission while a record of it cannot be written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors import open_api
from connectors.open_api import OpenApiReceiver
from hub.errors import MappingInvalid, PartnerRefused, Unwritable
from hub.isolating import MOST_POISON, find_poison
from hub.model import Connection
from hub.registry import read_registry

REGISTRY = read_registry(Path(__file__).parents[3] / "mappings")
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("bad", [[], [0], [99], [3, 4], [0, 50, 99], list(range(100))])
def test_those_that_fail_alone_are_found(bad: list[int]) -> None:
    """First, last, side by side, all of them; in order."""
    assert find_poison(100, lambda start, count: any(start <= one < start + count for one in bad)) == bad


def test_few_questions_find_one_among_many() -> None:
    """By halves, not one by one."""
    asked: list[int] = []

    def fails(start: int, count: int) -> bool:
        asked.append(count)
        return start <= 777_777 < start + count

    assert find_poison(1_000_000, fails) == [777_777]
    assert len(asked) < 50


def test_what_is_nobodys_fault_is_nobodys() -> None:
    """What fails over nothing; what fails only together; and of too many it stops at the first too many."""
    assert find_poison(100, lambda start, count: True) == []
    assert find_poison(100, lambda start, count: count > 1) == []
    assert len(find_poison(10_000, lambda start, count: count > 0)) == MOST_POISON + 1


def worker(number: int, **others: Any) -> dict[str, Any]:
    """A worker as the store gives it, with as little as can be sent."""
    return {
        "idempotencyKey": f"k{number}",
        "recordKey": f"w{number}",
        "version": 1,
        "worker_name": "张三",
        "id_no": "1",
        **others,
    }


def qingdao(secret: str = SECRET) -> OpenApiReceiver:
    """A receiver that nobody listens for: a test that called it would fail."""
    connection = Connection("qingdao_api", "http://127.0.0.1:1", login="hub", password=secret)
    return OpenApiReceiver(connection, REGISTRY.receives("qingdao"), REGISTRY.codes)


@pytest.mark.parametrize("poison", [[4], [0, 9]])
def test_a_record_that_cannot_be_sealed_is_named_and_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, poison: list[int]
) -> None:
    """By its key, not by its value; a library's own words are not repeated."""
    real = open_api.seal

    def failing(text: str, secret: str) -> str:
        if text == "spoiled":
            raise UnicodeEncodeError("utf-8", text, 0, 1, "no")
        return real(text, secret)

    monkeypatch.setattr(open_api, "seal", failing)
    records = [worker(number, **({"id_no": "spoiled"} if number in poison else {})) for number in range(10)]
    with pytest.raises(Unwritable) as caught:
        qingdao().submit("worker", "batch", records)
    assert caught.value.keys == tuple(f"k{number}" for number in poison)
    assert (caught.value.code, str(caught.value)) == ("R005", "UnicodeEncodeError")


@pytest.mark.parametrize(
    "wrong", [{"birth_on": "0"}, {"entered_on": "10000-01-01"}, {"sex": ["f"]}, {"is_team_leader": "no"}]
)
def test_a_value_of_another_kind_spoils_its_record_alone(wrong: dict[str, Any]) -> None:
    """Whatever a table held that a schema does not: a day that is none, a number where there is text."""
    with pytest.raises(Unwritable) as caught:
        qingdao().submit("worker", "batch", [worker(0), worker(1, **wrong), worker(2)])
    assert caught.value.keys == ("k1",)


def test_a_mapping_that_fails_over_all_is_said_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is set aside for it; and a secret that is no key is the connection's fault."""

    def failing(fields: Any, frame: Any, codes: Any) -> list[dict[str, Any]]:
        raise KeyError("somebody's name")

    with pytest.raises(PartnerRefused, match="no AES key"):
        qingdao("short").submit("worker", "batch", [worker(0)])
    monkeypatch.setattr(open_api, "write_rows", failing)
    with pytest.raises(MappingInvalid) as caught:
        qingdao().submit("worker", "batch", [worker(0), worker(1)])
    assert str(caught.value) == "worker cannot be written for qingdao: KeyError"
