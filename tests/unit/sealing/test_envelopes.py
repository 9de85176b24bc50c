"""Envelopes and wrapped keys: what was sealed opens again in its own place, and nowhere else, and not when a bit of it differs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import KeysUnusable, SealBroken
from hub.sealing import (
    DESTROYED,
    SUITES,
    DataKey,
    Destroyed,
    Root,
    Suite,
    Wrapped,
    check_value,
    key_ids,
    make_secret,
    open_many,
    seal_many,
    suite_named,
    unwrap,
    wrap,
)
from hub.sealing.envelope import LEAST

BOTH = pytest.mark.parametrize("suite", SUITES.values(), ids=list(SUITES))
PLACE = ("record.worker", "id_no")
ROWS = ["1/a", "1/b", "2/a"]
TEXTS = ["370102199001011234", None, "欧阳"]


def key_of(suite: Suite, key_id: int = 7) -> DataKey:
    return DataKey(key_id, suite, make_secret(suite))


@BOTH
def test_what_was_sealed_opens_in_its_place(suite: Suite) -> None:
    """Nothing stays nothing; the text is not in the envelope, and the same text is sealed otherwise each time."""
    key = key_of(suite)
    sealed = seal_many(key, *PLACE, ROWS, TEXTS)
    assert open_many({7: key}, *PLACE, ROWS, sealed) == TEXTS
    assert sealed[1] is None
    assert sealed[0] is not None
    assert len(sealed[0]) == LEAST + 18
    assert b"3701" not in sealed[0]
    assert seal_many(key, *PLACE, ROWS, TEXTS)[0] != sealed[0]
    assert key_ids(sealed) == {7}


@BOTH
def test_any_byte_changed_or_lost_is_noticed(suite: Suite) -> None:
    """Version, suite, key, nonce, text and tag: none can be changed, and nothing can be cut off or put on."""
    key = key_of(suite)
    [sealed] = seal_many(key, *PLACE, ["1/a"], ["370102199001011234"])
    assert sealed is not None
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 0x41]) + sealed[place + 1 :]
        with pytest.raises(SealBroken):
            open_many({7: key}, *PLACE, ["1/a"], [changed])
    for cut in (*range(len(sealed)), len(sealed) + 1):
        with pytest.raises(SealBroken):
            open_many({7: key}, *PLACE, ["1/a"], [(sealed + b"\0")[:cut]])


@BOTH
@pytest.mark.parametrize(
    "elsewhere",
    [("record.worker", "id_no", "1/b"), ("record.worker", "id_no", "2/a"), ("record.worker", "card_no", "1/a"),
     ("record.payroll_line", "id_no", "1/a"), ("record.workeri", "d_no", "1/a"), ("record.worker", "id_no1", "/a")],
)  # fmt: skip
def test_an_envelope_opens_nowhere_else(suite: Suite, elsewhere: tuple[str, str, str]) -> None:
    """Another row, version, column or table, also where the words run together in the same way."""
    key = key_of(suite)
    sealed = seal_many(key, *PLACE, ["1/a"], ["370102199001011234"])
    with pytest.raises(SealBroken):
        open_many({7: key}, elsewhere[0], elsewhere[1], [elsewhere[2]], sealed)


def test_another_key_suite_or_number_does_not_open(  # one envelope, every wrong key
) -> None:
    """The number in the head is bound as well: the same secret under another number opens nothing."""
    aes, sm = SUITES["aes"], SUITES["sm"]
    key = key_of(aes)
    sealed = seal_many(key, *PLACE, ["1/a"], ["x"])
    assert sealed[0] is not None
    renumbered = [sealed[0][:2] + (8).to_bytes(4) + sealed[0][6:]]
    for keys, envelopes in (
        ({7: key_of(aes)}, sealed),
        ({7: key_of(sm)}, sealed),
        ({8: key}, sealed),
        ({8: DataKey(8, aes, key.secret)}, renumbered),
    ):
        with pytest.raises(SealBroken):
            open_many(keys, *PLACE, ["1/a"], envelopes)


def test_a_destroyed_key_leaves_a_mark_and_stops_nobody() -> None:
    """Rows of other keys beside it open as ever."""
    old, new = key_of(SUITES["aes"], 1), key_of(SUITES["sm"], 2)
    sealed = [*seal_many(old, *PLACE, ["a"], ["x"]), *seal_many(new, *PLACE, ["b"], ["y"])]
    opened = open_many({1: None, 2: new}, *PLACE, ["a", "b"], sealed)
    assert opened == [DESTROYED, "y"]
    assert isinstance(opened[0], Destroyed)
    assert not isinstance(opened[1], Destroyed)


@BOTH
@settings(deadline=None, max_examples=40)
@given(
    texts=st.lists(
        st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=40)), min_size=1, max_size=8
    ),
    row=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_every_text_comes_back(suite: Suite, texts: list[str | None], row: str) -> None:
    """Whatever letters, empty texts included."""
    key, rows = key_of(suite), [f"{row}{place}" for place in range(len(texts))]
    assert open_many({7: key}, *PLACE, rows, seal_many(key, *PLACE, rows, texts)) == texts


@BOTH
def test_a_wrapped_key_opens_under_its_own_kek_alone(suite: Suite) -> None:
    """Another key-encryption key, and a changed byte, are told; check values tell two apart."""
    kek, other = Root(bytes(range(32))), Root(bytes(32))
    key = key_of(suite)
    wrapped = wrap(kek, key)
    assert key.secret not in wrapped
    assert unwrap(kek, Wrapped(7, suite, wrapped)) == key
    for root, words in ((other, wrapped), (kek, wrapped[:-1] + bytes([wrapped[-1] ^ 1])), (kek, b"")):
        with pytest.raises(KeysUnusable):
            unwrap(root, Wrapped(7, suite, words))
    assert check_value(kek) != check_value(other)


def test_no_secret_is_shown_and_no_odd_root_taken() -> None:
    """A key in a log would be no key any more."""
    key = key_of(SUITES["aes"])
    assert key.secret.hex() not in f"{key!r}"
    assert repr(key.secret) not in f"{key!r}{Root(key.secret)!r}"
    with pytest.raises(KeysUnusable, match="32 bytes"):
        Root(b"short")
    with pytest.raises(KeysUnusable, match="HUB_SUITE"):
        suite_named("rot13")
