"""Where the hub's state lives, read from the environment. Addresses and secrets of partners are connections, not settings."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.errors import HubError
from hub.masking import hide

TIME_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Settings:
    """``database_url``: any PostgreSQL; ``archive``: folder or address of raw bytes; ``mappings``: folder of feeds."""

    database_url: str
    archive: str
    mappings: Path


def read_settings() -> Settings:
    """Read ``HUB_DATABASE_URL``, ``HUB_ARCHIVE`` and ``HUB_MAPPINGS``; raises HubError when the database is not named."""
    url = os.environ.get("HUB_DATABASE_URL", "")
    if not url:
        raise HubError("HUB_DATABASE_URL is not set; give the address of a PostgreSQL, or start one with `make demo`")
    return Settings(database_url=url, archive=archive_place(), mappings=mappings_folder())


def mappings_folder() -> Path:
    """The folder with one YAML per feed."""
    default = Path(__file__).resolve().parent.parent / "mappings"
    return Path(os.environ.get("HUB_MAPPINGS", default))


def archive_place() -> str:
    """The folder that keeps every raw byte received, or the address of an object store such as ``s3://bucket/archive``."""
    return os.environ.get("HUB_ARCHIVE", "var/archive")


@dataclass(frozen=True)
class Terms:
    """How many days what is kept. The tables are kept without end; raw bytes and the journal beside them are not."""

    raw_days: int
    journal_days: int


LEAST_RAW_DAYS, LEAST_JOURNAL_DAYS = 1096, 31
"""Wage ledgers are kept three years at least (国令724 art. 15); no backup older than a month is restored."""


def read_terms() -> Terms:
    """Read ``HUB_KEEP_RAW_DAYS`` (five years) and ``HUB_KEEP_JOURNAL_DAYS`` (a year); raises HubError for less than is allowed."""
    raw = _days("HUB_KEEP_RAW_DAYS", 1827, LEAST_RAW_DAYS)
    return Terms(raw, _days("HUB_KEEP_JOURNAL_DAYS", 366, LEAST_JOURNAL_DAYS))


def _days(name: str, default: int, least: int) -> int:
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdigit() and least <= int(text) <= 100_000):
        raise HubError(f"{name} must be a number of days, {least} at least")
    return int(text)


def reports_folder() -> Path:
    """The folder in which the pages of reconciliation are put."""
    return Path(os.environ.get("HUB_REPORTS", "var/reports"))


OLD_SEAL_KEY = Path("var/seal.key")


def seal_key(find_secret: Callable[[str], str] | None = None) -> tuple[str | Path, str]:
    """The key that seals the exchange log, as text or as the file it lies in; and its suite, ``sm2-sm3`` or ``ed25519``.

    Named as the other secrets are; ``HUB_SEAL_KEY`` may also be a path, as it used to. Where nothing is named it is a private
    file in ``HUB_KEYS``, or ``var/seal.key`` where that was made before.
    """
    suite = os.environ.get("HUB_SEAL_SUITE", "sm2-sm3")
    named = _named_secret("HUB_SEAL_KEY", find_secret)
    if named is None:
        own = keys_folder() / "seal_key"
        return OLD_SEAL_KEY if OLD_SEAL_KEY.exists() and not own.exists() else own, suite
    if isinstance(named, str) and named.startswith("env:"):  # how it used to be written
        named = os.environ.get(named.removeprefix("env:"), "")
    return (Path(named) if isinstance(named, str) and "/" in named else named), suite


def keys_folder() -> Path:
    """Where the hub keeps keys of its own making, for its account alone (``HUB_KEYS``)."""
    return Path(os.environ.get("HUB_KEYS", "var/keys"))


def anchors_folder() -> Path:
    """The folder into which the exchange log's newest block goes out each hour; best on storage in other hands."""
    return Path(os.environ.get("HUB_ANCHORS", "var/anchors"))


def suite_name() -> str:
    """The suite in which new data keys seal (``HUB_SUITE``)."""
    return os.environ.get("HUB_SUITE", "aes")


def read_secret(name: str, find_secret: Callable[[str], str] | None = None, folder: Path | None = None) -> bytes:
    """A credential of 32 bytes by the name of its setting, ``HUB_KEK`` or ``HUB_INDEX_ROOT``; raises HubError (S051).

    From the variable itself, the file of ``…_FILE``, or the Airflow connection of ``…_CONNECTION`` (its password); where none is
    named, from a private file in ``folder`` (``HUB_KEYS``) that is made at the first use.
    """
    named = _named_secret(name, find_secret)
    if isinstance(named, Path):
        return _secret(_read(named, f"{name}_FILE"), f"{name}_FILE")
    if named is not None:
        return _secret(named, name if name in os.environ else f"{name}_CONNECTION")
    path = (folder or keys_folder()) / name.removeprefix("HUB_").lower()
    if not path.exists():
        _make_secret(path)
    return _secret(_read(path, "HUB_KEYS"), str(path))


def _named_secret(name: str, find_secret: Callable[[str], str] | None) -> str | Path | None:
    """What settings say of a secret, the one way for all of them: its text, the file it lies in, or None where they say nothing."""
    if name in os.environ:
        return os.environ[name]
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file)
    if connection := os.environ.get(f"{name}_CONNECTION"):
        if find_secret is None:
            raise HubError(f"{name}_CONNECTION is set, and connections are not to be had here", code="S051")
        return find_secret(connection)
    return None


def has_secret(name: str) -> bool:
    """Whether a setting names this credential in any way."""
    return any(f"{name}{end}" in os.environ for end in ("", "_FILE", "_CONNECTION"))


def _read(path: Path, setting: str) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise HubError(f"{setting}: {path} cannot be read ({type(error).__name__})", code="S051") from None


def _secret(text: str, where: str) -> bytes:
    text = text.strip()
    if len(text) != 64 or not all(letter in "0123456789abcdefABCDEF" for letter in text):
        raise HubError(f"{where} holds no key: 64 hexadecimal digits, made by `openssl rand -hex 32`", code="S051")
    hide(text)
    return bytes.fromhex(text)


def _make_secret(path: Path) -> None:
    """Whole and on the disk, or not at all; of several who make it at once the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        draft.unlink()


def now() -> datetime:
    """The present moment in Shanghai."""
    return datetime.now(TIME_ZONE)


def today() -> date:
    """The calendar day in Shanghai, whatever the machine's zone."""
    return now().date()
