"""Airflow's own logging, as our local settings set it up: no line of a task, a component or a library shows a person's number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.masking import CARD, ID, PHONE
from simulators.identifiers import make_card, make_id_no, make_phone

PROJECT = Path(__file__).parents[3]
ID_NO, CARD_NO, MOBILE = make_id_no(5), make_card("622202", 5), make_phone(5)
SECRET = "a-secret-of-a-connection"

COMPONENT = f"""
import logging, warnings
import airflow
import structlog
from hub.masking import hide
hide("{SECRET}")
logging.getLogger("paramiko.transport").error("odd cell %s", "{ID_NO}")
try:
    raise ValueError("row with {CARD_NO}") from KeyError("{MOBILE}")
except ValueError:
    logging.getLogger("zeep").exception("the reply could not be read: {SECRET}")
structlog.get_logger("ours").info("kept", batch_no="31320261123000001", fen=13800001234, phone={MOBILE})
warnings.warn("old form {ID_NO}")
raise RuntimeError("nobody caught {ID_NO}")
"""

TASK = f"""
import io, logging, sys
import airflow
from airflow.sdk.log import configure_logging, logging_processors, reset_logging
reset_logging()
channel = io.BytesIO()
configure_logging(json_output=True, output=channel, sending_to_supervisor={{to_supervisor}})
try:
    raise ValueError("row with {CARD_NO}")
except ValueError:
    logging.getLogger("zeep").exception("reply about %s", "{ID_NO}")
logging.getLogger("hub").info("batch=7 fen=13800001234 batch_no=31320261123000001")
sys.stderr.write(channel.getvalue().decode())
# what a supervisor makes of a line that the task only printed
event = {{{{"event": "printed {MOBILE}", "number": {ID_NO[:-1]}0, "level": "info", "timestamp": "t"}}}}
for step in logging_processors(json_output=True):
    event = step(None, "info", event)
sys.stderr.write(event if isinstance(event, str) else event.decode())
"""


def run(script: str, home: Path, **settings: str) -> str:
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "airflow_local_settings.py").write_bytes(
        (PROJECT / "docker/config/airflow_local_settings.py").read_bytes()
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HUB_", "PYTEST"))}
    environment = {**kept, "AIRFLOW_HOME": str(home), "NO_COLOR": "1", "PYTHONWARNINGS": "always", **settings}
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], env=environment, capture_output=True, text=True, cwd=home
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("is_json", [False, True])
def test_a_component_logs_no_number(is_json: bool, tmp_path: Path) -> None:
    """A library's message, a traceback with its cause, a structured event, a warning, an error nobody caught."""
    said = run(COMPONENT, tmp_path, AIRFLOW__LOGGING__JSON_LOGS=str(is_json))
    assert not any(number in said for number in (ID_NO, CARD_NO, MOBILE, SECRET))
    assert "the reply could not be read" in said
    assert "nobody caught <masked id>" in said
    assert [mask in said for mask in (ID, CARD, PHONE, "<masked secret>")] == [True] * 4
    assert "31320261123000001" in said
    assert "13800001234" in said


@pytest.mark.parametrize("to_supervisor", [False, True])
def test_a_tasks_lines_carry_no_number(to_supervisor: bool, tmp_path: Path) -> None:
    """Masked where the task writes them, and again where its supervisor does; each is JSON still."""
    said = run(TASK.format(to_supervisor=to_supervisor), tmp_path)
    assert not any(number in said for number in (ID_NO, CARD_NO, MOBILE, ID_NO[:-1]))
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert len(lines) == 3
    assert lines[0]["event"] == f"reply about {ID}"
    assert CARD in json.dumps(lines[0]["exception"])
    assert lines[1]["event"] == "batch=7 fen=13800001234 batch_no=31320261123000001"
    assert lines[2] == {"event": f"printed {PHONE}", "number": ID, "level": "info", "timestamp": "t"}


def test_without_our_settings_they_would(tmp_path: Path) -> None:
    """The masks do it, nothing else: what the tests above look for is there where our settings are not."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HUB_", "PYTEST"))}
    done = subprocess.run([sys.executable, "-P", "-c", COMPONENT], env={**kept, "AIRFLOW_HOME": str(tmp_path)},
                          capture_output=True, text=True, cwd=tmp_path)  # fmt: skip
    assert all(number in done.stdout + done.stderr for number in (ID_NO, CARD_NO, MOBILE))


def test_the_secrets_of_a_connection_that_was_opened_stand_in_no_log(tmp_path: Path) -> None:
    """Its password, as HTTP's basic login too, and the secrets among its extras; the host's public key stays."""
    script = """
import logging
from hub.connections import find_connection
from hub.masking import masked_stderr
with masked_stderr():
    found = find_connection("bank_sftp")
    import sys
    print("opened", found.password, found.extra["private_key"], found.extra["host_key"], file=sys.stderr)
    print("Authorization: Basic YmFuazpwYXNzLXBhc3MtcGFzcw==", file=sys.stderr)
"""
    extra = {
        "private_key": "-----BEGIN X-----\n" + "k" * 40 + "\n-----END X-----",
        "host_key": "ssh-ed25519 AAAAhostkey",
    }
    facts = {"conn_type": "sftp", "host": "h", "login": "bank", "password": "pass-pass-pass", "extra": extra}
    said = run(script, tmp_path, AIRFLOW_CONN_BANK_SFTP=json.dumps(facts))
    assert "ssh-ed25519 AAAAhostkey" in said
    assert not any(secret in said for secret in ("pass-pass-pass", "k" * 40, "YmFuazpwYXNzLXBhc3MtcGFzcw"))
    assert said.count("<masked secret>") == 3
