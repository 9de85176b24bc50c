"""Numbers with right and wrong check digits, by python-stdnum, for the rows of the schema tests. All are invented."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from stdnum import luhn
from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_10

TODAY = dt.date(2026, 11, 23)
TOMORROW = dt.date(2026, 11, 24)
ZONE = ZoneInfo("Asia/Shanghai")


def with_check(calculate: Any, body: str) -> str:
    """The body of a number with its check digit."""
    return body + calculate(body)


def wrong_check(number: str) -> str:
    """The same number with another last digit."""
    return number[:-1] + ("1" if number[-1] != "1" else "2")


def id_no(body: str) -> str:
    """A citizen's number, or one of a residence permit."""
    return with_check(lambda digits: ric.calc_check_digit(digits + "0"), body)


CONTRACTOR = with_check(uscc.calc_check_digit, "91370902MA0000001")
OWNER = with_check(uscc.calc_check_digit, "11370900004340002")
INSURER = with_check(uscc.calc_check_digit, "91370100MA0000003")
CNAPS_313 = with_check(mod_11_10.calc_check_digit, "31346300001")
CNAPS_402 = with_check(mod_11_10.calc_check_digit, "40246300001")
CARD = with_check(luhn.calc_check_digit, "621700000000000001")
ID_NO = id_no("37090219900101123")
BORN_30_FEBRUARY = id_no("37090219900230123")
BORN_TOMORROW = id_no("37090220261124123")
ENDS_WITH_X = next(n for n in (id_no(f"37090219900101{i:03}") for i in range(100)) if n[-1] == "X")
FROM_HONG_KONG = id_no("81000019900101123")
FOREIGNER = id_no("91584019900101123")
PERMIT = "370902202603150101"
SERVICE = "FW37090220260001"
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=ZONE)
EARLIER = dt.datetime(2026, 11, 19, 12, tzinfo=ZONE)
TODAY_LATE = dt.datetime(2026, 11, 23, 23, 59, tzinfo=ZONE)
TOMORROW_EARLY = dt.datetime(2026, 11, 24, 0, 0, tzinfo=ZONE)
