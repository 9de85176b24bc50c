"""Who may type what where officers are registered, and that all they do, or were refused, stands in the audit trail for good."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from round_trip import Typed

from hub import bootstrap, cli, officers, pipeline
from hub.exchange_log import open_signer, seal
from hub.migrations import migrate
from hub.pipeline import House
from hub.roles import role_table
from hub.store import audit
from hub.store.audit import Act, note_act
from hub.store.database import open_database, rows_of, working

OWN = officers._name_of(os.getuid())
MASTER = "set session_replication_role = replica"
"""How whoever administers the database gets round triggers."""


@pytest.fixture
def typed(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Types a command on this database."""
    monkeypatch.setenv("HUB_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("HUB_ARCHIVE", str(tmp_path / "archive"))
    monkeypatch.delenv("HUB_OFFICERS", raising=False)
    bootstrap.open_house.cache_clear()

    def run(*words: object) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Registers whoever runs the tests as an officer with these roles."""
    monkeypatch.setattr(officers, "_login_uid", lambda: None)
    monkeypatch.delenv("SUDO_USER", raising=False)

    def register(*roles: str, account: str = OWN) -> None:
        path = tmp_path / "officers.yaml"
        path.write_text(f"officers:\n  王芳: {{account: {account}, roles: [{', '.join(roles)}]}}\n", "utf-8")
        path.chmod(0o600)
        monkeypatch.setenv("HUB_OFFICERS", str(path))

    return register


def acts(engine: sa.Engine) -> list[tuple[str, str, str, str | None]]:
    with working(engine) as work:
        return [
            (row.officer, row.act, row.outcome, row.code)
            for row in rows_of(work, "select officer, act, outcome, code from audit_entry order by audit_id")
        ]


@pytest.mark.parametrize("role", list(role_table().roles))
def test_each_role_may_type_what_the_table_gives_it(role: str, typed: Typed, be: Callable[..., None]) -> None:
    """Every command, as every role: refused with S081 where the table says no, and with no other code where it says yes."""
    be(role)
    lines = {
        "release": "release 999", "close": "close 999", "repair": "repair 999 1 --set a=b --reason x",
        "approve": "approve 999", "replay --go": "replay 999 --go", "batches": "batches", "leases": "leases",
        "reveal --reason": "reveal payroll_line k --reason x", "reveal": "reveal payroll_line k", "reveals": "reveals",
        "find": "find 370102199001011237", "keys": "keys", "keys destroy": "keys destroy 99 --reason x", "audit": "audit",
        "pause": "pause nobody_api --reason x", "log": "log", "alarms": "alarms", "roles": "roles",
        "drop --go": "drop nobody --reason x --go", "repairs --values": "repairs 999 --values --reason x",
    }  # fmt: skip
    for name, line in lines.items():
        code, _, said = typed(*line.split())
        is_refused = code == 2 and "S081" in said
        assert is_refused == (role not in role_table().rights[name].roles), (line, said)


def test_a_refused_attempt_is_in_the_trail_and_changed_nothing(
    engine: sa.Engine, typed: Typed, be: Callable[..., None]
) -> None:
    """With the right that was asked for, and who has it."""
    be("auditor")
    with working(engine) as work:
        before = rows_of(work, "select * from data_key")
    code, out, said = typed("keys", "rotate")
    assert (code, out) == (2, "")
    assert "安全管理员" in said
    assert acts(engine)[-1] == ("王芳", "keys rotate", "refused", "S081")
    with working(engine) as work:
        assert rows_of(work, "select * from data_key") == before


def test_who_is_registered_nowhere_may_nothing(engine: sa.Engine, typed: Typed, be: Callable[..., None]) -> None:
    """Not even look."""
    be("operator", account="somebody-else")
    code, out, said = typed("batches")
    assert (code, out, "S082" in said) == (2, "", True)
    assert acts(engine)[-1] == (OWN, "batches", "refused", "S082")


def test_nobody_acts_in_another_name(engine: sa.Engine, typed: Typed, be: Callable[..., None]) -> None:
    """``--by`` may be left out, or name the officer whose account it is."""
    be("reviewer")
    assert "S082" in typed("approve", 999, "--by", "李强")[2]
    assert acts(engine)[-1] == ("王芳", "approve", "refused", "S082")
    assert "S004" in typed("approve", 999, "--by", "王 芳")[2]
    assert "S004" in typed("approve", 999)[2]
    assert acts(engine)[-1] == ("王芳", "approve", "failed", "S004")


def test_without_a_file_of_officers_whoever_is_named_is_believed(engine: sa.Engine, typed: Typed) -> None:
    """As in the demo; `hub check` says so, and the account of the machine stands in the trail beside the name."""
    assert "S004" in typed("approve", 999, "--by", "李强")[2]
    assert "--by NAME" in typed("approve", 999)[2]
    assert typed("keys", "rotate", "--by", "李强")[0] == 0
    with working(engine) as work:
        newest = audit.list_acts(work, None, None, 1)[0]
    assert (newest.officer, newest.account, newest.act, newest.outcome) == ("李强", OWN, "keys rotate", "done")
    assert typed("keys", "rotate")[0] == 0
    assert acts(engine)[-1][0] == OWN


def test_an_act_and_its_entry_are_one_commit(house: House) -> None:
    """What is undone leaves no trace of having been done."""
    before = acts(house.engine)
    with pytest.raises(ZeroDivisionError), working(house.engine) as work:  # noqa: PT012
        note_act(work, Act("release", "batch 1"), "王芳")
        raise ZeroDivisionError
    assert acts(house.engine) == before
    with working(house.engine) as work:
        assert audit.verify_acts(work).fits


@pytest.mark.parametrize(
    "statement", ["update audit_entry set officer = '别人'", "delete from audit_entry", "truncate audit_entry"]
)
def test_nothing_in_the_trail_can_be_changed(statement: str, house: House) -> None:
    """By whichever statement."""
    with working(house.engine) as work:
        note_act(work, Act("release", "batch 1"), "王芳")
    with pytest.raises(sa.exc.DBAPIError, match="appended to"), house.engine.begin() as work:
        work.execute(sa.text(statement))


def test_what_is_changed_behind_the_triggers_shows(
    empty_database: Callable[[], str], tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An act that is gone, one that reads otherwise, and one that was put in: each by its number; the log itself still fits."""
    engine = open_database(empty_database())
    migrate(engine)
    monkeypatch.setenv("HUB_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    with working(engine) as work:
        numbers = [note_act(work, Act("release", f"batch {number}", "F013"), "王芳") for number in range(4)]
    seal(engine, open_signer(tmp_path / "seal", "ed25519"))
    assert typed("audit", "--verify")[0] == 0
    for statement, said in (
        (f"update audit_entry set officer = '李强' where audit_id = {numbers[1]}", f"without an entry: {numbers[1]}"),
        (f"delete from audit_entry where audit_id = {numbers[2]}", f"missing: {numbers[2]}"),
    ):
        with engine.begin() as work:
            work.execute(sa.text(MASTER))
            work.execute(sa.text(statement))
        code, _, wrong = typed("audit", "--verify")
        assert (code, "S084" in wrong, said in wrong) == (2, True, True), wrong
    assert typed("log", "verify", "--anchors", tmp_path / "none")[0] == 0
    engine.dispose()


def test_the_exchange_log_names_nobody(house: House) -> None:
    """Neither who, nor what for; and without the salt nobody guesses them from the digest."""
    with working(house.engine) as work:
        note_act(work, Act("release", "batch 1", "阅〔2026〕7号"), "王芳")
        row = rows_of(work, "select to_jsonb(e)::text as text from exchange_entry as e where kind = 'audited'")[-1]
        salts = rows_of(work, "select count(distinct salt) = count(*) as differ from audit_entry")[0]
    assert "王芳" not in row.text
    assert "7号" not in row.text
    assert salts.differ


def test_reveals_of_before_stand_in_the_trail(empty_database: Callable[[], str]) -> None:
    """The step that makes the trail takes them over, each with its entry in the exchange log."""
    from alembic import command
    from alembic.config import Config

    from hub import migrations

    engine = open_database(empty_database())
    migrate(engine)
    before = import_module("hub.migrations.versions.0013_audit_trail").down_revision
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.begin() as work:
        work.execute(sa.text("drop table audit_entry"))
        work.execute(
            sa.text("""create table reveal (reveal_id bigint generated always as identity, revealed_by text, reason text,
                                what text, columns text[], revealed_at timestamptz default now())""")
        )
        work.execute(
            sa.text(
                "insert into reveal (revealed_by, reason, what, columns) values ('王科长', '7号', 'x y', '{id_no}')"
            )
        )
        config.attributes["connection"] = work
        work.execute(sa.text("update hub.alembic_version set version_num = :before"), {"before": before})
        command.upgrade(config, "0013")
    with working(engine) as work:
        [row] = audit.list_reveals(work, 9)
        assert (row.revealed_by, row.reason, row.what, row.columns) == ("王科长", "7号", "x y", "id_no")
        assert audit.verify_acts(work).fits
    engine.dispose()


def test_many_at_once_each_have_their_entry(house: House) -> None:
    """Nobody waits for anybody, and the numbers fit."""

    def act() -> None:
        for _ in range(5):
            with working(house.engine) as work:
                note_act(work, Act("pause", "x"), "王芳")

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with working(house.engine) as work:
        assert audit.verify_acts(work).fits


def test_a_key_s_destruction_is_in_the_commit_that_forgets_it(house: House) -> None:
    """So is its making."""
    first = pipeline.rotate_key(house, "王芳")
    pipeline.rotate_key(house, "王芳")
    pipeline.destroy_key(house, first, "王芳", "阅〔2026〕9号")
    assert [one[1] for one in acts(house.engine)[-3:]] == ["keys rotate", "keys rotate", "keys destroy"]
