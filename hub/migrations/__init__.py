"""The tables' history, forward only. `hub migrate` brings any PostgreSQL to the newest step."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from hub.store.database import working
from hub.store.old_rows import seal_old_rows


def migrate(engine: sa.Engine) -> None:
    """Bring the database to the newest step; several callers at once are let in one after the other."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with working(engine) as work:
        work.execute(sa.text("select pg_advisory_xact_lock(hashtext('hub.migrations'))"))
        work.execute(sa.text("create schema if not exists hub"))
        config.attributes["connection"] = work
        command.upgrade(config, "head")
        seal_old_rows(work)
