"""The DAG files are parsed without Airflow running: every feed has its DAG, and parsing touches no database and no partner."""

from __future__ import annotations

import runpy
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from hub import bootstrap
from hub.errors import FeedChanged, HubError, MappingInvalid, NotAllowed, PartnerRefused, PartnerUnavailable
from hub.feed import Feed, SftpSource
from hub.reconciliation import Reconciled, Total
from hub.registry import Registry, read_registry
from schemas.catalogue import SCHEMAS

PROJECT = Path(__file__).parents[3]
MAPPINGS = PROJECT / "mappings"
FILES = ("feeds", "deliver", "report", "housekeeping", "watch", "reconcile", "seal", "anchor")
REGISTRY = read_registry(MAPPINGS)
FEEDS = tuple(REGISTRY.feeds)
FIXED = ("deliver", "report", "housekeeping", "watch", "reconcile", "seal", "anchor")
Parse = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Airflow writes its settings where it is first imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("HUB_MAPPINGS", str(MAPPINGS))
        patch.delenv("HUB_DATABASE_URL", raising=False)
        yield


@pytest.fixture(scope="module")
def parse(home: None) -> Parse:
    """Runs one file of dags/ as Airflow does and gives its DAGs by id."""
    from airflow.sdk.definitions._internal.contextmanager import DagContext

    def run(name: str) -> dict[str, Any]:
        closed: list[Any] = []  # a DAG under `with` alone has no name in its file

        def close() -> Any:
            closed.append(leave())
            return closed[-1]

        leave = DagContext.pop
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DagContext, "pop", close)
            runpy.run_path(str(PROJECT / "dags" / f"{name}.py"))
        return {dag.dag_id: dag for dag in closed}

    return run


@pytest.fixture(scope="module")
def dags(parse: Parse) -> dict[str, Any]:
    """Every DAG of the project."""
    return {dag_id: dag for name in FILES for dag_id, dag in parse(name).items()}


@pytest.fixture
def tasks(home: None) -> ModuleType:
    """What the tasks run; imported late, because it imports Airflow."""
    from hub import tasks

    return tasks


@pytest.fixture
def chores(home: None) -> ModuleType:
    """What the tasks beside the exchange run."""
    from hub.tasks import chores

    return chores


def test_there_is_one_dag_per_mapping_and_four_fixed_ones(dags: Mapping[str, Any]) -> None:
    """A feed without a DAG would never run, a DAG without a feed never work."""
    assert sorted(dags) == sorted([*FEEDS, *FIXED])
    assert {path.stem for path in MAPPINGS.glob("*.yaml")} - {"partners"} == set(FEEDS)


@pytest.mark.parametrize("dag_id", [*FEEDS, *FIXED])
def test_every_dag_runs_alone_tries_again_and_explains_itself(dags: Mapping[str, Any], dag_id: str) -> None:
    """Two runs at once would only wait for each other; an admin reads its page and finds it by its tags."""
    dag = dags[dag_id]
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert dag.default_args["retries"] >= 1
    assert dag.doc_md
    assert dag.dag_display_name.startswith(f"{dag_id} ")
    assert dag.tags
    assert dag.tasks


@pytest.mark.parametrize("feed_id", FEEDS)
def test_files_start_their_feed_and_the_clock_starts_every_feed(dags: Mapping[str, Any], feed_id: str) -> None:
    """Files wake their feed when they are dropped; the clock of the mapping is the fall-back, in Shanghai time."""
    from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable

    spec, schedule = REGISTRY.feeds[feed_id].spec, dags[feed_id].schedule
    clock = schedule
    if isinstance(spec.source, SftpSource):
        assert isinstance(schedule, AssetOrTimeSchedule)
        clock = schedule.timetable
        [watcher] = schedule.asset_condition.watchers
        assert (watcher.trigger.feed_id, watcher.trigger.connection) == (feed_id, spec.source.connection)
        assert schedule.asset_condition.name == f"drop/{feed_id}"
    assert isinstance(clock, CronTriggerTimetable)
    assert (clock.expression, str(clock.timezone)) == (spec.schedule, "Asia/Shanghai")


