"""Who the hub talks to, and who lets it in: real servers with certificates of a CA made for the test."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from answering import Answer, Asked, answering

from connectors.expiring import read_expiries
from connectors.http import exchange, open_session
from connectors.retrying import retried
from hub.errors import HubError, MappingInvalid, PartnerRefused, PartnerUnavailable
from hub.model import Connection
from simulators.certificates import Authority, Pair

OURS, OTHERS = Authority("ours"), Authority("others")
SERVER = OURS.issue("server")
CALLER = OURS.issue("hub", phrase="开门 open")
YES = Answer(b'{"code": "0"}')


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)


def context_of(folder: Path, pair: Pair = SERVER, callers: Authority | None = None) -> ssl.SSLContext:
    """A server's side; with ``callers`` it wants a certificate of theirs."""
    (folder / "server.pem").write_text(f"{pair.certificate}\n{pair.key}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", password=pair.phrase)
    if callers is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=callers.certificate)
    return context


def call(url: str, **extra: str) -> bytes:
    """One call as a connector makes it."""
    connection = Connection("bureau_api", url, extra=extra)
    session = open_session(connection)
    return retried(lambda: exchange(session, "GET", connection.host + "/list", media="json"))


@contextmanager
def serving(context: ssl.SSLContext) -> Iterator[tuple[str, list[Asked]]]:
    with answering(lambda asked: YES, context) as found:
        yield found


def refusal(url: str, **extra: str) -> HubError:
    with pytest.raises(PartnerRefused) as caught:
        call(url, **extra)
    return caught.value


def test_a_server_of_the_partners_own_ca_is_believed(tmp_path: Path) -> None:
    """As text of the connection, or as a file that it names."""
    (tmp_path / "ca.pem").write_text(OURS.certificate)
    with serving(context_of(tmp_path)) as (url, asked):
        assert call(url, ca=OURS.certificate) == call(url, ca=str(tmp_path / "ca.pem")) == YES.body
    assert len(asked) == 2


