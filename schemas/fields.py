"""Columns that several schemas share. Each takes its Chinese label, its English meaning and its place in the schema."""

from typing import Any, TypedDict, Unpack

import dataframely as dy

from schemas import check_digits, checks, identity
from schemas.codes import CODE_LISTS

MAX_FEN = 10**13
"""100,000 million yuan: more than any project costs, and small enough that a million of them can be added up."""

TEXT_CHECKS: dict[str, checks.Check] = {
    "not_blank": checks.not_blank,
    "readable_text": checks.readable_text,
    "no_control": checks.no_control,
}
INVEST_SHAPE = r"^[0-9]{4}-[0-9]{6}-[0-9]{2}-[0-9]{2}-[0-9]{6}$"
SERVICE_SHAPE = r"^FW[0-9]{6}(19|20)[0-9]{2}[0-9]{4}$"
DOCUMENT_SHAPE = r"^[0-9A-Za-z\p{Han}〔〕\[\]（）()._-]{1,100}$"
URL_SHAPE = r"^(https?|rtsps?|rtmps?)://[^\s@|]{1,400}$"
MOBILE_SHAPE = r"^1[3-9][0-9]{9}$"
PHONE_SHAPE = r"^(1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}(-[0-9]{1,6})?|400[0-9]{7})$"
PERIOD_SHAPE = r"^(19|20)[0-9]{2}(-(0[1-9]|1[0-2]))?$"
PERMIT_SHAPE = r"^[0-9]{6}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{4}([SJZA][0-9]{0,3})?$"


class Place(TypedDict, total=False):
    """How a column stands in its schema: part of the business key, required, personal data."""

    key: bool
    required: bool
    personal: bool


def text(label: str, meaning: str, *, characters: int = 200, lines: bool = False, **place: Unpack[Place]) -> dy.String:
    """A name or other readable text."""
    limit = {"max_chars": checks.at_most(characters)}
    control = {"no_control": checks.no_control_but_lines} if lines else {}
    return dy.String(check=TEXT_CHECKS | control | limit, **_facts(label, meaning, place))


