"""npm's soap on a free port of this machine, with mutual TLS and WS-Security; its ledger is a file of JSON lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulators.certificates import Authority, Pair

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "node" / "insurer.cjs"
PACKAGES = ROOT / "var" / "node" / "node_modules"
WSDL = ROOT / "mappings" / "wsdl" / "yishan.wsdl"
WHY_NOT = "Node.js or its packages are not here; `make node` installs them where that needs no question"


def can_run() -> bool:
    """Whether Node.js and the packages are there."""
    return shutil.which("node") is not None and (PACKAGES / "soap").is_dir()


@dataclass(frozen=True)
class Papers:
    """Everybody's certificates."""

    ca: str
    server: Pair
    hub: Pair
    hub_signing: Pair
    signer: Pair


def make_papers() -> Papers:
    """A CA of its own, and all that it issued."""
    authority = Authority("虚构保险 CA")
    return Papers(
        authority.certificate,
        authority.issue("server"),
        authority.issue("hub", phrase="开门 open"),
        authority.issue("hub signing", signs=True, phrase="sign"),
        authority.issue("signer", signs=True),
    )


@dataclass(frozen=True)
class NodeInsurer:
    """One that runs: where, and what it wrote down."""

    url: str
    ledger: Path

    def calls(self) -> list[dict[str, Any]]:
        lines = self.ledger.read_text("utf-8").splitlines() if self.ledger.exists() else []
        return [json.loads(line) for line in lines]


@contextmanager
def insuring(folder: Path, papers: Papers, **options: object) -> Iterator[NodeInsurer]:
    """Run while the block lasts."""
    ledger, told = folder / "ledger.jsonl", folder / "options.json"
    said = {
        "wsdl": str(WSDL), "ca": papers.ca, "key": papers.server.key, "certificate": papers.server.certificate,
        "ledger": str(ledger), **options,
    }  # fmt: skip
    told.write_text(json.dumps(said), "utf-8")
    environment = {**os.environ, "NODE_PATH": str(PACKAGES)}
    with (folder / "log").open("w") as log:
        command = ["node", str(PROGRAM), str(told)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        assert port, f"the insurer did not start: {(folder / 'log').read_text()}"
        yield NodeInsurer(f"https://127.0.0.1:{port}/soap", ledger)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
