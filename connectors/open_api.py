"""Receivers in the style of the national real-name open API: one address, signed form posts, answers asked for later.

Signature: SHA-256 over the lower-cased, alphabetically ordered parameters with the secret at the end, as public clients of
that API compute it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from connectors.http import exchange, open_session
from connectors.retrying import retried
from hub.errors import FeedChanged, PartnerRefused, PartnerUnavailable, SubmissionRefused
from hub.feed import Receives
from hub.model import Connection, Outcome, ReceiptAnswer
from hub.parsing.trees import read_json
from hub.settings import now

BUSY = frozenset({"2005", "9999"})
UNKNOWN_SERIAL = "2006"  # the receiver lost the submission, say to a restored backup: its records are sent again


class OpenApiReceiver:
    """Receiver. Its own codes become our outcomes by the table in partners.yaml; what is in neither list is a refusal."""

    def __init__(self, connection: Connection, receives: Receives) -> None:
        self._connection = connection
        self._receives = receives
        self._session = open_session()

    def submit(self, schema: str, batch_key: str, records: Sequence[Mapping[str, Any]]) -> str:
        data = {"schema": schema, "batchKey": batch_key, "records": list(records)}
        serial_code = self._call("Record.Submit", data).get("requestSerialCode")
        if not isinstance(serial_code, str) or not serial_code:
            raise PartnerRefused("Record.Submit was answered without a requestSerialCode")
        return serial_code

    def poll(self, serial_code: str) -> list[ReceiptAnswer] | None:
        data = self._call("AsyncHandleResult.Query", {"requestSerialCode": serial_code})
        status, result = data.get("status"), data.get("result")
        if status == "0":
            return None
        if status == "10":
            raise SubmissionRefused(f"submission {serial_code} failed as a whole")
        if status != "20" or not isinstance(result, list):
            raise PartnerRefused(f"submission {serial_code} was answered with a status or a result nobody agreed on")
        return [self._answer(row) for row in result]

    def _answer(self, row: Any) -> ReceiptAnswer:
        if not isinstance(row, dict) or row.get("code") is None or row.get("idempotencyKey") is None:
            raise PartnerRefused("AsyncHandleResult.Query was answered with a result without key or code")
        code = str(row["code"])
        outcome = Outcome.REFUSED
        if code in self._receives.accepted:
            outcome = Outcome.ACCEPTED
        elif code in self._receives.delayed:
            outcome = Outcome.DELAYED
        return ReceiptAnswer(
            str(row["idempotencyKey"]), outcome, code, str(row.get("message") or ""), row.get("platformId")
        )

    def _call(self, method: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Every try is signed anew: a nonce is used once."""
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        url = self._connection.host.rstrip("/") + "/open.api"

        def once() -> dict[str, Any]:
            body = exchange(self._session, "POST", url, media="json", data=self._signed(method, text))
            return self._open(body, method)

        return retried(once)

    def _open(self, body: bytes, method: str) -> dict[str, Any]:
        try:
            tree = read_json(body)
        except FeedChanged as error:
            raise PartnerUnavailable(f"{method}: {error}") from error
        code = str(tree.get("code"))
        if code in BUSY:
            raise PartnerUnavailable(f"{method} answered code {code}")
        if code != "0" or not isinstance(tree.get("data"), dict):
            about_content = code == UNKNOWN_SERIAL or code in self._receives.unreadable
            kind = SubmissionRefused if about_content else PartnerRefused
            raise kind(f"{method} answered code {code}: {str(tree.get('message'))[:200]}")
        data: dict[str, Any] = tree["data"]
        return data

    def _signed(self, method: str, text: str) -> dict[str, str]:
        form = {
            "appid": self._connection.login,
            "data": text,
            "format": "json",
            "method": method,
            "nonce": secrets.token_hex(16),
            "timestamp": now().strftime("%Y%m%d%H%M%S"),
            "version": "1.0",
        }
        plain = "&".join(f"{name}={value}" for name, value in form.items()) + f"&appsecret={self._connection.password}"
        return {**form, "sign": sha256(plain.lower().encode()).hexdigest()}
