"""Fault knobs of a simulator, set at run time, and the ASGI layer that acts them out.

A knob holds how many of the next calls misbehave (or, for `slow`, seconds); zero is the normal state.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

HTTP_KNOBS = ("slow", "error_5xx", "429", "cut", "html_200", "timeout_after_commit", "duplicate_page")
PROVINCE_KNOBS = ("late_answer", "too_many", "maintenance", "fail_batch", "doubled_result", "stray_result")
SFTP_KNOBS = ("slow", "refuse_logins", "cut_after_kb")
_HTML = "<!DOCTYPE html><html><body><h1>系统维护中</h1><p>请稍后再试。</p></body></html>".encode()
COMMITTED = "simulator.committed"


@dataclass
class Knobs:
    """The knobs of one partner."""

    names: tuple[str, ...]
    values: dict[str, float] = field(default_factory=dict)

    def set(self, name: str, value: float) -> None:
        """Turn one knob; an unknown name is a mistake of the caller."""
        if name not in self.names:
            raise ValueError(f"no such knob: {name}; there are {', '.join(self.names)}")
        self.values[name] = value

    def get(self, name: str) -> float:
        """The knob's value."""
        return self.values.get(name, 0)

    def take(self, name: str) -> bool:
        """Whether this call is one of the next n, using it up."""
        left = self.get(name)
        if left < 1:
            return False
        self.values[name] = left - 1
        return True

    def clear(self) -> None:
        """Behave again."""
        self.values.clear()


class FaultLayer:
    """Wraps an application and misbehaves as the knobs say."""

    def __init__(self, app: App, knobs: Knobs) -> None:
        self.app, self.knobs = app, knobs

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one call, or misanswer it."""
        if scope["type"] != "http" or scope["path"] == "/health":
            return await self.app(scope, receive, send)
        await asyncio.sleep(self.knobs.get("slow"))
        if self.knobs.take("429"):
            return await _answer(send, 429, b"too many calls", (b"retry-after", b"1"))
        if self.knobs.take("error_5xx"):
            return await _answer(send, 503, b"service unavailable")
        if self.knobs.take("html_200"):
            return await _answer(send, 200, _HTML, (b"content-type", b"text/html; charset=utf-8"))
        messages: list[Message] = []
        await self.app(scope, receive, _collect_into(messages))
        if scope.get(COMMITTED) and self.knobs.take("timeout_after_commit"):
            return await _never_answer(receive)
        if self.knobs.take("cut"):
            return await _answer_half(send, messages)
        for message in messages:
            await send(message)
        return None


def _collect_into(messages: list[Message]) -> Send:
    async def collect(message: Message) -> None:
        messages.append(message)

    return collect


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    sizes = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, sizes]})
    await send({"type": "http.response.body", "body": body})


async def _answer_half(send: Send, messages: list[Message]) -> None:
    """Promise the whole length, send half; returning then makes the server close the connection."""
    body = b"".join(message.get("body", b"") for message in messages[1:])
    await send(messages[0])
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


async def _never_answer(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
