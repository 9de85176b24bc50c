"""One thing under many numbers: identities by their anchor, and every other number that stood beside one."""

from alembic import op

revision = "0003"
down_revision = "0002"

CROSSWALK = """
    create table identity (
        hub_id bigint generated always as identity primary key,
        kind text not null check (kind in ('project', 'enterprise', 'worker')),
        anchor text not null,
        first_seen_at timestamptz not null default now(),
        unique (kind, anchor)
    );

    create table id_crosswalk (
        hub_id bigint not null references identity,
        id_kind text not null,
        id_value text not null,
        schema_name text not null,
        batch_id bigint not null references batch,
        seen_at timestamptz not null default now(),
        primary key (hub_id, id_kind, id_value)
    );
    create index id_crosswalk_by_value on id_crosswalk (id_value, id_kind);
    create index id_crosswalk_by_parts on id_crosswalk using gin (string_to_array(id_value, ' '));
    create index identity_by_parts on identity using gin (string_to_array(anchor, ' '));
"""


def upgrade() -> None:
    op.execute(CROSSWALK)
