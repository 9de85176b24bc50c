"""All mirrored partners and receivers of one state directory: web ones behind one port by path, folders, and their connections."""

import json
import os
import secrets
import sys
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any
from zlib import crc32

from starlette.applications import Starlette
from starlette.routing import Mount

from simulators import pgp
from simulators.certificates import Certificates
from simulators.faults import FaultLayer, Knobs
from simulators.ledger import Ledger
from simulators.mirror.containers import OPENPGP, extras_of, kinds_of, make_keys
from simulators.mirror.knocking import door_connection
from simulators.mirror.office import Office
from simulators.mirror.pairs import algorithm_of, read_keys
from simulators.mirror.plain import MirroredFeed, Plan, read_plan
from simulators.mirror.rest import WebPartner
from simulators.mirror.soap_rows import SoapPartner, check_wsdl
from simulators.mirror.stock import Stock, Truth
from simulators.platforms import Platform, open_platforms, receivers_in
from simulators.sftp import BankUser, make_knobs
from simulators.soap_security import guard_of

_HEADERS = (("Authorization", "Bearer "), ("X-Api-Key", ""), ("X-Access-Token", ""), ("Authorization", ""))
Web = WebPartner | SoapPartner


class Mirror:
    """The mirrored partners, and the receivers beside them."""

    def __init__(
        self,
        plan: Plan,
        stock: Stock,
        state: Path,
        certificates: Certificates,
        receivers: Sequence[str] = (),
        latency: float = 0.3,
    ) -> None:
        self.plan, self.stock, self._state, self._certificates = plan, stock, state / "mirror", certificates
        self._state.mkdir(parents=True, exist_ok=True)
        there = receivers_in(plan.folder) if receivers else []
        names = {feed.partner for feed in plan.feeds.values()} | {_receiver(name) for name in there}
        self._secrets = _read_secrets(state / "mirror" / "secrets.json", names)
        logins = {name: (login_of(name), self._secrets[_receiver(name)]) for name in there}
        opened = open_platforms(plan.folder, self._state, logins, latency) if receivers else {}
        self.receivers = {name: opened[name] for name in receivers}
        self.web: dict[str, Web] = {}
        asked = plan.partners_of("rest")
        paired = ((name, algorithm_of(feed.source)) for name, feeds in asked.items() for feed in feeds)
        self.keys = read_keys(self._state / "keys.json", [(name, found) for name, found in paired if found])
        for partner, feeds in asked.items():
            self.web[partner] = WebPartner(
                feeds, stock, self._ledger(partner), login_of(partner), self._secrets[partner], header_of(partner),
                self.keys.get(partner),
            )  # fmt: skip
        for partner, feeds in plan.partners_of("soap").items():
            check_wsdl(feeds[0])
            login, secret = login_of(partner), self._secrets[partner]
            guard = guard_of(feeds[0].source, login, secret, certificates.hub_signing, certificates.insurer)
            self.web[partner] = SoapPartner(feeds[0], stock, self._ledger(partner), login, guard)
        self._container_keys = _read_container_keys(self._state / "container_keys.json", plan.partners_of("sftp"))
        self.offices = {
            partner: Office(
                feeds,
                stock,
                state / "sftp" / partner,
                self._state / f"{partner}.sftp.sqlite",
                self._container_keys[partner],
            )
            for partner, feeds in plan.partners_of("sftp").items()
        }
        self.users = {name: self._user(name, office) for name, office in self.offices.items()}

    def _ledger(self, partner: str) -> Ledger:
        return Ledger(self._state / f"{partner}.sqlite")

    def _user(self, name: str, office: Office) -> BankUser:
        return BankUser(self._secrets[name], office.root, make_knobs(), office.collect)

    def mounts(self) -> list[Mount]:
        """Every web partner under its own path, faults included."""
        receivers = {f"receivers/{name}": platform for name, platform in self.receivers.items()}
        everyone: dict[str, Web | Platform] = {**receivers, **self.web}
        return [Mount(f"/{path}", app=FaultLayer(partner.app, partner.knobs)) for path, partner in everyone.items()]

    def app(self) -> Starlette:
        """The server of all web partners."""
        return Starlette(routes=self.mounts())

    def web_beside(self, taken: Container[str]) -> dict[str, Web | Platform]:
        """The web partners by the name the control knows them by: with `_mirror` where somebody else has the name.

        A receiver is always `<partner>_receiver`, because many of them also send.
        """
        receivers = {_receiver(name): platform for name, platform in self.receivers.items()}
        return {**{f"{name}_mirror" if name in taken else name: p for name, p in self.web.items()}, **receivers}

    def knobs_beside(self, taken: Container[str]) -> dict[str, Knobs]:
        """Knobs by partner; those of a login are under `<partner>_sftp` where a web partner has the name."""
        web = {name: partner.knobs for name, partner in self.web_beside(taken).items()}
        logins = {f"{n}_sftp" if n in web or n in taken else n: user.knobs for n, user in self.users.items()}
        return {**web, **logins}

    def connections(self, url: str, sftp: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Every connection that feeds and receivers name, and those of partners who knock, in Airflow's JSON form."""
        found = {
            f.source["connection"]: self._connection(f.source, f.partner, url, sftp) for f in self.plan.feeds.values()
        }
        found |= {f"{partner}_door": door_connection(keys) for partner, keys in self.keys.items()}
        for name, platform in self.receivers.items():
            host = f"{url}/receivers/{name}"
            extra = {"ca": str(self._certificates.ca_file)}
            found[platform.spec["connection"]] = web_connection(host, platform.login, platform.secret, extra)
        return found

    def _connection(self, source: Mapping[str, Any], partner: str, url: str, sftp: Mapping[str, Any]) -> dict[str, Any]:
        secret = self._secrets[partner]
        if source["connector"] == "sftp":
            return {
                "conn_type": "sftp", "host": sftp["host"], "port": sftp["port"], "login": partner,
                "password": secret, "extra": {"host_key": sftp["host_key"], **extras_of(self._container_keys[partner])},
            }  # fmt: skip
        ca = {"ca": str(self._certificates.ca_file)}
        if source["connector"] == "soap":
            extra = {**ca, **soap_extra(source, self._certificates)}
            secret = secret if "token" in source.get("security", {}) else ""
            return web_connection(f"{url}/{partner}/soap", login_of(partner), secret, extra)
        if keys := self.keys.get(partner):
            extra = {"answer_key": keys.own_public, **ca}
            return web_connection(f"{url}/{partner}", login_of(partner), keys.hub_private, extra)
        name, prefix = header_of(partner)
        return web_connection(f"{url}/{partner}", login_of(partner), secret, {"header": name, "prefix": prefix, **ca})


def open_mirror(
    mappings: Path,
    mirrored: str,
    state: Path,
    seed: int,
    scale: float,
    share: float,
    day: date,
    latency: float,
    certificates: Certificates,
) -> Mirror:
    """The partners to be mirrored, with the truth they speak of, and those of them who receive."""
    there = receivers_in(mappings) if mirrored != "none" else []
    plan = without_unwritable(read_plan(mappings, mirrored, receivers=there))
    receivers = there if mirrored == "all" else [name for name in there if name in mirrored.split(",")]
    stock = Stock(plan, partial(_open_truth, seed, scale, day), seed, scale, share, day)
    return Mirror(plan, stock, state, certificates, receivers, latency)


def without_unwritable(plan: Plan) -> Plan:
    """The plan without the feeds that need gpg, where it is not installed: the others exchange all the same."""
    if pgp.has_gpg():
        return plan
    feeds = {name: feed for name, feed in plan.feeds.items() if OPENPGP not in kinds_of([feed])}
    if left := sorted(plan.feeds.keys() - feeds.keys()):
        print(f"gpg is not installed: nothing is sent for {', '.join(left)}", file=sys.stderr)
    return replace(plan, feeds=feeds)


def _receiver(partner: str) -> str:
    return f"{partner}_receiver"


@cache
def _open_truth(seed: int, scale: float, day: date) -> Truth:
    from simulators.truth import Truth as Inventor

    return Inventor(seed, scale, day)


def web_connection(host: str, login: str, password: str, extra: Mapping[str, str]) -> dict[str, Any]:
    """A web address as Airflow keeps it."""
    return {"conn_type": "http", "host": host, "login": login, "password": password, "extra": dict(extra)}


def soap_extra(source: Mapping[str, Any], certificates: Certificates) -> dict[str, str]:
    """What a connection needs for the `security` of a mapping: keys as text, as a secrets backend would hold them."""
    words, found = source.get("security", {}), dict[str, str]()
    if words.get("signature"):
        signing = certificates.hub_signing
        found |= {"signing_certificate": signing.certificate, "signing_key": signing.key}
    if words.get("signed_answers"):
        found["signer"] = certificates.insurer.certificate
    return found


def login_of(partner: str) -> str:
    """How the hub is known to a partner."""
    return f"hub_at_{partner}"


def header_of(partner: str) -> tuple[str, str]:
    """In which header the secret travels, and what stands before it."""
    return _HEADERS[crc32(partner.encode()) % len(_HEADERS)]


def _read_secrets(path: Path, partners: set[str]) -> dict[str, str]:
    """A secret for each partner, kept from one start to the next."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if missing := sorted(partners - known.keys()):
        known |= {partner: secrets.token_hex(16) for partner in missing}
        _write_private(path, known)
    return known


def _read_container_keys(path: Path, partners: Mapping[str, Sequence[MirroredFeed]]) -> dict[str, dict[str, Any]]:
    """The keys of both sides of every partner that encrypts, kept from one start to the next; none for the others."""
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    known = {partner: kept.get(partner, {}) for partner in partners}
    for partner, feeds in partners.items():
        if not known[partner] and (kinds := kinds_of(feeds)):
            known[partner] = make_keys(partner, kinds)
            _write_private(path, {**kept, **{name: keys for name, keys in known.items() if keys}})
    return known


def _write_private(path: Path, known: Mapping[str, Any]) -> None:
    part = path.with_name(path.name + ".part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(known))
    os.replace(part, path)
