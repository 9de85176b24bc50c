"""Airflow connection to plain Connection: the one place that knows where addresses and secrets are kept."""

from __future__ import annotations

from hub.errors import ConnectionMissing
from hub.model import Connection


def find_connection(name: str) -> Connection:
    """The connection of this name from Airflow's secrets: environment (``AIRFLOW_CONN_…``), backend, or its own store.

    Raises ConnectionMissing when there is none.
    """
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = BaseHook.get_connection(name)
    except (ValueError, TypeError) as error:  # the entry cannot be read, and its words may quote it
        raise ConnectionMissing(
            f"the connection {name} is entered wrongly ({type(error).__name__}); enter it anew"
        ) from None
    except AirflowNotFoundException as error:
        raise ConnectionMissing(
            f"there is no connection {name}; set AIRFLOW_CONN_{name.upper()} or add it in Airflow"
        ) from error
    extra = {key: str(value) for key, value in found.extra_dejson.items()}
    return Connection(name, found.host or "", found.port, found.login or "", found.password or "", extra)
