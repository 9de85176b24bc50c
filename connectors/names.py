"""Names of a partner's files: bytes in the code page of its system. Only agreed and harmless ones are opened; others are shown.

Where a mapping agrees on no code page, a name is letters, digits, ``_``, ``.`` and ``-``; with one, Chinese characters too.
"""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase

from hub.feed import SftpSource

PLAIN = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,199}")
CHINESE = re.compile(
    "[A-Za-z0-9_㐀-䶿一-鿿\U00020000-\U0003134f][A-Za-z0-9_.（）〇㐀-䶿一-鿿\U00020000-\U0003134f\\-]{0,99}"
)
"""No marks that turn the direction of writing, no control characters, nothing that means something to a shell or a path."""


def is_safe(source: SftpSource, name: bytes) -> bool:
    """Whether a file of this name may be opened."""
    if source.names is None:
        return PLAIN.fullmatch(name) is not None
    return CHINESE.fullmatch(name.decode(source.names, "replace")) is not None


def fits_pattern(source: SftpSource, name: bytes) -> bool:
    """Whether it is one of the mapping's pattern. Without an agreed code page bytes are compared: read in the wrong one, a name
    may swallow the underscore that the pattern looks for."""
    pattern = posixpath.basename(source.files)
    if source.names is None:
        return fnmatchcase(name, pattern.encode())
    return fnmatchcase(name.decode(source.names, "replace"), pattern)


def shown(source: SftpSource, name: bytes) -> str:
    """A name as text, whatever it is. Of a safe one `on_line` makes the same bytes again."""
    return name.decode(source.names or "gb18030", "backslashreplace")


def on_line(source: SftpSource, path: str) -> bytes:
    """A path as the partner's system has it."""
    return path.encode(source.names or "utf-8")
