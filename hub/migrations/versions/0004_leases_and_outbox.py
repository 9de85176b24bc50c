"""Leases with fencing tokens, circuits of connections, submissions of unknown outcome, and the outbox of report calls."""

from alembic import op

revision = "0004"
down_revision = "0003"

LEASES = """
    create table lease (
        name text primary key,
        holder text not null,
        token bigint not null,
        until timestamptz not null
    );
    create table circuit (
        connection text primary key,
        failures integer not null default 0,
        open_until timestamptz,
        code text,
        paused_by text,
        reason text,
        changed_at timestamptz not null default now()
    );
"""

SUBMISSIONS = """
    alter table submission add column state text not null default 'sending'
        check (state in ('sending', 'unknown', 'submitted', 'answered'));
    alter table submission add column inquiries integer not null default 0;
    alter table submission add column refusals integer not null default 0;
    update submission set state = case when answered_at is not null then 'answered'
                                       when serial_code is not null then 'submitted' else 'unknown' end;
    alter table delivery add column splits integer not null default 0;
"""

CALLS = """
    create table told_call (
        call_id bigint generated always as identity primary key,
        batch_id bigint not null references batch,
        stage text not null,
        call_key text not null unique,
        rows jsonb not null,
        row_count integer not null,
        opened_at timestamptz not null default now(),
        sent_at timestamptz
    );
    create index told_call_open on told_call (batch_id, stage) where sent_at is null;
    create index told_call_by_batch on told_call (batch_id);
    create table told_row (
        batch_id bigint not null references batch,
        stage text not null,
        place text not null,
        row_digest text not null,
        call_id bigint not null references told_call,
        primary key (batch_id, stage, place)
    );
"""


def upgrade() -> None:
    for statements in (LEASES, SUBMISSIONS, CALLS):
        op.execute(statements)
