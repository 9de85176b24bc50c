"""Every receiver but the province (simulated): one server that speaks whichever dialect its file in mappings/receivers agrees on.

It reads that file as plain data and judges by it on its own: signature, seals, forms, sizes; what it has is in its ledger.
"""

import csv
import json
import re
import secrets as random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.faults import COMMITTED, HTTP_KNOBS, Knobs
from simulators.platform_checks import Mistake, check_signature
from simulators.platform_ledger import CORRECTED, CREATED, DEFERRED, EXISTING, REFUSED, Decided, PlatformLedger
from simulators.platform_rows import read_row
from simulators.served import answer_json
from simulators.statements import answer_statement


class Refused(Exception):
    """The call is answered with an error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code, self.message = code, message


class Platform:
    """One receiver's server. ``words`` are the values of the code tables its file names."""

    def __init__(
        self, spec: Mapping[str, Any], ledger: PlatformLedger, login: str, secret: str, latency: float = 0.3,
        words: Mapping[str, frozenset[str]] | None = None,
    ) -> None:  # fmt: skip
        self.spec, self.ledger, self.login, self.secret, self.latency = spec, ledger, login, secret, latency
        self.style: Mapping[str, Any] = spec["style"]
        self.words = words or {}
        self.calls = {str(taken["call"]): schema for schema, taken in spec["records"].items()}
        if len(self.calls) < len(spec["records"]) and "schema" not in self.style:
            raise ValueError(f"{spec['partner']}: two kinds of record under one call cannot be told apart")
        self.is_later = self.style.get("answers", "later") == "later"
        self.knobs = Knobs(tuple(self._knobs()))
        self.app = Starlette(routes=[Route("/{path:path}", self._call, methods=["POST"])])

    def _knobs(self) -> list[str]:
        names = [knob for knob in HTTP_KNOBS if knob != "duplicate_page"] + ["doubled_result", "stray_result"]
        names += ["late_answer"] if self.is_later else []
        names += ["too_many", "maintenance"] if self.style["envelope"].get("busy") else []
        names += ["unreadable"] if self.spec.get("unreadable") else []
        names += ["fail_batch"] if self.is_later and self.style["asking"].get("failed") else []
        return names + (["defer_batch"] if self.spec.get("delayed") else [])

    def received(self) -> dict[str, dict[str, int]]:
        """The effects on file per schema."""
        return self.ledger.received()

    async def _call(self, request: Request) -> Response:
        body = await request.body()
        envelope, what, nonce = self.style["envelope"], "", ""
        answer: dict[str, Any] = {}
        try:
            what, parameters = self._read(request, body)
            nonce = self._check_sender(request, parameters, body)
            answer = self._answer(request, what, parameters)
            code, message = str(envelope["success"]), "ok"
        except Refused as refused:
            code, message = refused.code, refused.message
        _put(answer, envelope["code"], code)
        _put(answer, envelope["message"], message)
        self.ledger.note_call(what, nonce, body, code)
        return answer_json(answer)

    def _read(self, request: Request, body: bytes) -> tuple[str, dict[str, Any]]:
        """The name of the call and its parameters."""
        busy = self.style["envelope"].get("busy", [])
        for knob, code in (("maintenance", busy[-1:]), ("too_many", busy[:1])):
            if knob in self.knobs.names and self.knobs.take(knob):
                raise Refused(code[0], "请稍后再试")
        try:
            if self.style.get("body", "form") == "form":
                fields = {name: values[0] for name, values in parse_qs(body.decode(), True).items()}
                parameters: dict[str, Any] = dict(fields)
            else:
                parameters = json.loads(body)
        except ValueError:
            raise self._odd("body") from None
        pattern = re.escape(self.style["address"]).replace(re.escape("{call}"), "(?P<call>.+)")
        found = re.fullmatch(pattern, "/" + request.path_params["path"])
        if found is None or not isinstance(parameters, dict):
            raise self._odd("address")
        method = self.style.get("method")
        return str(parameters.get(method)) if method else found["call"], parameters

    def _check_sender(self, request: Request, parameters: dict[str, Any], body: bytes) -> str:
        signing = self.style.get("signing")
        if not signing:
            return ""
        place = signing.get("place", "parameters")
        sent = {"parameters": parameters, "headers": request.headers, "query": request.query_params}[place]
        try:
            nonce = check_signature(signing, self.login, self.secret, sent, parameters, body)
        except Mistake as mistake:
            raise Refused(self._other("1003"), f"签名或公共参数不正确: {mistake}") from None
        if nonce is not None and not self.ledger.use_nonce(nonce):
            raise Refused(self._other("1004"), "随机数已使用")
        return nonce or ""

    def _answer(self, request: Request, what: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        payload = self._payload(parameters)
        if self.is_later and what == self.style["asking"]["call"]:
            return self._query(payload[0] if isinstance(payload, list) else payload)
        if what == self.style.get("inquiry", {}).get("call"):
            return self._find(payload[0] if isinstance(payload, list) else payload)
        if what == self.style.get("statement", {}).get("call"):
            return self._statement(payload[0] if isinstance(payload, list) else payload)
        schema = self.calls.get(what)
        if schema is not None and "schema" in self.style:
            schema = payload.get(self.style["schema"])
        if schema not in self.spec["records"]:
            raise self._odd("call")
        taken = self.spec["records"][schema]
        schema = str(schema)
        sent = payload if isinstance(payload, list) else payload.get(taken.get("rows", "records"))
        if not isinstance(sent, list) or not 1 <= len(sent) <= self.spec.get("max_batch", 100):
            raise self._odd("rows")
        key = self._submission_key(parameters, payload)
        if "unreadable" in self.knobs.names and self.knobs.take("unreadable"):
            raise self._odd("rows")
        try:
            rows = [read_row(self.spec, schema, row, self.secret, self.words) for row in sent]
        except (Mistake, ArithmeticError, KeyError, AttributeError, ValueError) as mistake:
            raise self._odd(str(mistake)) from None
        fail, defer = (name in self.knobs.names and self.knobs.take(name) for name in ("fail_batch", "defer_batch"))
        serial, decided = self.ledger.submit(key, schema, rows, time.time() + self.latency, fail=fail, defer=defer)
        request.scope[COMMITTED] = True
        return self._taken(serial, decided)

    def _taken(self, serial: str, decided: Sequence[Decided]) -> dict[str, Any]:
        """What it says of a submission that it has."""
        answer: dict[str, Any] = {}
        _put(answer, self.style["serial"] if self.is_later else self.style["results"]["rows"],
             serial if self.is_later else self._results(decided))  # fmt: skip
        return answer

    def _find(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        inquiry = self.style["inquiry"]
        found = self.ledger.find(str(asked.get(inquiry["parameter"])))
        if found is None:
            raise Refused(inquiry["none"][0], "没有这一批")
        return self._taken(*found)

    def _payload(self, parameters: Mapping[str, Any]) -> Any:
        data = self.style.get("data", {})
        if "name" not in data:
            return parameters
        payload = parameters.get(data["name"])
        try:
            payload = json.loads(payload) if self.style.get("body", "form") == "form" else payload  # type: ignore[arg-type]
        except (ValueError, TypeError):
            raise self._odd(data["name"]) from None
        wanted = list if data.get("of", "object") == "array" else dict
        if not isinstance(payload, wanted) or not payload:
            raise self._odd(data["name"])
        return payload

    def _submission_key(self, parameters: Mapping[str, Any], payload: Any) -> str:
        name = self.style.get("submission")
        if name is None:
            return random.token_hex(16)
        key = (parameters if isinstance(payload, list) else payload).get(name)
        if not isinstance(key, str) or not key:
            raise self._odd(name)
        return key

    def _query(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        asking = self.style["asking"]
        found = self.ledger.submission(str(asked.get(asking["parameter"])))
        if found is None:
            raise Refused(next(iter(asking.get("unknown", ())), self._other("2006")), "没有这个序列码")
        due_at, failed, decided = found
        answer: dict[str, Any] = {}
        if time.time() < due_at or self.knobs.take("late_answer"):
            _put(answer, asking["state"], asking["waiting"][0])
        elif failed:
            _put(answer, asking["state"], asking["failed"][0])
        else:
            _put(answer, asking["state"], asking["done"][0])
            _put(answer, self.style["results"]["rows"], self._results(decided))
        return answer

    def _statement(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        try:
            rows, total = answer_statement(self.spec, self.ledger, asked)
        except Mistake as mistake:
            raise self._odd(str(mistake)) from None
        answer: dict[str, Any] = {}
        _put(answer, self.style["statement"]["rows"], rows)
        _put(answer, self.style["statement"]["total"], total)
        return answer

    def _results(self, decided: Sequence[Decided]) -> list[dict[str, Any]]:
        results = [self._result(one) for one in decided]
        results = results + results[::-1] if self.knobs.take("doubled_result") else results
        stray = [self._result(Decided("stray", CREATED, "X0"))] if self.knobs.take("stray_result") else []
        return stray + results

    def _result(self, one: Decided) -> dict[str, Any]:
        named, exists = self.style["results"], self.spec.get("exists", {})
        words = next(iter(exists.get("words", ())), "")
        code, message = {
            CREATED: (self.spec["accepted"][0], "成功"),
            CORRECTED: (self.spec["accepted"][0], "更正成功"),
            EXISTING: (next(iter(exists.get("codes", ())), self._other("9001")), f"该数据{words or '重复'}"),
            REFUSED: (self._other("2003"), "参数值不正确"),
            DEFERRED: (next(iter(self.spec.get("delayed", ())), ""), "上级数据尚未入库，请稍后报送"),
        }[one.what]
        result = {named["key"]: one.key, named["code"]: code, named.get("message", "message"): message}
        return {**result, **({named["id"]: one.remote_id} if named.get("id") else {})}

    def _odd(self, where: str) -> Refused:
        """What this receiver says of a call it cannot read."""
        return Refused(next(iter(self.spec.get("unreadable", ())), self._other("2001")), f"参数不正确: {where}")

    def _other(self, code: str) -> str:
        """A code that has no agreed meaning here."""
        spec, style = self.spec, self.style
        taken = {style["envelope"]["success"], *style["envelope"].get("busy", ()), *spec["accepted"]}
        taken |= {*spec.get("delayed", ()), *spec.get("exists", {}).get("codes", ()), *spec.get("unreadable", ())}
        taken |= set(style.get("asking", {}).get("unknown", ()))
        return code if code not in taken else f"E{code}"


def open_platforms(
    mappings_folder: Path, state: Path, secrets: Mapping[str, tuple[str, str]], latency: float = 0.3
) -> dict[str, Platform]:
    """Every receiver but the province, by partner. ``secrets`` holds login and secret (32 characters) of each."""
    words = {path.stem: _values(path) for path in (mappings_folder / "codes").glob("*.csv")}
    found: dict[str, Platform] = {}
    for name in receivers_in(mappings_folder):
        spec = yaml.safe_load((mappings_folder / "receivers" / f"{name}.yaml").read_text("utf-8"))
        ledger = PlatformLedger(state / f"{name}.receiver.sqlite", name)
        found[name] = Platform(spec, ledger, *secrets[name], latency=latency, words=words)
    return found


def receivers_in(mappings_folder: Path) -> list[str]:
    """The receivers that are served here: every file but the province's."""
    return sorted(path.stem for path in (mappings_folder / "receivers").glob("*.yaml") if path.stem != "province")


def _values(path: Path) -> frozenset[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return frozenset(row["value"] for row in csv.DictReader(file) if "value" in row)


def _put(tree: dict[str, Any], path: str, value: Any) -> None:
    """Set the member at a path with dots."""
    *steps, last = path.split(".")
    for step in steps:
        tree = tree.setdefault(step, {})
    tree[last] = value
