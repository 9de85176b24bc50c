"""Where the two roots come from, and that nobody needs to know before a first hub runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.errors import HubError
from hub.settings import read_secret, suite_name
from hub.store.vault import Vault
from hub.text import masked_as

SECRET = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No setting of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith(("HUB_KEK", "HUB_INDEX", "HUB_SUITE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HUB_KEYS", str(tmp_path / "state" / "keys"))
    return tmp_path


def test_where_none_is_given_a_private_file_is_made_and_stays(own_folder: Path) -> None:
    """Once, for its owner alone; the two differ."""
    made = [read_secret(name) for name in ("HUB_KEK", "HUB_INDEX_ROOT")]
    assert [read_secret(name) for name in ("HUB_KEK", "HUB_INDEX_ROOT")] == made
    assert made[0] != made[1]
    files = sorted((own_folder / "state" / "keys").iterdir())
    assert [file.name for file in files] == ["index_root", "kek"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_several_that_begin_at_once_have_one_secret() -> None:
    """The first one's file stays."""
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(read_secret("HUB_KEK"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_variable_file_and_connection_go_before_it_in_this_order(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And make no file."""
    file = own_folder / "secret"
    file.write_text("22" * 32 + "\n")
    monkeypatch.setenv("HUB_KEK_CONNECTION", "hub_kek")
    assert read_secret("HUB_KEK", {"hub_kek": "33" * 32}.__getitem__) == b"\x33" * 32
    monkeypatch.setenv("HUB_KEK_FILE", str(file))
    assert read_secret("HUB_KEK") == b"\x22" * 32
    monkeypatch.setenv("HUB_KEK", SECRET)
    assert read_secret("HUB_KEK").hex() == SECRET
    assert not (own_folder / "state").exists()


def _short(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("HUB_KEK", SECRET[:-1])


def _no_digits(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("HUB_KEK", "g" * 64)


def _no_file(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("HUB_KEK_FILE", str(folder / "nowhere"))


def _no_text(patch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "odd").write_bytes(b"\xff" * 64)
    patch.setenv("HUB_KEK_FILE", str(folder / "odd"))


def _no_airflow(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("HUB_KEK_CONNECTION", "hub_kek")


def _the_same(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("HUB_KEK", SECRET)
    patch.setenv("HUB_INDEX_ROOT", SECRET)


@pytest.mark.parametrize("harm", [_short, _no_digits, _no_file, _no_text, _no_airflow, _the_same])
def test_what_is_no_key_is_said_by_code_and_not_shown(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[pytest.MonkeyPatch, Path], None]
) -> None:
    """Too short, no digits, no file, no connection to ask, one secret for both; no new one is made in its place."""
    harm(monkeypatch, own_folder)
    with pytest.raises(HubError) as wrong:
        _ = Vault().index_root
    assert wrong.value.code == "S051"
    assert SECRET[:20] not in str(wrong.value)
    assert not (own_folder / "state" / "keys" / "kek").exists()


def test_a_hub_that_is_told_nothing_seals_in_the_common_suite() -> None:
    """`sm` is for who asks for it."""
    assert suite_name() == "aes"


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [("document", "370102199001011234", "3701**********1234"), ("card", "6222020200000007890", "622202*********7890"),
     ("account", "1602010104022000", "1602********2000"), ("phone", "13800008000", "138****8000"), ("phone", "1234567", "*******"),
     ("document", "E1", "**"), (None, "欧阳测", "欧***"), (None, "", "***")],
)  # fmt: skip
def test_values_are_shown_masked(kind: str | None, value: str, shown: str) -> None:
    """Ends of a long number, nothing of a short one, the first letter of a name."""
    assert masked_as(kind, value) == shown
