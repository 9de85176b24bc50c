"""The records of the five cities (decision 0011): their tables, and what the first nine records gained."""

from alembic import op

revision = "0002"
down_revision = "0001"

ENVELOPE = """
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
    create table record.enterprise (like record.envelope including all,
        uscc text not null, name text not null, kind text, status text not null, legal_person_name text,
        legal_person_id_no text, registered_capital_fen bigint, phone text, insured_count integer,
        qualification text, area6_code text not null, source_updated_at timestamptz
    );
    create table record.service_project (like record.envelope including all,
        service_no text not null, contractor_uscc text not null, name text not null, industry text not null,
        owner_uscc text not null, owner_name text, contractor_name text not null,
        contract_amount_fen bigint not null, contract_sign_on date not null, start_on date, planned_end_on date,
        status text not null, area_code text not null, source_updated_at timestamptz
    );
    create table record.project_party (like record.envelope including all,
        permit_no text not null, contractor_uscc text not null, party_uscc text not null,
        party_type text not null, party_name text not null, entered_on date, left_on date, manager_name text,
        manager_id_no text, manager_phone text, area_code text not null, source_updated_at timestamptz
    );
    create table record.worker (like record.envelope including all,
        permit_no text not null, contractor_uscc text not null, worker_no text not null,
        worker_name text not null, id_type text not null, id_no text not null, sex text, ethnic_code text,
        birth_on date, phone text, work_type text not null, work_role text not null, team_name text,
        employer_uscc text, card_no text, bank3_code text, cnaps_code text, entered_on date not null,
        left_on date, is_team_leader boolean, area_code text not null, source_updated_at timestamptz
    );
    create table record.labor_contract (like record.envelope including all,
        employer_uscc text not null, contract_no text not null, permit_no text, contractor_uscc text,
        worker_name text not null, id_type text not null, id_no text not null, term text not null,
        start_on date not null, end_on date, wage_mode text, wage_fen bigint, signed_on date, file_sm3 text,
        area6_code text not null, source_updated_at timestamptz
    );
    create table record.worker_employment (like record.envelope including all,
        employer_uscc text not null, insured_no text not null, worker_name text not null, id_type text not null,
        id_no text not null, insurance text not null, insured_from_month text not null, insured_to_month text,
        area6_code text not null, source_updated_at timestamptz
    );
    create table record.attendance_summary (like record.envelope including all,
        permit_no text not null, contractor_uscc text not null, worker_no text not null, month text not null,
        days integer not null, work_hours integer, first_at timestamptz, last_at timestamptz,
        punch_count integer not null, fence_out_count integer, abnormal_count integer, device_count integer,
        overlap_project_count integer, area_code text not null, source_updated_at timestamptz
    );
    create table record.site_media_ref (like record.envelope including all,
        permit_no text not null, contractor_uscc text not null, media_no text not null, kind text not null,
        url text not null, place text, is_online boolean, checked_at timestamptz, area_code text not null,
        source_updated_at timestamptz
    );
    create table record.site_activity (like record.envelope including all,
        permit_no text not null, contractor_uscc text not null, day_on date not null, is_working boolean not null,
        evidence text not null, people_count integer, machine_count integer, area_code text not null,
        source_updated_at timestamptz
    );
    create table record.progress_settlement (like record.envelope including all,
        permit_no text not null, contractor_uscc text not null, month text not null, output_fen bigint not null,
        labour_part_fen bigint, certified_at timestamptz, is_owner_confirmed boolean, area_code text not null,
        source_updated_at timestamptz
    );
    create table record.guarantee_claim (like record.envelope including all,
        insurer_uscc text not null, guarantee_no text not null, notice_no text not null, order_no text not null,
        notice_on date not null, pay_due_on date not null, claim_fen bigint not null, people_count integer,
        paid_fen bigint, paid_on date, bank_serial_no text, replenish_due_on date, status text not null,
        area_code text not null, source_updated_at timestamptz
    );
    create table record.clue_step (like record.envelope including all,
        channel text not null, channel_serial_no text not null, step_no integer not null, action text not null,
        org_name text not null, org_level text not null, operator_name text, done_at timestamptz not null,
        due_on date, opinion text, doc_no text, result_code text, solved_people integer, solved_fen bigint,
        area6_code text not null, source_updated_at timestamptz
    );
    create table record.warning (like record.envelope including all,
        rule_code text not null, subject_kind text not null, subject_no text not null, period text not null,
        level text not null, subject_name text, value_text text, threshold_text text,
        raised_at timestamptz not null, responsible_uscc text, responsible_name text, handle_org text,
        due_on date, status text not null, closed_at timestamptz, clue_serial_no text, area6_code text not null,
        source_updated_at timestamptz
    );
    create table record.warning_step (like record.envelope including all,
        rule_code text not null, subject_kind text not null, subject_no text not null, period text not null,
        step_no integer not null, action text not null, org_name text not null, operator_name text,
        done_at timestamptz not null, opinion text, media_no text, latitude_e6 integer, longitude_e6 integer,
        area6_code text not null, source_updated_at timestamptz
    );
    create table record.credit_eval (like record.envelope including all,
        uscc text not null, year text not null, enterprise_name text not null, grade text not null, score integer,
        org_name text, published_on date, area6_code text not null, source_updated_at timestamptz
    );
    create table record.credit_record (like record.envelope including all,
        uscc text not null, record_no text not null, reason text not null, happened_on date not null,
        permit_no text, amount_fen bigint, doc_no text, status text not null, area6_code text not null,
        source_updated_at timestamptz
    );
    create table record.credit_list (like record.envelope including all,
        uscc text not null, list_kind text not null, list_no text not null, enterprise_name text not null,
        reason text, basis_doc_no text not null, listed_on date not null, until_on date not null, removed_on date,
        person_name text, area6_code text not null, source_updated_at timestamptz
    );
    create table record.credit_use (like record.envelope including all,
        org_name text not null, use_no text not null, uscc text not null, list_kind text, list_no text,
        scene text not null, result text not null, used_on date not null, area6_code text not null,
        source_updated_at timestamptz
    );
    create table record.notification (like record.envelope including all,
        notice_channel text not null, notice_no text not null, kind text not null, target text not null,
        phone text, clue_channel text, channel_serial_no text, level text, sent_at timestamptz not null,
        status text not null, status_at timestamptz, fail_reason text, due_on date, area6_code text not null,
        source_updated_at timestamptz
    );
    create table record.correction_request (like record.envelope including all,
        dataset text not null, request_no text not null, record_no text not null, field_label text not null,
        problem text not null, raised_on date not null, due_on date not null, status text not null,
        answered_on date, area6_code text not null, source_updated_at timestamptz
    );
    drop table record.envelope;
"""

