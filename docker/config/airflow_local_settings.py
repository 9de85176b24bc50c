"""Airflow imports this module whenever one of its components starts (it lies in $AIRFLOW_HOME/config).

Each task is a process forked from the scheduler (LocalExecutor) or from a Celery worker. What all tasks of the hub need is
imported here once, so that a task finds it in its memory: a third of a CPU second less for each. Nothing here may start a thread,
for a thread does not live on in a fork: so no polars, no dataframely, and no module of ours that uses them.
"""

import sys
from importlib import import_module

from hub.airflow_masks import mask_airflow_logs

NEEDED = ("lxml.etree", "paramiko", "psycopg", "requests", "sqlalchemy", "yaml", "hub.feed", "hub.reasons")

mask_airflow_logs()  # before Airflow sets its logging up, which it does right after this

if {"scheduler", "celery"} & set(sys.argv):
    for name in NEEDED:
        import_module(name)

__all__: list[str] = []
