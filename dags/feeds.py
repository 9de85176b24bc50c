"""One DAG per mapping file: fetch, store, acknowledge, and a last task that fails while a batch of the feed is held.

Nothing here opens a database or a partner: the registry is read from files. A mapping that cannot be used has no DAG and stands
in the housekeeping DAG's `check_mappings`; the other feeds are not touched by it.
"""

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable, get_parsing_context, task

from hub import tasks
from hub.bootstrap import open_registry
from hub.feed import Feed, SftpSource
from hub.triggers import DropTrigger

ZONE = "Asia/Shanghai"


def schedule_of(feed: Feed) -> CronTriggerTimetable | AssetOrTimeSchedule:
    """Files start their feed when they are dropped; the clock is the fall-back. Everything else goes by the clock."""
    clock = CronTriggerTimetable(feed.spec.schedule, timezone=ZONE)
    source = feed.spec.source
    if not isinstance(source, SftpSource):
        return clock
    trigger = DropTrigger(feed_id=feed.feed_id, connection=source.connection)
    dropped = Asset(f"drop/{feed.feed_id}", watchers=[AssetWatcher(name=f"drop_{feed.feed_id}", trigger=trigger)])
    return AssetOrTimeSchedule(timetable=clock, assets=dropped)


def page_of(feed: Feed) -> str:
    """What an admin reads beside the DAG."""
    spec = feed.spec
    records = "\n".join(
        f"* `{name}` ← {record.rows}，{len(record.fields)} 个字段" for name, record in spec.records.items()
    )
    origin = f"`mappings/{feed.feed_id}.yaml` · {spec.source.connector} · `{spec.source.connection}`"
    return f"## {spec.title}\n\n{origin}\n\n{records}\n"


def build_dag(feed: Feed) -> DAG:
    """The same four steps for every feed, one per durable hand-over."""
    with DAG(
        dag_id=feed.feed_id,
        dag_display_name=f"{feed.feed_id} {feed.spec.title.partition(' / ')[0]}",
        schedule=schedule_of(feed),
        max_active_runs=1,
        catchup=False,
        default_args=tasks.RETRIES | {"weight_rule": "absolute"},
        doc_md=page_of(feed),
        tags=["feed", feed.spec.partner, feed.spec.source.connector, *feed.spec.records],
    ) as dag:
        # Where many feeds wait for a slot, what has begun goes first: a partner's answer is not kept behind others' questions.
        fetched = task(tasks.fetch, task_id="fetch")(feed.feed_id)
        outlets = [Asset(f"record/{name}") for name in feed.spec.records]
        stored = task(tasks.store, task_id="store", outlets=outlets, priority_weight=2)(feed.feed_id, fetched)
        told = task(tasks.acknowledge, task_id="acknowledge", trigger_rule="all_done", priority_weight=3)(feed.feed_id)
        held = task(tasks.raise_held, task_id="raise_held", trigger_rule="none_failed", retries=0)(feed.feed_id)
        # The last task hangs on all the others: its state is the run's, and a failed fetch must not look green.
        stored >> told
        [fetched, stored, told] >> held
    return dag


# A task's process asks for its own DAG alone and need not read the mappings of all the others.
for feed in open_registry(get_parsing_context().dag_id or "*", tasks.NONE).feeds.values():
    globals()[feed.feed_id] = build_dag(feed)
