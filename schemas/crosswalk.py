"""Which numbers of a record name the same thing: the anchor it is known by, and what else it is called.

A project section is anchored in its permit (or service contract) and its general contractor, an enterprise in its social credit
code, a worker in a document. Every other number leads to one of them or to several; none is taken for exclusive.
"""

from typing import NamedTuple

Columns = tuple[str, ...]


class Naming(NamedTuple):
    """One thing a record speaks of: its kind, the columns of its anchor, and the columns of its other numbers by their kind."""

    kind: str
    anchor: Columns
    others: dict[str, Columns]


KINDS = {"project": "工程项目（标段×总包）", "enterprise": "企业", "worker": "工人"}
PERSONAL = frozenset({"document", "card_no"})
"""Kinds of numbers that are shown masked."""

SECTION = ("permit_no", "contractor_uscc")
_ACCOUNT = {"account": ("bank3_code", "account_no")}
_DOCUMENT = ("id_type", "id_no")


def _section(**others: Columns) -> Naming:
    return Naming("project", SECTION, {"permit_no": ("permit_no",), **others})


def _service(**others: Columns) -> Naming:
    return Naming("project", ("service_no", "contractor_uscc"), {"service_no": ("service_no",), **others})


def _enterprise(uscc: str, name: str | None = None) -> Naming:
    return Naming("enterprise", (uscc,), {"name": (name,)} if name else {})


CROSSWALK: dict[str, tuple[Naming, ...]] = {
    "enterprise": (_enterprise("uscc", "name"),),
    "project": (
        _section(
            invest_code=("invest_code",),
            prov_project_no=("prov_project_no",),
            siku_no=("siku_no",),
            realname_no=("realname_no",),
            bid_section_no=("bid_section_no",),
            name=("name",),
        ),
        _enterprise("contractor_uscc", "contractor_name"),
        _enterprise("owner_uscc", "owner_name"),
    ),
    "service_project": (
        _service(name=("name",)),
        _enterprise("contractor_uscc", "contractor_name"),
        _enterprise("owner_uscc", "owner_name"),
    ),
    "permit": (
        _section(invest_code=("invest_code",), name=("project_name",)),
        _enterprise("contractor_uscc", "contractor_name"),
        _enterprise("owner_uscc", "owner_name"),
    ),
    "project_party": (_enterprise("party_uscc", "party_name"),),
    "worker": (
        Naming("worker", _DOCUMENT, {"worker_no": (*SECTION, "worker_no"), "card_no": ("card_no",)}),
        _section(),
    ),
    "labor_contract": (
        Naming("worker", _DOCUMENT, {"contract_no": ("employer_uscc", "contract_no")}),
        _enterprise("employer_uscc"),
    ),
    "worker_employment": (
        Naming("worker", _DOCUMENT, {"insured_no": ("employer_uscc", "insured_no")}),
        _enterprise("employer_uscc"),
    ),
    "special_account": (_section(**_ACCOUNT), _service(**_ACCOUNT), _enterprise("contractor_uscc", "contractor_name")),
    "payroll_batch": (_enterprise("employer_uscc"),),
    "payroll_line": (Naming("worker", _DOCUMENT, {"card_no": ("card_no",)}),),
    "guarantee": (_enterprise("applicant_uscc", "applicant_name"), _enterprise("insurer_uscc")),
    "credit_eval": (_enterprise("uscc", "enterprise_name"),),
    "credit_list": (_enterprise("uscc", "enterprise_name"),),
}
"""By schema. What only carries the anchor again (attendance, settlements) adds nothing and stands in no row here."""
