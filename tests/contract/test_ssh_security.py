"""What the hub asks of a bank's SSH before it believes it, against OpenSSH's own sshd."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest
from ssh_server import find_sshd, serving

from connectors.ssh import WEAK, SshSession
from hub.errors import PartnerRefused, PartnerUnavailable
from hub.model import Connection

pytestmark = pytest.mark.skipif(find_sshd() is None, reason="OpenSSH's sshd is not installed")


def with_extra(connection: Connection, **changes: str) -> Connection:
    return replace(connection, extra={**connection.extra, **changes})


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A server as banks run it today."""
    with serving(tmp_path_factory.mktemp("sshd")) as (connection, _):
        yield connection


def test_what_is_agreed_on_is_modern_and_strict(bank: Connection) -> None:
    """Whatever paramiko would offer besides; strict key exchange, so that no message can be cut out (Terrapin)."""
    with SshSession(bank) as session:
        transport = session._client.get_transport()
        assert transport is not None
        assert transport.agreed_on_strict_kex  # type: ignore[attr-defined]
        agreed = {transport.local_cipher, transport.remote_cipher, transport.local_mac, transport.remote_mac}
    assert not agreed & {name for names in WEAK.values() for name in names}


def test_paramiko_offers_nothing_weak_that_we_do_not_leave_out() -> None:
    """A new version of it may offer more."""
    offered = (*paramiko.Transport._preferred_ciphers, *paramiko.Transport._preferred_macs,
               *paramiko.Transport._preferred_kex, *paramiko.Transport._preferred_keys)  # fmt: skip
    words = ("cbc", "3des", "rc4", "arcfour", "md5", "sha1", "dss", "-96", "group1-")
    doubtful = {name for name in offered if any(word in name for word in words) or name == "ssh-rsa"}
    assert doubtful <= {name for names in WEAK.values() for name in names}


@pytest.mark.parametrize(
    "line",
    [
        "Ciphers aes128-cbc,3des-cbc",
        "MACs hmac-md5,hmac-sha1\nCiphers aes128-ctr",
        "KexAlgorithms diffie-hellman-group14-sha1",
    ],
    ids=["ciphers", "digests", "key exchange"],
)
def test_a_server_with_old_algorithms_alone_is_for_a_person(tmp_path: Path, line: str) -> None:
    """Refused before a password is shown, and not tried again for ever."""
    with serving(tmp_path, line) as (connection, _), pytest.raises(PartnerRefused) as caught, SshSession(connection):
        pass
    assert caught.value.code == "S064"


def test_a_changed_host_key_is_refused(bank: Connection, tmp_path: Path) -> None:
    """The one that was pinned, of the same kind or of another."""
    for kind in ("ed25519", "rsa"):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(tmp_path / kind)], check=True)
        other = " ".join((tmp_path / f"{kind}.pub").read_text().split()[:2])
        with pytest.raises(PartnerRefused) as caught, SshSession(with_extra(bank, host_key=other)):
            pass
        assert caught.value.code == "S064"


def test_a_login_key_may_lie_under_a_pass_phrase_and_in_a_file(tmp_path: Path) -> None:
    """`key_password`, or the password; a wrong one is said as such."""
    with serving(tmp_path, phrase="开门 open") as (connection, _):
        path = str(tmp_path / "login_key")
        for one in (
            with_extra(connection, key_password="开门 open"),
            replace(connection, password="开门 open"),
            with_extra(connection, private_key=path, key_password="开门 open"),
        ):
            with SshSession(one):
                pass
        for wrong in (with_extra(connection, key_password="shut"), with_extra(connection, private_key=f"{path}.gone")):
            with pytest.raises(PartnerRefused) as caught, SshSession(wrong):
                pass
            assert caught.value.code == "S065"
            assert "PRIVATE" not in str(caught.value)


def test_no_other_key_of_this_machine_is_tried(
    bank: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an agent nor ~/.ssh: with the connection's key taken away nobody gets in."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_text(bank.extra["private_key"])
    (tmp_path / ".ssh" / "id_ed25519").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    asked: list[int] = []
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        agent.settimeout(0.5)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        extra = {name: text for name, text in bank.extra.items() if name != "private_key"}
        with pytest.raises(PartnerRefused), SshSession(replace(bank, password="guess", extra=extra)):
            pass
        with pytest.raises(TimeoutError):
            asked.append(agent.accept()[0].fileno())
    assert asked == []


@pytest.mark.parametrize("says", [b"", b"SSH-2.0-Silent\r\n"], ids=["no banner", "no key exchange"])
def test_a_server_that_falls_silent_is_unavailable(
    bank: Connection, says: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each stage has its own end."""
    caplog.set_level(logging.CRITICAL, "paramiko")
    monkeypatch.setattr("connectors.ssh.TIMEOUT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kept: list[socket.socket] = []

        def answer() -> None:
            kept.append(silent.accept()[0])
            kept[0].sendall(says)

        threading.Thread(target=answer, daemon=True).start()
        extra = {**bank.extra}
        quiet = Connection("x", "127.0.0.1", silent.getsockname()[1], os.environ.get("USER", "x"), "", extra)
        with pytest.raises(PartnerUnavailable), SshSession(quiet):
            pass
        kept[0].close()
