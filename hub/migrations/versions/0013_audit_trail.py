"""The audit trail: what people did by hand, in one table that nobody can change. Reveals move into it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.audit import Act, append_act
from hub.store.database import Work

revision = "0013"
down_revision = "0012"

TABLE = """
    create table audit_entry (
        audit_id bigint generated always as identity primary key,
        at timestamptz not null default clock_timestamp(),
        officer text not null check (officer <> ''),
        account text not null check (account <> ''),
        act text not null,
        what text not null,
        reason text not null,
        outcome text not null check (outcome in ('done', 'refused', 'failed')),
        code text check ((code is null) = (outcome = 'done')),
        columns text[] not null,
        salt text not null check (salt ~ '^[0-9a-f]{32}$')
    );
    create index audit_entry_by_time on audit_entry (at);
    create trigger audit_entry_rows before update or delete on audit_entry for each row execute function refuse_change();
    create trigger audit_entry_all before truncate on audit_entry for each statement execute function refuse_change();
"""


def upgrade() -> None:
    op.execute(TABLE)
    work: Work = op.get_bind()
    for row in work.execute(sa.text("select * from reveal order by reveal_id")).all():
        act = Act("reveal --reason", row.what, row.reason, columns=tuple(row.columns))
        append_act(work, act, row.revealed_by, row.revealed_by, at=row.revealed_at)
    op.execute("drop table reveal")
