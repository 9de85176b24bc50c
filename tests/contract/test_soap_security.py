"""What is believed of a SOAP answer, and what goes out: signatures moved, replaced, aged or missing, and XML made to do harm."""

from __future__ import annotations

import copy
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from answering import Answer, answering
from lxml import etree
from pydantic import ValidationError
from test_soap_pages import ACK, CLAIM, EXPECTED, TOLD, WORDS, WSDL, Insurer, fetch, insuring, numbers, policy

from connectors.soap import SoapConnector
from hub.errors import HubError, MappingInvalid, PartnerRefused, PartnerUnavailable
from hub.feed import SoapSource
from hub.model import Connection, Fetched
from simulators.certificates import Authority
from simulators.ledger import Ledger
from simulators.soap import ENVELOPE
from simulators.soap_security import NAMES, Guard, sign_envelope

AUTHORITY = Authority()
SIGNER, STRANGER = AUTHORITY.issue("signer", signs=True), AUTHORITY.issue("stranger", signs=True)
OLD = AUTHORITY.issue("old", signs=True, ends_in=timedelta(days=-1))
HUB = AUTHORITY.issue("hub", signs=True, phrase="sign")
ID = f"{{{NAMES['wsu']}}}Id"
BODY, HEADER = f"{{{ENVELOPE}}}Body", f"{{{ENVELOPE}}}Header"
Change = Callable[[bytes], bytes]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)


def connector(url: str, security: dict[str, object] | None, **extra: str) -> SoapConnector:
    source = SoapSource.model_validate({**WORDS, "security": security})
    return SoapConnector(Connection("yishan_soap", url, None, "HUB01", extra.pop("password", ""), extra), source, WSDL)


