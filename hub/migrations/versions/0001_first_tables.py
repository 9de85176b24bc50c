"""The first tables: batches and what was read from them, records by schema, deliveries and receipts, reports."""

from alembic import op

revision = "0001"
down_revision = None

CONTROL = """
    create table batch (
        batch_id bigint generated always as identity primary key,
        feed_id text not null,
        source_name text not null,
        digest text not null,
        state text not null check (state in ('fetched', 'stored', 'delivered', 'reported', 'held')),
        parts text[] not null,
        stamp_size bigint,
        stamp_modified_at bigint,
        printed_rows bigint,
        hold_code text,
        hold_message text,
        released_by text,
        mapping_digest text not null,
        hub_version text not null,
        fetched_at timestamptz not null default now(),
        read_at timestamptz,
        changed_at timestamptz not null default now(),
        unique (feed_id, source_name, digest)
    );
    create index batch_by_state on batch (state) where state <> 'reported';
    create index batch_by_digest on batch (feed_id, digest);

    create table feed_cursor (
        feed_id text primary key,
        position text not null,
        moved_at timestamptz not null default now()
    );

    create table tally (
        batch_id bigint not null references batch,
        schema_name text not null,
        fetched_rows bigint not null, fetched_fen bigint not null,
        stored_rows bigint not null, stored_fen bigint not null,
        rejected_rows bigint not null, rejected_fen bigint not null,
        unchanged_rows bigint not null, unchanged_fen bigint not null,
        unread_fen bigint not null,
        primary key (batch_id, schema_name),
        check (fetched_rows = stored_rows + rejected_rows + unchanged_rows),
        check (fetched_fen = stored_fen + rejected_fen + unchanged_fen)
    );

    create table rejection (
        batch_id bigint not null references batch,
        schema_name text not null,
        part_no integer not null,
        row_no integer not null,
        printed_no text not null,
        source_key jsonb not null,
        fen bigint not null,
        source_row jsonb not null,
        row_digest text not null,
        reasons jsonb not null,
        primary key (batch_id, schema_name, part_no, row_no)
    );
    create index rejection_by_digest on rejection (schema_name, row_digest);

    create table repetition (
        batch_id bigint not null references batch,
        schema_name text not null,
        part_no integer not null,
        row_no integer not null,
        printed_no text not null,
        source_key jsonb not null,
        record_id bigint not null,
        primary key (batch_id, schema_name, part_no, row_no)
    );

    create table alarm (
        alarm_id bigint generated always as identity primary key,
        feed_id text not null,
        batch_id bigint references batch,
        message text not null,
        raised_at timestamptz not null default now()
    );
    create index alarm_by_batch on alarm (batch_id);

    create table submission (
        submission_id bigint generated always as identity primary key,
        receiver text not null,
        schema_name text not null,
        batch_key text not null unique,
        serial_code text,
        opened_at timestamptz not null default now(),
        submitted_at timestamptz,
        answered_at timestamptz
    );
    create index submission_open on submission (receiver) where answered_at is null;

    create table delivery (
        delivery_id bigint generated always as identity primary key,
        receiver text not null,
        schema_name text not null,
        record_id bigint not null,
        record_key text not null,
        version integer not null,
        batch_id bigint not null references batch,
        row_no integer not null,
        fen bigint not null,
        idempotency_key text not null,
        state text not null default 'waiting' check (state in ('waiting', 'submitted', 'accepted', 'refused')),
        submission_id bigint references submission,
        attempts integer not null default 0,
        not_before timestamptz,
        changed_at timestamptz not null default now(),
        unique (receiver, schema_name, record_key, version)
    );
    create index delivery_open on delivery (receiver, schema_name, delivery_id) where state in ('waiting', 'submitted');
    create index delivery_by_batch on delivery (batch_id);
    create index delivery_by_record on delivery (schema_name, record_id);
    create index delivery_by_submission on delivery (submission_id);

    create table receipt (
        receipt_id bigint generated always as identity primary key,
        delivery_id bigint not null references delivery,
        submission_id bigint not null references submission,
        outcome text not null check (outcome in ('accepted', 'refused', 'delayed')),
        code text not null,
        message text not null,
        remote_id text,
        answered_at timestamptz not null default now(),
        unique (delivery_id, submission_id)
    );

    create table report (
        batch_id bigint not null references batch,
        stage text not null check (stage in ('intake', 'outcome')),
        digest text not null,
        row_count bigint not null,
        sent_at timestamptz not null,
        primary key (batch_id, stage, digest)
    );
"""

