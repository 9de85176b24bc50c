"""Read every mapping file into a feed or a receiver, or into problems that name file, line and cause.

One broken file hides no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hub.digest import sm3_hex
from hub.errors import MappingInvalid
from hub.feed import Feed, FeedSpec, FileStatement, PartnersFile, PartnerSpec, Receives
from hub.mapping import Codes
from hub.registry.checking import Checker
from hub.registry.codes import read_codes
from hub.registry.files import read_file
from hub.registry.problems import Problem, problem_at
from hub.registry.receivers import read_receivers

__all__ = ["Problem", "Registry", "read_registry"]


@dataclass(frozen=True)
class Registry:
    """Every feed and receiver that is fit to run, the partners, the code tables, and the problems of the files that are not."""

    folder: Path
    feeds: Mapping[str, Feed]
    partners: Mapping[str, PartnerSpec]
    codes: Codes
    problems: tuple[Problem, ...]
    receivers: Mapping[str, Receives] = field(default_factory=dict)
    statements: Mapping[str, FileStatement] = field(default_factory=dict)

    def feed(self, feed_id: str) -> Feed:
        """One feed; raises MappingInvalid with what is known of why it is missing."""
        if feed_id in self.feeds:
            return self.feeds[feed_id]
        known = [str(problem) for problem in self.problems if Path(problem.file).stem == feed_id]
        raise MappingInvalid(f"there is no usable feed {feed_id}: {'; '.join(known) or 'no such file in mappings/'}")

    def routes(self, schema: str) -> list[tuple[str, str]]:
        """Who takes records of this schema, and what their area code must begin with (nothing: all of them)."""
        return [
            (name, area)
            for name, spec in self.receivers.items()
            if schema in spec.records
            for area in spec.areas or ("",)
        ]

    def receives(self, partner: str) -> Receives:
        """How a receiver takes records; raises MappingInvalid for a partner that takes none, with what is known of why."""
        if partner in self.receivers:
            return self.receivers[partner]
        known = [str(problem) for problem in self.problems if problem.file == f"receivers/{partner}.yaml"]
        raise MappingInvalid(f"partner {partner} receives nothing: {'; '.join(known) or 'no such file in receivers/'}")


def read_registry(folder: Path, feeds: str = "*", receivers: str = "*") -> Registry:
    """Read the folder. Raises nothing: whatever is wrong stands in ``problems``.

    ``feeds`` and ``receivers`` are patterns of names: a process that works for one need not read the files of all the others.
    """
    partners_file, problems = read_file(folder / "partners.yaml", PartnersFile)
    partners = partners_file.partners if partners_file else {}
    codes, found = read_codes(folder / "codes")
    problems += found
    found_feeds: dict[str, Feed] = {}
    for path in sorted(folder.glob(f"{feeds}.yaml")):
        if path.name == "partners.yaml":
            continue
        spec, found = read_file(path, FeedSpec)
        if spec is not None:
            found += list(Checker(path, spec, partners, codes).problems())
        problems += found
        if spec is not None and not found:
            found_feeds[path.stem] = Feed(feed_id=path.stem, digest=sm3_hex(path.read_bytes()), spec=spec)
    found_receivers, found = read_receivers(folder / "receivers", partners, codes, receivers)
    problems += found
    statements, found = _read_statements(folder / "statements", partners)
    return Registry(folder, found_feeds, partners, codes, tuple(problems + found), found_receivers, statements)


def _read_statements(
    folder: Path, partners: Mapping[str, PartnerSpec]
) -> tuple[dict[str, FileStatement], list[Problem]]:
    """The statements that partners drop as files, by partner."""
    statements: dict[str, FileStatement] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml")):
        spec, found = read_file(path, FileStatement)
        if spec is not None and (spec.partner not in partners or path.stem != spec.partner):
            cause = f"the file is named after its partner, one of partners.yaml; {spec.partner} is not"
            found.append(problem_at(path, ("partner",), cause))
        problems += [replace(problem, file=f"{folder.name}/{problem.file}") for problem in found]
        if spec is not None and not found:
            statements[spec.partner] = spec
    return statements, problems
