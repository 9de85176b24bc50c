"""The demonstration's remote control: banks drop files, faults are set, ledgers are read.

Only for tests and the demo, on the local machine, without any login.
"""

import base64
import binascii
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from simulators.drops import FAULTS, FEED_OF
from simulators.faults import App, Knobs
from simulators.identifiers import made
from simulators.ledger import Ledger
from simulators.province_ledger import ProvinceLedger
from simulators.served import answer_json

CONCLUDED = ("concluded", "conclusions")
"""What a partner with a server and a folder counts in both."""


class Partner(Protocol):
    """What the control needs of a web partner."""

    @property
    def knobs(self) -> Knobs:
        """How it misbehaves."""
        ...

    @property
    def app(self) -> App:
        """Its server."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Its memory."""
        ...

    def received(self) -> Mapping[str, Any]:
        """What came back to it, in numbers."""
        ...


class Office(Protocol):
    """What the control needs of a partner that drops files."""

    @property
    def ledger(self) -> Ledger:
        """Its memory."""
        ...

    async def drop_day(self) -> list[str]:
        """Write the day's files."""
        ...

    def drop_extra(self, kind: str, fault: str | None) -> str:
        """Write one more file."""
        ...

    def drop_correction(self, name: str) -> str:
        """Write the second version of a file."""
        ...

    def drop_bytes(
        self, path: str, content: bytes, digest: str = "", flag: bool = True, name_encoding: str = "utf-8"
    ) -> str:
        """Write any bytes."""
        ...

    def received(self) -> Mapping[str, Any]:
        """The return files, in numbers."""
        ...

    def return_file(self, name: str) -> str | None:
        """One return file."""
        ...


@runtime_checkable
class DropsStatements(Protocol):
    """An office that says at the end of the day what it dropped."""

    def drop_statement(self) -> str:
        """Write the statement of the day."""
        ...


@runtime_checkable
class KeepsEffects(Protocol):
    """A receiver's memory."""

    def journal(self, after: int) -> list[dict[str, Any]]:
        """Its decisions after this number, in their order."""
        ...

    def effects(self, schema: str) -> list[dict[str, Any]]:
        """Its effects of one schema, record by record."""
        ...


@runtime_checkable
class ShowsLess(Protocol):
    """A web partner whose rows appear one after another; None: all of them are there."""

    shown: int | None


@runtime_checkable
class Knocks(Protocol):
    """A partner that tells the hub by itself what is ready."""

    def knock(self, door: str, ready: str) -> dict[str, Any]:
        """Knock at this address; the hub's answer."""
        ...


