"""全国根治欠薪线索反映平台 (simulated): clues by REST, acceptance and feedback back.

Field names follow the national form; an error is a code other than 200 in an answer with HTTP 200.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.clues import Clue
from simulators.faults import HTTP_KNOBS, Knobs
from simulators.ledger import CONCLUSION, Ledger, count_concluded
from simulators.served import answer_json, answer_once, as_sent, unread
from simulators.spoil import (
    Defect,
    Row,
    amount_defects,
    break_check,
    constant,
    impossible_day,
    missing,
    month_13,
    negate,
    postpone,
    retire_area,
    shorten_id,
    spoil_rows,
)
from simulators.world import City

CHINA = timezone(timedelta(hours=8))
_DEFECTS = (
    Defect("bad_id", "REFLECT_PERSON_CARD", break_check),
    *amount_defects("BACK_PAY_MONEY"),
    Defect("missing", "REFLECT_PERSON_NAME", missing),
    Defect("retired_area", "REGION_CODE", retire_area),
    Defect("unknown_code", "CLUE_SOURCE", constant("9")),
    Defect("amount_negative", "BACK_PAY_MONEY", negate),
    Defect("impossible_date", "REGISTER_TIMES", impossible_day),
    Defect("future_date", "REGISTER_TIMES", postpone),
    Defect("month_13", "BACK_PAY_BEGIN", month_13),
    Defect("id_15", "REFLECT_PERSON_CARD", shorten_id),
)


class Nat:
    """The national platform's server."""

    def __init__(self, city: City, bad_share: float, ledger: Ledger, token: str) -> None:
        self.ledger, self.token, self.knobs = ledger, token, Knobs(HTTP_KNOBS)
        self.shown: int | None = None
        rows = [_clue_row(clue) for clue in city.clues]
        self._rows = unread(spoil_rows(rows, _DEFECTS, bad_share, city.rng("spoil clues")))
        routes = [
            Route("/clue/list", self._list),
            Route("/clue/accept", self._accept, methods=["POST"]),
            Route("/clue/feedback", self._feedback, methods=["POST"]),
            Route("/clue/conclude", self._conclude, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    def received(self) -> dict[str, int]:
        """What the hub told the platform, distinct clues only."""
        count = self.ledger.count_statuses
        stored, not_stored = count("已入库"), count("未入库")
        counts = {"accepted": count("202"), "returned": count("203"), "feedback": stored + not_stored}
        counts |= {"stored": stored, "not_stored": not_stored}
        return {**counts, **count_concluded(self.ledger), **self.ledger.returns()}

    def _is_stranger(self, request: Request) -> bool:
        return request.headers.get("authorization") != f"Bearer {self.token}"

    async def _list(self, request: Request) -> Response:
        if self._is_stranger(request):
            return _refuse(401, 401)
        query = request.query_params
        try:
            begin, index = int(query.get("beginTime") or 0), int(query.get("pageIndex") or 0)
            size = int(query.get("pageSize") or 50)
        except ValueError:
            return _refuse(400)
        if index < 0 or not 1 <= size <= 500:
            return _refuse(400)
        found = [(i, row) for i, row in enumerate(self._rows[: self.shown]) if row.fields["UPDATE_TIME"] >= begin]
        shown = index - 1 if index > 0 and self.knobs.take("duplicate_page") else index
        part = found[shown * size : (shown + 1) * size]
        self.ledger.note_sent(sent for i, row in part for sent in as_sent("nat_clues", row, i, ("clue",)))
        data = {"rows": [row.fields for _, row in part], "totalCount": len(found)}
        return answer_json({"code": 200, "msg": "success", "data": data})

    async def _accept(self, request: Request) -> Response:
        return await self._take(request, "STATUS", ("202", "203"))

    async def _feedback(self, request: Request) -> Response:
        return await self._take(request, "PLATFORM_STATUS", ("已入库", "未入库"))

    async def _conclude(self, request: Request) -> Response:
        """The ten conclusions of the national form; FEEDBACK_NO counts what the platform was told of a clue."""
        return await self._take(request, "CONCLUSION", tuple(f"{n:02d}" for n in range(1, 11)))

    async def _take(self, request: Request, field: str, allowed: tuple[str, ...]) -> Response:
        if self._is_stranger(request):
            return _refuse(401, 401)
        body, key = await request.body(), request.headers.get("idempotency-key", "")
        try:
            items = (await request.json())["items"]
            is_readable = bool(key) and all(str(i["CLUE_CODE"]) and i[field] in allowed for i in items)
        except (ValueError, KeyError, TypeError):
            is_readable = False
        if not is_readable:
            self.ledger.note_call(request.url.path, key, body, "refused")
            return _refuse(400)
        return answer_json(answer_once(request, self.ledger, key, body, lambda: self._note(items, field)))

    def _note(self, items: list[dict[str, Any]], field: str) -> dict[str, Any]:
        for item in items:
            number = f"{CONCLUSION}{item['FEEDBACK_NO']} " if field == "CONCLUSION" else ""
            self.ledger.note_status(str(item["CLUE_CODE"]), number + item[field], item)
        return {"code": 200, "msg": "success", "data": {"received": len(items)}}


def _refuse(code: int, http: int = 200) -> Response:
    return answer_json({"code": code, "msg": "参数或凭证不正确", "data": None}, http)


def _clue_row(clue: Clue) -> Row:
    project = clue.project
    money = clue.fen // 100 if clue.fen % 100 == 0 else clue.fen / 100
    fields = {
        "CLUE_CODE": clue.code,
        "CLUE_SOURCE": clue.source,
        "REGISTER_TIMES": f"{clue.registered_at:%Y-%m-%d %H:%M:%S}",
        "REFLECT_PERSON_NAME": clue.reporter,
        "REFLECT_PERSON_PHONE": clue.phone,
        "REFLECT_PERSON_CARD": clue.id_no,
        "INDUSTRY_FIELD": "工程" if clue.is_construction else "非工程",
        "BACKPAY_PROJECT": project.name if clue.is_construction else "",
        "BE_REPORTED_COMPANY": project.contractor_name,
        "IS_CONTRACT": "1" if clue.has_contract else "0",
        "REGION_CODE": project.area,
        "DETAIL_ADDRESS": project.address,
        "BUILD_COMPANY": project.owner_name,
        "GENERAL_CONTRACTOR": project.contractor_name,
        "SUB_CONTRACTOR": "",
        "IS_GOV_INVEST": "1" if project.is_gov_invest else "0",
        "BACK_PAY_PERSON": clue.people,
        "BACK_PAY_MONEY": money,
        "BACK_PAY_BEGIN": f"{clue.begin:%Y-%m}",
        "BACK_PAY_END": f"{clue.end:%Y-%m}",
        "BACK_PAY_REMARK": clue.remark,
        "ONCE_REPORT": "1" if clue.has_reported else "0",
        "UPDATE_TIME": epoch_ms(clue.updated_at),
    }
    return Row("clue", clue.code, clue.fen, fields)


def epoch_ms(at: datetime) -> int:
    """A time in China as milliseconds since 1970."""
    return int(at.replace(tzinfo=CHINA).timestamp() * 1000)
