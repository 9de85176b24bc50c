"""Incidents and notices: what was expected and did not happen, when it was well again, and who was told of it."""

from alembic import op

revision = "0005"
down_revision = "0004"

WATCHED = """
    create table watching (
        is_only boolean primary key default true check (is_only),
        resumed_at timestamptz not null,
        watched_at timestamptz not null
    );

    create table watched_feed (
        feed_id text primary key,
        since timestamptz not null,
        looked_at timestamptz
    );

    create table unread_file (
        feed_id text not null,
        path text not null,
        code text not null,
        seen_since timestamptz not null,
        seen_at timestamptz not null,
        primary key (feed_id, path)
    );

    create table expiry (
        connection text not null,
        what text not null,
        expires_at timestamptz not null,
        checked_at timestamptz not null,
        primary key (connection, what)
    );

    create index batch_by_feed on batch (feed_id, fetched_at);
"""

INCIDENTS = """
    create table incident (
        incident_id bigint generated always as identity primary key,
        kind text not null,
        subject text not null,
        level integer not null,
        detail jsonb not null,
        due_at timestamptz,
        opened_at timestamptz not null,
        closed_at timestamptz
    );
    create unique index incident_open on incident (kind, subject) where closed_at is null;

    create table notice (
        notice_id bigint generated always as identity primary key,
        incident_id bigint not null references incident,
        occasion text not null check (occasion in ('opened', 'worsened', 'closed')),
        notice_key uuid not null unique default gen_random_uuid(),
        made_at timestamptz not null,
        attempts integer not null default 0,
        not_before timestamptz,
        sent_at timestamptz,
        unique (incident_id, occasion)
    );
    create index notice_unsent on notice (notice_id) where sent_at is null;
"""


def upgrade() -> None:
    for statements in (WATCHED, INCIDENTS):
        op.execute(statements)