@pytest.fixture(scope="module")
def good_answer(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole answer without signature."""
    with insuring(tmp_path_factory.mktemp("yishan"), [policy(1), policy(2)]) as insurer:
        batch = fetch(connector(insurer.url(), None))
    assert batch is not None
    return batch.parts[0]


def answered(body: bytes, signers: str = SIGNER.certificate) -> Fetched | None:
    """What the hub makes of this answer when the mapping demands signatures."""
    with answering(lambda asked: Answer(body, media="text/xml")) as (url, _):
        return fetch(connector(url, {"signed_answers": True}, signer=signers))


def fault_of(body: bytes, signers: str = SIGNER.certificate) -> tuple[str, str]:
    """The batch is kept as it came, and its fault tells nothing of it."""
    batch = answered(body, signers)
    assert batch is not None
    assert batch.fault is not None
    assert batch.parts == [body]
    assert batch.cursor is None
    assert "有限公司" not in batch.fault[1]
    return batch.fault


def changed(answer: bytes, change: Callable[[etree._Element], None]) -> bytes:
    root = etree.fromstring(answer)
    change(root)
    return etree.tostring(root)


def parts(root: etree._Element) -> tuple[etree._Element, etree._Element, etree._Element]:
    """Header, security header, body."""
    header, body = root.find(HEADER), root.find(BODY)
    assert header is not None
    assert body is not None
    return header, header[0], body


def forged(body: etree._Element) -> etree._Element:
    """What an attacker would like us to read."""
    other = copy.deepcopy(body)
    for number in other.iter("{*}PolicyNumber"):
        number.text = "FORGED"
    return other


def test_a_signed_answer_is_taken(good_answer: bytes) -> None:
    """So that the cases below fail for their own reason; the archive keeps the signed bytes."""
    signed = sign_envelope(good_answer, SIGNER)
    batch = answered(signed)
    assert batch is not None
    assert batch.fault is None
    assert batch.parts == [signed]


def test_the_next_certificate_may_be_pinned_beside_the_old_one(good_answer: bytes) -> None:
    """So that a partner can change it on its own day."""
    batch = answered(sign_envelope(good_answer, SIGNER), f"{STRANGER.certificate}\n{SIGNER.certificate}")
    assert batch is not None
    assert batch.fault is None


def beside(root: etree._Element, *, same_id: bool, has_id: bool) -> None:
    """The signed body moves into the header, another takes its place."""
    header, _, body = parts(root)
    other = forged(body)
    if not has_id:
        del other.attrib[ID]
    elif not same_id:
        other.set(ID, "other")
    root.replace(body, other)
    etree.SubElement(header, "Wrapper").append(body)


def second_body(root: etree._Element) -> None:
    _, _, body = parts(root)
    other = forged(body)
    other.set(ID, "other")
    body.addprevious(other)


def wrapped_whole(root: etree._Element) -> None:
    """The whole signed envelope inside the header of a forged one."""
    inner, (header, security, body) = copy.deepcopy(root), parts(root)
    header.remove(security)
    header.append(inner)
    root.replace(body, forged(body))


def fresh_stamp_beside(root: etree._Element) -> None:
    header, security, _ = parts(root)
    stamp = security.find("wsu:Timestamp", NAMES)
    assert stamp is not None
    fresh, now = copy.deepcopy(stamp), datetime.now(UTC)
    fresh.set(ID, "fresh")
    for moment, shift in zip(fresh, (0, 300), strict=True):
        moment.text = f"{now + timedelta(seconds=shift):%Y-%m-%dT%H:%M:%SZ}"
    security.replace(stamp, fresh)
    etree.SubElement(header, "Wrapper").append(stamp)


def other_transform(root: etree._Element) -> None:
    step = root.find(".//ds:Transform", NAMES)
    assert step is not None
    step.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")


def whole_document(root: etree._Element) -> None:
    reference = root.find(".//ds:Reference", NAMES)
    assert reference is not None
    reference.set("URI", "")


def id_under_another_name(root: etree._Element) -> None:
    header, _, body = parts(root)
    etree.SubElement(header, "Decoy").set("id", str(body.get(ID)))


def two_signatures(root: etree._Element) -> None:
    _, security, _ = parts(root)
    security.append(copy.deepcopy(security[-1]))


def signature_elsewhere(root: etree._Element) -> None:
    _, security, body = parts(root)
    body[0].append(copy.deepcopy(security[-1]))


def two_headers(root: etree._Element) -> None:
    header, security, _ = parts(root)
    header.append(copy.deepcopy(security))


def no_signature(root: etree._Element) -> None:
    _, security, _ = parts(root)
    security.remove(security[-1])


def other_rows(root: etree._Element) -> None:
    _, _, body = parts(root)
    root.replace(body, forged(body))


MOVED: dict[str, Callable[[etree._Element], None]] = {
    "a forged body without id": lambda root: beside(root, same_id=False, has_id=False),
    "a forged body with another id": lambda root: beside(root, same_id=False, has_id=True),
    "a forged body with the same id": lambda root: beside(root, same_id=True, has_id=True),
    "a second body": second_body,
    "an envelope in an envelope": wrapped_whole,
    "a fresh timestamp beside the signed one": fresh_stamp_beside,
    "another transform": other_transform,
    "a reference to the whole": whole_document,
    "its id under another name": id_under_another_name,
    "two signatures": two_signatures,
    "a signature elsewhere": signature_elsewhere,
    "two security headers": two_headers,
    "a timestamp alone": no_signature,
    "other rows": other_rows,
}


@pytest.mark.parametrize("case", MOVED)
def test_a_signature_of_something_else_is_none(case: str, good_answer: bytes) -> None:
    """Signature wrapping in all its shapes: found by position, ids unique, references exact."""
    code, _ = fault_of(changed(sign_envelope(good_answer, SIGNER), MOVED[case]))
    assert code == ("F008" if case == "a second body" else "F020")


def test_an_unsigned_answer_is_held(good_answer: bytes) -> None:
    """Whoever demands signatures reads nothing without."""
    assert fault_of(good_answer)[0] == "F020"


def test_a_timestamp_that_is_not_signed_is_held(good_answer: bytes) -> None:
    """Else an old answer would be fresh for ever."""
    code, message = fault_of(sign_envelope(good_answer, SIGNER, only_body=True))
    assert (code, "not exactly its body and its timestamp" in message) == ("F020", True)


@pytest.mark.parametrize("signer", [STRANGER, OLD], ids=["a stranger", "an expired certificate"])
def test_only_the_pinned_signer_counts(good_answer: bytes, signer: object) -> None:
    """Though the same CA issued both; and a certificate that has ended is none."""
    pinned = OLD.certificate if signer is OLD else SIGNER.certificate
    assert fault_of(sign_envelope(good_answer, signer), pinned)[0] == "F020"  # type: ignore[arg-type]


def test_weaker_algorithms_are_not_on_the_list(good_answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """SHA-1 by its name, whatever the value is."""
    monkeypatch.setattr("simulators.soap_security.RSA_SHA256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")
    assert fault_of(sign_envelope(good_answer, SIGNER))[0] == "F020"


@pytest.mark.parametrize("minutes", [-6, 3], ids=["old", "of the future"])
def test_an_answer_of_another_time_is_held(good_answer: bytes, minutes: int) -> None:
    """An old answer played again."""
    signed = sign_envelope(good_answer, SIGNER, datetime.now(UTC) + timedelta(minutes=minutes))
    assert fault_of(signed)[0] == "F021"


@pytest.mark.parametrize("text", ["", "soon", "2026-11-29T08:00:00"], ids=["none", "no moment", "no zone"])
def test_a_timestamp_must_say_its_moment_and_zone(
    good_answer: bytes, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed all the same."""
    monkeypatch.setattr("simulators.soap_security._digest", _digest_after(text))
    assert fault_of(sign_envelope(good_answer, SIGNER))[0] == "F021"


def _digest_after(text: str) -> Callable[[etree._Element], str]:
    from simulators.soap_security import _digest

    def digest(part: etree._Element) -> str:
        for created in part.findall("wsu:Created", NAMES):
            created.text = text
        return _digest(part)

    return digest


def test_a_comment_neither_breaks_a_signature_nor_cuts_a_text(good_answer: bytes) -> None:
    """Canonical XML leaves comments out, and so do we, before a word is read."""
    signed = sign_envelope(good_answer, SIGNER)
    commented = signed.replace(b"<ResultCode>00", b"<ResultCode>0<!-- x -->0")
    assert commented != signed
    batch = answered(commented)
    assert batch is not None
    assert batch.fault is None


FAULT = f"""<s:Envelope xmlns:s="{ENVELOPE}"><s:Body><s:Fault><faultcode>%s</faultcode>
<faultstring>张三 370901199001011234</faultstring></s:Fault></s:Body></s:Envelope>"""
FAULT_12 = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>
</s:Code><s:Reason><s:Text xml:lang="zh">张三 370901199001011234</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"""
FAULTS = {
    "of SOAP 1.1": (FAULT % "s:Client.Schema", "s:Client.Schema"),
    "whose code is a sentence": (FAULT % "张三 370901199001011234", "not a code"),
    "whose code is a number": (FAULT % "s:370901199001011234", "not a code"),
    "of SOAP 1.2": (FAULT_12, "s:Sender"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_by_its_code_alone(case: str) -> None:
    """Its words may quote a row; so may its code. Not in the traceback either, which tasks write into their logs."""
    body, word = FAULTS[case]
    answer = Answer(body.encode(), 500, media="text/xml")
    with answering(lambda asked: answer) as (url, _), pytest.raises(PartnerRefused, match=re.escape(word)) as caught:
        fetch(connector(url, None))
    told = "".join(traceback.format_exception(caught.value))
    assert not any(words in told for words in ("3709", "张三"))


def test_a_fault_that_nobody_signed_is_not_told_on(good_answer: bytes) -> None:
    """It is refused all the same; there is nothing in it to hold."""
    with pytest.raises(PartnerRefused, match="nobody signed"):
        answered((FAULT % "s:Client").encode())
    with pytest.raises(PartnerRefused, match="s:Client"):
        answered(sign_envelope((FAULT % "s:Client").encode(), SIGNER))


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
HARMFUL = {
    "a file": '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>',
    "an address": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    "laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>',
    "a parameter entity": '<!DOCTYPE x [<!ENTITY % y SYSTEM "http://127.0.0.1:1/x.dtd"> %y;]>',
}


@pytest.mark.parametrize("case", HARMFUL)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_nothing_of_a_dtd_is_resolved(case: str, encoding: str, good_answer: bytes) -> None:
    """Held by its own code, whatever stands in it and however it is written."""
    text = good_answer.decode().partition("?>")[2]
    name = {"a file": "&y;", "laughs": "&l9;"}.get(case, "x")
    text = HARMFUL[case] + text.replace("虚构项目", name, 1)
    body = f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding)
    with answering(lambda asked: Answer(body, media="text/xml")) as (url, _):
        batch = fetch(connector(url, None))
    assert batch is not None
    assert batch.fault is not None
    assert batch.fault[0] == "F022"


def test_a_processing_instruction_is_not_allowed(good_answer: bytes) -> None:
    """SOAP has none."""
    body = good_answer.replace(b"<PolicyState>", b"<?do it?><PolicyState>", 1)
    with answering(lambda asked: Answer(body, media="text/xml")) as (url, _):
        batch = fetch(connector(url, None))
    assert batch is not None
    assert batch.fault is not None
    assert batch.fault[0] == "F022"


def test_a_deep_answer_is_not_read(good_answer: bytes) -> None:
    """A parser's stack is not a partner's to fill."""
    body = b"<a>" * 100_000 + b"</a>" * 100_000
    with answering(lambda asked: Answer(body, media="text/xml")) as (url, _), pytest.raises(PartnerUnavailable):
        fetch(connector(url, None))


def test_a_call_that_breaks_the_wsdl_does_not_go_out() -> None:
    """Our own messages are held against it too: a status nobody agreed on, a character XML cannot say."""
    with answering(lambda asked: Answer(b"")) as (url, asked):
        for row in ({**TOLD, "AcceptState": "accepted, more or less"}, {**TOLD, "ReasonText": "\x01"}):
            with pytest.raises(MappingInvalid) as caught:
                connector(url, None).send(ACK, [row], "k" * 32)
            assert caught.value.code == "S066"
            assert "more or less" not in "".join(traceback.format_exception(caught.value))
    assert asked == []


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Insurer]:
    """The simulated insurer asking for everything."""
    with insuring(tmp_path, [policy(n) for n in range(1, 9)]) as insurer:
        insurer.url()
        insurer.pages.guard = Guard("HUB01", "geheim", "digest", HUB, SIGNER)
        yield insurer


def everything(url: str, **extra: str) -> SoapConnector:
    given = {
        "password": "geheim", "signing_certificate": HUB.certificate, "signing_key": HUB.key,
        "signing_key_password": HUB.phrase, "signer": SIGNER.certificate, **extra,
    }  # fmt: skip
    return connector(url, {"token": "digest", "signature": True, "signed_answers": True}, **given)


def callers(tmp_path: Path) -> dict[str, int]:
    return {one["kind"]: one["calls"] for one in Ledger(tmp_path / "yishan.sqlite").callers()}


def test_token_and_signatures_go_together(guarded: Insurer, tmp_path: Path) -> None:
    """The ledger saw both with every call: three pages, two of them once more, and the states."""
    ours = everything(guarded.url())
    assert numbers(fetch(ours)) == EXPECTED
    ours.send(ACK, [TOLD, {**TOLD, "NoticeNumber": CLAIM["NoticeNumber"]}], "k" * 32)
    assert callers(tmp_path) == {"signature": 6, "token": 6}


def test_a_call_that_is_tried_again_has_another_nonce(guarded: Insurer, tmp_path: Path) -> None:
    """The insurer remembers them: the first try took effect, its answer was cut."""
    guarded.pages.knobs.set("cut", 1)
    everything(guarded.url()).send(ACK, [TOLD], "m" * 32)
    assert callers(tmp_path)["token"] == 2
    assert guarded.received()["effective"] == 1


@pytest.mark.parametrize(
    "extra",
    [
        {"password": "guess"},
        {"signing_certificate": STRANGER.certificate, "signing_key": STRANGER.key, "signing_key_password": ""},
    ],
    ids=["a wrong password", "a stranger's signature"],
)
def test_what_the_insurer_does_not_take_is_for_a_person(
    guarded: Insurer, extra: dict[str, str], tmp_path: Path
) -> None:
    """Its fault is signed, so its code is told."""
    with pytest.raises(PartnerRefused, match=r"Client\.Security"):
        fetch(everything(guarded.url(), **extra))
    assert guarded.received()["effective"] == 0


LACKING: dict[str, dict[str, str]] = {
    "no password": {"password": ""},
    "no signing key": {"signing_key": ""},
    "a wrong pass phrase": {"signing_key_password": "guess"},
    "a key of another certificate": {"signing_certificate": STRANGER.certificate},
    "a key for TLS": {"signing_key": AUTHORITY.issue("tls").key, "signing_key_password": ""},
    "no signer": {"signer": ""},
    "a signer that is no certificate": {"signer": HUB.key},
}


@pytest.mark.parametrize("case", LACKING)
def test_a_connection_that_lacks_what_the_mapping_wants_is_said_at_once(case: str) -> None:
    """Before anything is sent; nothing of it is quoted."""
    with pytest.raises(HubError) as caught:
        everything("http://127.0.0.1:1", **LACKING[case])
    assert caught.value.code == "S065"
    assert not any(word in str(caught.value) for word in ("BEGIN", "geheim", "guess"))


def test_what_was_signed_stays_out_of_the_log(guarded: Insurer, caplog: pytest.LogCaptureFixture) -> None:
    """Libraries would write canonical rows there."""
    caplog.set_level(logging.DEBUG)
    fetch(everything(guarded.url()))
    assert "虚构建设" not in caplog.text
    assert "geheim" not in caplog.text


@pytest.mark.parametrize("words", [{}, {"token": "plain"}, {"signature": True, "fresh_seconds": 0}, {"verify": True}])
def test_the_words_of_security_are_few(words: dict[str, object]) -> None:
    """Anything else is a mistake of the mapping."""
    with pytest.raises(ValidationError):
        SoapSource.model_validate({**WORDS, "security": words})