class Control:
    """The control server over all partners."""

    def __init__(
        self,
        partners: Mapping[str, Partner],
        offices: Mapping[str, Office],
        knobs: Mapping[str, Knobs],
        province: ProvinceLedger,
        problems: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._partners, self._offices, self._knobs, self._province = partners, offices, knobs, province
        self._problems = problems
        self.app = Starlette(
            routes=[
                Route("/drop-day", self._drop_day, methods=["POST"]),
                Route("/drop", self._drop, methods=["POST"]),
                Route("/drop-statement", self._drop_statement, methods=["POST"]),
                Route("/correct", self._correct, methods=["POST"]),
                Route("/show", self._show, methods=["POST"]),
                Route("/knock", self._knock, methods=["POST"]),
                Route("/faults", self._faults, methods=["GET", "POST", "DELETE"]),
                Route("/ledger", self._ledger),
                Route("/ledger/spoiled", self._spoiled),
                Route("/ledger/persons", self._persons),
                Route("/ledger/effects", self._effects),
                Route("/ledger/journal", self._journal),
                Route("/ledger/files/{bank}", self._files),
                Route("/ledger/statuses/{partner}", self._statuses),
                Route("/ledger/callers/{partner}", self._callers),
                Route("/ledger/bank/{bank}/{file}", self._return_file),
            ]
        )

    async def _drop_day(self, request: Request) -> Response:
        try:
            wish = await request.json() if await request.body() else {}
            if not wish:
                return answer_json({"files": [name for o in self._offices.values() for name in await o.drop_day()]})
            bank, kind, fault = self._offices[wish["bank"]], wish["kind"], wish.get("fault")
            if kind not in FEED_OF or fault not in (None, *FAULTS):
                raise ValueError(f"kind is one of {list(FEED_OF)}, fault one of {FAULTS} or null")
            return answer_json({"file": bank.drop_extra(kind, fault)})
        except (KeyError, ValueError, TypeError) as problem:
            return _mistake(problem)

    async def _drop(self, request: Request) -> Response:
        try:
            wish = await request.json()
            content = base64.b64decode(wish["content"], validate=True)
            choices = {name: wish[name] for name in ("digest", "flag", "name_encoding") if name in wish}
            return answer_json({"file": self._offices[wish["bank"]].drop_bytes(wish["path"], content, **choices)})
        except (KeyError, ValueError, TypeError, binascii.Error) as problem:
            return _mistake(problem)

    async def _drop_statement(self, request: Request) -> Response:
        try:
            office = self._offices[(await request.json())["bank"]]
            if not isinstance(office, DropsStatements):
                raise ValueError("this partner drops no statement")
            return answer_json({"file": office.drop_statement()})
        except (KeyError, ValueError, TypeError) as problem:
            return _mistake(problem)

    async def _correct(self, request: Request) -> Response:
        try:
            wish = await request.json()
            return answer_json({"file": self._offices[wish["bank"]].drop_correction(wish["file"])})
        except (KeyError, ValueError, TypeError, IndexError) as problem:
            return _mistake(problem)

    async def _show(self, request: Request) -> Response:
        try:
            wish = await request.json()
            partner = self._partners[wish["partner"]]
            if not isinstance(partner, ShowsLess):
                raise ValueError(f"{wish['partner']} always shows all of its rows")
            partner.shown = int(wish["rows"])
            return answer_json({"rows": partner.shown})
        except (KeyError, ValueError, TypeError) as problem:
            return _mistake(problem)

    async def _knock(self, request: Request) -> Response:
        try:
            wish = await request.json()
            partner = self._partners[wish["partner"]]
            if not isinstance(partner, Knocks):
                raise ValueError(f"{wish['partner']} does not knock")
            return answer_json(await run_in_threadpool(partner.knock, wish["door"], wish["ready"]))
        except (KeyError, ValueError, TypeError) as problem:
            return _mistake(problem)

    async def _faults(self, request: Request) -> Response:
        try:
            if request.method == "POST":
                wish = await request.json()
                self._knobs[wish["partner"]].set(wish["knob"], float(wish["value"]))
            if request.method == "DELETE":
                for knobs in self._knobs.values():
                    knobs.clear()
        except (KeyError, ValueError, TypeError) as problem:
            return _mistake(problem)
        return answer_json({name: {"knobs": k.names, "set": k.values} for name, k in self._knobs.items()})

    async def _ledger(self, request: Request) -> Response:
        sent: dict[str, Any] = {}
        for ledger in self._ledgers():
            sent.update(ledger.sent_summary())
        received: dict[str, Any] = {name: dict(partner.received()) for name, partner in self._partners.items()}
        for name, office in self._offices.items():
            known, more = received.get(name, {}), office.received()
            concluded = {word: known.get(word, 0) + more.get(word, 0) for word in CONCLUDED if {word} & {*known, *more}}
            received[name] = {**known, **more, **concluded}
        unwritten = {"unwritten": dict(self._problems)} if self._problems else {}
        return answer_json({"sent": sent, "received": received, **unwritten})

    def _ledgers(self) -> list[Ledger]:
        web = [partner.ledger for partner in self._partners.values()]
        return [*web, *(office.ledger for office in self._offices.values())]

    async def _spoiled(self, request: Request) -> Response:
        feed = request.query_params.get("feed", "")
        return answer_json([row for ledger in self._ledgers() for row in ledger.spoiled(feed)])

    async def _persons(self, request: Request) -> Response:
        """Every number of a person that was made, by kind: what nobody may find outside of the partners' own."""
        return answer_json({kind: sorted(numbers) for kind, numbers in made.items()})

    async def _effects(self, request: Request) -> Response:
        ledger = self._receiver(request)
        return answer_json(ledger.effects(request.query_params.get("schema", "")) if ledger else [])

    async def _journal(self, request: Request) -> Response:
        ledger = self._receiver(request)
        return answer_json(ledger.journal(int(request.query_params.get("after", "0"))) if ledger else [])

    def _receiver(self, request: Request) -> KeepsEffects | None:
        name = request.query_params.get("partner", "")
        ledger = self._partners[name].ledger if name in self._partners else self._province
        return ledger if isinstance(ledger, KeepsEffects) else None

    async def _files(self, request: Request) -> Response:
        bank = self._offices.get(request.path_params["bank"])
        return answer_json(bank.ledger.files()) if bank else _mistake(KeyError("bank"))

    async def _statuses(self, request: Request) -> Response:
        """Of a web partner, or of a folder: under `<partner>_sftp` where a web partner has the name."""
        name = request.path_params["partner"]
        if name in self._partners:
            return answer_json(self._partners[name].ledger.statuses())
        office = self._offices.get(name.removesuffix("_sftp"))
        if office is None:
            return _mistake(KeyError("partner"))
        office.received()  # reads what came
        return answer_json(office.ledger.statuses())

    async def _callers(self, request: Request) -> Response:
        name = request.path_params["partner"]
        return (
            answer_json(self._partners[name].ledger.callers()) if name in self._partners else _mistake(KeyError(name))
        )

    async def _return_file(self, request: Request) -> Response:
        bank = self._offices.get(request.path_params["bank"])
        text = bank.return_file(request.path_params["file"]) if bank else None
        return PlainTextResponse(text) if text is not None else PlainTextResponse("no such file", 404)


def _mistake(problem: Exception) -> Response:
    return answer_json({"error": f"{type(problem).__name__}: {problem}"}, 400)
