"""What the hub is built from: a list of it in CycloneDX, and whether what is installed is what the lock says.

python -m launcher.supply sbom     # build/sbom.cdx.json, from requirements.lock; needs no network
python -m launcher.supply audit    # the environment against the lock; then known weaknesses, which needs the network
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from launcher.state import PROJECT

LOCK, OUT = PROJECT / "requirements.lock", PROJECT / "build" / "sbom.cdx.json"
OURS = "wage-exchange-hub"
BESIDE = {OURS, "pip", "setuptools", "wheel"}
"""Installed and in no lock: the hub itself, and what makes an environment."""
FORBIDDEN = {
    "gmssl": "its signatures give the private key away (decision 0029)",
    "pymerkle": "GPL",
    "pycrypto": "given up in 2013",
}
COPYLEFT = re.compile(r"\b(?:AGPL|GPL)\b|GNU (?:Affero )?General Public", re.I)
PIP_AUDIT = ("tool", "run", "pip-audit", "--disable-pip", "--require-hashes", "--format", "json")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Part:
    """One package of the lock: version, digests of its files, and which packages ask for it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(text: str) -> list[Part]:
    """Every package of a lock as `uv pip compile --generate-hashes` writes it. Raises ValueError for a line it cannot read."""
    parts: list[Part] = []
    for block in re.split(r"^(?=[A-Za-z0-9])", re.sub(r"^#.*\n", "", text, flags=re.M), flags=re.M)[1:]:
        pinned = _PINNED.match(block)
        if pinned is None:
            raise ValueError(f"no pinned package: {block.splitlines()[0]}")
        comments = " ".join(line.strip().lstrip("# ") for line in block.splitlines() if line.strip().startswith("#"))
        asked = re.sub(r"\([^)]*\)", "", comments.removeprefix("via")).split()
        parts.append(
            Part(_plain(pinned[1]), pinned[2], tuple(_HASH.findall(block)), tuple(_plain(one) for one in asked))
        )
    return parts


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def make_sbom(parts: Sequence[Part], licences: dict[str, str]) -> dict[str, Any]:
    """A CycloneDX 1.6 document; the same lock gives the same bytes."""
    refs = {part.name: part.purl for part in parts} | {OURS: f"pkg:pypi/{OURS}"}
    needs: dict[str, list[str]] = {name: [] for name in refs}
    for part in parts:
        for asker in part.needed_by:
            if asker in needs:
                needs[asker].append(part.purl)
    root = {"type": "application", "name": OURS, "bom-ref": refs[OURS], "licenses": [{"license": {"id": "Apache-2.0"}}]}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": [_component(part, licences.get(part.name)) for part in parts],
        "dependencies": [{"ref": refs[name], "dependsOn": sorted(found)} for name, found in sorted(needs.items())],
    }


def _component(part: Part, licence: str | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "type": "library",
        "name": part.name,
        "version": part.version,
        "bom-ref": part.purl,
        "purl": part.purl,
    }
    if licence:
        facts["licenses"] = [{"license": {"name": licence}}]
    return facts | {"hashes": [{"alg": "SHA-256", "content": one} for one in part.hashes]}


def licences_of_installed() -> dict[str, str]:
    """What each installed package says of its licence, in a line."""
    found = {}
    for one in distributions():
        said = [*(one.metadata.get_all("License-Expression") or []), *(one.metadata.get_all("License") or []), ""]
        says = said[0]
        classified = [
            line.rpartition(" :: ")[2]
            for line in one.metadata.get_all("Classifier") or []
            if line.startswith("License")
        ]
        text = says if says and "\n" not in says and len(says) < 100 else ", ".join(classified)
        if text:
            found[_plain(one.name)] = text
    return found


def problems(parts: Sequence[Part], installed: Sequence[Distribution], licences: dict[str, str]) -> Iterator[str]:
    """Whatever of the environment is not what the lock says; needs no network."""
    locked = {part.name: part.version for part in parts}
    found = {_plain(one.name): one.version for one in installed}
    yield from (f"{part.name}: no SHA-256 in the lock" for part in parts if not part.hashes)
    yield from (f"{name}: locked {version}, not installed" for name, version in locked.items() if name not in found)
    for name, version in sorted(found.items()):
        if name in FORBIDDEN:
            yield f"{name}: must not be here: {FORBIDDEN[name]}"
        if name not in BESIDE and locked.get(name) != version:
            yield f"{name}: installed {version}, locked {locked.get(name, 'nowhere')}"
    yield from (f"{name}: licence {text}" for name, text in sorted(licences.items()) if name in locked and _binds(text))
    for one in installed:
        yield from (f"{_plain(one.name)}: {path} is not the file that was installed" for path in altered(one))


def _binds(licence: str) -> bool:
    """Whether every choice that a licence leaves is one of the GPL; the Lesser one is none of them."""
    choices = re.split(r"\s+OR\s+|, ", licence)
    return all(COPYLEFT.search(one) is not None and "LGPL" not in one and "Lesser" not in one for one in choices)


def altered(one: Distribution) -> Iterator[str]:
    """Files of an installed package that differ from their digests in its RECORD, or are gone."""
    for name, digest, *_ in csv.reader((one.read_text("RECORD") or "").splitlines()):
        if not digest.startswith("sha256=") or name.startswith(".."):
            continue
        path = Path(str(one.locate_file(name)))
        found = hashlib.sha256(path.read_bytes()).digest() if path.exists() else b""
        if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != digest.removeprefix("sha256="):
            yield name


def write_sbom() -> int:
    """Write the list of what the hub is built from."""
    parts = read_lock(LOCK.read_text())
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(make_sbom(parts, licences_of_installed()), ensure_ascii=False, indent=1) + "\n")
    print(f"{OUT.relative_to(PROJECT)}: CycloneDX 1.6, {len(parts)} components")
    return 0


def audit() -> int:
    """0: nothing is known; 1: something is wrong; 2: the environment is as locked, and nobody could be asked about weaknesses."""
    found = list(problems(read_lock(LOCK.read_text()), list(distributions()), licences_of_installed()))
    print("\n".join(found) or "the environment is what the lock says: versions, files, licences")
    if found:
        return 1
    uv = str(Path(sys.executable).with_name("uv"))
    done = subprocess.run([uv, *PIP_AUDIT, "--requirement", str(LOCK)], capture_output=True, text=True)
    try:
        weak, unasked = read_advisories(done.stdout)
    except (ValueError, KeyError):
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"NOT ASKED: known weaknesses need the network and pip-audit: {why}")
        return 2
    print("\n".join(weak))
    if unasked:
        print(f"NOT ASKED of {len(unasked)} packages, whose advisories could not be had, among them {unasked[0]}")
    if weak or unasked:
        return 1 if weak else 2
    print("no known weakness of what is locked (pip-audit, by the advisories of the Python Package Index)")
    return 0


def read_advisories(report: str) -> tuple[list[str], list[str]]:
    """Of pip-audit's report the known weaknesses, a line each, and the packages about which nobody answered."""
    named = json.loads(report)["dependencies"]
    weak = [
        f"{one['name']} {one['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'no version yet'}"
        for one in named
        for known in one.get("vulns", [])
    ]
    return weak, [one["name"] for one in named if "skip_reason" in one]


def main(words: Sequence[str] | None = None) -> int:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sbom", "audit"])
    return write_sbom() if parser.parse_args(words).what == "sbom" else audit()


if __name__ == "__main__":
    sys.exit(main())
