"""The keys of sealed fields as one process holds them: the two roots from the settings, and data keys that were unwrapped.

Every engine has one; it is found through the connection, so that no function need carry it about.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import sqlalchemy as sa

from hub.errors import KeysUnusable
from hub.sealing import BlindIndex, DataKey, Root, Wrapped, check_value, prove, suite_named, unwrap
from hub.settings import has_secret, read_secret

FindSecret = Callable[[str], str]


class Vault:
    """Roots are read when they are first needed, and the algorithms proved before."""

    def __init__(self, find_secret: FindSecret | None = None, folder: Path | None = None) -> None:
        self._find_secret, self._folder = find_secret, folder
        self._unwrapped: dict[Wrapped, DataKey] = {}
        self._indexes: dict[str, BlindIndex] = {}

    @cached_property
    def kek(self) -> Root:
        """The key-encryption key."""
        prove()
        return Root(read_secret("HUB_KEK", self._find_secret, self._folder))

    @cached_property
    def index_root(self) -> Root:
        """What blind indexes and keyed digests are derived from; another secret than the key-encryption key."""
        root = Root(read_secret("HUB_INDEX_ROOT", self._find_secret, self._folder))
        if root == self.kek:
            raise KeysUnusable("HUB_KEK and HUB_INDEX_ROOT hold the same secret; they must be two")
        return root

    @cached_property
    def old_kek(self) -> Root | None:
        """The key-encryption key of before, while data keys are being brought under another (``HUB_KEK_OLD``)."""
        name = "HUB_KEK_OLD"
        return Root(read_secret(name, self._find_secret)) if has_secret(name) else None

    def kek_known_as(self, check: str) -> Root:
        """The key-encryption key with this check value: ours, or the one before. Raises KeysUnusable for any other."""
        for root in (self.kek, self.old_kek):
            if root is not None and check_value(root) == check:
                return root
        mine = check_value(self.kek)
        raise KeysUnusable(f"the data keys lie under the key-encryption key {check}, and ours is {mine}")

    def check_index_root(self, check: str) -> None:
        """Raises KeysUnusable when the database was indexed with another root than ours."""
        mine = check_value(self.index_root)
        if check != mine:
            raise KeysUnusable(f"the database is indexed under the root {check}, and ours is {mine}")

    def unwrap(self, wrapped: Wrapped, check: str) -> DataKey:
        """The data key itself, opened once; ``check`` tells under which key-encryption key it lies."""
        if wrapped not in self._unwrapped:
            self._unwrapped[wrapped] = unwrap(self.kek_known_as(check), wrapped)
        return self._unwrapped[wrapped]

    def keep_only(self, standing: set[Wrapped]) -> None:
        """Forget keys that were destroyed."""
        for gone in self._unwrapped.keys() - standing:
            self._unwrapped.pop(gone, None)

    def index(self, suite: str) -> BlindIndex:
        """The blind index in this suite."""
        if suite not in self._indexes:
            self._indexes[suite] = BlindIndex(self.index_root, suite_named(suite))
        return self._indexes[suite]


def vault_of(work: sa.Connection) -> Vault:
    """The vault of the engine behind a connection."""
    vault = work.get_execution_options().get("vault")
    assert isinstance(vault, Vault), "open databases with open_database()"
    return vault
