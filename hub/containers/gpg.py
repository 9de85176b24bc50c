"""A private GNUPGHOME for one opening or closing: in memory where the machine has it, gone with its agent afterwards.

No key is looked up, no server is asked, no terminal either; what gpg says comes as status lines.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub.errors import MappingInvalid

MEMORY = Path("/dev/shm")
OPTIONS = ["--no-options", "--no-auto-key-locate", "--no-auto-key-retrieve", "--disable-dirmngr", "--no-auto-check-trustdb",
           "--no-symkey-cache", "--require-cross-certification", "--pinentry-mode", "loopback"]  # fmt: skip
AGENT = "s2k-count 65536\nno-allow-external-cache\ndisable-scdaemon\n"
"""Else the agent measures for more than a second how slowly it may protect keys that live for one."""
STATUS = "[GNUPG:] "
CODING = "latin-1"
"""Of what gpg says: names in keys and messages are a stranger's bytes, and every byte is a letter of this one."""


def find_gpg() -> str | None:
    """Where gpg is, if it is installed."""
    return shutil.which("gpg")


@contextmanager
def open_home() -> Iterator[Any]:
    """python-gnupg on a home of its own. Raises MappingInvalid where gpg is not installed.

    The path is short, for a socket's may have 108 characters only.
    """
    import gnupg

    if (program := find_gpg()) is None:
        raise MappingInvalid("gpg is not installed on this machine (Debian: apt install gnupg)")
    base = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
    home = tempfile.mkdtemp(prefix="hub-gpg-", dir=base)  # for its owner alone
    try:
        Path(home, "gpg-agent.conf").write_text(AGENT)
        opened = gnupg.GPG(gpgbinary=program, gnupghome=home, options=OPTIONS)
        opened.encoding, opened.buffer_size = CODING, 1024**2
        yield opened
    finally:
        _end(home)


def _end(home: str) -> None:
    """End the agent of this home, then forget its files; the agent of another home is another process."""
    program = shutil.which("gpgconf")
    if program is not None:
        for words in (["--kill", "all"], ["--remove-socketdir"]):
            subprocess.run([program, "--homedir", home, *words], capture_output=True, timeout=30, check=False)
    shutil.rmtree(home, ignore_errors=True)


def spoken(pass_phrase: str) -> str | None:
    """A pass phrase as the library takes it; None for none, for an empty one would be read as the first line of the message."""
    return pass_phrase.encode().decode(CODING) or None


def status_of(result: Any) -> list[list[str]]:
    """The status lines of a result, cut into words."""
    lines = str(result.stderr).splitlines()
    return [line.removeprefix(STATUS).split() for line in lines if line.startswith(STATUS) and len(line) > len(STATUS)]
