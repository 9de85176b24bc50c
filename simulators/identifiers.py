"""Identifiers with valid check digits, built from a running number so that they never repeat.

Each builder has its check-digit function beside it, because the spoiler breaks exactly that digit.
"""

from datetime import date, timedelta
from functools import cache

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_FIRST_BIRTH = date(1968, 1, 1)
_BIRTH_DAYS = 13_600
_PRIME = 1_000_003
NO_COUNTY = "370999"  # not a county: an ID number that begins so belongs to nobody
CANARY_CARD = "629999"  # no bank issues cards that begin so
_CANARY_STEP = 7_919

made: dict[str, set[str]] = {"id": set(), "card": set(), "phone": set()}
"""Every number of a person that was made in this process, sent or not: what a search for leaks looks for."""
_canary_seed: int | None = None


def use_canaries(seed: int | None) -> None:
    """From now on persons' numbers come from this seed, and cards begin as no bank's do; None: as ever."""
    global _canary_seed
    _canary_seed = seed


def uscc_check(body: str) -> str:
    """Check character of a unified social credit code (GB 32100), from its first 17 characters."""
    total = sum(_USCC_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return _USCC_ALPHABET[-total % 31]


def id_check(body: str) -> str:
    """Check character of a citizen's ID number (GB 11643), from its first 17 digits."""
    total = sum(int(digit) * weight for digit, weight in zip(body, _ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def cnaps_check(body: str) -> str:
    """Check digit of a bank line number (ISO 7064 MOD 11,10), from its first 11 digits."""
    product = 10
    for digit in body:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def luhn_check(body: str) -> str:
    """Check digit of a bank card (Luhn), from all digits before it."""
    doubled = (int(d) * 2 if i % 2 == 0 else int(d) for i, d in enumerate(reversed(body)))
    return str(-sum(n - 9 if n > 9 else n for n in doubled) % 10)


def make_uscc(number: int, area: str, kind: str = "91") -> str:
    """A unified social credit code whose organisation part is a running number."""
    scattered = number * 7_368_787 % 31**6
    organisation = "MA5"
    for _ in range(6):
        scattered, digit = divmod(scattered, 31)
        organisation += _USCC_ALPHABET[digit]
    body = kind + area + organisation
    return body + uscc_check(body)


def make_id_no(number: int) -> str:
    """An ID number in a county that does not exist: age 18 to 58 in 2026, unique for 13 million numbers."""
    shift = 0 if _canary_seed is None else _canary_seed * _CANARY_STEP
    number = (number * _PRIME + shift) % (_BIRTH_DAYS * 999)
    sequence, day = divmod(number, _BIRTH_DAYS)
    body = f"{NO_COUNTY}{_FIRST_BIRTH + timedelta(days=day):%Y%m%d}{sequence + 1:03d}"
    return _noted("id", body + id_check(body))


@cache
def make_cnaps(bank3: str, branch: int, city: str = "4630") -> str:
    """A bank line number of a branch; `city` is the PBC's code, Tai'an (4630) when left out."""
    body = f"{bank3}{city}{branch:04d}"
    return body + cnaps_check(body)


def make_card(prefix: str, number: int, length: int = 19) -> str:
    """A personal card number that passes Luhn."""
    shift = 0
    if _canary_seed is not None:
        prefix, shift = CANARY_CARD + prefix[-2:], _canary_seed * _CANARY_STEP
    digits = length - len(prefix) - 1
    body = prefix + f"{(number * _PRIME + shift) % 10**digits:0{digits}d}"
    return _noted("card", body + luhn_check(body))


def make_account(prefix: str, number: int) -> str:
    """A corporate account number that fails Luhn on purpose: nobody may check it as a card."""
    body = f"{prefix}{number:08d}"
    return body + str((int(luhn_check(body)) + 1 + number % 9) % 10)


def make_phone(number: int) -> str:
    """A mobile number from the synthetic range 199 0000 xxxx."""
    return _noted("phone", f"1990000{number % 10_000:04d}")


def _noted(kind: str, number: str) -> str:
    made[kind].add(number)
    return number
