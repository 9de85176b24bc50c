"""省农民工工资支付监管平台 (simulated): the asynchronous receiver of every record.

Signature, nonce and serial codes follow the contract; a submission takes effect at once but is answered only later.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.faults import COMMITTED, HTTP_KNOBS, PROVINCE_KNOBS, Knobs
from simulators.province_ledger import MONEY, ProvinceLedger
from simulators.served import answer_json

_SIGNED = ("appid", "data", "format", "method", "nonce", "timestamp", "version")
_MOST_RECORDS = 500
_MESSAGES = {
    "1003": "签名不正确",
    "1004": "nonce 已使用",
    "2001": "缺少参数或参数不正确",
    "2005": "调用过于频繁",
    "2006": "请求序列码不存在",
    "9999": "系统维护中",
}


def sign(fields: Mapping[str, str], appsecret: str) -> str:
    """The signature of a request."""
    text = "&".join(f"{name}={fields.get(name, '')}" for name in _SIGNED) + f"&appsecret={appsecret}"
    return hashlib.sha256(text.lower().encode()).hexdigest()


class Refused(Exception):
    """The call is answered with an error code."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.message = code, _MESSAGES[code] + (f": {detail}" if detail else "")


class Province:
    """The province's server."""

    def __init__(self, ledger: ProvinceLedger, appid: str, appsecret: str, latency: float = 0.3) -> None:
        self.ledger, self.appid, self.appsecret, self.latency = ledger, appid, appsecret, latency
        self.knobs = Knobs((*(knob for knob in HTTP_KNOBS if knob != "duplicate_page"), *PROVINCE_KNOBS))
        self.app = Starlette(routes=[Route("/open.api", self._call, methods=["POST"])])

    def received(self) -> dict[str, dict[str, int]]:
        """The effects on file per schema."""
        return self.ledger.received()

    async def _call(self, request: Request) -> Response:
        body = await request.body()
        fields = {name: values[0] for name, values in parse_qs(body.decode(errors="replace"), True).items()}
        try:
            answer = self._answer(request, fields)
            outcome = "0"
        except Refused as refused:
            answer, outcome = {"code": refused.code, "message": refused.message, "data": None}, refused.code
        self.ledger.note_call(fields.get("method", ""), fields.get("nonce", ""), body, outcome)
        return answer_json(answer)

    def _answer(self, request: Request, fields: Mapping[str, str]) -> dict[str, Any]:
        if self.knobs.take("maintenance"):
            raise Refused("9999")
        if self.knobs.take("too_many"):
            raise Refused("2005")
        self._check_sender(fields)
        try:
            data = json.loads(fields["data"])
        except ValueError:
            raise Refused("2001", "data") from None
        if not isinstance(data, dict):
            raise Refused("2001", "data")
        if fields["method"] == "Record.Submit":
            result: dict[str, Any] = {"requestSerialCode": self._submit(data)}
            request.scope[COMMITTED] = True
        elif fields["method"] == "AsyncHandleResult.Query":
            result = self._query(data)
        elif fields["method"] == "Record.Find":
            result = self._find(data)
        elif fields["method"] == "Statement.Query":
            result = self._statement(data)
        else:
            raise Refused("2001", "method")
        return {"code": "0", "message": "ok", "data": result}

    def _check_sender(self, fields: Mapping[str, str]) -> None:
        for name in (*_SIGNED, "sign"):
            if not fields.get(name):
                raise Refused("2001", name)
        is_ours = hmac.compare_digest(fields["sign"].lower(), sign(fields, self.appsecret))
        if not is_ours or fields["appid"] != self.appid:
            raise Refused("1003")
        if not self.ledger.use_nonce(fields["nonce"]):
            raise Refused("1004")

    def _submit(self, data: Mapping[str, Any]) -> str:
        schema, batch_key, records = data.get("schema"), data.get("batchKey"), data.get("records")
        if not isinstance(schema, str) or schema not in MONEY:
            raise Refused("2001", "schema")
        if not isinstance(batch_key, str) or not batch_key:
            raise Refused("2001", "batchKey")
        if not isinstance(records, list) or not 1 <= len(records) <= _MOST_RECORDS:
            raise Refused("2001", f"records: 1 至 {_MOST_RECORDS} 条")
        for record in records:
            _check_record(schema, record)
        due_at = time.time() + self.latency
        return self.ledger.submit(batch_key, schema, records, due_at, self.knobs.take("fail_batch"))

    def _find(self, data: Mapping[str, Any]) -> dict[str, Any]:
        serial = self.ledger.serial_of(str(data.get("batchKey", "")))
        if serial is None:
            raise Refused("2006")
        return {"requestSerialCode": serial}

    def _query(self, data: Mapping[str, Any]) -> dict[str, Any]:
        submission = self.ledger.submission(str(data.get("requestSerialCode", "")))
        if submission is None:
            raise Refused("2006")
        if time.time() < submission["due_at"] or self.knobs.take("late_answer"):
            return {"status": "0", "result": []}
        if submission["failed"]:
            return {"status": "10", "result": []}
        result = json.loads(submission["result"])
        if self.knobs.take("doubled_result"):
            result = result + result[::-1]
        if self.knobs.take("stray_result"):
            result = [{"idempotencyKey": "stray", "code": "0", "message": "成功", "platformId": "SD0"}, *result]
        return {"status": "20", "result": result}

    def _statement(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What is on file of the records last sent on a day, page by page."""
        try:
            day = date.fromisoformat(str(data["statementDate"]))
            page, size = int(data["pageNo"]), int(data["pageSize"])
        except (KeyError, ValueError, TypeError):
            raise Refused("2001", "statementDate, pageNo, pageSize") from None
        if page < 1 or not 1 <= size <= _MOST_RECORDS:
            raise Refused("2001", f"pageSize: 1 至 {_MOST_RECORDS}")
        found = self.ledger.effects_of_day(day)
        return {"total": len(found), "rows": [_statement_row(one) for one in found[(page - 1) * size : page * size]]}


def _statement_row(effect: Mapping[str, Any]) -> dict[str, Any]:
    amount = effect["fen"] if MONEY[effect["schema"]] else None
    return {
        "schema": effect["schema"],
        "recordKey": effect["record_key"],
        "version": effect["version"],
        "amountFen": amount,
        "status": effect["status"],
        "platformId": effect["platform_id"] if effect["status"] == "accepted" else None,
    }


def _check_record(schema: str, record: Any) -> None:
    """A record needs its three technical members, and its money in whole fen."""
    if not isinstance(record, dict):
        raise Refused("2001", "records")
    for name in ("idempotencyKey", "recordKey", "version"):
        if record.get(name) in (None, ""):
            raise Refused("2001", name)
    if not isinstance(record["version"], int) or not isinstance(record.get(MONEY[schema], 0), int | None):
        raise Refused("2001", f"version / {MONEY[schema]}")
