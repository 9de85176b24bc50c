"""The tree of the exchange log: RFC 6962's shape over SM3, every path leads to the root and no other does."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.digest import sm3_hex
from hub.exchange_log import merkle, verify_exchange


def sm3(data: bytes) -> bytes:
    return bytes.fromhex(sm3_hex(data))


def climb(data: bytes, place: int, count: int, path: list[bytes]) -> bytes:
    """With the code of the verifier, which is not that of the sealer."""
    header = {"first": 1, "last": count}
    return verify_exchange._climb(sm3(b"\x00" + data), place, header, [node.hex() for node in path])


def test_the_tree_has_the_shape_of_rfc_6962() -> None:
    """Seven leaves: four to the left, then two, then one; leaves and nodes under marks of their own."""
    a, b, c, d, e, f, g = (sm3(b"\x00" + bytes([one])) for one in b"abcdefg")

    def node(left: bytes, right: bytes) -> bytes:
        return sm3(b"\x01" + left + right)

    root = node(node(node(a, b), node(c, d)), node(node(e, f), g))
    leaves = [merkle.leaf_hash(bytes([one])) for one in b"abcdefg"]
    assert merkle.root_of(leaves) == root
    assert merkle.path_to(leaves, 6) == [node(e, f), node(node(a, b), node(c, d))]
    assert merkle.path_to(leaves, 2) == [d, node(a, b), node(node(e, f), g)]


@given(st.integers(1, 70), st.data())
def test_every_path_leads_to_the_root_and_no_other_does(count: int, data: st.DataObject) -> None:
    """Whatever the number of leaves; another leaf, another place or a changed step does not."""
    texts = [str(number).encode() for number in range(count)]
    leaves = [merkle.leaf_hash(text) for text in texts]
    root, place = merkle.root_of(leaves), data.draw(st.integers(0, count - 1))
    path = merkle.path_to(leaves, place)
    assert climb(texts[place], place, count, path) == root
    assert verify_exchange._root(leaves) == root
    assert climb(b"another", place, count, path) != root
    if path:
        step = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:step], bytes([path[step][0] ^ 1]) + path[step][1:], *path[step + 1 :]]
        assert climb(texts[place], place, count, changed) != root
    for wrong in (path[:-1] if path else [root], [*path, root]):
        with pytest.raises(verify_exchange.Altered):
            climb(texts[place], place, count, wrong)


@given(st.lists(st.binary(max_size=3), min_size=2, max_size=20, unique=True), st.data())
def test_two_leaves_that_change_places_give_another_root(texts: list[bytes], data: st.DataObject) -> None:
    """The order is part of what is sealed."""
    leaves = [merkle.leaf_hash(text) for text in texts]
    one, other = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=2, max_size=2, unique=True))
    moved = list(leaves)
    moved[one], moved[other] = moved[other], moved[one]
    assert merkle.root_of(moved) != merkle.root_of(leaves)


def test_a_node_is_no_leaf() -> None:
    """Who hands in an inner node's bytes as a leaf gets another hash."""
    leaves = [merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")]
    assert merkle.leaf_hash(leaves[0] + leaves[1]) != merkle.root_of(leaves)


@given(st.binary(max_size=300))
def test_the_verifiers_own_sm3_is_sm3(data: bytes) -> None:
    """For machines whose OpenSSL has none."""
    assert verify_exchange.sm3_slowly(data).hex() == sm3_hex(data)


def test_a_machine_without_sm3_verifies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The digests are the same."""
    known = verify_exchange._sm3(b"abc")

    def refuse(name: str, data: bytes) -> None:
        raise ValueError("unsupported hash type sm3")

    monkeypatch.setattr(hashlib, "new", refuse)
    assert verify_exchange._sm3(b"abc") == known
    assert known.hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
