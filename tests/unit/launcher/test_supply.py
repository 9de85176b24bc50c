"""The list of what the hub is built from, and the check of the environment against the lock."""

from __future__ import annotations

from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest

from launcher import supply
from launcher.supply import Part, altered, licences_of_installed, make_sbom, problems, read_lock

PARTS = read_lock(supply.LOCK.read_text())
BY_NAME = {part.name: part for part in PARTS}


def test_every_package_of_the_lock_is_listed_with_its_digests() -> None:
    """As many as are pinned; who asked for each is another of them, or the hub."""
    assert len(PARTS) == supply.LOCK.read_text().count("==")
    assert all(part.hashes and part.needed_by for part in PARTS)
    assert {asker for part in PARTS for asker in part.needed_by} <= {*BY_NAME, supply.OURS}
    assert supply.OURS in BY_NAME["gmssl-pyx"].needed_by


def test_the_list_is_cyclonedx_and_always_the_same() -> None:
    """Every component has name, version, purl and digests; every reference leads to one; hardly any lacks a licence."""
    licences = licences_of_installed()
    bom = make_sbom(PARTS, licences)
    assert (bom["bomFormat"], bom["specVersion"], bom["version"]) == ("CycloneDX", "1.6", 1)
    refs = {one["bom-ref"] for one in bom["components"]}
    assert len(refs) == len(PARTS)
    assert all(one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}" for one in bom["components"])
    assert {ref for one in bom["dependencies"] for ref in one["dependsOn"]} <= refs
    assert len([one for one in bom["components"] if "licenses" in one]) > 0.9 * len(PARTS)
    assert bom == make_sbom(PARTS, licences)


def test_this_environment_is_what_the_lock_says() -> None:
    """Versions, and licences that allow what we do."""
    found = [
        one for one in problems(PARTS, list(distributions()), licences_of_installed()) if "not the file" not in one
    ]
    assert found == []


def test_what_differs_from_the_lock_is_said() -> None:
    """Another version, a package too many or too few, one without digests, a forbidden one, a licence that binds."""
    ours = [distribution("lxml"), distribution("requests")]
    parts = [Part("lxml", "1.0", ("0" * 64,), ()), Part("gone", "1", (), ())]
    said = list(problems(parts, ours, {"lxml": "GPL-3.0-or-later"}))
    assert f"lxml: installed {ours[0].version}, locked 1.0" in said
    assert f"requests: installed {ours[1].version}, locked nowhere" in said
    assert {"gone: no SHA-256 in the lock", "gone: locked 1, not installed", "lxml: licence GPL-3.0-or-later"} <= set(
        said
    )


def test_a_file_that_was_changed_after_it_was_installed_is_told(tmp_path: Path) -> None:
    """By its digest in the package's own record; one that is gone as well."""
    info = tmp_path / "thing-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1\n")
    (info / "RECORD").write_text(
        "thing.py,sha256=LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ,5\ngone.py,sha256=AAAA,1\n"
    )
    (tmp_path / "thing.py").write_text("hello")
    [thing] = distributions(path=[str(tmp_path)])
    assert list(altered(thing)) == ["gone.py"]
    (tmp_path / "thing.py").write_text("hellO")
    assert list(altered(thing)) == ["thing.py", "gone.py"]


def test_without_a_network_it_says_what_was_not_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody takes silence for a clean bill."""
    monkeypatch.setattr(supply, "problems", lambda *_: iter(()))
    monkeypatch.setattr(supply, "PIP_AUDIT", ("tool", "run", "--offline", "no-such-tool-here"))
    assert supply.main(["audit"]) == 2
    assert "NOT ASKED" in capsys.readouterr().out


def test_a_package_nobody_answered_for_is_not_taken_for_a_good_one() -> None:
    """A registry without advisories skips every package and ends well all the same."""
    report = """{"dependencies": [
        {"name": "good", "version": "1", "vulns": []},
        {"name": "weak", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"], "aliases": [], "description": ""}]},
        {"name": "unknown", "skip_reason": "not found"}], "fixes": []}"""
    assert supply.read_advisories(report) == (["weak 2: X-1, mended in 3"], ["unknown"])
