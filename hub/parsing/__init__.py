"""Raw bytes to rows of text, by the format the mapping agreed. What does not fit the agreement raises FeedChanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.errors import FeedChanged, HubError
from hub.feed import DelimitedFormat, FixedFormat, Format, JsonFormat, SheetFormat
from hub.isolating import ODD
from hub.limits import LARGEST_FILE
from hub.model import Parsed
from hub.parsing import files, trees

Wanted = Mapping[str, frozenset[str]]


def parse_batch(form: Format, parts: Sequence[bytes], name_parts: Mapping[str, str], wanted: Wanted) -> Parsed:
    """Parse the parts of a batch.

    ``wanted`` says, for each place rows are taken from, which columns the mapping asks for; parents' columns (``../x``) and
    file-name parts (``@x``) are added to the rows only when asked for.

    Raises FeedChanged with a file code: F034 when a reader itself fails over the bytes, a panic of polars included.
    """
    if any(len(part) > LARGEST_FILE for part in parts):
        raise FeedChanged(f"the file has {max(map(len, parts))} bytes, {LARGEST_FILE} are the most", code="F030")
    try:
        return _parse(form, parts, name_parts, wanted)
    except (HubError, MemoryError):
        raise
    except ODD as error:  # its words may quote a row
        raise FeedChanged(f"the reader of {form.type} failed: {type(error).__name__}", code="F034") from error


def _parse(form: Format, parts: Sequence[bytes], name_parts: Mapping[str, str], wanted: Wanted) -> Parsed:
    if isinstance(form, DelimitedFormat | FixedFormat):
        return files.parse_file(form, b"".join(parts), name_parts, wanted)
    if isinstance(form, SheetFormat):
        from hub.parsing import sheets  # its libraries cost a task a tenth of a second that few need

        return sheets.parse_sheet(form, b"".join(parts), name_parts, wanted)
    if isinstance(form, JsonFormat):
        return trees.parse_json_pages(parts, wanted, name_parts)
    return trees.parse_xml_answers(form, parts, wanted, name_parts)
