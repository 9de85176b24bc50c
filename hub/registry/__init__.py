"""Read every mapping file into a feed, or into problems that name file, line and cause. One broken file hides no other feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.digest import sm3_hex
from hub.errors import MappingInvalid
from hub.feed import Feed, FeedSpec, PartnersFile, PartnerSpec, Receives
from hub.mapping import Codes
from hub.registry.checking import Checker
from hub.registry.codes import read_codes
from hub.registry.files import read_file
from hub.registry.problems import Problem

__all__ = ["Problem", "Registry", "read_registry"]


@dataclass(frozen=True)
class Registry:
    """Every feed that is fit to run, the partners, the code tables, and the problems of the files that are not."""

    folder: Path
    feeds: Mapping[str, Feed]
    partners: Mapping[str, PartnerSpec]
    codes: Codes
    problems: tuple[Problem, ...]

    def feed(self, feed_id: str) -> Feed:
        """One feed; raises MappingInvalid with what is known of why it is missing."""
        if feed_id in self.feeds:
            return self.feeds[feed_id]
        known = [str(problem) for problem in self.problems if Path(problem.file).stem == feed_id]
        raise MappingInvalid(f"there is no usable feed {feed_id}: {'; '.join(known) or 'no such file in mappings/'}")

    def receivers(self, schema: str) -> list[str]:
        """The partners that take records of this schema."""
        return [
            name
            for name, spec in self.partners.items()
            if spec.receives is not None and schema in spec.receives.schemas
        ]

    def receives(self, partner: str) -> Receives:
        """How a receiver takes records; raises MappingInvalid for a partner that takes none."""
        spec = self.partners.get(partner)
        if spec is None or spec.receives is None:
            raise MappingInvalid(f"partner {partner} receives nothing, see partners.yaml")
        return spec.receives


def read_registry(folder: Path) -> Registry:
    """Read the folder. Raises nothing: whatever is wrong stands in ``problems``."""
    partners_file, problems = read_file(folder / "partners.yaml", PartnersFile)
    partners = partners_file.partners if partners_file else {}
    codes, found = read_codes(folder / "codes")
    problems += found
    feeds: dict[str, Feed] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name == "partners.yaml":
            continue
        spec, found = read_file(path, FeedSpec)
        if spec is not None:
            found += list(Checker(path, spec, partners, codes).problems())
        problems += found
        if spec is not None and not found:
            feeds[path.stem] = Feed(feed_id=path.stem, digest=sm3_hex(path.read_bytes()), spec=spec)
    return Registry(folder, feeds, partners, codes, tuple(problems))
