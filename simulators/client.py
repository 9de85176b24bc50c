"""A client of the simulators' control server, for tests and the demonstration.

One method per question or wish; answers are the control server's JSON as it is.
"""

import base64
from typing import Any

import requests


class Simulators:
    """The simulators behind one control address."""

    def __init__(self, control_url: str, timeout: float = 120) -> None:
        self.url, self.timeout = control_url.rstrip("/"), timeout

    def drop_day(self) -> list[str]:
        """Let every partner that drops files write the day's; gives their names."""
        files: list[str] = self._post("/drop-day")["files"]
        return files

    def drop_extra(self, bank: str, kind: str, fault: str | None = None) -> str:
        """Let a bank write one more file, with a fault of the whole file or without."""
        return str(self._post("/drop-day", {"bank": bank, "kind": kind, "fault": fault})["file"])

    def drop_statement(self, bank: str) -> str:
        """Let a bank say which files it dropped, by its own ledger; gives the statement's name."""
        return str(self._post("/drop-statement", {"bank": bank})["file"])

    def drop(self, bank: str, path: str, content: bytes, **choices: str | bool) -> str:
        """Put any bytes under any path of a bank's folder.

        Choices: `digest="wrong"`, `flag=False` (none is written), `name_encoding="gb18030"`.
        """
        wish = {"bank": bank, "path": path, "content": base64.b64encode(content).decode(), **choices}
        return str(self._post("/drop", wish)["file"])

    def correct(self, bank: str, name: str) -> str:
        """Let a bank write the second version of a payroll file, some of its lines corrected."""
        return str(self._post("/correct", {"bank": bank, "file": name})["file"])

    def show(self, partner: str, rows: int) -> None:
        """Let a web partner have only its first rows, in the order in which they changed; more of them later."""
        self._post("/show", {"partner": partner, "rows": rows})

    def knock(self, partner: str, door: str, ready: str) -> dict[str, Any]:
        """Let a partner say at the hub's door that something is ready; the hub's answer, its HTTP status as `status`."""
        return self._post("/knock", {"partner": partner, "door": door, "ready": ready})

    def fault(self, partner: str, knob: str, value: float) -> None:
        """Turn a fault knob."""
        self._post("/faults", {"partner": partner, "knob": knob, "value": value})

    def clear_faults(self) -> None:
        """Let everyone behave again."""
        requests.delete(f"{self.url}/faults", timeout=self.timeout).raise_for_status()

    def ledger(self) -> dict[str, Any]:
        """What was sent and what came back, in numbers."""
        ledger: dict[str, Any] = self._get("/ledger").json()
        return ledger

    def spoiled(self, feed: str) -> list[dict[str, Any]]:
        """The bad records of a feed that were sent, each with the reason code it must get."""
        spoiled: list[dict[str, Any]] = self._get("/ledger/spoiled", feed=feed).json()
        return spoiled

    def persons(self) -> dict[str, list[str]]:
        """Every number of a person that the partners made, by kind: ``id``, ``card``, ``phone``."""
        made: dict[str, list[str]] = self._get("/ledger/persons").json()
        return made

    def effects(self, schema: str, partner: str = "province") -> list[dict[str, Any]]:
        """A receiver's effects of one schema, record by record."""
        effects: list[dict[str, Any]] = self._get("/ledger/effects", schema=schema, partner=partner).json()
        return effects

    def journal(self, partner: str = "province", after: int = 0) -> list[dict[str, Any]]:
        """A receiver's decisions in their order, those after a number."""
        decided: list[dict[str, Any]] = self._get("/ledger/journal", partner=partner, after=str(after)).json()
        return decided

    def files(self, bank: str) -> list[dict[str, Any]]:
        """Every file that a bank dropped, with its digest."""
        files: list[dict[str, Any]] = self._get(f"/ledger/files/{bank}").json()
        return files

    def statuses(self, partner: str) -> list[dict[str, Any]]:
        """What a web partner was told about each item."""
        statuses: list[dict[str, Any]] = self._get(f"/ledger/statuses/{partner}").json()
        return statuses

    def callers(self, partner: str) -> list[dict[str, Any]]:
        """With which certificates, tokens and signatures the calls of a web partner came, and how many."""
        callers: list[dict[str, Any]] = self._get(f"/ledger/callers/{partner}").json()
        return callers

    def return_file(self, bank: str, name: str) -> str | None:
        """The text of a RET_ or FIN_ file that a bank received, or None."""
        answer = requests.get(f"{self.url}/ledger/bank/{bank}/{name}", timeout=self.timeout)
        answer.encoding = "utf-8"
        return answer.text if answer.status_code == 200 else None

    def _get(self, path: str, **query: str) -> requests.Response:
        answer = requests.get(self.url + path, params=query, timeout=self.timeout)
        answer.raise_for_status()
        return answer

    def _post(self, path: str, wish: Any = None) -> dict[str, Any]:
        answer = requests.post(self.url + path, json=wish, timeout=self.timeout)
        if answer.status_code != 200:
            raise ValueError(f"{path}: {answer.text}")
        result: dict[str, Any] = answer.json()
        return result
