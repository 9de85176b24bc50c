"""The simulators as a child process for the length of a `with` block.

The same state directory can be given again: what was sent and received is still there.
"""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from simulators.client import Simulators

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Running:
    """Simulators that are up: their addresses, their control, their process."""

    addresses: dict[str, Any]
    control: Simulators
    process: "subprocess.Popen[str]"

    def web(self, partner: str = "bureau") -> requests.Session:
        """A caller that believes the simulated CA, and shows the certificate a partner wants, for tests without the hub."""
        context = ssl.create_default_context(cadata=self.addresses[partner]["tls"]["ca"])
        if "certificate" in self.addresses[partner]["tls"]:
            folder = Path(self.addresses["tls"])
            phrase = (folder / "hub.phrase").read_text()
            context.load_cert_chain(folder / "hub.pem", folder / "hub.key", phrase)
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", _Adapter(context))
        return session


class _Adapter(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **options)


@contextmanager
def running(state: Path, mirrored: str = "none", **options: object) -> Iterator[Running]:
    """Start the simulators, e.g. `running(tmp_path, scale=0.1, bad_share=0)`, and end them afterwards.

    Only the partners with simulators of their own, unless `mirrored` names others: `all`, or some with commas between.
    """
    command = [sys.executable, "-m", "simulators", "--state", str(state), "--mirrored", mirrored]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulators ended with code {process.wait()} before they were ready")
        addresses = json.loads(line)
        yield Running(addresses, Simulators(addresses["control"]["url"]), process)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
