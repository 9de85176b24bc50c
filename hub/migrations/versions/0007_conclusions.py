"""What became of a clue, owed to the channel it came from; and which clues are handled together."""

from alembic import op

revision = "0007"
down_revision = "0006"

GROUPS = """
    alter table record.clue_step add column group_no text;
    create index clue_step_by_clue on record.clue_step (channel, channel_serial_no) where is_current;
    create index clue_step_by_group on record.clue_step (group_no) where is_current and group_no is not null;
    create index clue_by_serial on record.clue (channel, channel_serial_no);
    create index clue_by_group on record.clue (group_no) where is_current and group_no is not null;

    -- One clue, one group: what the inspection merged last goes before what the channel said itself.
    create view clue_group as
        select distinct on (channel, channel_serial_no) channel, channel_serial_no, group_no from (
            select channel, channel_serial_no, group_no, step_no from record.clue_step
            where is_current and group_no is not null
            union all
            select channel, channel_serial_no, group_no, -1 from record.clue where is_current and group_no is not null) as said
        order by channel, channel_serial_no, step_no desc;
"""

CONCLUSION = """
    create table conclusion (
        conclusion_id bigint generated always as identity primary key,
        channel text not null,
        channel_serial_no text not null,
        number integer not null,
        step_id bigint not null,
        group_no text,
        feed_id text not null,
        due_on date not null,
        state text not null default 'waiting' check (state in ('waiting', 'telling', 'told', 'refused', 'superseded')),
        call_key text,
        owed_at timestamptz not null default now(),
        told_at timestamptz,
        check ((state = 'told') = (told_at is not null)),
        check (state not in ('telling', 'told', 'refused') or call_key is not null),
        unique (channel, channel_serial_no, number),
        unique (channel, channel_serial_no, step_id)
    );
    create index conclusion_by_feed on conclusion (feed_id) where state in ('waiting', 'telling', 'refused');
"""


def upgrade() -> None:
    """Clue steps gain the group; a conclusion is one answer that one clue's channel is owed."""
    op.execute(GROUPS)
    op.execute(CONCLUSION)
