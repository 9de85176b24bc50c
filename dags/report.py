"""Report: receipts start it, the clock is the fall-back. One task per partner tells it what became of its rows."""

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, CronTriggerTimetable, task

from hub import tasks
from hub.bootstrap import open_registry

feeds = open_registry().feeds.values()

with DAG(
    dag_id="report",
    dag_display_name="report 状态回传",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/5 * * * *", timezone="Asia/Shanghai"), assets=Asset("receipts")
    ),
    max_active_runs=1,
    catchup=False,
    default_args=tasks.RETRIES,
    doc_md=__doc__,
    tags=["report"],
):
    for partner in sorted({feed.spec.partner for feed in feeds}):
        ids = [feed.feed_id for feed in feeds if feed.spec.partner == partner]
        task(tasks.report, task_id=partner)(ids)
