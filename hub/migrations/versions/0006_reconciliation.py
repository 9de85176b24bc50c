"""Conservation and reconciliation."""

from alembic import op

revision = "0006"
down_revision = "0005"

# Sums are numeric: ten amounts of eighteen digits, each of them a rejected row, add up to more than a bigint holds.
CONSERVATION = """
    alter table tally
        alter column fetched_fen type numeric(38), alter column stored_fen type numeric(38),
        alter column rejected_fen type numeric(38), alter column unchanged_fen type numeric(38),
        alter column unread_fen type numeric(38),
        add column unkept_rows bigint not null default 0,
        add column unkept_fen numeric(38) not null default 0,
        add column declared_rows bigint,
        add column declared_fen numeric(38);

    -- What was stored before has no fen beside its repetitions, and no count of the rows that left none.
    alter table repetition add column fen bigint;
    update tally set unkept_rows = unchanged_rows - kept, unkept_fen = case when kept = 0 then unchanged_fen else 0 end
    from (select t.batch_id, t.schema_name, count(r.batch_id) as kept from tally as t
          left join repetition as r using (batch_id, schema_name) group by 1, 2) as k
    where k.batch_id = tally.batch_id and k.schema_name = tally.schema_name;

    create table routing (
        batch_id bigint not null references batch,
        schema_name text not null,
        receiver text not null,
        owed_rows bigint not null, owed_fen numeric(38) not null,
        outside_rows bigint not null, outside_fen numeric(38) not null,
        superseded_rows bigint not null, superseded_fen numeric(38) not null,
        primary key (batch_id, schema_name, receiver)
    );
"""

RECONCILIATION = """
    create table reconciliation (
        reconciliation_id bigint generated always as identity primary key,
        partner text not null,
        side text not null check (side in ('receiver', 'origin')),
        day date not null,
        state text not null check (state in ('open', 'agreed', 'differs')),
        ours_rows bigint not null, ours_fen numeric(38) not null,
        theirs_rows bigint, theirs_fen numeric(38),
        made_at timestamptz not null default now(),
        unique (partner, side, day)
    );

    create table difference (
        difference_id bigint generated always as identity primary key,
        reconciliation_id bigint not null references reconciliation on delete cascade,
        kind text not null,
        schema_name text not null,
        record_key text not null,
        ours jsonb,
        theirs jsonb,
        found_at timestamptz not null default now(),
        seen_at timestamptz not null default now(),
        settled_by text,
        settlement text,
        settled_at timestamptz,
        unique (reconciliation_id, kind, schema_name, record_key)
    );
    create index receipt_by_day on receipt (answered_at);
"""


def upgrade() -> None:
    for statements in (CONSERVATION, RECONCILIATION):
        op.execute(statements)
