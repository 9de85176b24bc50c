"""Repairs of rejected rows by two persons, replays that go on where they were, and what is sent once more or never again."""

from alembic import op

revision = "0009"
down_revision = "0008"

REPAIRS = """
    create table repair (
        repair_id bigint generated always as identity primary key,
        batch_id bigint not null references batch,
        state text not null default 'waiting' check (state in ('waiting', 'effective', 'declined')),
        reason text not null,
        asked_by text not null,
        asked_at timestamptz not null default now(),
        decided_by text,
        decided_at timestamptz,
        check (state <> 'effective' or (decided_by is not null and decided_by <> asked_by))
    );
    create index repair_by_batch on repair (batch_id);
    create table repair_row (
        repair_id bigint not null references repair,
        place text not null,
        part_no integer not null,
        row_no integer not null,
        printed_no text not null,
        corrections jsonb not null,
        before_digest text not null,
        after_digest text not null,
        reasons jsonb not null,
        primary key (repair_id, place, part_no, row_no)
    );
    create index repair_row_by_digest on repair_row (before_digest);
"""

REPLAYS = """
    create table replay (
        replay_id bigint generated always as identity primary key,
        wanted jsonb not null,
        asked_by text not null,
        asked_at timestamptz not null default now(),
        finished_at timestamptz
    );
    create unique index replay_open on replay (wanted) where finished_at is null;
    create table replay_batch (
        replay_id bigint not null references replay,
        batch_id bigint not null references batch,
        state text not null default 'waiting' check (state in ('waiting', 'read', 'left')),
        code text,
        message text,
        changed_at timestamptz not null default now(),
        primary key (replay_id, batch_id)
    );
"""

SENDINGS = """
    create table waking (
        delivery_id bigint not null references delivery,
        parent_receipt_id bigint not null references receipt,
        woken_at timestamptz not null default now(),
        primary key (delivery_id, parent_receipt_id)
    );
    create table withdrawal (
        withdrawal_id bigint generated always as identity primary key,
        receiver text not null,
        schema_name text,
        reason text not null,
        asked_by text not null,
        asked_at timestamptz not null default now(),
        deliveries bigint not null
    );
    alter table delivery drop constraint delivery_state_check;
    alter table delivery add constraint delivery_state_check
        check (state in ('waiting', 'submitted', 'accepted', 'refused', 'withdrawn'));
    create index receipt_given_up on receipt (delivery_id) where code = 'R002';
    create index repetition_by_record on repetition (schema_name, record_id);
"""


def upgrade() -> None:
    for statements in (REPAIRS, REPLAYS, SENDINGS):
        op.execute(statements)
