"""What Airflow finds by the entry point `airflow.plugins`: the door, mounted into its API server.

Every process of Airflow loads plugins, so the application itself is imported at the first call.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/exchange/v1"


class Door:
    """The application, built when somebody comes."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            from hub.door.app import build_app

            self._app = build_app()
        await self._app(scope, receive, send)


class DoorPlugin(AirflowPlugin):
    """就绪通知接口 / the door for partners."""

    name = "exchange_door"
    fastapi_apps = [{"app": Door(), "url_prefix": PREFIX, "name": "就绪通知接口 door"}]  # noqa: RUF012