def account_name(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """Contractor and project, ending with the words the regulation prescribes."""
    return dy.String(regex=".农民工工资专用账户$", check=TEXT_CHECKS, **_facts(label, meaning, place))


def printed(label: str, meaning: str, shape: str, **place: Unpack[Place]) -> dy.String:
    """A printed number of a given shape. Key numbers never hold a slash: the receiver joins key parts with it."""
    return dy.String(regex=shape, **_facts(label, meaning, place))


def serial(label: str, meaning: str, *, characters: int = 40, **place: Unpack[Place]) -> dy.String:
    """A number given by a partner: letters, digits, dash, dot, underscore."""
    return printed(label, meaning, rf"^[0-9A-Za-z_.-]{{1,{characters}}}$", **place)


def code(label: str, meaning: str, code_list: str, **place: Unpack[Place]) -> dy.String:
    """One of our words from schemas/codes.py."""
    check = {"is_code": checks.one_of(CODE_LISTS[code_list])}
    return dy.String(check=check, **_facts(label, meaning, place, code_list=code_list))


def uscc(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """Unified social credit code, GB 32100-2015."""
    return dy.String(
        regex=check_digits.USCC_SHAPE, check={"check_digit": check_digits.uscc_digit}, **_facts(label, meaning, place)
    )


def cnaps(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """Bank line number, twelve digits."""
    return dy.String(
        regex=check_digits.CNAPS_SHAPE, check={"check_digit": check_digits.cnaps_digit}, **_facts(label, meaning, place)
    )


def card(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """A personal bank card: 16 to 19 digits, Luhn."""
    place["personal"] = True
    return dy.String(
        regex=check_digits.CARD_SHAPE, check={"check_digit": check_digits.luhn_digit}, **_facts(label, meaning, place)
    )


def id_no(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """A document number; what it must look like depends on the document, so schemas add rules (see identity.py)."""
    place["personal"] = True
    return printed(label, meaning, identity.GENERAL_SHAPE, **place)


def bank3(
    label: str = "银行代码", meaning: str = "Three-digit bank class code, as in CNAPS", **place: Unpack[Place]
) -> dy.String:
    return printed(label, meaning, r"^[0-9]{3}$", **place)


def account_no(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """A corporate account: 8 to 32 digits without a check digit."""
    return printed(label, meaning, r"^[0-9]{8,32}$", **place)


def permit_no(
    label: str = "施工许可证编号", meaning: str = "Permit number: area, day, four digits", **place: Unpack[Place]
) -> dy.String:
    date = {"date_exists": checks.date_exists(PERMIT_SHAPE, 6, "%Y%m%d")}
    return dy.String(regex=PERMIT_SHAPE, check=date, **_facts(label, meaning, place))


def service_no(
    label: str = "服务合同编号", meaning: str = "Service contract: FW, area, year, four digits", **place: Unpack[Place]
) -> dy.String:
    return printed(label, meaning, SERVICE_SHAPE, **place)


def siku_no() -> dy.String:
    meaning = "Number on the national construction platform: area, yymmdd, kind, running number"
    date = {"date_exists": checks.date_exists(r"^[0-9]{16}$", 6, "%y%m%d")}
    return dy.String(regex=r"^[0-9]{16}$", check=date, **_facts("四库一平台项目编号", meaning, {}))


def realname_no() -> dy.String:
    meaning = "Number on the national real-name platform: area, day, running number"
    date = {"date_exists": checks.date_exists(r"^[0-9]{17}$", 6, "%Y%m%d")}
    return dy.String(regex=r"^[0-9]{17}$", check=date, **_facts("实名制平台项目编号", meaning, {}))


def document_no(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """The number of an official document, such as 泰人社支〔2026〕1号; without a slash, as it may be part of a key."""
    return printed(label, meaning, DOCUMENT_SHAPE, **place)


def key_text(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """A name that is part of a key: no white space, slash or bar."""
    return dy.String(regex=r"^[^\s/|]{1,100}$", check=TEXT_CHECKS, **_facts(label, meaning, place))


def url(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """An address without user name or password."""
    return printed(label, meaning, URL_SHAPE, **place)


def sm3(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """An SM3 digest, 64 hexadecimal digits."""
    return printed(label, meaning, r"^[0-9a-fA-F]{64}$", **place)


def mobile(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    return printed(label, meaning, MOBILE_SHAPE, **place)


def phone(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """A mobile or a fixed line."""
    return printed(label, meaning, PHONE_SHAPE, **place)


def invest_code(**place: Unpack[Place]) -> dy.String:
    meaning = "National investment project code, GB/T 40058-2021; its check digit is not verified"
    return dy.String(
        regex=INVEST_SHAPE,
        check={"date_exists": checks.approval_month_exists},
        **_facts("投资项目统一代码", meaning, place),
    )


def area9(
    label: str = "行政区划代码（9位）", meaning: str = "Street-level area code", **place: Unpack[Place]
) -> dy.String:
    return _area(label, meaning, 9, place)


def area6(
    label: str = "行政区划代码（6位）", meaning: str = "County-level or city area code", **place: Unpack[Place]
) -> dy.String:
    return _area(label, meaning, 6, place)


def month(label: str, meaning: str, *, ahead: bool = False, **place: Unpack[Place]) -> dy.String:
    """A month as text, yyyy-MM; in the future only where a record may say what is to come."""
    check = {} if ahead else {"not_future": checks.month_not_future}
    return dy.String(regex=checks.MONTH_SHAPE, check=check, **_facts(label, meaning, place))


def period(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    """A month (yyyy-MM) or a year (yyyy)."""
    return printed(label, meaning, PERIOD_SHAPE, **place)


def year(label: str, meaning: str, **place: Unpack[Place]) -> dy.String:
    return printed(label, meaning, r"^(19|20)[0-9]{2}$", **place)


def fen(label: str, meaning: str, *, least: int = 0, **place: Unpack[Place]) -> dy.Int64:
    """Money in fen, CNY."""
    return dy.Int64(min=least, max=MAX_FEN, **_facts(label, meaning, place, unit="分"))


def ppm(label: str, meaning: str, **place: Unpack[Place]) -> dy.Int32:
    """A rate in parts per million: 1.25 % is 12,500."""
    return dy.Int32(min=0, max=1_000_000, **_facts(label, meaning, place, unit="ppm"))


def count(label: str, meaning: str, *, least: int = 1, unit: str = "", **place: Unpack[Place]) -> dy.Int32:
    """A number of people or rows, or a serial number inside its parent."""
    return dy.Int32(min=least, **_facts(label, meaning, place, **({"unit": unit} if unit else {})))


def month_day(label: str, meaning: str, **place: Unpack[Place]) -> dy.Int32:
    """A day of every month, 1 to 31."""
    return dy.Int32(min=1, max=31, **_facts(label, meaning, place, unit="日"))


def latitude() -> dy.Int32:
    """In millionths of a degree, inside China."""
    return dy.Int32(min=3_000_000, max=54_000_000, **_facts("纬度", "Latitude, WGS 84", {}, unit="百万分之一度"))


def longitude() -> dy.Int32:
    """In millionths of a degree, inside China."""
    return dy.Int32(min=73_000_000, max=136_000_000, **_facts("经度", "Longitude, WGS 84", {}, unit="百万分之一度"))


def past_day(label: str, meaning: str, **place: Unpack[Place]) -> dy.Date:
    """The date of something that has happened."""
    check = {"in_range": checks.since_1980, "not_future": checks.not_future}
    return dy.Date(check=check, **_facts(label, meaning, place))


def day(label: str, meaning: str, **place: Unpack[Place]) -> dy.Date:
    """A date that may lie ahead."""
    return dy.Date(check={"in_range": checks.plausible_day}, **_facts(label, meaning, place))


def birth_day(label: str, meaning: str, **place: Unpack[Place]) -> dy.Date:
    """The birth date of someone who may be alive."""
    check = {"in_range": checks.since_1900, "not_future": checks.not_future}
    return dy.Date(check=check, **_facts(label, meaning, place))


def past_time(label: str, meaning: str, **place: Unpack[Place]) -> dy.Datetime:
    """The time of something that has happened."""
    check = {"in_range": checks.since_1980, "not_future": checks.time_not_future}
    return dy.Datetime(time_zone=checks.TIME_ZONE, time_unit="us", check=check, **_facts(label, meaning, place))


def flag(label: str, meaning: str, **place: Unpack[Place]) -> dy.Bool:
    return dy.Bool(**_facts(label, meaning, place))


def source_updated_at() -> dy.Datetime:
    return past_time("来源更新时间", "When the partner last changed the record")


def _area(label: str, meaning: str, digits: int, place: Place) -> dy.String:
    check = {"known_area": checks.known_area, "current_area": checks.current_area}
    return dy.String(regex=rf"^[0-9]{{{digits}}}$", check=check, **_facts(label, meaning, place, code_list="areas"))


def _facts(label: str, meaning: str, place: Place, **more: str) -> dict[str, Any]:
    metadata = {"label": label, **more}
    if place.get("personal"):
        metadata["level"] = "L4"
    return {
        "nullable": not (place.get("key") or place.get("required")),
        "primary_key": place.get("key", False),
        "metadata": metadata,
        "description": meaning,
    }
