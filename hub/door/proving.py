"""Who knocks: the form of a call, the text that is signed, the signature, the time. Pure but for the clock it is given.

The order is that of docs/reference/door.md. What is said of a refusal quotes nothing of the call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hub import signatures
from hub.digest import sm3_hex
from hub.errors import HubError, MappingInvalid
from hub.model import Connection
from hub.pipeline.knocking import Proven

WINDOW = timedelta(seconds=300)
ALGORITHMS = ("hmac_sm3", "hmac_sha256", "sm2")
SHAPES, WRITINGS = ("der", "raw"), ("hex", "base64")
FORMS = {
    "x-app-id": re.compile(r"[a-z][a-z0-9]{1,31}"),
    "x-timestamp": re.compile(r"[0-9]{13}"),
    "x-nonce": re.compile(r"[A-Za-z0-9_-]{16,64}"),
    "x-sign-method": re.compile(r"[a-z0-9_]{2,16}"),
    "x-sign": re.compile(r"[A-Za-z0-9+/=]{32,256}"),
}
"""What each header must look like."""


@dataclass(frozen=True)
class Call:
    """A call as it arrived: path and query as they were sent, headers by lower-case name, the body's bytes."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def text(self) -> str:
        """What is signed, eight lines without one at the end."""
        query = "&".join(sorted(self.query.split("&"))) if self.query else ""
        stated = (self.headers[name] for name in ("x-app-id", "x-timestamp", "x-nonce"))
        return "\n".join(("v1", self.method, self.path, query, sm3_hex(self.body), *stated))


def check_form(call: Call) -> None:
    """Raises HubError S071 for a header that is missing or not as agreed."""
    for name, form in FORMS.items():
        if not form.fullmatch(call.headers.get(name, "")):
            raise HubError(f"{name} is missing or not as agreed", code="S071")


def prove(call: Call, connection: Connection, at: datetime) -> Proven:
    """Who signed what. ``connection`` is the caller's; its extra fixes the algorithm and how the signature is written.

    Raises HubError S072 when the signature is another's, S073 when its time is over; MappingInvalid for a connection that is wrong.
    """
    algorithm, written, shape = _agreed(connection)
    text, sign = call.text(), call.headers["x-sign"]
    if call.headers["x-sign-method"] != algorithm:
        raise HubError("the signature is by another algorithm than agreed", code="S072")
    signature = signatures.read(sign, written, shape)
    if signature is None or not signatures.fits(algorithm, connection.password, text.encode(), signature):
        raise HubError("the signature does not fit", code="S072")
    signed_at = datetime.fromtimestamp(int(call.headers["x-timestamp"]) / 1000, UTC)
    if abs(at - signed_at) > WINDOW:
        raise HubError(f"the time is more than {WINDOW.seconds} s from ours", code="S073")
    return Proven(call.headers["x-app-id"], algorithm, call.headers["x-nonce"], text, sign)


def _agreed(connection: Connection) -> tuple[str, str, str]:
    """Algorithm, writing and shape; a short secret would let anybody try."""
    extra = connection.extra
    algorithm, written = extra.get("algorithm", ""), extra.get("written", "hex")
    shape = extra.get("shape", "der") if algorithm == "sm2" else "raw"
    if algorithm not in ALGORITHMS or written not in WRITINGS or shape not in SHAPES:
        raise MappingInvalid(f"connection {connection.name}: extra needs algorithm, one of {', '.join(ALGORITHMS)}")
    if algorithm != "sm2" and len(connection.password) < 16:
        raise MappingInvalid(f"connection {connection.name}: a secret has 16 letters at least")
    return algorithm, written, shape
