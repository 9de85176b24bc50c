"""An archive as an older hub left it: half of its objects in the clear, half under the key-encryption key of before."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

from hub.archive import Archive
from hub.archive.changing import count_keks
from hub.archive.sealed import seal_object

FORMER_KEK = "5a" * 32
"""Every process of the suite knows it as HUB_KEK_OLD."""


def age(place: Path) -> None:
    """Undo what `hub archive encrypt` and `hub keys rewrap` are to do."""
    ours = Archive(place)
    today = ours.keyring.check  # read now: a keyring reads its keys when it first needs them
    with mock.patch.dict(os.environ, HUB_KEK=FORMER_KEK):
        former = Archive(place)
        assert former.keyring.check != today
    for number, name in enumerate(ours.names()):
        data = b"".join(ours.chunks(name))
        ours.shelf.replace(name, [data] if number % 2 else seal_object(former.keyring, name, [data]))


def check_renewed(archive: Archive) -> None:
    """Raises AssertionError while one object lies otherwise than under our own key."""
    assert set(count_keks(archive)) == {archive.keyring.check}
