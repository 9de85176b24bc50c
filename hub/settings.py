"""Where the hub's state lives, read from the environment. Addresses and secrets of partners are connections, not settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.errors import HubError

TIME_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Settings:
    """``database_url``: any PostgreSQL; ``archive``: folder of raw bytes; ``mappings``: folder of feeds."""

    database_url: str
    archive: Path
    mappings: Path


def read_settings() -> Settings:
    """Read ``HUB_DATABASE_URL``, ``HUB_ARCHIVE`` and ``HUB_MAPPINGS``; raises HubError when the database is not named."""
    url = os.environ.get("HUB_DATABASE_URL", "")
    if not url:
        raise HubError("HUB_DATABASE_URL is not set; give the address of a PostgreSQL, or start one with `make demo`")
    return Settings(database_url=url, archive=archive_folder(), mappings=mappings_folder())


def mappings_folder() -> Path:
    """The folder with one YAML per feed."""
    default = Path(__file__).resolve().parent.parent / "mappings"
    return Path(os.environ.get("HUB_MAPPINGS", default))


def archive_folder() -> Path:
    """The folder that keeps every raw byte received."""
    return Path(os.environ.get("HUB_ARCHIVE", "var/archive"))


def reports_folder() -> Path:
    """The folder in which the pages of reconciliation are put."""
    return Path(os.environ.get("HUB_REPORTS", "var/reports"))


def now() -> datetime:
    """The present moment in Shanghai."""
    return datetime.now(TIME_ZONE)


def today() -> date:
    """The calendar day in Shanghai, whatever the machine's zone."""
    return now().date()
