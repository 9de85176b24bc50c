"""Leases with fencing tokens, circuits and the outbox of calls."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Nothing yet."""
