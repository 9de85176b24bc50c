"""A stream opens only as it was sealed, whatever the pieces in which its bytes come."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag

from hub.sealing import SUITES, Suite, make_secret
from hub.sealing.stream import Binding, open_stream, seal_stream

CHUNK, TAG = 16, 16


@pytest.fixture(params=SUITES.values(), ids=SUITES)
def binding(request: pytest.FixtureRequest) -> Binding:
    """Chunks of sixteen bytes, in each suite."""
    suite: Suite = request.param
    return Binding(suite, make_secret(suite), b"head", b"name", CHUNK)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK + 3])
def test_it_comes_back_in_pieces_of_any_size(binding: Binding, size: int) -> None:
    """Both ways: what it is cut into leaves no trace."""
    data = os.urandom(size)
    whole = b"".join(seal_stream(binding, [data]))
    assert len(whole) == size + TAG * max(1, -(-size // CHUNK))
    for piece in (1, 7, CHUNK, 1000):
        assert b"".join(seal_stream(binding, cut(data, piece))) == whole
        assert b"".join(open_stream(binding, cut(whole, piece))) == data


def test_no_byte_can_be_changed_cut_off_or_added(binding: Binding) -> None:
    """Without a digest behind it: by the tags alone."""
    whole = b"".join(seal_stream(binding, [os.urandom(3 * CHUNK)]))
    changes = [whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1 :] for at in range(len(whole))]
    changes += [whole[:length] for length in range(len(whole))]
    changes += [whole + b"\0", whole + whole, whole[CHUNK + TAG :], whole[CHUNK + TAG :] + whole[: CHUNK + TAG]]
    for change in changes:
        with pytest.raises(InvalidTag):
            list(open_stream(binding, [change]))


@pytest.mark.parametrize(
    "other", [{"head": b"hea"}, {"name": b"nam"}, {"chunk": 17}, {"head": b"headn", "name": b"ame"}]
)
def test_it_is_bound_to_its_head_and_its_name(binding: Binding, other: dict[str, object]) -> None:
    """Neither can be taken for the other."""
    whole = b"".join(seal_stream(binding, [b"x" * 40]))
    with pytest.raises(InvalidTag):
        list(open_stream(replace(binding, **other), [whole]))  # type: ignore[arg-type]


def test_the_name_may_be_wrong_until_the_last_chunk(binding: Binding) -> None:
    """What came before is authentic, and the end says that it is another's."""
    whole = b"".join(seal_stream(binding, [b"x" * 40]))
    found = open_stream(replace(binding, name=b"other"), [whole])
    assert [next(found), next(found)] == [b"x" * CHUNK] * 2
    with pytest.raises(InvalidTag):
        next(found)
