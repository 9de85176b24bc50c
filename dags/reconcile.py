"""Reconcile: every morning the day before is held against the statements of everyone who gives one, each in a task of its own.

Run it by hand with another `day` for any other day; again, it replaces what was found. The last task writes the page and the file
of differences, and is red while anything differs.
"""

from airflow.sdk import DAG, CronTriggerTimetable, Param, task

from hub import tasks
from hub.tasks import chores

DAY = "{{ params.day or '' }}"

with DAG(
    dag_id="reconcile",
    dag_display_name="reconcile 每日对账",
    schedule=CronTriggerTimetable("30 6 * * *", timezone="Asia/Shanghai"),
    max_active_runs=1,
    catchup=False,
    default_args=tasks.RETRIES,
    params={
        "day": Param(
            None, type=["null", "string"], format="date", title="日期 / day", description="空：前一天 / yesterday"
        )
    },
    doc_md=__doc__,
    tags=["reconcile"],
):
    sides = task(chores.find_sides, task_id="find_sides")(DAY)
    compare = task(chores.reconcile, task_id="compare", map_index_template=tasks.PARTNER_NAME)
    compared = compare.partial(day=DAY).expand(partner=sides)
    compared >> task(chores.publish, task_id="publish", trigger_rule="all_done", retries=0)(DAY)
