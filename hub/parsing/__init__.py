"""Raw bytes to rows of text, by the format the mapping agreed. What does not fit the agreement raises FeedChanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.feed import DelimitedFormat, FixedFormat, Format, JsonFormat, SheetFormat
from hub.model import Parsed
from hub.parsing import files, trees

Wanted = Mapping[str, frozenset[str]]


def parse_batch(form: Format, parts: Sequence[bytes], name_parts: Mapping[str, str], wanted: Wanted) -> Parsed:
    """Parse the parts of a batch.

    ``wanted`` says, for each place rows are taken from, which columns the mapping asks for; parents' columns (``../x``) and
    file-name parts (``@x``) are added to the rows only when asked for.
    """
    if isinstance(form, DelimitedFormat | FixedFormat):
        return files.parse_file(form, b"".join(parts), name_parts, wanted)
    if isinstance(form, SheetFormat):
        from hub.parsing import sheets  # its libraries cost a task a tenth of a second that few need

        return sheets.parse_sheet(form, b"".join(parts), name_parts, wanted)
    if isinstance(form, JsonFormat):
        return trees.parse_json_pages(parts, wanted, name_parts)
    return trees.parse_xml_answers(form, parts, wanted, name_parts)
