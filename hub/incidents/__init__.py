"""Incidents: facts in, wanted incidents out, and how they are worded. Pure; the same facts always want the same incidents."""

from hub.incidents.facts import Day, Expiry, Facts, Incident, Kind, Notice, Occasion, Waiting, Wanted, Watched
from hub.incidents.judging import judge
from hub.incidents.wording import advise, describe

__all__ = [
    "Day",
    "Expiry",
    "Facts",
    "Incident",
    "Kind",
    "Notice",
    "Occasion",
    "Waiting",
    "Wanted",
    "Watched",
    "advise",
    "describe",
    "judge",
]