GAINED = """
    alter table record.project
        add column prov_project_no text,
        add column siku_no text,
        add column realname_no text,
        add column bid_section_no text,
        add column invest_fen bigint,
        add column labour_fee_ratio_ppm integer,
        add column labour_fee_monthly_fen bigint,
        add column labour_fee_day integer,
        add column pay_day integer,
        add column labour_officer_name text,
        add column labour_officer_phone text,
        add column latitude_e6 integer,
        add column longitude_e6 integer,
        add column has_payment_guarantee boolean,
        add column has_realname boolean,
        add column has_deposit boolean,
        add column has_account boolean,
        add column has_bank_pay boolean,
        add column has_monthly_full boolean,
        add column has_billboard boolean;
    alter table record.permit
        add column valid_to_on date,
        add column ecert_no text,
        add column supervisor_name text;
    alter table record.special_account
        alter column permit_no drop not null,
        add column service_no text,
        add column filing_on date,
        add column close_notice_on date;
    alter table record.payroll_batch
        alter column permit_no drop not null,
        add column service_no text,
        add column is_backpay boolean,
        add column signed_count integer,
        add column sheet_sm3 text;
    alter table record.payroll_line
        alter column permit_no drop not null,
        add column service_no text,
        add column days integer,
        add column work_hours integer,
        add column gross_fen bigint,
        add column deduct_fen bigint,
        add column backpay_month text;
    alter table record.guarantee
        add column purpose text not null default 'wage_deposit',
        add column required_fen bigint,
        add column exempt_doc_no text,
        add column file_url text;
    alter table record.clue
        add column contractor_uscc text,
        add column employer_uscc text,
        add column supervise_level text,
        add column group_no text,
        add column due_on date,
        add column entry_tag text,
        add column first_receiver_org text,
        add column handle_area_code text;
    alter table record.guarantee alter column purpose drop default; -- until now every guarantee secured wages
"""


def upgrade() -> None:
    for statements in (ENVELOPE, RECORDS, GAINED):
        op.execute(statements)