@pytest.mark.parametrize("feed_id", FEEDS)
def test_a_feed_has_four_steps_in_order_and_is_named_in_its_tags(dags: Mapping[str, Any], feed_id: str) -> None:
    """Fetch, store, acknowledge (whatever happened before); the last hangs on them all, so that no failure looks green."""
    dag, spec = dags[feed_id], REGISTRY.feeds[feed_id].spec
    order = ("fetch", "store", "acknowledge", "raise_held")
    assert sorted(dag.task_ids) == sorted(order)
    for first, second in pairwise(order):
        assert second in dag.get_task(first).downstream_task_ids
    rules = {name: dag.get_task(name).trigger_rule.value for name in order}
    assert (rules["fetch"], rules["store"]) == ("all_success", "all_success")
    assert (rules["acknowledge"], rules["raise_held"]) == ("all_done", "none_failed")
    assert dag.get_task("raise_held").upstream_task_ids == {"fetch", "store", "acknowledge"}
    assert [dag.get_task(name).retries for name in order] == [3, 3, 3, 0]
    assert {spec.partner, spec.source.connector, *spec.records} <= set(dag.tags)
    assert f"mappings/{feed_id}.yaml" in dag.doc_md


@pytest.mark.parametrize("feed_id", FEEDS)
def test_storing_tells_of_every_schema_of_the_feed(dags: Mapping[str, Any], feed_id: str) -> None:
    """Deliver is started by what was stored and by nothing else of a feed."""
    dag = dags[feed_id]
    told = {asset.name for asset in dag.get_task("store").outlets}
    assert told == {f"record/{name}" for name in REGISTRY.feeds[feed_id].spec.records}
    assert not [task for task in dag.tasks if task.outlets and task.task_id != "store"]


def test_new_records_of_any_schema_start_the_delivery(dags: Mapping[str, Any]) -> None:
    """And each minute what is due later; its receipts start the report."""
    deliver, report = dags["deliver"], dags["report"]
    woken = {asset.name for asset in deliver.schedule.asset_condition.objects}
    assert woken == {f"record/{name}" for name in SCHEMAS}
    assert deliver.schedule.timetable.expression == "* * * * *"
    assert {task.task_id: [asset.name for asset in task.outlets] for task in deliver.tasks} == {
        "find_due": ["receipts"],
        "send": ["receipts"],
    }
    assert report.schedule.asset_condition.name == "receipts"
    assert report.schedule.timetable.expression == "*/5 * * * *"


def test_each_that_receives_and_each_that_is_told_gets_a_task_of_its_own(dags: Mapping[str, Any]) -> None:
    """One that is down keeps nobody else waiting, and its run tries it once: the next run is its next try."""
    for dag_id, first, second, tries in (("deliver", "find_due", "send", 0), ("report", "find_untold", "tell", 3)):
        mapped = dags[dag_id].get_task(second)
        assert dags[dag_id].task_ids == [first, second]
        assert mapped.is_mapped
        assert mapped.upstream_task_ids == {first}
        assert mapped.retries == tries
        assert mapped.partial_kwargs["map_index_template"] == "{{ task.op_kwargs['partner'] }}"
    assert set(dags["housekeeping"].task_ids) == {
        "check_mappings", "verify_archive", "note_expiries", "keep_keys", "forget_nonces",
    }  # fmt: skip


def test_incidents_are_looked_for_every_five_minutes_and_told_after(dags: Mapping[str, Any]) -> None:
    """The second task costs no process unless there is somebody to tell: the first is skipped, and takes it along."""
    watch = dags["watch"]
    assert watch.schedule.expression == "3-59/5 * * * *"
    assert watch.task_ids == ["find_incidents", "send_notices"]
    assert watch.get_task("send_notices").upstream_task_ids == {"find_incidents"}
    assert watch.get_task("send_notices").trigger_rule.value == "all_success"


@pytest.mark.parametrize("notices", [0, 2])
def test_without_a_notice_nobody_is_told(chores: ModuleType, monkeypatch: pytest.MonkeyPatch, notices: int) -> None:
    """Open incidents alone do not start the sender, nor turn anything red."""
    from airflow.sdk.exceptions import AirflowSkipException

    found = chores.watching.Watching(opened=0, closed=0, still_open=5, notices=notices)
    monkeypatch.setattr(chores, "open_house", lambda *patterns: None)
    monkeypatch.setattr(chores.watching, "watch", lambda house: found)
    if notices:
        chores.find_incidents()
    else:
        with pytest.raises(AirflowSkipException):
            chores.find_incidents()