WRONG = {
    "signed by nobody we know": (SERVER, OTHERS, "issuer certificate"),
    "expired": (OURS.issue("server", ends_in=timedelta(days=-1)), OURS, "expired"),
    "for another host": (OURS.issue("server", host="bank.example"), OURS, "IP address mismatch"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_certificate_that_is_not_right_is_for_a_person(tmp_path: Path, case: str) -> None:
    """Said why, not tried again, and nothing was asked."""
    pair, believed, why = WRONG[case]
    with serving(context_of(tmp_path, pair)) as (url, asked):
        error = refusal(url, ca=believed.certificate)
    assert error.code == "S064"
    assert why in str(error)
    assert asked == []


def test_without_a_ca_of_its_own_the_public_ones_count(tmp_path: Path) -> None:
    """And they do not know ours."""
    with serving(context_of(tmp_path)) as (url, _):
        assert refusal(url).code == "S064"


def test_the_surroundings_have_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither bundles of CAs nor proxies of the environment, nor the bundle that requests brings along."""
    (tmp_path / "ca.pem").write_text(OURS.certificate)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "ca.pem"))
    with serving(context_of(tmp_path)) as (url, asked):
        assert refusal(url, ca=OTHERS.certificate).code == refusal(url).code == "S064"
        assert asked == []
        assert call(url, ca=OURS.certificate) == YES.body


def test_a_partner_may_want_to_know_us(tmp_path: Path) -> None:
    """The key lies under a pass phrase, as text or in a file; the partner sees the certificate."""
    for name, text in (("hub.pem", CALLER.certificate), ("hub.key", CALLER.key)):
        (tmp_path / name).write_text(text)
    inline = {"certificate": CALLER.certificate, "private_key": CALLER.key}
    files = {"certificate": str(tmp_path / "hub.pem"), "private_key": str(tmp_path / "hub.key")}
    with serving(context_of(tmp_path, callers=OURS)) as (url, asked):
        for extra in (inline, files):
            assert call(url, ca=OURS.certificate, key_password=CALLER.phrase, **extra) == YES.body
    assert {one.certificate for one in asked} == {ssl.PEM_cert_to_DER_cert(CALLER.certificate)}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("shown", [None, OTHERS.issue("stranger")], ids=["none", "a stranger's"])
def test_a_certificate_the_partner_does_not_take_is_for_a_person(
    tmp_path: Path, version: ssl.TLSVersion, shown: Pair | None
) -> None:
    """In the handshake of 1.2, and at the first answer of 1.3."""
    context = context_of(tmp_path, callers=OURS)
    context.maximum_version = version
    extra = {"certificate": shown.certificate, "private_key": shown.key} if shown else {}
    with serving(context) as (url, asked):
        assert refusal(url, ca=OURS.certificate, **extra).code == "S064"
    assert asked == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    """1.1 and older."""
    context = context_of(tmp_path)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with serving(context) as (url, asked):
        assert refusal(url, ca=OURS.certificate).code == "S064"
    assert asked == []


def test_a_server_without_tls_is_not_talked_to(tmp_path: Path) -> None:
    """At an address that says https."""
    with answering(lambda asked: YES) as (url, asked):
        assert refusal(url.replace("http:", "https:"), ca=OURS.certificate).code == "S064"
    assert asked == []


def test_a_line_cut_in_the_handshake_is_only_unavailable() -> None:
    """It may be there the next time."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_hang_up, args=(server,), daemon=True).start()
        with pytest.raises(PartnerUnavailable):
            call(f"https://127.0.0.1:{server.getsockname()[1]}", ca=OURS.certificate)


def _hang_up(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        connection.recv(64)
        connection.close()


@pytest.mark.parametrize(
    "host", ["http://bank.example/api", "http://10.1.2.3", "ftp://bank.example", "bank.example", ""]
)
def test_an_address_that_anybody_could_read_along_is_refused(host: str) -> None:
    """Before anything is sent."""
    assert refusal(host).code == "S065"


def test_an_address_without_tls_may_be_allowed_by_name() -> None:
    """Then it is tried; here nobody is there."""
    with pytest.raises(PartnerUnavailable):
        call("http://bank.invalid", plain_http="True")


UNUSABLE: dict[str, dict[str, str]] = {
    "a CA that is none": {"ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
    "a file that is not there": {"ca": "/nowhere/ca.pem"},
    "a certificate without its key": {"certificate": CALLER.certificate},
    "a key without its certificate": {"private_key": CALLER.key, "key_password": CALLER.phrase},
    "a wrong pass phrase": {
        "certificate": CALLER.certificate,
        "private_key": CALLER.key,
        "key_password": "geheim",
    },
    "no pass phrase": {"certificate": CALLER.certificate, "private_key": CALLER.key},
    "another key": {"certificate": CALLER.certificate, "private_key": SERVER.key},
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_settings_that_cannot_be_used_are_said_without_quoting_them(case: str) -> None:
    """S065, before anything is sent."""
    error = refusal("https://127.0.0.1:1", **{"ca": OURS.certificate, **UNUSABLE[case]})
    assert error.code == "S065"
    assert not any(word in str(error) for word in ("BEGIN", "geheim", CALLER.phrase))


def drip(*, secure: ssl.SSLContext | None, beginning: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    """A server that says a beginning and then a byte now and then, each soon enough for a read."""

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        try:
            if secure:
                connection = secure.wrap_socket(connection, server_side=True)
            connection.recv(4096)
            connection.sendall(beginning)
            while True:
                time.sleep(0.02)
                connection.sendall(drop)
        except OSError:
            connection.close()

    return serve


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@dataclass(frozen=True)
class Slow:
    secure: bool
    beginning: bytes
    drop: bytes


SLOW = {
    "the body": Slow(False, HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "a body without end": Slow(False, HEAD + b"\r\n", b" "),
    "chunks": Slow(False, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "the headers": Slow(False, HEAD + b"X-Slow: ", b"x"),
    "the body over TLS": Slow(True, HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "the handshake": Slow(False, b"\x16\x03\x03\x3f\xff", b"\x02"),
}


@pytest.mark.parametrize("where", SLOW)
def test_a_partner_that_drips_is_cut_off_wherever_it_does(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No read ever waits long, and the whole would last for ever."""
    monkeypatch.setattr("connectors.http.DEADLINE_SECONDS", 0.4)
    slow = SLOW[where]
    secure = context_of(tmp_path) if slow.secure else None
    scheme = "https" if slow.secure or where == "the handshake" else "http"
    with socket.create_server(("127.0.0.1", 0)) as server:
        serve = drip(secure=secure, beginning=slow.beginning, drop=slow.drop)
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        session = open_session(Connection("x", url, extra={"ca": OURS.certificate}))
        with pytest.raises(PartnerUnavailable, match="took longer"):
            exchange(session, "GET", url, media="json")


def test_a_kept_connection_is_not_cut_by_the_end_of_an_older_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call has a time of its own."""
    monkeypatch.setattr("connectors.http.DEADLINE_SECONDS", 0.3)
    with serving(context_of(tmp_path)) as (url, asked):
        session = open_session(Connection("x", url, extra={"ca": OURS.certificate}))
        for _ in range(3):
            assert exchange(session, "GET", url, media="json") == YES.body
            time.sleep(0.2)
    assert len(asked) == 3


def test_a_small_answer_that_grows_is_cut_off(tmp_path: Path) -> None:
    """A gigabyte of nothing in a megabyte of gzip."""
    import connectors.http

    bomb = gzip.compress(bytes(2 * connectors.http.LARGEST_ANSWER), 9)
    packed = Answer(bomb, headers=(("Content-Encoding", "gzip"),))
    with answering(lambda asked: packed) as (url, _):
        assert "more than" in str(refusal(url))


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """Tokens and rows go where the connection says, and nowhere else."""
    with answering(lambda asked: YES) as (elsewhere, followed):
        moved = Answer(b"", 302, headers=(("Location", elsewhere),))
        with answering(lambda asked: moved, context_of(tmp_path)) as (url, asked):
            refusal(url, ca=OURS.certificate)
    assert (len(asked), followed) == (1, [])


def test_a_media_type_is_told_without_what_stands_beside_it() -> None:
    """A header is the partner's text too."""
    odd = Answer(json.dumps({}).encode(), media='text/html; name="370901199001011234"')
    with answering(lambda asked: odd) as (url, _), pytest.raises(PartnerUnavailable) as caught:
        call(url)
    assert "3709" not in str(caught.value)


def test_what_ends_is_seen_before_it_does(tmp_path: Path) -> None:
    """The server's certificate, also where it wants ours and where it has ended already; ours, as text or in a file."""
    ended, soon = OURS.issue("server", ends_in=timedelta(days=-1)), OURS.issue("hub", ends_in=timedelta(days=9))
    (tmp_path / "hub.pem").write_text(soon.certificate)
    with serving(context_of(tmp_path, ended, OURS)) as (url, _):
        extra = {"ca": OURS.certificate, "certificate": str(tmp_path / "hub.pem"), "private_key": soon.key}
        found, is_all = read_expiries(Connection("bureau_api", url, extra=extra))
    days = {one.what: (one.expires_at - datetime.now(UTC)).days for one in found}
    assert is_all
    assert days.keys() == {"ca", "certificate", "tls"}
    assert (days["certificate"], days["tls"]) == (8, -2)
    assert days["ca"] > 700


def test_a_certificate_file_that_is_gone_is_said() -> None:
    """By the morning's look, before the night's call fails."""
    with pytest.raises(MappingInvalid, match="signer"):
        read_expiries(Connection("yishan_soap", extra={"signer": "/nowhere/signer.pem"}))
