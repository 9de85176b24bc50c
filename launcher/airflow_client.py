"""The few questions the demonstration and the end-to-end tests ask Airflow, over its public REST API (v2).

It logs in when it must, follows pages to their end, and never goes through a proxy.
"""

import time
from collections.abc import Mapping
from typing import Any

import requests

from launcher.airflow_settings import AirflowAddress

Row = dict[str, Any]
PAGE = 100
OVER = ("success", "failed")


class AirflowRefused(Exception):
    """Airflow answered with an error; the message carries its status and text."""


class RunTimeout(Exception):
    """A run did not end in time; the message carries the state of its tasks."""


class AirflowClient:
    """One user's view of one Airflow; `user` is any of its passwords, the administrator unless told."""

    def __init__(self, address: AirflowAddress, user: str | None = None, timeout: float = 30.0) -> None:
        self.address = address
        self._user = user or address.user
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def dags(self) -> list[Row]:
        return self._pages("/dags", "dags")

    def unpause(self, dag_id: str) -> Row:
        return self.call("PATCH", f"/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run now; returns its run id."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        return str(self.call("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def runs(self, dag_id: str) -> list[Row]:
        """All runs of the DAG (`~` for every DAG), newest first."""
        return self._pages(f"/dags/{dag_id}/dagRuns", "dag_runs", order_by="-run_after")

    def run(self, dag_id: str, run_id: str) -> Row:
        return self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")

    def task_instances(self, dag_id: str, run_id: str) -> list[Row]:
        return self._pages(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")

    def import_errors(self) -> list[Row]:
        return self._pages("/importErrors", "import_errors")

    def wait_run(self, dag_id: str, run_id: str, timeout: float = 120.0) -> Row:
        """The run once it has ended, in success or failure; RunTimeout if it has not in time."""
        deadline = time.monotonic() + timeout
        while (run := self.run(dag_id, run_id))["state"] not in OVER:
            if time.monotonic() > deadline:
                states = {task["task_id"]: task["state"] for task in self.task_instances(dag_id, run_id)}
                raise RunTimeout(f"{dag_id} {run_id} is {run['state']} after {timeout:g} s; tasks: {states}")
            time.sleep(0.3)
        return run

    def wait_dag(self, dag_id: str, timeout: float = 60.0) -> Row:
        """The DAG once Airflow has read it; AirflowRefused with the import errors if it does not in time."""
        deadline = time.monotonic() + timeout
        while not (found := [dag for dag in self.dags() if dag["dag_id"] == dag_id]):
            if time.monotonic() > deadline:
                raise AirflowRefused(f"no DAG {dag_id} after {timeout:g} s; import errors: {self.import_errors()}")
            time.sleep(0.5)
        return found[0]

    def call(self, method: str, path: str, body: Row | None = None, **params: Any) -> Row:
        """Any other call of the API; `path` begins behind /api/v2."""
        for attempt in (1, 2):
            if "Authorization" not in self._session.headers:
                self._log_in()
            answer = self._send(method, f"/api/v2{path}", body, params)
            if answer.status_code != 401 or attempt == 2:
                break
            del self._session.headers["Authorization"]
        found: Row = self._checked(answer).json() if answer.content else {}
        return found

    def _pages(self, path: str, key: str, **params: Any) -> list[Row]:
        rows: list[Row] = []
        while True:
            page = self.call("GET", path, limit=PAGE, offset=len(rows), **params)
            rows += page[key]
            if not page[key] or len(rows) >= page["total_entries"]:
                return rows

    def _log_in(self) -> None:
        body = {"username": self._user, "password": self.address.passwords[self._user]}
        answer = self._checked(self._send("POST", "/auth/token", body, {}))
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _send(self, method: str, path: str, body: Row | None, params: Row) -> requests.Response:
        return self._session.request(
            method, f"{self.address.url}{path}", json=body, params=params, timeout=self._timeout
        )

    @staticmethod
    def _checked(answer: requests.Response) -> requests.Response:
        if not answer.ok:
            raise AirflowRefused(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:500]}")
        return answer
