"""Watch: every five minutes, what was expected against what came. Incidents open and close here, and each is told of once.

It is green while incidents are open: `hub incidents` lists them, notices tell of them.
"""

from airflow.sdk import DAG, CronTriggerTimetable, task

from hub.tasks import chores

with DAG(
    dag_id="watch",
    dag_display_name="watch 值守",
    schedule=CronTriggerTimetable("3-59/5 * * * *", timezone="Asia/Shanghai"),
    max_active_runs=1,
    catchup=False,
    default_args={"retries": 1, "retry_delay": 30, "weight_rule": "absolute"},
    doc_md=__doc__,
    tags=["watch"],
):
    # The second is skipped, and costs no process, unless there is somebody to tell.
    task(chores.find_incidents, task_id="find_incidents")() >> task(chores.send_notices, task_id="send_notices")()
