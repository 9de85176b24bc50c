"""One day through real Airflow, PostgreSQL and partners, judged by the partners' own ledgers. One stand serves all tests here."""

import shutil
from collections.abc import Iterator
from datetime import date

import pytest

from hub.incidents import Kind
from hub.settings import today
from hub.store import incidents
from hub.store.database import working
from launcher.day import differences, feeds_knocked_for, let_the_day_happen, started_by_event, take_stock, watch
from launcher.hiding_places import THEIRS, search_stand, secrets_of
from launcher.leaks import Canaries, search
from launcher.partners import FIRST, PERMITS
from launcher.stand import Stand, Wish, open_stand
from launcher.state import PROJECT, lock_state
from launcher.summary import sum_up

pytestmark = pytest.mark.timeout(600)
DAY: date = today()
PARTNERS = (*FIRST, *PERMITS, "yimeng", "shuhe", "weihe", "yishan", "inspection", "visits")
"""One of each protocol; all the others are exchanged without Airflow in tests/contract/test_every_feed.py."""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Everything up, with a tenth of the usual city and one mapping broken on purpose."""
    folder = tmp_path_factory.mktemp("e2e")
    folder.chmod(0o711)
    mappings = folder / "mappings"
    shutil.copytree(PROJECT / "mappings", mappings, ignore=shutil.ignore_patterns("__pycache__"))
    (mappings / "wenhe_broken.yaml").write_text("title: 坏的\npartner: wenhe\nschedule: [\n")
    with (
        lock_state(folder / "state") as state,
        open_stand(state, Wish(0.1, 7, DAY, partners=PARTNERS), print, mappings=mappings, port=0) as up,
    ):
        yield up


@pytest.fixture(scope="module")
def day(stand: Stand) -> Stand:
    """The same stand after the day has happened once."""
    assert let_the_day_happen(stand, print)
    return stand


def test_airflow_has_one_dag_per_good_mapping_and_no_import_error(stand: Stand) -> None:
    """A broken mapping hides no other feed."""
    for dag_id in [*stand.registry.feeds, "deliver", "report", "housekeeping", "watch", "reconcile", "seal", "anchor"]:
        stand.client.wait_dag(dag_id, timeout=120)
    known = {dag["dag_id"] for dag in stand.client.dags()}
    assert known == {*stand.registry.feeds, "deliver", "report", "housekeeping", "watch", "reconcile", "seal", "anchor"}
    assert "wenhe_broken" not in known
    assert stand.client.import_errors() == []


def test_every_row_and_fen_is_accounted_for(day: Stand) -> None:
    """sent = fetched = stored + rejected, stored = accepted + refused, told = owed; ours against theirs."""
    summary = sum_up(day)
    assert summary.gaps == []
    assert summary.intake
    assert summary.delivery
    assert summary.returned


def test_a_dropped_file_starts_its_feed_by_itself(day: Stand) -> None:
    """Nobody triggered the bank feeds; a file event did."""
    started = started_by_event(day)
    files = {name for name, feed in day.registry.feeds.items() if feed.spec.source.connector == "sftp"}
    assert set(started) == files
    assert {"haidai_txns", "yimeng_payrolls", "water_permits"} <= files
    assert all(started.values())


def test_a_partner_that_knocks_starts_its_feeds_by_itself(day: Stand) -> None:
    """Nobody triggered the feeds of the bank that knocks; its own signed calls did, and each found something."""
    knocked = feeds_knocked_for(day)
    assert knocked == ["weihe_accounts", "weihe_payrolls", "weihe_txns"]
    for feed_id in knocked:
        [run, *_] = [one for one in day.client.runs(feed_id) if one["dag_run_id"].startswith("knock__")]
        assert (run["state"], run["triggering_user_name"]) == ("success", "weihe (door)")


def test_the_same_day_again_changes_nothing(day: Stand) -> None:
    """Every DAG run once more and every file dropped once more leave all ledgers as they are."""
    before = take_stock(day)
    assert let_the_day_happen(day, print, again=True)
    assert differences(before, take_stock(day)) == []


def test_the_held_file_is_shown_to_the_admin_and_told_to_the_bank(day: Stand) -> None:
    """The run is red, its last task names batch, code and way out; the RET_ file says it in Chinese."""
    runs = day.client.runs("haidai_payrolls")
    failed = [run for run in runs if run["state"] == "failed"]
    assert failed
    states = {
        task["task_id"]: task["state"] for task in day.client.task_instances("haidai_payrolls", failed[0]["dag_run_id"])
    }
    assert states["raise_held"] == "failed"
    assert states["acknowledge"] == "success"
    ledger = day.simulators.ledger()
    (name,) = ledger["sent"]["haidai_payrolls"]["spoiled_files"]
    told = day.simulators.return_file("haidai", f"RET_{name}")
    assert told is not None
    assert "REJECTED" in told
    assert "F003" in told
    assert "总" in told


def test_a_good_file_after_a_bad_one_is_processed(day: Stand) -> None:
    """A bad file holds nothing up behind it."""
    bad = day.simulators.drop_extra("wenhe", "PAYR", "truncated")
    good = day.simulators.drop_extra("wenhe", "PAYR")
    assert watch(day, print, {})
    assert sum_up(day).gaps == []
    received = day.simulators.ledger()["received"]["wenhe"]
    assert f"FIN_{good}" in received["fin"]
    assert received["ret"][f"RET_{bad}"]["status"] == "REJECTED"


def test_housekeeping_names_the_broken_mapping(day: Stand) -> None:
    """file, line and cause stand in the failed task."""
    run = day.client.wait_run("housekeeping", day.client.trigger("housekeeping"), timeout=180)
    states = {task["task_id"]: task["state"] for task in day.client.task_instances("housekeeping", run["dag_run_id"])}
    assert states["check_mappings"] in ("failed", "up_for_retry")
    assert states["verify_archive"] == "success"
    assert states["note_expiries"] == "success"
    logs = "".join(path.read_text() for path in day.state.glob("airflow/logs/**/task_id=check_mappings/*.log"))
    assert "wenhe_broken.yaml:4" in logs


def test_the_day_leaves_no_incident_but_the_held_files(day: Stand) -> None:
    """Nothing was late, silent or stuck; each is told of in the log, once."""
    run = day.client.wait_run("watch", day.client.trigger("watch"), timeout=180)
    assert run["state"] == "success"
    with working(day.database) as work:
        found = incidents.open_incidents(work)
    assert {one.kind for one in found} <= {Kind.HELD}
    assert "haidai_payrolls" in {one.subject for one in found}


def test_no_persons_number_stands_anywhere_but_with_the_partners(day: Stand) -> None:
    """Logs, Airflow's tables with XCom, the hub's, pages, anchors, state files; plain, coded, in part, as bare digests."""
    persons = day.simulators.persons()
    assert all(persons.values())
    ours = day.environment["HUB_DATABASE_URL"]
    found = search_stand(
        day.state,
        [ours, f"{ours.rsplit('/', 1)[0]}/airflow"],
        Canaries(persons),
        secrets=secrets_of(day.state, day.environment),
    )
    assert found.leaks == []
    assert found.size_of["logs"]
    assert found.size_of["airflow"]
    assert {"hub:record.payroll_line", "hub:hub.rejection", "airflow:public.xcom", "airflow:public.log"} <= set(
        found.size_of
    )


def test_the_search_would_find_them(day: Stand) -> None:
    """In the partners' own folders, where they must be."""
    canaries = Canaries(day.simulators.persons())
    for folder in THEIRS:
        files = [path for path in (day.state / folder).rglob("*") if path.is_file()]
        kinds = {leak.kind for path in files for leak in search(path.read_bytes(), path.name, canaries)}
        assert {"id", "card", "phone"} <= kinds, folder