def test_notices_go_to_the_log_alone_where_nobody_entered_a_webhook(
    chores: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is missing is no mistake here; one that is entered is used."""
    from hub.errors import ConnectionMissing
    from hub.model import Connection

    given: list[Any] = []
    monkeypatch.setattr(chores, "open_house", lambda *patterns: None)
    monkeypatch.setattr(chores.watching, "send_notices", lambda house, webhook: given.append(webhook))

    def missing(name: str) -> Connection:
        raise ConnectionMissing(name)

    monkeypatch.setattr(bootstrap, "find_connection", missing)
    chores.send_notices()
    monkeypatch.setattr(bootstrap, "find_connection", lambda name: Connection(name, "https://x.invalid"))
    chores.send_notices()
    assert [one is None for one in given] == [True, False]


def test_the_log_is_sealed_every_minute_and_anchored_every_hour(
    dags: Mapping[str, Any], chores: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each by one task, which is skipped when there is nothing to do, and red when its key cannot be used."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from hub.exchange_log import KeyUnusable, Sealed

    assert [dags[name].schedule.expression for name in ("seal", "anchor")] == ["* * * * *", "5 * * * *"]
    assert [dags[name].task_ids for name in ("seal", "anchor")] == [["seal_log"], ["put_anchor"]]
    found: list[Any] = [Sealed(1, 7), Sealed(0, 0), "a block", None]
    monkeypatch.setattr(chores, "open_house", lambda *patterns: SimpleNamespace(engine=None))
    for name in ("open_signer", "open_webhook"):
        monkeypatch.setattr(chores, name, lambda: None)
    for name in ("seal", "put_anchor"):
        monkeypatch.setattr(chores.exchange_log, name, lambda *words: found.pop(0))
    for step in (chores.seal_log, chores.put_anchor):
        step()
        with pytest.raises(AirflowSkipException):
            step()

    def unusable() -> None:
        raise KeyUnusable("no key")

    monkeypatch.setattr(chores, "open_signer", unusable)
    with pytest.raises(AirflowFailException, match="S061 no key"):
        chores.seal_log()


def test_a_day_is_reconciled_side_by_side_and_published_whatever_happened(dags: Mapping[str, Any]) -> None:
    """One task for each statement; the page is written even where one of them failed. The day is a parameter of the run."""
    dag = dags["reconcile"]
    assert dag.task_ids == ["find_sides", "compare", "publish"]
    assert dag.get_task("compare").is_mapped
    assert dag.get_task("compare").partial_kwargs["op_kwargs"] == {"day": "{{ params.day or '' }}"}
    assert dag.get_task("publish").trigger_rule.value == "all_done"
    assert dag.get_task("publish").upstream_task_ids == {"compare"}
    assert (dag.schedule.expression, str(dag.schedule.timezone)) == ("30 6 * * *", "Asia/Shanghai")
    assert dag.params["day"] is None


def test_a_day_is_yesterday_unless_it_is_named(chores: ModuleType) -> None:
    """And nothing else than a day."""
    assert str(chores.day_of("2026-11-24")) == "2026-11-24"
    assert chores.day_of("") == chores.today() - timedelta(days=1)
    with pytest.raises(HubError, match="a day is written"):
        chores.day_of("yesterday")


def test_a_difference_turns_the_page_red(chores: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open day does not; the message names partner, side and how many."""
    from airflow.sdk.exceptions import AirflowFailException

    day, one = date(2026, 11, 24), Total(1, 1)
    agreed, still_open = Reconciled("weihai", "receiver", day, one, one), Reconciled("nat", "origin", day, one, None)
    differs = Reconciled("province", "receiver", day, one, Total(0, 0))
    monkeypatch.setattr(chores, "open_house", lambda *words: None)
    for found, is_red in (([agreed, still_open], False), ([agreed, differs], True)):
        monkeypatch.setattr(chores.pipeline, "publish_day", lambda *words, found=found: (found, [Path("x.html")]))
        if is_red:
            with pytest.raises(AirflowFailException, match="province receiver: 0"):
                chores.publish("2026-11-24")
        else:
            chores.publish("2026-11-24")


@pytest.mark.parametrize("name", FILES)
def test_parsing_opens_nothing(parse: Parse, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No database, no connection, no network, no house: Airflow parses every few seconds."""

    def never(*words: object, **options: object) -> None:
        raise AssertionError("a DAG file reached out while it was parsed")

    from airflow.sdk import BaseHook

    for owner, word in (
        (sa, "create_engine"),
        (bootstrap, "open_database"),
        (bootstrap, "open_house"),
        (bootstrap, "find_connection"),
        (bootstrap, "open_connector"),
        (BaseHook, "get_connection"),
        (socket.socket, "connect"),
        (socket, "getaddrinfo"),
    ):
        monkeypatch.setattr(owner, word, never)
    assert parse(name)


def test_a_broken_mapping_takes_no_other_feed_along(
    parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no DAG and is named by the housekeeping; the others are parsed as before."""
    folder = tmp_path / "mappings"
    shutil.copytree(MAPPINGS, folder)
    (folder / "haidai_payrolls.yaml").write_text("title: [\n", "utf-8")
    (folder / "haidai_txns.yaml").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("HUB_MAPPINGS", str(folder))
    assert set(parse("feeds")) == set(FEEDS) - {"haidai_payrolls", "haidai_txns"}
    assert set(parse("report")) == {"report"}


def test_a_folder_without_mappings_parses_to_no_feed(
    parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even partners.yaml: Airflow stays up and an admin is told by `check_mappings`."""
    monkeypatch.setenv("HUB_MAPPINGS", str(tmp_path))
    assert parse("feeds") == {}
    assert set(parse("deliver")) | set(parse("report")) == {"deliver", "report"}
    assert bootstrap.open_registry().problems


def test_a_task_process_builds_only_its_own_dag(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task's process need not build the DAGs of all the other feeds."""
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", FEEDS[0])
    assert set(parse("feeds")) == {FEEDS[0]}


def test_only_an_unavailable_partner_is_worth_another_try(tasks: ModuleType) -> None:
    """It goes through as it is, so Airflow tries again."""
    gone = PartnerUnavailable("the line is dead")

    @tasks.sorted_errors  # type: ignore[untyped-decorator]
    def step() -> None:
        raise gone

    with pytest.raises(PartnerUnavailable) as caught:
        step()
    assert caught.value is gone


@pytest.mark.parametrize("kind", [PartnerRefused, FeedChanged, MappingInvalid, NotAllowed, HubError])
def test_what_a_person_must_mend_is_not_tried_again(tasks: ModuleType, kind: type[HubError]) -> None:
    """Its code and its sentence stand in Airflow's own words for that."""
    from airflow.sdk.exceptions import AirflowFailException

    @tasks.sorted_errors  # type: ignore[untyped-decorator]
    def step() -> None:
        raise kind("somebody should look")

    with pytest.raises(AirflowFailException, match=f"{kind.code} somebody should look") as caught:
        step()
    assert isinstance(caught.value.__cause__, kind)


def test_a_step_that_goes_well_gives_what_it_found(tasks: ModuleType) -> None:
    """And keeps its name, by which Airflow shows it."""

    @tasks.sorted_errors  # type: ignore[untyped-decorator]
    def step(number: int) -> int:
        return number + 1

    assert (step(1), step.__name__) == (2, "step")


def test_an_error_in_one_batch_does_not_keep_the_others_back(tasks: ModuleType) -> None:
    """All are tried in order, then the first error is raised, whatever its kind."""
    tried: list[int] = []

    def step(number: int) -> None:
        tried.append(number)
        if number % 2:
            raise (PartnerUnavailable if number == 1 else ValueError)(f"number {number}")

    with pytest.raises(PartnerUnavailable, match="number 1"):
        tasks.each([0, 1, 2, 3, 4], step)
    assert tried == [0, 1, 2, 3, 4]
    tasks.each([], step)


@pytest.mark.parametrize(("moved", "due"), [([], []), ([7], []), ([], ["province"]), ([7], ["province"])])
def test_a_batch_that_owes_nobody_anything_is_moved_on_all_the_same(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch, moved: list[int], due: list[str]
) -> None:
    """No delivery will ever do it; the run is skipped only when neither a batch nor a receiver waits."""
    from airflow.sdk.exceptions import AirflowSkipException

    steps: list[str] = []
    monkeypatch.setattr(tasks, "open_house", lambda *patterns: None)
    monkeypatch.setattr(tasks.pipeline, "holding", lambda house, name, holder: nullcontext())
    monkeypatch.setattr(tasks.pipeline, "wake_children", lambda house: steps.append("wake"))
    monkeypatch.setattr(tasks.pipeline, "mark_delivered", lambda house: steps.append("mark") or moved)
    monkeypatch.setattr(tasks.upkeep, "receivers_due", lambda house: steps.append("due") or due)
    if moved or due:
        assert tasks.find_due() == due
    else:
        with pytest.raises(AirflowSkipException):
            tasks.find_due()
    assert steps == ["wake", "mark", "due"]  # what is woken is not marked as answered, and is due


def test_a_receivers_answers_wake_children_before_batches_are_moved_on(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told of a refusal that is about to be tried again."""
    from airflow.sdk.exceptions import AirflowSkipException

    steps: list[str] = []
    receives = SimpleNamespace(connection="province_api", is_closed=lambda moment: False)
    house = SimpleNamespace(registry=SimpleNamespace(receives=lambda partner: receives))
    monkeypatch.setattr(tasks, "open_house", lambda *patterns: house)
    monkeypatch.setattr(tasks, "open_receiver", lambda registry, partner: None)
    for name, result in (("holding", nullcontext()), ("guarded", nullcontext()), ("next_delivery", None)):
        monkeypatch.setattr(tasks.pipeline, name, lambda *words, result=result: result)
    for name, found in (("deliver_waiting", 0), ("collect_receipts", 0), ("wake_children", 40), ("mark_delivered", [])):
        monkeypatch.setattr(tasks.pipeline, name, lambda *_, name=name, found=found: steps.append(name) or found)
    with pytest.raises(AirflowSkipException):
        tasks.deliver("province")
    assert steps == ["deliver_waiting", "collect_receipts", "wake_children", "mark_delivered"]


@pytest.fixture
def told(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was told of which feed, where four feeds of two partners wait with two batches each and one connection is broken."""
    spec = REGISTRY.feeds["haidai_payrolls"].spec
    partners = {"hai_a": "hai", "hai_b": "hai", "hai_c": "hai", "hai_dai_d": "hai_dai"}
    feeds = {
        name: Feed(feed_id=name, digest="", spec=spec.model_copy(update={"partner": partner}))
        for name, partner in partners.items()
    }
    registry = Registry(MAPPINGS, feeds, {}, {}, ())
    found: list[tuple[str, int]] = []

    @contextmanager
    def connector(feed: Feed) -> Iterator[None]:
        if feed.feed_id == "hai_a":
            raise MappingInvalid("no such connection")
        yield

    monkeypatch.setattr(tasks, "open_house", lambda *patterns: type("House", (), {"registry": registry}))
    monkeypatch.setattr(tasks, "open_connector", connector)
    for guard in ("holding", "guarded"):
        monkeypatch.setattr(tasks.pipeline, guard, lambda *_: nullcontext())
    monkeypatch.setattr(tasks.pipeline, "batches_to_report", lambda house, stage, feed_ids: [1, 2])
    monkeypatch.setattr(
        tasks.pipeline,
        "report_batch",
        lambda house, feed, batch, stage, connector: found.append((feed.feed_id, batch)),
    )
    monkeypatch.setattr(tasks.pipeline, "feeds_owed", lambda house: {"hai_c": "hai", "hai_dai_d": "hai_dai"})
    monkeypatch.setattr(
        tasks.pipeline, "tell_conclusions", lambda house, feed, connector: found.append((feed.feed_id, 0))
    )
    return found


def test_a_partner_is_told_of_its_own_feeds_and_of_all_that_can_be_told(
    tasks: ModuleType, told: list[tuple[str, int]]
) -> None:
    """A partner whose name goes on where another's ends has a task of its own; one broken feed keeps no other back, nor what
    clues came to, which is told after the rows."""
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="no such connection"):
        tasks.report("hai")
    assert told == [("hai_b", 1), ("hai_b", 2), ("hai_c", 1), ("hai_c", 2), ("hai_c", 0)]
    told.clear()
    tasks.report("hai_dai")
    assert told == [("hai_dai_d", 1), ("hai_dai_d", 2), ("hai_dai_d", 0)]


def test_broken_mappings_fail_the_housekeeping(chores: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every problem, so that none stays unseen."""
    from airflow.sdk.exceptions import AirflowFailException

    from hub.registry import Problem

    problems = (Problem("a.yaml", 1, "is not YAML"), Problem("b.yaml", 2, "there is no such word here"))
    registry = Registry(MAPPINGS, {}, {}, {}, problems)
    monkeypatch.setattr(chores, "open_house", lambda: type("House", (), {"registry": registry}))
    with pytest.raises(AirflowFailException, match=r"a\.yaml:1: is not YAML\nb\.yaml:2"):
        chores.check_mappings()
