"""The key-encryption keys that open the archive: ours and, while it is being changed, the one before.

They are read when the first object needs them, from where the database's vault reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from hub.sealing import Root, check_value, prove
from hub.settings import has_secret, read_secret


class Keyring:
    """``find_secret`` asks Airflow for the password of a connection, where a setting names one. Raises KeysUnusable (S051)."""

    def __init__(self, find_secret: Callable[[str], str] | None = None) -> None:
        self._find_secret = find_secret

    @cached_property
    def kek(self) -> Root:
        """The key under which new objects lie (``HUB_KEK``)."""
        prove()
        return Root(read_secret("HUB_KEK", self._find_secret))

    @cached_property
    def known(self) -> Sequence[tuple[str, Root]]:
        """Every key at hand with its check value, ours first (``HUB_KEK_OLD`` is the other)."""
        others = [Root(read_secret(name, self._find_secret)) for name in ("HUB_KEK_OLD",) if has_secret(name)]
        return [(check_value(root), root) for root in (self.kek, *others)]

    @property
    def check(self) -> str:
        """By what our key is known again."""
        return self.known[0][0]
