"""Report: receipts start it, the clock is the fall-back. Each partner that waits for an answer is told by a task of its own."""

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, CronTriggerTimetable, task

from hub import tasks

with DAG(
    dag_id="report",
    dag_display_name="report 状态回传",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/5 * * * *", timezone="Asia/Shanghai"), assets=Asset("receipts")
    ),
    max_active_runs=1,
    catchup=False,
    default_args=tasks.RETRIES | {"weight_rule": "absolute", "priority_weight": 4},
    doc_md=__doc__,
    tags=["report"],
):
    waiting = task(tasks.find_untold, task_id="find_untold")()
    task(tasks.report, task_id="tell", map_index_template=tasks.PARTNER_NAME).expand(partner=waiting)
