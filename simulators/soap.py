"""A small SOAP 1.1 server side: the WSDL is the contract, its XSD checks requests and our own answers.

Only document/literal with one element in the body; everything else is answered with a fault.
"""

from collections.abc import Mapping
from pathlib import Path

from lxml import etree

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_XSD = "http://www.w3.org/2001/XMLSchema"


class Fault(Exception):
    """The call is answered with a SOAP fault."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Wsdl:
    """A WSDL file with the schema inside it."""

    def __init__(self, path: Path) -> None:
        self._tree = etree.parse(str(path))
        schema = self._tree.find(f".//{{{_XSD}}}schema")
        if schema is None:
            raise ValueError("the WSDL carries no schema")
        self.namespace = schema.get("targetNamespace", "")
        self._schema = etree.XMLSchema(etree.fromstring(etree.tostring(schema)))

    def located_at(self, url: str) -> bytes:
        """The WSDL as served: with the address under which it was asked for."""
        copy = etree.fromstring(etree.tostring(self._tree))
        for address in copy.iter(f"{{{_SOAP}}}address"):
            address.set("location", url)
        return etree.tostring(copy, xml_declaration=True, encoding="UTF-8")

    def read_request(self, body: bytes) -> etree._Element:
        """The request element; a fault when it is not as the WSDL says."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, huge_tree=False)
        try:
            root = etree.fromstring(body, parser)
        except etree.XMLSyntaxError as problem:
            raise Fault("Client.Schema", f"not XML: {problem.msg}") from None
        if root.getroottree().docinfo.doctype:
            raise Fault("Client.Schema", "DTD is not allowed")
        inside = root.find(f"{{{ENVELOPE}}}Body")
        if root.tag != f"{{{ENVELOPE}}}Envelope" or inside is None or len(inside) != 1:
            raise Fault("Client.Schema", "not a SOAP 1.1 envelope with one element in its body")
        if not self._schema.validate(inside[0]):
            raise Fault("Client.Schema", self._schema.error_log[0].message)
        return inside[0]

    def check_answer(self, answer: etree._Element) -> None:
        """Our own answers obey the WSDL too."""
        self._schema.assertValid(etree.fromstring(etree.tostring(answer)))


def wrap(content: etree._Element) -> bytes:
    """An element in an envelope."""
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soap": ENVELOPE})
    etree.SubElement(envelope, f"{{{ENVELOPE}}}Body").append(content)
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def fault_element(fault: Fault) -> etree._Element:
    """A fault as the body's element."""
    element = etree.Element(f"{{{ENVELOPE}}}Fault", nsmap={"soap": ENVELOPE})
    etree.SubElement(element, "faultcode").text = f"soap:{fault.code}"
    etree.SubElement(element, "faultstring").text = str(fault)
    return element


def texts(element: etree._Element) -> Mapping[str, str]:
    """The texts of an element's simple children by local name."""
    return {etree.QName(child).localname: child.text or "" for child in element if len(child) == 0}
