"""OpenSSH's own sshd on a free port of this machine, with a host key, a login key and a folder of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.model import Connection

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/login_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel ERROR
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d {root}
"""


def find_sshd() -> str | None:
    """Where sshd is, if it is installed."""
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def serving(folder: Path, *lines: str, phrase: str = "") -> Iterator[tuple[Connection, Path]]:
    """sshd while the block lasts; gives the connection to it and the folder that it shows.

    ``lines`` come first in its settings; the login key lies under ``phrase``.
    """
    sshd, root, port = find_sshd(), folder / "root", _free_port()
    assert sshd is not None
    root.mkdir()
    for name, under in (("host_key", ""), ("login_key", phrase)):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", under, "-f", str(folder / name)], check=True)
    (folder / "config").write_text("\n".join(lines) + CONFIG.format(port=port, folder=folder, root=root))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it when started by root
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "config")], stderr=log)
    try:
        _wait_until_open(port, server, folder / "log")
        key = " ".join((folder / "host_key.pub").read_text().split()[:2])
        extra = {"host_key": key, "private_key": (folder / "login_key").read_text()}
        yield Connection("openssh_sftp", "127.0.0.1", port, getpass.getuser(), "", extra), root
    finally:
        server.terminate()
        server.wait(10)


def _wait_until_open(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"sshd did not start: {log.read_text()}") from None
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
