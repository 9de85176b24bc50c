"""Moments as partners write them, so that a query can start a little before the last one ended."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hub.feed.calls import Since
from hub.settings import TIME_ZONE, now

FORMS = {"text": "%Y-%m-%d %H:%M:%S", "compact": "%Y%m%d%H%M%S", "date": "%Y-%m-%d"}
COUNTED = {"epoch_ms": (13, timedelta(milliseconds=1)), "epoch_s": (10, timedelta(seconds=1))}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")


def read_moment(text: str, form: str) -> datetime | None:
    """The moment, or None when the text is not one in exactly this form, or is older than any record: an empty moment."""
    if form in COUNTED:
        digits, unit = COUNTED[form]
        return EPOCH + int(text) * unit if text.isascii() and text.isdigit() and len(text) == digits else None
    try:
        if form == "iso":
            moment = datetime.fromisoformat(text) if ISO.fullmatch(text) else None
        else:
            moment = datetime.strptime(text, FORMS[form])
            moment = moment if moment.strftime(FORMS[form]) == text else None
    except ValueError:
        return None
    moment = moment.replace(tzinfo=moment.tzinfo or TIME_ZONE) if moment else None
    return moment if moment and moment >= EPOCH else None


def write_moment(moment: datetime, form: str) -> str | int:
    """The moment in this form, to the second or finer; a count is a number."""
    if form in COUNTED:
        return (moment - EPOCH) // COUNTED[form][1]
    local = moment.astimezone(TIME_ZONE)
    return local.isoformat(timespec="seconds") if form == "iso" else local.strftime(FORMS[form])


def start_from(since: Since | None, cursor: str | None) -> dict[str, str | int]:
    """The parameter that asks from a little before the cursor: rows may appear late, and two may share one moment."""
    moment = read_moment(cursor, since.form) if since and cursor else None
    if since is None or moment is None:
        return {}
    return {since.parameter: write_moment(moment - timedelta(seconds=since.overlap_seconds), since.form)}


def newest(since: Since | None, texts: Iterable[str], cursor: str | None) -> str | None:
    """The latest believable moment; a row from the future must not make the feed skip what comes till then."""
    if since is None:
        return None
    bound = now() + timedelta(days=1)
    found = [(moment, text) for text in texts if (moment := read_moment(text, since.form)) and moment <= bound]
    if cursor and (moment := read_moment(cursor, since.form)):
        found.append((moment, cursor))
    return max(found)[1] if found else None
