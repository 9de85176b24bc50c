"""Records that carry the document of a person share these rules; which columns hold it, each class says itself."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import identity
from schemas.check_digits import id_card_digit
from schemas.shared import Shared, Verdict


class Documented(Shared):
    """A document of which the partner does not say what kind it is: judged where it looks like an ID card."""

    document: ClassVar[tuple[str, str | None]] = ("id_no", None)
    """The column of the number, and the one of its kind where there is one."""

    @dy.rule()
    def id_no_shape(cls) -> pl.Expr:
        return identity.id_card_shape(identity.id_card_numbers(*cls.document))

    @dy.rule()
    def id_no_check_digit(cls) -> pl.Expr:
        return id_card_digit(identity.id_card_numbers(*cls.document))

    @dy.rule()
    def id_no_15_digits(cls) -> pl.Expr:
        return identity.not_15_digits(identity.id_card_numbers(*cls.document))

    @dy.rule()
    def id_no_small_x(cls) -> pl.Expr:
        return identity.not_small_x(identity.id_card_numbers(*cls.document))


class PersonRecord(Documented):
    """A record of one worker, with the kind of document beside its number."""

    document: ClassVar[tuple[str, str | None]] = ("id_no", "id_type")

    @dy.rule()
    def id_no_of_kind(cls) -> pl.Expr:
        return identity.fits_kind("id_no", "id_type")


def document_reasons(field: str) -> dict[str, Verdict]:
    """The field that holds the document, blamed by the rules of Documented."""
    return {
        "id_no_shape": (field, "L102"),
        "id_no_check_digit": (field, "L103"),
        "id_no_15_digits": (field, "L112"),
        "id_no_small_x": (field, "L119"),
    }


PERSON_REASONS: dict[str, Verdict] = document_reasons("id_no") | {
    "id_no_of_kind": ("id_no", "L121"),
    "old_enough": ("id_no", "L120"),
}
"""For the rules of PersonRecord, and the age at which work may begin: on which day that counts, each class says."""
