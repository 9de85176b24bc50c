"""泰山市行政审批服务局: construction permits and project approvals by REST, and filings back.

Rows are paged in the order of their update times; a repeated filing key gets its first answer and no second effect.
"""

import time
from collections import deque
from datetime import date
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.faults import HTTP_KNOBS, Knobs
from simulators.ledger import Ledger
from simulators.projects import Project
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
    spoil_rows,
)
from simulators.world import City

_SHARED = (
    Defect("impossible_date", "issueDate", impossible_day),
    Defect("retired_area", "areaCode", retire_area),
    Defect("missing", "projectName", missing),
    Defect("future_date", "issueDate", postpone),
    Defect("month_13", "issueDate", month_13),
)
_PERMIT_DEFECTS = (
    Defect("bad_uscc", "contractorUscc", break_check),
    *amount_defects("contractPriceWan", "1234.5678901"),
    Defect("amount_negative", "contractPriceWan", negate),
    *_SHARED,
    Defect("unknown_code", "category", constant("77")),
)
_APPROVAL_DEFECTS = (
    Defect("bad_uscc", "ownerUscc", break_check),
    *_SHARED,
    *amount_defects("investAmountWan", "1234.5678901"),
    Defect("amount_negative", "investAmountWan", negate),
    Defect("unknown_code", "approvalLevel", constant("077")),
)

# Both records of a permit row read most of its fields; these belong to one of them.
_READ_ONLY_BY = {"category": "project", "issueDate": "permit"}


class Bureau:
    """The bureau's server."""

    def __init__(self, city: City, bad_share: float, ledger: Ledger, api_key: str, rate: int = 20) -> None:
        self.ledger, self.api_key, self.rate = ledger, api_key, rate
        self.knobs = Knobs(HTTP_KNOBS)
        self.shown: int | None = None
        self._calls: deque[float] = deque()
        paying = {p.permit_no for p in city.projects if p.number < 2 * city.payroll_count(p.bank)}
        permits = [_permit_row(project) for project in sorted(city.projects, key=lambda p: (p.updated_at, p.permit_no))]
        approvals = [
            _approval_row(project) for project in sorted(city.projects, key=lambda p: (p.updated_at, p.approval_no))
        ]
        self._rows = {
            "permits": unread(
                spoil_rows(permits, _PERMIT_DEFECTS, bad_share, city.rng("spoil permits"), lambda r: r.key in paying)
            ),
            "approvals": unread(spoil_rows(approvals, _APPROVAL_DEFECTS, bad_share, city.rng("spoil approvals"))),
        }
        routes = [
            Route("/api/v1/permits", self._list, name="permits"),
            Route("/api/v1/approvals", self._list, name="approvals"),
            Route("/api/v1/filings", self._file, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    def received(self) -> dict[str, int]:
        """What the hub told the bureau, distinct numbers only."""
        filed, not_filed = self.ledger.count_statuses("已建档"), self.ledger.count_statuses("未建档")
        return {"filed": filed, "not_filed": not_filed, **self.ledger.returns()}

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("x-api-key") != self.api_key:
            return answer_json({"code": "401", "message": "X-Api-Key 无效", "data": None}, 401)
        now = time.monotonic()
        while self._calls and self._calls[0] <= now - 1:
            self._calls.popleft()
        if len(self._calls) >= self.rate:
            return answer_json({"code": "429", "message": "调用过于频繁", "data": None}, 429, Retry_After="1")
        self._calls.append(now)
        return None

    async def _list(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        query, what = request.query_params, request.url.path.rsplit("/", 1)[1]
        try:
            page, size = int(query.get("page", "1")), int(query.get("page_size", "100"))
        except ValueError:
            return answer_json({"code": "400", "message": "分页参数不正确", "data": None})
        if page < 1 or not 1 <= size <= 500:
            return answer_json({"code": "400", "message": "分页参数不正确", "data": None})
        since = query.get("updated_since", "")
        found = [(i, row) for i, row in enumerate(self._rows[what][: self.shown]) if row.fields["updateTime"] >= since]
        shown = page - 1 if page > 1 and self.knobs.take("duplicate_page") else page
        part = found[(shown - 1) * size : shown * size]
        kinds = ("project", "permit") if what == "permits" else ("permit",)
        self.ledger.note_sent(
            sent for i, row in part for sent in as_sent(f"bureau_{what}", row, i, kinds, _READ_ONLY_BY)
        )
        data = {"total": len(found), "page": page, "page_size": size, "rows": [row.fields for _, row in part]}
        return answer_json({"code": "0", "message": "ok", "data": data})

    async def _file(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        body, key = await request.body(), request.headers.get("idempotency-key", "")
        try:
            filings = [_read_filing(filing) for filing in (await request.json())["filings"]]
        except (ValueError, KeyError, TypeError) as problem:
            self.ledger.note_call(request.url.path, key, body, "refused")
            return answer_json({"code": "400", "message": f"报文不正确: {problem!r}", "data": None})
        if not key:
            return answer_json({"code": "400", "message": "缺少 Idempotency-Key", "data": None})
        return answer_json(answer_once(request, self.ledger, key, body, lambda: self._note(filings)))

    def _note(self, filings: list[dict[str, Any]]) -> dict[str, Any]:
        for filing in filings:
            self.ledger.note_status(filing["permitNo"], filing["status"], filing)
        return {"code": "0", "message": "ok", "data": {"received": len(filings)}}


def _read_filing(filing: dict[str, Any]) -> dict[str, Any]:
    if filing["status"] not in ("已建档", "未建档"):
        raise ValueError("status")
    return {"permitNo": str(filing["permitNo"]), **filing}


def _permit_row(project: Project) -> Row:
    fields = {
        "permitNo": project.permit_no,
        "projectName": project.name,
        "investCode": project.invest_code,
        "projectAddress": project.address,
        "areaCode": project.area,
        "category": project.category,
        "ownerName": project.owner_name,
        "ownerUscc": project.owner_uscc,
        "contractorName": project.contractor_name,
        "contractorUscc": project.contractor_uscc,
        "supervisorName": project.supervisor_name,
        "contractPriceWan": wan(project.price_fen),
        "scale": project.scale,
        "contractSignDate": _iso(project.signed_on),
        "plannedStart": _iso(project.starts_on),
        "plannedEnd": _iso(project.ends_on),
        "projectStatus": project.status,
        "isGovInvest": "是" if project.is_gov_invest else "否",
        "issueOrg": project.issue_org,
        "issueDate": _iso(project.issued_on),
        "revoked": 0,
        "updateTime": f"{project.updated_at:%Y-%m-%d %H:%M:%S}",
    }
    return Row("permit", project.permit_no, project.price_fen, fields)


def _approval_row(project: Project) -> Row:
    fields = {
        "approvalNo": project.approval_no,
        "investCode": project.invest_code,
        "projectName": project.name,
        "areaCode": project.area,
        "ownerName": project.owner_name,
        "ownerUscc": project.owner_uscc,
        "investAmountWan": wan(project.invest_fen),
        "approvalLevel": project.approval_level,
        "issueOrg": project.issue_org,
        "issueDate": _iso(project.approved_on),
        "revoked": 0,
        "updateTime": f"{project.updated_at:%Y-%m-%d %H:%M:%S}",
    }
    return Row("permit", project.approval_no, project.invest_fen, fields)


def wan(fen: int) -> str:
    """Fen as 万元 with at most six decimals."""
    return f"{fen // 1_000_000}.{fen % 1_000_000:06d}".rstrip("0").rstrip(".")


def _iso(day: date) -> str:
    return day.isoformat()
