"""Anchor: every hour number and hash of the exchange log's newest block go out, to a folder and to the web address of notices. An
anchor that lies in other hands is the only thing that shows when the end of the log was cut off."""

from airflow.sdk import DAG, CronTriggerTimetable, task

from hub.tasks import chores

with DAG(
    dag_id="anchor",
    dag_display_name="anchor 日志锚点",
    schedule=CronTriggerTimetable("5 * * * *", timezone="Asia/Shanghai"),
    max_active_runs=1,
    catchup=False,
    default_args={"retries": 3, "retry_delay": 60, "weight_rule": "absolute"},
    doc_md=__doc__,
    tags=["exchange log"],
):
    task(chores.put_anchor, task_id="put_anchor")()
