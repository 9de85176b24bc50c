"""Streams: bytes of any length, sealed chunk by chunk, each bound to its number and to whether it is the last. Pure.

STREAM after Hoang, Reyhanitabar, Rogaway and Vizár (2015): chunks cut off, added, swapped or dropped do not open.
A key is for one stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag

from hub.sealing.suites import NONCE, TAG, Suite

LAST = b"\x01"
NOT_LAST = b"\x00"


@dataclass(frozen=True)
class Binding:
    """What a stream is sealed with. ``head`` is bound to each chunk, ``name`` to the last; ``chunk`` is in bytes of plain text."""

    suite: Suite
    secret: bytes = field(repr=False)
    head: bytes
    name: bytes
    chunk: int

    def beside(self, *, is_last: bool) -> bytes:
        """What is bound to a chunk, each part after its length."""
        parts = (b"stream", self.head, self.name) if is_last else (b"stream", self.head)
        return b"".join(len(part).to_bytes(4) + part for part in parts)


def seal_stream(binding: Binding, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The sealed chunks, one after the other. Only the last may be short; it is empty when there is nothing to seal."""
    seal, bound = binding.suite.sealing(binding.secret), binding.beside(is_last=False)
    waiting, number = bytearray(), 0
    for piece in pieces:
        waiting += piece
        while len(waiting) > binding.chunk:
            yield seal(_nonce(number, NOT_LAST), bytes(waiting[: binding.chunk]), bound)
            del waiting[: binding.chunk]
            number += 1
    yield seal(_nonce(number, LAST), bytes(waiting), binding.beside(is_last=True))


class Opening:
    """Opens a stream whose bytes come in pieces of any size. Raises InvalidTag for whatever was changed."""

    def __init__(self, binding: Binding) -> None:
        self._open = binding.suite.opening(binding.secret)
        self._bound, self._bound_last = binding.beside(is_last=False), binding.beside(is_last=True)
        self._chunk = binding.chunk + TAG
        self._waiting, self._number = bytearray(), 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The plain text of the chunks that are known not to be the last."""
        self._waiting += piece
        while len(self._waiting) > self._chunk:
            sealed = bytes(self._waiting[: self._chunk])
            del self._waiting[: self._chunk]
            yield self._open(_nonce(self._number, NOT_LAST), sealed, self._bound)
            self._number += 1

    def end(self) -> bytes:
        """The plain text of the last chunk, once there is nothing more to come."""
        if len(self._waiting) < TAG:
            raise InvalidTag
        return self._open(_nonce(self._number, LAST), bytes(self._waiting), self._bound_last)


def open_stream(binding: Binding, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The plain text, piece by piece; whole only when this ends without InvalidTag."""
    opening = Opening(binding)
    for piece in pieces:
        yield from opening.feed(piece)
    yield opening.end()


def _nonce(number: int, mark: bytes) -> bytes:
    return number.to_bytes(NONCE - len(mark)) + mark
