"""Look: start the run of what a partner says is ready, in Airflow's own tables, unless one is queued already.

Only the API server runs this: it is the one process of ours that may write there.
"""

from __future__ import annotations

import logging

import sqlalchemy as sa

from hub.errors import HubUnavailable
from hub.store import knocks
from hub.store.database import working
from hub.store.knocks import Knock

log = logging.getLogger("hub")
RECEIPTS = "receipts"
DELIVER = "deliver"
"""The DAG that fetches receipts."""


def look(engine: sa.Engine, knock: Knock) -> str:
    """Start a run for the knock; gives `started`, or `waiting` where a queued run will see what is ready.

    `owed` when Airflow could not: the knock stands, and the feed's own schedule brings what it is about.
    """
    dag_id = DELIVER if knock.ready == RECEIPTS else knock.ready
    try:
        with working(engine) as work:
            knocks.take_turn(work, dag_id)
            run = None if _is_queued(dag_id) else _trigger(dag_id, knock)
            found = "waiting" if run is None else "started"
            knocks.note_look(work, knock.knock_id, found, run)
    except HubUnavailable:
        raise
    except Exception as error:  # Airflow's own words may quote anything, and the knock is accepted whatever they are
        log.error("knock %s: no run of %s was started: %s", knock.knock_id, dag_id, type(error).__name__)
        return "owed"
    return found


def _is_queued(dag_id: str) -> bool:
    """Whether a run of the DAG waits to begin. One that has begun may have looked already."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState

    with create_session() as session:
        found = sa.select(DagRun.id).where(DagRun.dag_id == dag_id, DagRun.state == DagRunState.QUEUED).limit(1)
        return session.scalar(found) is not None


def _trigger(dag_id: str, knock: Knock) -> str:
    """Queue a run; its id and its conf name the knock."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.utils.types import DagRunTriggeredByType

    run_id = f"knock__{knock.knock_id}"
    trigger_dag(
        dag_id,
        run_id=run_id,
        conf={"knock": knock.knock_id},
        triggered_by=DagRunTriggeredByType.REST_API,
        triggering_user_name=f"{knock.partner} (door)",
    )
    return run_id
