"""The exchange log: entries that nobody can change, blocks that seal them, keys that signed, anchors that went out."""

from alembic import op

revision = "0010"
down_revision = "0009"

TABLES = """
    create table exchange_entry (
        entry_id bigint generated always as identity primary key,
        entry_no bigint unique,
        kind text not null,
        subject text not null,
        batch_id bigint,
        submission_id bigint,
        digest text check (digest ~ '^[0-9a-f]{64}$'),
        facts jsonb not null,
        at timestamptz not null default clock_timestamp()
    );
    create index exchange_entry_unsealed on exchange_entry (entry_id) where entry_no is null;
    create index exchange_entry_of_files on exchange_entry (subject, at) where kind in ('told', 'proved');
    create index exchange_entry_by_batch on exchange_entry (batch_id);
    create table exchange_key (
        key_id text primary key,
        suite text not null,
        public_key text not null,
        used_at timestamptz not null default now()
    );
    create table exchange_block (
        block_no bigint primary key,
        first_no bigint not null unique,
        last_no bigint not null unique check (last_no >= first_no),
        root text not null,
        previous text not null,
        suite text not null,
        key_id text not null references exchange_key,
        sealed_at timestamptz not null,
        hash text not null,
        signature text not null
    );
    create table exchange_anchor (
        block_no bigint primary key references exchange_block,
        hash text not null,
        places text[] not null,
        put_at timestamptz not null default now()
    );
"""

TRIGGERS = """
    create function refuse_change() returns trigger language plpgsql as $$
    begin
        raise exception 'the exchange log is only ever appended to';
    end $$;

    -- of an entry one thing alone may ever change: that it had no number, and now has one
    create function refuse_all_but_numbering() returns trigger language plpgsql as $$
    declare
        without_number hub.exchange_entry := new;
    begin
        without_number.entry_no := null;
        if new.entry_no is not null and without_number is not distinct from old then
            return new;
        end if;
        raise exception 'the exchange log is only ever appended to';
    end $$;

    create trigger exchange_entry_rows before update on exchange_entry
        for each row execute function refuse_all_but_numbering();
    create trigger exchange_entry_gone before delete on exchange_entry for each row execute function refuse_change();
    create trigger exchange_entry_all before truncate on exchange_entry for each statement execute function refuse_change();
"""
KEPT = ("exchange_key", "exchange_block", "exchange_anchor")


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(TRIGGERS)
    for table in KEPT:
        op.execute(
            f"""create trigger {table}_rows before update or delete on {table} for each row execute function refuse_change();
                create trigger {table}_all before truncate on {table} for each statement execute function refuse_change();"""
        )
