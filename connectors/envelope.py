"""An answer as a SOAP 1.1 envelope before anything in it is believed: no DTD, no entity, parts by position, faults by code.

No message quotes what stands in the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from hub.errors import FeedChanged, PartnerRefused, PartnerUnavailable

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
FAULT_CODE = re.compile(r"([A-Za-z][\w-]{0,19}:)?[A-Za-z][A-Za-z.]{0,39}", re.ASCII)


@dataclass(frozen=True)
class Envelope:
    """The parts of one message; ``header`` is None where there is none."""

    root: etree._Element
    header: etree._Element | None
    body: etree._Element

    @property
    def content(self) -> etree._Element | None:
        """The one element in the body."""
        return self.body[0] if len(self.body) == 1 else None


def read_envelope(name: str, answer: bytes) -> Envelope:
    """The parts of an answer. Raises PartnerUnavailable for what is no XML, FeedChanged F022 for dangerous and F008 for other XML,
    PartnerRefused for faults of SOAP 1.2.

    Comments are dropped, so a text they stand in stays whole; processing instructions are not allowed in SOAP.
    """
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(answer, parser)
    except (etree.XMLSyntaxError, ValueError):
        if any("<!DOCTYPE".encode(coding) in answer for coding in ("utf-8", "utf-16-le", "utf-16-be")):
            raise FeedChanged(f"{name}: the answer brings a DTD", code="F022") from None
        raise PartnerUnavailable(f"{name} was not answered with XML") from None
    if root.getroottree().docinfo.doctype or any(True for _ in root.iter(etree.PI, etree.Entity)):
        raise FeedChanged(f"{name}: the answer brings a DTD, an entity or a processing instruction", code="F022")
    if etree.QName(root).namespace == SOAP_12:
        code = root.find(f"{{{SOAP_12}}}Body/{{{SOAP_12}}}Fault/{{{SOAP_12}}}Code/{{{SOAP_12}}}Value")
        if code is not None:
            raise PartnerRefused(f"{name} was answered with the fault {fault_code(code.text)} of SOAP 1.2")
    return _parts(name, root)


def _parts(name: str, root: etree._Element) -> Envelope:
    """At most one header, then exactly one body, and nothing beside them."""
    if root.tag == "html":
        raise PartnerUnavailable(f"{name} was answered with a web page")
    *before, body = [*root] or [root]
    names = [child.tag for child in before]
    if root.tag != f"{{{SOAP}}}Envelope" or body.tag != f"{{{SOAP}}}Body" or names not in ([], [f"{{{SOAP}}}Header"]):
        raise FeedChanged(f"{name}: the answer is no SOAP 1.1 envelope of header and body", code="F008")
    return Envelope(root, before[0] if before else None, body)


def fault_in(envelope: Envelope) -> str | None:
    """The code of the fault in the body, where there is one."""
    fault = envelope.body.find(f"{{{SOAP}}}Fault")
    return None if fault is None else fault_code(fault.findtext("faultcode"))


def fault_code(text: str | None) -> str:
    """A code as specifications write them; whatever else stands there is not told on."""
    found = FAULT_CODE.fullmatch((text or "").strip())
    return found[0] if found else "(not a code)"
