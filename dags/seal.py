"""Seal: every minute a block is closed over what was appended to the exchange log: a Merkle tree, chained to the block before and
signed. Nothing waits for it; what it misses comes into the next block."""

from airflow.sdk import DAG, CronTriggerTimetable, task

from hub.tasks import chores

with DAG(
    dag_id="seal",
    dag_display_name="seal 日志封存",
    schedule=CronTriggerTimetable("* * * * *", timezone="Asia/Shanghai"),
    max_active_runs=1,
    catchup=False,
    default_args={"retries": 1, "retry_delay": 15, "weight_rule": "absolute"},
    doc_md=__doc__,
    tags=["exchange log"],
):
    task(chores.seal_log, task_id="seal_log")()