ENVELOPE = """
    create schema record;
    create table record.envelope (
        record_id bigint generated always as identity primary key,
        batch_id bigint not null,
        part_no integer not null,
        row_no integer not null,
        printed_no text not null,
        source_key jsonb not null,
        record_key text not null,
        version integer not null,
        content_digest text not null,
        fen bigint not null,
        is_current boolean not null default true,
        stored_at timestamptz not null default now(),
        unique (record_key, version)
    );
    create index on record.envelope (batch_id);
"""

RECORDS = """
    create table record.project (like record.envelope including all,
        permit_no text not null,
        contractor_uscc text not null,
        name text not null,
        domain text not null,
        category text not null,
        invest_code text,
        owner_uscc text not null,
        owner_name text,
        contractor_name text not null,
        contract_amount_fen bigint not null,
        contract_sign_on date not null,
        start_on date,
        planned_end_on date,
        status text not null,
        is_gov_invest boolean,
        address text,
        area_code text not null,
        source_updated_at timestamptz
    );
    create table record.permit (like record.envelope including all,
        type text not null,
        permit_no text not null,
        project_name text not null,
        invest_code text,
        owner_name text,
        owner_uscc text,
        contractor_name text,
        contractor_uscc text,
        contract_price_fen bigint,
        scale text,
        issue_org text not null,
        issue_on date not null,
        area_code text not null,
        is_revoked boolean,
        source_updated_at timestamptz
    );
    create table record.special_account (like record.envelope including all,
        bank3_code text not null,
        account_no text not null,
        account_name text not null,
        cnaps_code text not null,
        permit_no text not null,
        contractor_uscc text not null,
        contractor_name text,
        open_on date not null,
        agreement_on date,
        status text not null,
        balance_fen bigint not null,
        balance_at timestamptz,
        area6_code text not null
    );
    create table record.account_txn (like record.envelope including all,
        bank3_code text not null,
        txn_no text not null,
        account_no text not null,
        txn_at timestamptz not null,
        direction text not null,
        action text not null,
        amount_fen bigint not null,
        balance_after_fen bigint not null,
        opposite_name text,
        opposite_account_no text,
        opposite_cnaps_code text,
        batch_no text,
        summary text,
        area6_code text not null
    );
    create table record.payroll_batch (like record.envelope including all,
        bank3_code text not null,
        batch_no text not null,
        permit_no text not null,
        payer_account_no text not null,
        pay_month text not null,
        employer_uscc text not null,
        total_count integer not null,
        total_fen bigint not null,
        made_at timestamptz,
        area6_code text not null
    );
    create table record.payroll_line (like record.envelope including all,
        bank3_code text not null,
        batch_no text not null,
        line_no integer not null,
        worker_name text not null,
        id_type text not null,
        id_no text not null,
        card_no text not null,
        cnaps_code text,
        net_fen bigint not null,
        result text not null,
        fail_code text,
        paid_at timestamptz,
        bank_serial_no text,
        pay_month text not null,
        permit_no text not null,
        area6_code text not null
    );
    create table record.guarantee (like record.envelope including all,
        insurer_uscc text not null,
        guarantee_no text not null,
        type text not null,
        applicant_uscc text not null,
        applicant_name text,
        beneficiary_org text not null,
        project_name text,
        permit_no text not null,
        invest_code text,
        contract_amount_fen bigint not null,
        amount_fen bigint not null,
        rate_ppm integer,
        premium_fen bigint,
        issue_on date,
        valid_from_on date not null,
        valid_to_on date not null,
        is_irrevocable boolean not null,
        is_on_demand boolean not null,
        status text not null,
        file_sm3 text,
        area_code text not null,
        source_updated_at timestamptz
    );
    create table record.guarantee_event (like record.envelope including all,
        insurer_uscc text not null,
        guarantee_no text not null,
        event_seq integer not null,
        type text not null,
        occurred_at timestamptz not null,
        amount_fen bigint,
        notice_no text,
        due_on date,
        result text,
        area_code text not null
    );
    create table record.clue (like record.envelope including all,
        channel text not null,
        channel_serial_no text not null,
        received_at timestamptz not null,
        reporter_name text not null,
        reporter_id_no text,
        reporter_phone text not null,
        domain text not null,
        area_code text not null,
        address text,
        project_name text,
        owner_name text,
        contractor_name text,
        sub_name text,
        employer_name text,
        has_contract boolean,
        is_gov_invest boolean,
        arrears_people integer,
        arrears_fen bigint not null,
        arrears_from_month text,
        arrears_to_month text,
        summary text not null,
        entry_form text,
        source_updated_at timestamptz
    );
    drop table record.envelope;
"""


def upgrade() -> None:
    for statements in (CONTROL, ENVELOPE, RECORDS):
        op.execute(statements)
