"""Who types is the account that the machine knows, never what a variable says; and the file of officers must be trustworthy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub import officers
from hub.errors import HubError, NotAllowed
from hub.officers import account, acting, acting_as, read_officers, who_asks

ME = officers._name_of(os.getuid())
FILE = f"""officers:
  王芳: {{account: {ME}, roles: [operator, mapping_admin]}}
  李强: {{account: liq, roles: [reviewer]}}
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of officers in which whoever runs the tests is 王芳; nobody logged in, nobody used sudo."""
    monkeypatch.setattr(officers, "_login_uid", lambda: None)
    monkeypatch.delenv("SUDO_USER", raising=False)
    found = tmp_path / "officers.yaml"
    found.write_text(FILE, "utf-8")
    found.chmod(0o640)
    return found


def test_the_account_says_who_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever USER and LOGNAME say."""
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "liq")
    assert (who_asks(path).name, who_asks(path).roles) == ("王芳", {"operator", "mapping_admin"})


def test_whoever_comes_by_sudo_is_who_they_were(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For root and for the account that owns the file; from any other account nobody is believed."""
    monkeypatch.setenv("SUDO_USER", "liq")
    assert who_asks(path).name == "李强"
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    assert account(trusted={0, 1}) == "uid 4242"


def test_what_the_kernel_keeps_of_the_login_counts_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It survives sudo and su, and no variable changes it."""
    monkeypatch.setattr(officers, "_login_uid", lambda: 4242)
    monkeypatch.setenv("SUDO_USER", "liq")
    with pytest.raises(NotAllowed, match="4242") as refused:
        who_asks(path)
    assert refused.value.code == "S082"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no officers"),
        ("officers: {}", "no officers"),
        ("officers: [", "cannot be read"),
        ("officers: {王芳: {account: a}}", "needs account"),
        ("officers: {王芳: {account: a, roles: operator}}", "needs account"),
        ("officers: {王芳: {account: a, roles: [boss]}}", "no role boss"),
        ("officers: {王芳: {account: a, roles: [operator, reviewer]}}", "must not hold both: operator"),
        ("officers: {王芳: {account: a, roles: [auditor, security_admin]}}", "must not hold both"),
        ("officers: {王芳: {account: a, roles: [operator]}, 李强: {account: a, roles: [reviewer]}}", "two officers"),
    ],
)  # fmt: skip
def test_a_file_that_says_what_cannot_be_lets_nobody_in(path: Path, text: str, said: str) -> None:
    """S083, and never a guess."""
    path.write_text(text, "utf-8")
    with pytest.raises(HubError, match=said) as wrong:
        read_officers(path)
    assert wrong.value.code == "S083"


@pytest.mark.parametrize("mode", [0o660, 0o646, 0o666])
def test_a_file_that_others_can_change_lets_nobody_in(path: Path, mode: int) -> None:
    """Else everybody would be whoever they liked."""
    path.chmod(mode)
    with pytest.raises(HubError, match="others can change it"):
        read_officers(path)


def test_what_is_done_inside_is_that_officers_doing() -> None:
    """And afterwards the hub's own again."""
    with acting_as("王芳", "wangf"):
        assert (acting().name, acting().account) == ("王芳", "wangf")
    assert acting().name == "hub"
