"""Housekeeping: every morning, what a watchful admin would look at. Each task fails with what it found."""

from airflow.sdk import DAG, CronTriggerTimetable, task

from hub.tasks import chores

with DAG(
    dag_id="housekeeping",
    dag_display_name="housekeeping 日常巡检",
    schedule=CronTriggerTimetable("0 8 * * *", timezone="Asia/Shanghai"),
    max_active_runs=1,
    catchup=False,
    default_args={"retries": 1, "retry_delay": 30},
    doc_md=__doc__,
    tags=["housekeeping"],
):
    for step in (
        chores.check_mappings,
        chores.verify_archive,
        chores.note_expiries,
        chores.keep_keys,
        chores.forget_nonces,
    ):
        task(step, task_id=step.__name__)()
