"""An object as it lies in the archive: ``magic|suite|chunk size|KEK check value|wrapped data key``, then its sealed chunks.

The first three are bound to every chunk; a change of the key-encryption key rewrites the other two and touches no chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SM3, Hash

from hub.archive.keyring import Keyring
from hub.errors import HubError, KeysUnusable
from hub.sealing import SUITES, DataKey, Root, Suite, Wrapped, make_secret, suite_named, unwrap, wrap
from hub.sealing.stream import Binding, Opening, seal_stream
from hub.settings import suite_name

MAGIC = b"\xf5WageHub\x01"
FIXED = len(MAGIC) + 2
CHECK = 8
WRAPPED = {"aes": 40, "sm": 44}
MOST_HEAD = FIXED + CHECK + max(WRAPPED.values())
CHUNK_BITS = 18
SMALLEST_BITS, LARGEST_BITS = 4, 24
"""A chunk is opened in memory: nobody's head may ask for a huge one."""


@dataclass(frozen=True)
class Head:
    """What an object begins with; ``check`` tells under which key-encryption key its data key lies."""

    suite: Suite
    bits: int
    check: str
    wrapped: bytes = field(repr=False)

    @property
    def fixed(self) -> bytes:
        return MAGIC + bytes((self.suite.number, self.bits))

    def encode(self) -> bytes:
        return self.fixed + bytes.fromhex(self.check) + self.wrapped


def decode_head(start: bytes, name: str) -> Head | None:
    """The head at the start of an object, which may end early or late; None for a plain object. Raises HubError S005."""
    if start[: len(MAGIC)] != MAGIC:
        return None
    suites = [suite for suite in SUITES.values() if start[len(MAGIC) : FIXED - 1] == bytes((suite.number,))]
    bits = start[FIXED - 1] if len(start) >= FIXED else 0
    if not suites or not SMALLEST_BITS <= bits <= LARGEST_BITS:
        raise changed(name)
    wrapped = start[FIXED + CHECK : FIXED + CHECK + WRAPPED[suites[0].name]]
    if len(wrapped) != WRAPPED[suites[0].name]:
        raise changed(name)
    return Head(suites[0], bits, start[FIXED : FIXED + CHECK].hex(), wrapped)


def seal_object(keyring: Keyring, name: str, pieces: Iterable[bytes], bits: int = CHUNK_BITS) -> Iterator[bytes]:
    """An object's bytes as they are stored, under a data key of its own."""
    suite = suite_named(suite_name())
    key = DataKey(0, suite, make_secret(suite))
    head = _head_of(keyring, key, bits)
    yield head.encode()
    yield from seal_stream(_binding(head, key, name), pieces)


def open_object(keyring: Keyring, name: str, stored: Iterable[bytes]) -> Iterator[bytes]:
    """The plain bytes of a stored object, piece by piece; whole only when this ends. Raises as ``Reader`` does."""
    reader = Reader(keyring, name)
    for piece in stored:
        yield from reader.feed(piece)
    yield from reader.end()


def rewrap_object(keyring: Keyring, name: str, stored: Iterable[bytes]) -> Iterator[bytes]:
    """The same object under our key-encryption key: a new head, the chunks as they are."""
    waiting, head = bytearray(), None
    for piece in stored:
        waiting += piece
        if head is None:
            if len(waiting) < MOST_HEAD:
                continue
            head = _head_at(waiting, name)
            del waiting[: len(head.encode())]
            yield _head_of(keyring, _key_of(keyring, head, name), head.bits).encode()
        yield bytes(waiting)
        waiting.clear()
    if head is None:
        raise changed(name)


class Reader:
    """Takes the stored bytes of one object in pieces and gives its plain bytes; a plain object is given as it is.

    Raises HubError S005 when anything was changed, at the latest at the end, and KeysUnusable (S051) when no key at hand opens it.
    ``check`` is that of its key-encryption key once the head is read; None for a plain object.
    """

    def __init__(self, keyring: Keyring, name: str) -> None:
        self.check: str | None = None
        self._keyring, self._name, self._digest = keyring, name, Hash(SM3())
        self._start: bytearray | None = bytearray()
        self._opening: Opening | None = None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The plain bytes that can be given by now."""
        if self._start is not None:
            self._start += piece
            if len(self._start) < MOST_HEAD:
                return
            piece = self._begin()
        yield from self._given(piece)

    def end(self) -> Iterator[bytes]:
        """The rest, once there is nothing more to come."""
        yield from self._given(self._begin())
        if self._opening is not None:
            try:
                last = self._opening.end()
            except InvalidTag:
                raise changed(self._name) from None
            self._digest.update(last)
            yield last
        if self._digest.finalize().hex() != digest_in(self._name):
            raise changed(self._name)

    def _begin(self) -> bytes:
        """Read the head, unless that was done; what comes after it."""
        if self._start is None:
            return b""
        start, self._start = bytes(self._start), None
        head = decode_head(start, self._name)
        if head is None:
            return start
        self.check = head.check
        self._opening = Opening(_binding(head, _key_of(self._keyring, head, self._name), self._name))
        return start[len(head.encode()) :]

    def _given(self, piece: bytes) -> Iterator[bytes]:
        try:
            for plain in [piece] if self._opening is None else self._opening.feed(piece):
                self._digest.update(plain)
                yield plain
        except InvalidTag:
            raise changed(self._name) from None


def digest_in(name: str) -> str:
    """The digest of what an object holds, by its name; a journal entry has its moment before it."""
    return name.rpartition("/")[2].rpartition("_")[2]


def gone(name: str) -> HubError:
    return HubError(f"archived object {digest_in(name)} cannot be read: it is not there", code="S005")


def changed(name: str) -> HubError:
    return HubError(f"archived object {digest_in(name)} was changed after it was received", code="S005")


def _head_at(start: bytes | bytearray, name: str) -> Head:
    head = decode_head(bytes(start), name)
    if head is None:
        raise changed(name)
    return head


def _head_of(keyring: Keyring, key: DataKey, bits: int) -> Head:
    return Head(key.suite, bits, keyring.check, wrap(_wrapping(keyring.kek, key.suite), key))


def _binding(head: Head, key: DataKey, name: str) -> Binding:
    return Binding(key.suite, key.secret, head.fixed, name.encode(), 1 << head.bits)


def _key_of(keyring: Keyring, head: Head, name: str) -> DataKey:
    """The object's data key. A check value that does not name the key which opens it was changed."""
    for check, root in keyring.known:
        try:
            key = unwrap(_wrapping(root, head.suite), Wrapped(0, head.suite, head.wrapped))
        except KeysUnusable:
            continue
        if check != head.check:
            raise changed(name)
        return key
    if head.check in dict(keyring.known):
        raise changed(name)
    raise KeysUnusable(
        f"an archived object lies under the key-encryption key {head.check}, and ours is {keyring.check}"
    )


def _wrapping(root: Root, suite: Suite) -> Root:
    """A key for the archive alone: what the database's data keys are wrapped with opens nothing here."""
    return Root(root.derive(suite, "archive"))
