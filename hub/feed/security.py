"""What a SOAP service wants to see of our messages, and what we demand of its answers: WS-Security in four words."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictBool, model_validator

from hub.feed.words import Spec


class SoapSecurity(Spec):
    """WS-Security of one service. Secrets, keys and certificates are the connection's."""

    token: Literal["text", "digest"] | None = Field(
        None, description="a UsernameToken with login and password: in clear, or as a digest with nonce and moment"
    )
    signature: StrictBool = Field(
        False, description="calls are signed: RSA-SHA256 over body and timestamp, with our certificate beside it"
    )
    signed_answers: StrictBool = Field(
        False, description="an answer counts only when the connection's `signer` signed its body and a fresh timestamp"
    )
    fresh_seconds: int = Field(
        300, ge=5, le=3600, description="how old an answer may be, and how long our own messages are valid"
    )

    @model_validator(mode="after")
    def says_something(self) -> SoapSecurity:
        if not (self.token or self.signature or self.signed_answers):
            raise ValueError("security: token, signature or signed_answers; leave security out where none is wanted")
        return self
