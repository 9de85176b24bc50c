"""Deliver: new records of any schema start it, the clock takes up what is due later. One task per receiver, so one that is
down keeps nobody else waiting."""

from airflow.sdk import DAG, Asset, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, task

from hub import tasks
from hub.bootstrap import open_registry
from schemas.catalogue import SCHEMAS

with DAG(
    dag_id="deliver",
    dag_display_name="deliver 推送省平台",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("* * * * *", timezone="Asia/Shanghai"),
        assets=AssetAny(*[Asset(f"record/{name}") for name in SCHEMAS]),
    ),
    max_active_runs=1,
    catchup=False,
    default_args=tasks.RETRIES,
    doc_md=__doc__,
    tags=["deliver"],
):
    for partner, spec in open_registry().partners.items():
        if spec.receives is not None:
            task(tasks.deliver, task_id=partner, outlets=[Asset("receipts")])(partner)
