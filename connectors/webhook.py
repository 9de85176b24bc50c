"""Notices to one web address: JSON by POST, with a token or a signature, under a key that tells a repeated one."""

from __future__ import annotations

import json
from collections.abc import Mapping

from connectors.http import exchange, open_session
from connectors.signing import sign
from hub.errors import MappingInvalid
from hub.feed.signing import Signing
from hub.model import Connection

ALGORITHMS = ("hmac_sha256", "hmac_sm3")
TAKEN = frozenset({200, 201, 202, 204})


class Webhook:
    """A Notifier. The connection gives the whole address, and a token with its header, or the secret of a signature (`signed`)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._signing = _signing(connection)
        self._session = open_session(connection)
        if self._signing is None and connection.password:
            header = connection.extra.get("header", "Authorization")
            self._session.headers[header] = connection.extra.get("prefix", "") + connection.password

    def post(self, key: str, message: Mapping[str, object]) -> None:
        """One try. Raises PartnerUnavailable or PartnerRefused; the answer's content does not matter."""
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": key}
        headers |= sign(self._signing, self._connection, {}, body).headers
        exchange(self._session, "POST", self._connection.host, media="", answers=TAKEN, data=body, headers=headers)


def _signing(connection: Connection) -> Signing | None:
    """The moment and the body are signed together, so that a notice cannot be replayed later unseen."""
    algorithm = connection.extra.get("signed")
    if algorithm is None:
        return None
    if algorithm not in ALGORITHMS:
        raise MappingInvalid(f"connection {connection.name}: signed is one of {', '.join(ALGORITHMS)}")
    return Signing.model_validate(
        {
            "fields": {"X-Hub-Timestamp": "@now epoch_s"},
            "text": "{X-Hub-Timestamp}.{body}",
            "algorithm": algorithm,
            "name": "X-Hub-Signature",
            "place": "headers",
        }
    )
