"""Files that a partner drops into a folder."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from hub.feed.files import Format
from hub.feed.words import Spec

BESIDE = re.compile(r"(\{stem\})?\.[A-Za-z0-9_.]+")
PART = re.compile(r"\{([^{}]*)\}")
IN_FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
DIGESTS = ("sm3", "sha256", "md5")

Encrypted = Literal["openpgp", "aes-zip", "sm4-gcm"]
"""How a file is encrypted and by whom it is proven to be: docs/decisions/0034-encrypted-files.md."""


class SftpSource(Spec):
    """Files from a partner's folder. ``{date}`` stands for an eight-digit day folder."""

    connector: Literal["sftp"]
    connection: str
    files: str
    name: str = Field(description="the parts of a file name, such as {bank}_{area}_{type}_{date}_{seq}_v{version}.txt")
    names: Literal["gb18030", "utf-8"] | None = Field(
        None, description="the code page of its file names, which may then be Chinese; plain ASCII names when left out"
    )
    done: str | None = Field(
        None, description="the flag, which comes last: .ok appended, {stem}.flg, or READY for a whole folder"
    )
    digest: str | None = Field(None, description="the digest file: .sm3, .sha256 or .md5 appended, or {stem}.md5")
    packed: Literal["zip", "gzip"] | None = Field(None, description="the file holds exactly one other, packed")
    encrypted: Encrypted | None = Field(
        None, description="the file is such a container; keys and pins are extras of the connection"
    )
    signature: str | None = Field(
        None,
        description="sm4-gcm only: the file of its SM2 signature, .sig appended or {stem}.sig; else an HMAC ends it",
    )
    look_back_days: int = Field(31, ge=1)
    format: Format

    @field_validator("name")
    @classmethod
    def parts_have_names(cls, name: str) -> str:
        parts = PART.findall(name)
        if any(brace in PART.sub("", name) for brace in "{}") or not all(part.isidentifier() for part in parts):
            raise ValueError("every brace opens or closes one part, such as {date}")
        if len(set(parts)) < len(parts):
            raise ValueError("a part of the name stands twice")
        return name

    @field_validator("done")
    @classmethod
    def flag_has_a_form(cls, done: str | None) -> str | None:
        if done is not None and not BESIDE.fullmatch(done) and not IN_FOLDER.fullmatch(done):
            raise ValueError("a flag is a suffix such as .ok, {stem}.flg, or the name of one file such as READY")
        return done

    @field_validator("digest")
    @classmethod
    def digest_has_a_form(cls, digest: str | None) -> str | None:
        if digest is not None and not (BESIDE.fullmatch(digest) and digest.rpartition(".")[2].lower() in DIGESTS):
            raise ValueError(f"a digest file ends in one of .{', .'.join(DIGESTS)}")
        return digest

    @field_validator("signature")
    @classmethod
    def signature_has_a_form(cls, signature: str | None) -> str | None:
        if signature is not None and not BESIDE.fullmatch(signature):
            raise ValueError("a signature file is a suffix such as .sig, or {stem}.sig")
        return signature

    @model_validator(mode="after")
    def words_of_containers_fit(self) -> SftpSource:
        if self.signature is not None and self.encrypted != "sm4-gcm":
            raise ValueError("signature belongs to encrypted: sm4-gcm; the others carry their proof inside")
        if self.signature is not None and self.signature in (self.done, self.digest):
            raise ValueError("signature, digest and done are three files")
        if self.encrypted == "aes-zip" and self.packed is not None:
            raise ValueError("an aes-zip packs already: leave packed out")
        return self
