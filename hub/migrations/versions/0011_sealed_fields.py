"""Personal fields sealed: data keys, the domain that takes nothing in clear, blind indexes, and who was shown what.

Where a table holds rows already, what stood in clear is put aside in the column ``clear``; `hub migrate` seals it in the same
commit (hub/store/old_rows.py) and drops the column.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

KEYS = """
    create table data_key (
        key_id integer primary key,
        suite text not null,
        period text not null,
        state text not null check (state in ('active', 'open-only', 'destroyed')),
        wrapped bytea,
        kek_check text not null,
        made_at timestamptz not null default now(),
        made_by text not null,
        closed_at timestamptz,
        destroyed_at timestamptz,
        destroyed_by text,
        destroy_reason text,
        check ((state = 'destroyed') = (wrapped is null)),
        check (state <> 'destroyed' or (destroyed_by is not null and destroy_reason is not null))
    );
    create unique index data_key_active on data_key (state) where state = 'active';
    create table index_root (
        is_only boolean primary key default true check (is_only),
        suite text not null,
        check_value text not null,
        made_at timestamptz not null default now()
    );
    create domain sealed as bytea check (octet_length(value) >= 34 and get_byte(value, 0) = 1 and get_byte(value, 1) in (1, 2));
"""

REVEALS = """
    create table reveal (
        reveal_id bigint generated always as identity primary key,
        revealed_by text not null check (revealed_by <> ''),
        reason text not null check (reason <> ''),
        what text not null,
        columns text[] not null,
        revealed_at timestamptz not null default now()
    );
"""

# ! is required, = has a blind index.
PERSONAL = {
    "enterprise": "legal_person_name legal_person_id_no= phone=",
    "project": "labour_officer_name labour_officer_phone=",
    "project_party": "manager_name manager_id_no= manager_phone=",
    "worker": "worker_name! id_no!= phone= card_no=",
    "labor_contract": "worker_name! id_no!=",
    "worker_employment": "worker_name! id_no!=",
    "account_txn": "opposite_name opposite_account_no=",
    "payroll_line": "worker_name! id_no!= card_no!=",
    "clue": "reporter_name! reporter_id_no= reporter_phone!= summary!",
    "clue_step": "operator_name",
    "warning_step": "operator_name",
    "credit_list": "person_name",
    "notification": "phone=",
}
OTHERS = {"rejection": "source_row!", "repair_row": "corrections!", "told_call": "rows"}


def upgrade() -> None:
    for statements in (KEYS, REVEALS):
        op.execute(statements)
    op.execute("alter table repair_row add column columns text[]")
    op.execute("update repair_row set columns = array(select k from jsonb_object_keys(corrections) as k order by k)")
    op.execute("alter table repair_row alter column columns set not null")
    for table, words in PERSONAL.items():
        _seal(f"record.{table}", words.split())
    for table, words in OTHERS.items():
        _seal(table, words.split())


def _seal(table: str, words: list[str]) -> None:
    """Turn columns into sealed ones; those that are required are so from the start where there is no row."""
    columns = {word.rstrip("!="): word for word in words}
    has_rows = op.get_bind().execute(sa.text(f"select 1 from {table} limit 1")).first() is not None
    if has_rows:
        cells = ", ".join(f"'{column}', {column}" for column in columns)
        op.execute(f"alter table {table} add column clear jsonb")
        op.execute(f"update {table} set clear = jsonb_build_object({cells})")
    for column, word in columns.items():
        op.execute(f"alter table {table} alter column {column} drop not null")
        op.execute(f"alter table {table} alter column {column} type sealed using null")
        if "=" in word:
            index = f"{column}_index"
            op.execute(f"alter table {table} add column {index} bytea check (octet_length({index}) = 16)")
            op.execute(f"create index on {table} ({index}) where {index} is not null")
        if "!" in word and not has_rows:
            op.execute(f"alter table {table} alter column {column} set not null")
    op.execute(f"alter table {table} add column sealed_key integer")
    op.execute(f"create index on {table} using brin (sealed_key)")
