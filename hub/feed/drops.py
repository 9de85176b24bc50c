"""Files that a partner drops into a folder."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hub.feed.files import Format
from hub.feed.words import Spec


class SftpSource(Spec):
    """Files from a partner's folder. ``{date}`` stands for an eight-digit day folder."""

    connector: Literal["sftp"]
    connection: str
    files: str
    name: str = Field(description="the parts of a file name, such as {bank}_{area}_{type}_{date}_{seq}_v{version}.txt")
    done: str | None = Field(None, description="the flag file's suffix; it comes last")
    digest: str | None = Field(None, description="the digest file's suffix")
    look_back_days: int = Field(31, ge=1)
    format: Format
