"""Every Airflow setting a run on one machine needs, as environment variables; no airflow.cfg is edited.

Each value that differs from Airflow's default says why, most of them measured (see the architecture notes).
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.ports import LOCAL
from launcher.state import PROJECT, secret, write_private

# Roles of the simple auth manager, from all rights to reading only.
USERS = {"admin": "admin", "officer": "op", "viewer": "viewer"}
FOREIGN = ("AIRFLOW", "PYTHON", "PG", "HUB_RUN_")


@dataclass(frozen=True)
class AirflowAddress:
    """Where Airflow answers and who may come in; `passwords` holds all of USERS, `user` is the administrator."""

    url: str
    user: str
    password: str
    passwords: Mapping[str, str]


def passwords(home: Path) -> dict[str, str]:
    """The generated passwords, written where the simple auth manager looks for them."""
    path = home / "passwords.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    wanted = {user: known.get(user) or secrets.token_urlsafe(12) for user in USERS}
    if wanted != known:
        write_private(path, json.dumps(wanted) + "\n")
    return wanted


def plain_environment(home: Path) -> dict[str, str]:
    """The person's environment without what would bend a local run: other Airflows, paths of modules, proxies."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN) and not name.lower().endswith("_proxy")
    }
    return {**kept, "HOME": os.environ.get("HOME") or str(home), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


def settings(state: Path, home: Path, database_url: str, port: int, dags: Path | None = None) -> dict[str, str]:
    """The settings by section, flattened to the names Airflow reads."""
    sections = {
        "core": _core(home, dags or PROJECT / "dags", port),
        "database": {
            "sql_alchemy_conn": with_driver(database_url, "psycopg"),
            "sql_alchemy_conn_async": with_driver(database_url, "asyncpg"),
        },
        "api": _api(state, port),
        "api_auth": {"jwt_secret": secret(state, "airflow-jwt")},
        "scheduler": {
            "scheduler_idle_sleep_time": "0.2",  # a chain of ten tasks: 4 s instead of 12-14 s
            "task_instance_heartbeat_timeout": "60",  # a killed task is noticed after one minute, not five
            "orphaned_tasks_check_interval": "60",
            "parsing_cleanup_interval": "30",
        },
        "workers": {"min_heartbeat_interval": "1"},  # 5 keeps a slot busy for 5 s after its task has ended
        "dag_processor": {
            "refresh_interval": "15",  # a new file is listed within 15 s
            "min_file_process_interval": "30",  # a changed mapping shows within 30 s, for a tenth of a core
            "parsing_processes": "1",  # two cores, and one file per kind of DAG
        },
        "logging": {
            "dag_processor_child_process_log_directory": str(home / "logs" / "dag_processor"),
            "base_log_folder": str(home / "logs"),
            "colored_console_log": "False",
        },
    }
    named = {"AIRFLOW_HOME": str(home)}
    for section, values in sections.items():
        named |= {f"AIRFLOW__{section.upper()}__{name.upper()}": value for name, value in values.items()}
    return named


def _core(home: Path, dags: Path, port: int) -> dict[str, str]:
    return {
        "dags_folder": str(dags),
        "plugins_folder": str(home / "plugins"),
        "executor": "LocalExecutor",
        "parallelism": "8",  # four per core: tasks wait for partners and for the database
        "max_active_tasks_per_dag": "8",
        "load_examples": "False",
        "dags_are_paused_at_creation": "False",
        "dag_discovery_safe_mode": "False",  # every file in dags/ is ours
        "default_timezone": "Asia/Shanghai",
        "min_serialized_dag_update_interval": "5",
        "simple_auth_manager_users": ",".join(f"{user}:{role}" for user, role in USERS.items()),
        "simple_auth_manager_passwords_file": str(home / "passwords.json"),
        "fernet_key": _fernet_key(home),
        "execution_api_server_url": f"http://{LOCAL}:{port}/execution/",
        "hostname_callable": "socket.gethostname",  # the default asks the name server
    }


def _api(state: Path, port: int) -> dict[str, str]:
    return {
        "host": LOCAL,
        "port": str(port),
        "base_url": f"http://{LOCAL}:{port}",
        "workers": "1",
        "secret_key": secret(state, "airflow-session"),
        "enable_swagger_ui": "False",  # its pages load scripts from a public server
        "log_fetch_timeout_sec": "1",
        "worker_timeout": "10",  # also how long a stop waits for open browser connections
        "instance_name": "农民工工资数据交换枢纽",
    }


def _fernet_key(home: Path) -> str:
    path = home / "fernet-key"
    if not path.exists():
        write_private(path, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    return path.read_text()


def with_driver(url: str, driver: str) -> str:
    """The same database by another driver."""
    return f"postgresql+{driver}://{url.split('://', 1)[1]}"
