"""Knocks: what partners said is ready, the nonces that were used, and how often which answer was given."""

from alembic import op

revision = "0012"
down_revision = "0011"

TABLES = """
    create table knock (
        knock_id bigint generated always as identity primary key,
        partner text not null,
        ready text not null,
        algorithm text not null,
        signed_text text not null,
        signature text not null,
        digest text not null,
        look text not null default 'owed' check (look in ('owed', 'started', 'waiting')),
        dag_run text,
        knocked_at timestamptz not null default now()
    );
    create index on knock (partner, knock_id);
    create table knock_nonce (
        partner text not null,
        nonce text not null,
        used_at timestamptz not null default now(),
        primary key (partner, nonce)
    );
    create index on knock_nonce (used_at);
    create table knock_count (
        day date not null,
        partner text not null,
        code text not null,
        knocks bigint not null,
        last_at timestamptz not null,
        primary key (day, partner, code)
    );
"""


def upgrade() -> None:
    op.execute(TABLES)
