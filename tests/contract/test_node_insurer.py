"""WS-Security against npm's soap and xml-crypto: people who never saw our code read our messages and sign theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node_insurer import WHY_NOT, WSDL, NodeInsurer, Papers, can_run, insuring, make_papers
from test_soap_pages import ACK, TOLD, WORDS, fetch, numbers

from connectors.soap import SoapConnector
from hub.errors import PartnerRefused
from hub.feed import SoapSource
from hub.model import Connection

pytestmark = pytest.mark.skipif(not can_run(), reason=WHY_NOT)
LOGIN, PASSWORD = "HUB01", "机密 secret"
SHA256 = {"digestAlgorithm": "http://www.w3.org/2001/04/xmlenc#sha256"}
RSA_SHA256 = {**SHA256, "signatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"}


@pytest.fixture(scope="module")
def papers() -> Papers:
    return make_papers()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)


def known(insurer: NodeInsurer, papers: Papers, security: dict[str, Any], **changes: str) -> SoapConnector:
    """Our side, with everything a connection can hold."""
    extra = {
        "ca": papers.ca, "certificate": papers.hub.certificate, "private_key": papers.hub.key,
        "key_password": papers.hub.phrase, "signing_certificate": papers.hub_signing.certificate,
        "signing_key": papers.hub_signing.key, "signing_key_password": papers.hub_signing.phrase,
        "signer": papers.signer.certificate, **changes,
    }  # fmt: skip
    source = SoapSource.model_validate({**WORDS, "security": security})
    password = changes.get("password", PASSWORD)
    return SoapConnector(Connection("yishan_soap", insurer.url, None, LOGIN, password, extra), source, WSDL)


@pytest.fixture(params=["digest", "text"])
def token(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_username_token_is_taken_once_for_each_call(tmp_path: Path, papers: Papers, token: str) -> None:
    """By digest and in clear, with a nonce of its own, over mutual TLS."""
    with insuring(tmp_path, papers, login=LOGIN, password=PASSWORD, token=token) as insurer:
        ours = known(insurer, papers, {"token": token})
        assert numbers(fetch(ours)) == ["NODE0001", "NODE0002"]
        ours.send(ACK, [TOLD], "k" * 32)
        calls = insurer.calls()
    assert [call["isKnown"] for call in calls if "isKnown" in call] == [True, True]
    assert {call["user"] for call in calls if "user" in call} == {LOGIN}
    assert {call["certificate"] for call in calls if "certificate" in call} == {papers.hub.fingerprint}
    assert [state["PolicyNumber"] for call in calls for state in call.get("states", [])] == [TOLD["PolicyNumber"]]


def test_a_wrong_password_is_for_a_person(tmp_path: Path, papers: Papers) -> None:
    """Asked once; the fault's own words stay with the insurer."""
    with insuring(tmp_path, papers, login=LOGIN, password=PASSWORD, token="digest") as insurer:
        with pytest.raises(PartnerRefused):
            fetch(known(insurer, papers, {"token": "digest"}, password="guess"))
        assert [call["isKnown"] for call in insurer.calls()] == [False]


@pytest.fixture
def mutual(tmp_path: Path, papers: Papers) -> Iterator[NodeInsurer]:
    """Checks our signature by xml-crypto, signs its answers by npm's own WSSecurityCert."""
    signing = {"signerKey": papers.signer.key, "signerCertificate": papers.signer.certificate, "signing": RSA_SHA256}
    with insuring(tmp_path, papers, hubCertificate=papers.hub_signing.certificate, **signing) as insurer:
        yield insurer


def test_signatures_are_verified_on_both_sides(mutual: NodeInsurer, papers: Papers) -> None:
    """Body and timestamp of ours over there, body and timestamp of theirs here."""
    ours = known(mutual, papers, {"signature": True, "signed_answers": True})
    assert numbers(fetch(ours)) == ["NODE0001", "NODE0002"]
    ours.send(ACK, [TOLD], "k" * 32)
    assert [call["signed"] for call in mutual.calls() if "signed" in call] == [["Body", "Timestamp"]] * 2


def test_a_call_signed_by_somebody_else_is_refused_there(mutual: NodeInsurer, papers: Papers) -> None:
    """Which shows that it looks."""
    other = make_papers().hub_signing
    changes = {
        "signing_certificate": other.certificate, "signing_key": other.key, "signing_key_password": other.phrase,
    }  # fmt: skip
    with pytest.raises(PartnerRefused):
        fetch(known(mutual, papers, {"signature": True, "signed_answers": True}, **changes))
    assert [call["isKnown"] for call in mutual.calls()] == [False]


def test_an_answer_signed_by_somebody_else_is_held(mutual: NodeInsurer, papers: Papers) -> None:
    """Only the pinned certificate counts, whichever comes with the answer."""
    stranger = make_papers().signer.certificate
    batch = fetch(known(mutual, papers, {"signature": True, "signed_answers": True}, signer=stranger))
    assert batch is not None
    assert batch.fault is not None
    assert batch.fault[0] == "F020"


def test_without_our_certificate_nobody_lets_us_in(mutual: NodeInsurer, papers: Papers) -> None:
    """For a person, and no call was made."""
    with pytest.raises(PartnerRefused) as caught:
        fetch(known(mutual, papers, {"signature": True}, certificate="", private_key=""))
    assert caught.value.code == "S064"
    assert mutual.calls() == []


@pytest.mark.parametrize("signing", [RSA_SHA256, SHA256], ids=["exclusive", "with the enveloped transform"])
def test_both_shapes_that_npm_signs_are_taken(tmp_path: Path, papers: Papers, signing: dict[str, str]) -> None:
    """The second names a transform that does nothing."""
    options = {"signerKey": papers.signer.key, "signerCertificate": papers.signer.certificate, "signing": signing}
    with insuring(tmp_path, papers, **options) as insurer:
        assert numbers(fetch(known(insurer, papers, {"signed_answers": True}))) == ["NODE0001", "NODE0002"]


def test_a_digest_by_sha1_is_held(tmp_path: Path, papers: Papers) -> None:
    """The algorithms are a list, not what the answer says."""
    options = {"signerKey": papers.signer.key, "signerCertificate": papers.signer.certificate}
    weak = {**SHA256, "digestAlgorithm": "http://www.w3.org/2000/09/xmldsig#sha1"}
    with insuring(tmp_path, papers, **options, signing=weak) as insurer:
        batch = fetch(known(insurer, papers, {"signed_answers": True}))
    assert batch is not None
    assert batch.fault is not None
    assert batch.fault[0] == "F020"
