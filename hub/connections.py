"""Airflow connection to plain Connection: the one place that knows where addresses and secrets are kept."""

from __future__ import annotations

from contextlib import suppress

from hub.errors import ConnectionMissing
from hub.masking import hide
from hub.model import Connection

SECRET_EXTRAS = ("private_key", "passphrase", "password", "secret", "token", "key")
"""Names in `extra` that hold, or end with the name of, a secret."""


def find_connection(name: str) -> Connection:
    """The connection of this name from Airflow's secrets: environment (``AIRFLOW_CONN_…``), backend, or its own store.

    Its secrets stand in no log from then on. Raises ConnectionMissing when there is none.
    """
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException
    from airflow.sdk.log import mask_secret

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
    secrets = [found.password or "", *(value for key, value in extra.items() if is_secret(key))]
    hide(*secrets, login=found.login or "")
    with suppress(Exception):  # outside a task there is nobody to tell
        for secret in secrets:
            mask_secret(secret)
    return Connection(name, found.host or "", found.port, found.login or "", found.password or "", extra)


def is_secret(key: str) -> bool:
    """Whether an entry of `extra` holds a secret. A host's public key is none."""
    return key != "host_key" and key.endswith(SECRET_EXTRAS)
