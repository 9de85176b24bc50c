"""What a restored hub must know, and which raw bytes were let go."""

from alembic import op

revision = "0008"
down_revision = "0007"

RESTORES = """
    create table restore (
        restore_id bigint generated always as identity primary key,
        restored_at timestamptz not null default now(),
        restored_by text not null,
        backup_at timestamptz not null,
        version_floor integer not null,
        recovered bigint[] not null,
        told_rows bigint not null
    );

    create table told_before (
        feed_id text not null,
        stage text not null,
        row_digest text not null,
        used_by text,
        primary key (feed_id, stage, row_digest)
    );

    create table tombstone (
        batch_id bigint not null references batch,
        digest text not null,
        removed_at timestamptz not null default now(),
        reason text not null,
        removed_by text not null,
        primary key (batch_id, digest)
    );
    create index tombstone_by_digest on tombstone (digest);
"""


def upgrade() -> None:
    op.execute(RESTORES)
