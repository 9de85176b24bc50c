"""A Merkle tree as in RFC 6962, over SM3: the root stands for every leaf and its place, and a short path proves one of them.

Leaves and inner nodes are digested under marks of their own, so that nobody can pass a node off as a leaf.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SM3, Hash

LEAF, NODE = b"\x00", b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """What stands for a leaf in the tree."""
    return _sm3(LEAF + data)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over the hashes of leaves, of which there is one at least."""
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return _node(root_of(leaves[:split]), root_of(leaves[split:]))


def path_to(leaves: Sequence[bytes], place: int) -> list[bytes]:
    """What must be joined to the leaf at this place (from 0) to come to the root: its neighbour first, the widest node last."""
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if place < split:
        return [*path_to(leaves[:split], place), root_of(leaves[split:])]
    return [*path_to(leaves[split:], place - split), root_of(leaves[:split])]


def _split(count: int) -> int:
    """The largest power of two that is smaller."""
    return 1 << ((count - 1).bit_length() - 1)


def _node(left: bytes, right: bytes) -> bytes:
    return _sm3(NODE + left + right)


def _sm3(data: bytes) -> bytes:
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()
