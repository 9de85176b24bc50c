"""Deliver: new records of any schema start it, the clock takes up what is due later. Each receiver that something is due for gets
a task of its own, so one that is down keeps nobody else waiting; the next run is its next try."""

from airflow.sdk import DAG, Asset, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, task

from hub import tasks
from schemas.catalogue import SCHEMAS

with DAG(
    dag_id="deliver",
    dag_display_name="deliver 推送",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("* * * * *", timezone="Asia/Shanghai"),
        assets=AssetAny(*[Asset(f"record/{name}") for name in SCHEMAS]),
    ),
    max_active_runs=1,
    catchup=False,
    default_args=tasks.RETRIES | {"weight_rule": "absolute", "priority_weight": 4},
    doc_md=__doc__,
    tags=["deliver"],
):
    told = [Asset("receipts")]
    due = task(tasks.find_due, task_id="find_due", outlets=told)()
    send = task(tasks.deliver, task_id="send", map_index_template=tasks.PARTNER_NAME, retries=0, outlets=told)
    send.expand(partner=due)
