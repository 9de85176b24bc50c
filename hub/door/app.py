"""The web application: two calls, each answered with a stable code in Chinese and English. No secret and no body is ever logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from hub.door.deciding import ask, knock, turn_away
from hub.door.proving import FORMS, Call
from hub.errors import HubError
from hub.limits import KNOCK_SECONDS, LARGEST_KNOCK
from hub.reasons import reason

log = logging.getLogger("hub")
STATUS = {"S071": 400, "S072": 401, "S073": 401, "S074": 409, "S075": 403}
"""What each code is in HTTP; everything else is our own trouble, 503."""
Facts = Mapping[str, Any]


def build_app() -> FastAPI:
    """The door, without the pages that FastAPI adds by itself."""
    app = FastAPI(title="就绪通知接口 door", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)

    @app.post("/ready")
    async def ready(request: Request) -> JSONResponse:
        return await _answer(request, knock, 202)

    @app.get("/ready/{number}")
    async def asked(request: Request, number: str) -> JSONResponse:
        return await _answer(request, lambda call: ask(call, number), 200)

    return app


async def _answer(request: Request, decide: Callable[[Call], Facts], status: int) -> JSONResponse:
    try:
        call = await _read_counted(request)
        return JSONResponse({"code": "0", **await run_in_threadpool(decide, call)}, status)
    except HubError as error:
        return _refusal(error.code)
    except Exception as error:  # nobody outside reads what went wrong in here
        log.error("door: %s", type(error).__name__)
        return _refusal("S001")


def _refusal(code: str) -> JSONResponse:
    """What is wrong and what to do, from the catalogue; of our own trouble only that it may be tried again."""
    found = reason(code if code in STATUS else "S001")
    if code not in STATUS:
        log.warning("door: %s %s", code, reason(code).en)
        zh, en = (
            "平台暂时不能受理，请稍后换新的随机数重发",
            "The hub cannot take it now; send again later with a new nonce",
        )
        return JSONResponse({"code": "S001", "message": zh, "message_en": en}, 503, {"Retry-After": "60"})
    message, message_en = f"{found.zh}：{found.fix_zh}", f"{found.en}: {found.fix_en}"
    return JSONResponse({"code": code, "message": message, "message_en": message_en}, STATUS[code])


async def _read_counted(request: Request) -> Call:
    try:
        return await _read(request)
    except HubError as error:
        await run_in_threadpool(turn_away, error.code)
        raise


async def _read(request: Request) -> Call:
    """The call, its body read to the end. Raises HubError S071 for one that is too large or comes too slowly."""
    body = bytearray()
    try:
        async with asyncio.timeout(KNOCK_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_KNOCK:
                    raise HubError(f"a body has {LARGEST_KNOCK} bytes at most", code="S071")
    except TimeoutError:
        raise HubError("the body did not come in time", code="S071") from None
    if any(len(request.headers.getlist(name)) > 1 for name in FORMS):
        raise HubError("a header stands twice", code="S071")
    query = request.scope["query_string"].decode("latin-1")
    return Call(request.method, request.scope["path"], query, dict(request.headers), bytes(body))
