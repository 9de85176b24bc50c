"""How a call is signed: what is added to it, which text is digested and how, and where the signature travels."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from hub.feed.words import Spec

PLACE_HOLDER = re.compile(r"\{([^{}]*)\}")
PLAIN_MOMENTS = ("epoch_ms", "epoch_s", "seconds_since_2000")
PAIRED = ("sm2", "ed25519")


def _check_filled(value: str) -> str:
    """A text that begins with @ is one that the hub fills in at every call; nothing else may begin so."""
    word, _, form = value.partition(" ")
    if not value.startswith("@") or value in ("@login", "@unique", "@now"):
        return value
    if word != "@now" or not (form in PLAIN_MOMENTS or "%" in form):
        raise ValueError(f"@login, @unique or @now, @now with %Y%m%d or the like, or with one of {PLAIN_MOMENTS}")
    datetime(2026, 11, 23).strftime(form)
    return value


Filled = Annotated[str, AfterValidator(_check_filled)]


class Signing(Spec):
    """What a partner wants to see before it believes that a call is ours. Each try is signed anew."""

    fields: dict[str, Filled] = Field({}, description="added to the call: texts, @login, @unique, @now with its form")
    text: str = Field(
        description="what is digested: {sorted} (k=v&k=v of all parameters by name), {pairs} (the same without = and &), "
        "{secret}, {login}, {body}, and any parameter by its name"
    )
    unsigned: tuple[str, ...] = Field((), description="parameters that {sorted} and {pairs} leave out")
    letters: Literal["as_is", "lower", "upper"] = Field("as_is", description="of the text before it is digested")
    algorithm: Literal["md5", "sha1", "sha256", "sm3", "hmac_sha256", "hmac_sm3", "sm2", "ed25519"] = Field(
        description="the secret is the key of the last four; of sm2 and ed25519 it is our private key"
    )
    shape: Literal["raw", "der"] = Field("raw", description="of a signature by sm2: r and s as they are, or in DER")
    written: Literal["hex", "HEX", "base64", "BASE64"] = "hex"
    name: str = Field(description="under which the signature is sent")
    place: Literal["parameters", "headers", "query"] = Field(
        "parameters", description="where fields and signature are put; query: in the address, whatever the method"
    )

    @property
    def wanted(self) -> frozenset[str]:
        """The names in braces."""
        return frozenset(PLACE_HOLDER.findall(self.text))

    @model_validator(mode="after")
    def text_can_be_made(self) -> Signing:
        if any(brace in PLACE_HOLDER.sub("", self.text) for brace in "{}") or "" in self.wanted:
            raise ValueError("text: every brace opens or closes one name")
        is_paired, has_secret = self.algorithm in PAIRED, "secret" in self.wanted
        if not has_secret and not is_paired and not self.algorithm.startswith("hmac"):
            raise ValueError("text: without {secret} anybody could sign")
        if has_secret and is_paired:
            raise ValueError("text: {secret} would be our private key, which no partner has")
        if is_paired and self.written == "BASE64":
            raise ValueError("written: nobody can read a signature whose letters were all made capital")
        if self.shape == "der" and self.algorithm != "sm2":
            raise ValueError("shape: only signatures by sm2 are written in DER")
        if "body" in self.wanted and self.place == "parameters":
            raise ValueError("text: a body that holds the signature cannot be signed; put it in headers or query")
        if self.name in self.fields:
            raise ValueError("name: the signature cannot stand under the name of a field")
        return self


class SignedAnswers(Spec):
    """How a partner signs its answers. What does not fit is archived and believed in nothing (S076)."""

    name: str = Field(description="the header of the answer that holds the signature")
    text: str = Field("{body}", description="what is signed: {body}, the fields of our call and headers of the answer")
    algorithm: Literal["hmac_sha256", "hmac_sm3", "sm2", "ed25519"] = Field(
        description="by the connection's secret; sm2 and ed25519 by the public key in its extra answer_key"
    )
    shape: Literal["raw", "der"] = Field("raw", description="of a signature by sm2: r and s as they are, or in DER")
    written: Literal["hex", "base64"] = "hex"

    @property
    def wanted(self) -> frozenset[str]:
        """The names in braces."""
        return frozenset(PLACE_HOLDER.findall(self.text))

    @model_validator(mode="after")
    def body_is_signed(self) -> SignedAnswers:
        if any(brace in PLACE_HOLDER.sub("", self.text) for brace in "{}") or "" in self.wanted:
            raise ValueError("text: every brace opens or closes one name")
        if "body" not in self.wanted:
            raise ValueError("text: without {body} anybody could change the answer")
        if self.shape == "der" and self.algorithm != "sm2":
            raise ValueError("shape: only signatures by sm2 are written in DER")
        return self
