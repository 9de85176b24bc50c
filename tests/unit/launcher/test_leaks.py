"""The search for leaks finds each form in which a number could hide, and nothing where there is none."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from launcher.hiding_places import THEIRS, files_of
from launcher.leaks import DIGESTS, Canaries, Leak, search, search_secrets
from simulators.identifiers import make_card, make_id_no, make_phone

ID_NO, CARD_NO, MOBILE = make_id_no(4_711), make_card("629999", 4_711), make_phone(4_711)
NUMBERS = {"id": ID_NO, "card": CARD_NO, "phone": MOBILE}
CANARIES = Canaries({"id": [ID_NO], "card": [CARD_NO, make_card("629999", 1, 16)], "phone": [MOBILE]})
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


def forms(data: bytes) -> set[tuple[str, str]]:
    return {(leak.form, leak.kind) for leak in search(data, "here", CANARIES)}


@pytest.mark.parametrize("kind", NUMBERS)
def test_a_number_is_found_as_it_is_written(kind: str) -> None:
    """In text of any coding, alone or beside letters."""
    number = NUMBERS[kind]
    for text in (number, f"姓名{number}，", f"x{number}y", f"a,{number.lower()}\n"):
        for coding in ("utf-8", "gb18030"):
            assert forms(text.encode(coding)) == {("plain", kind)}
    for coding in ("utf-16-le", "utf-16-be"):
        assert forms(f"号{number}码".encode(coding)) == {("utf-16", kind)}
    for coding in ("utf-8", "gb18030"):
        assert forms(number.translate(FULL_WIDTH).encode(coding)) == {("full width", kind)}


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_number_is_found_in_base64_and_hexadecimal(kind: str, before: str) -> None:
    """Wherever in the coded text it begins."""
    data = f"{before}{NUMBERS[kind]}: who".encode()
    assert forms(b"token " + base64.b64encode(data)) == {("base64", kind)}
    assert forms(base64.urlsafe_b64encode(data)) == {("base64", kind)}
    assert forms(b"\\\\x" + data.hex().encode()) == {("hexadecimal", kind)}
    assert forms(data.hex().upper().encode()) == {("hexadecimal", kind)}


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("name", DIGESTS)
def test_a_bare_digest_is_found(kind: str, name: str) -> None:
    """In hexadecimal, in Base64, and the first half of it alone: a few million tries undo it."""
    digest = hashlib.new(name, NUMBERS[kind].encode()).digest()
    for text in (
        digest.hex(),
        digest.hex().upper(),
        f"\\\\x{digest.hex()}",
        digest[:16].hex(),
        base64.b64encode(digest).decode(),
    ):
        assert forms(f"a\t{text}\tb".encode()) == {(name, kind)}
    keyed = hashlib.new(name, b"secret" + NUMBERS[kind].encode())
    assert forms(keyed.hexdigest().encode()) == set()


def test_parts_groups_and_masks_are_found() -> None:
    """What still tells a person, each by its own name."""
    assert (
        forms(ID_NO[:14].encode())
        == forms(ID_NO[-12:].encode())
        == forms(CARD_NO[-12:].encode())
        == {("part", "id or card")}
    )
    assert forms(f"{ID_NO[:6]} {ID_NO[6:14]} {ID_NO[14:]}".encode()) == {("in groups", "id")}
    assert forms(f"{CARD_NO[:4]} {CARD_NO[4:8]} {CARD_NO[8:12]} {CARD_NO[12:16]} {CARD_NO[16:]}".encode()) == {
        ("in groups", "card")
    }
    assert forms(f"{MOBILE[:3]}-{MOBILE[3:7]}-{MOBILE[7:]}".encode()) == {("in groups", "phone")}
    assert forms(f"{ID_NO[:4]}**********{ID_NO[-4:]}".encode()) == {("masked", "id")}
    assert forms(f"{MOBILE[:3]}****{MOBILE[-4:]}".encode()) == {("masked", "phone")}


def test_a_spoiled_check_digit_hides_nothing() -> None:
    """A bad row holds nearly the number of its person."""
    assert forms((ID_NO[:-1] + "0").encode()) | forms((ID_NO[:-1] + "1").encode()) == {("plain", "id")}
    assert forms((CARD_NO[:-1] + "0").encode()) | forms((CARD_NO[:-1] + "1").encode()) == {("plain", "card")}


def test_packed_files_are_looked_into() -> None:
    """Spreadsheets are zip files; logs are packed when they are old."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/sheet1.xml", f"<v>{ID_NO}</v>" * 9)
    [leak] = search(packed.getvalue(), "a.xlsx", CANARIES)
    assert (leak.place, leak.form, leak.kind, leak.count) == ("a.xlsx!xl/sheet1.xml", "plain", "id", 9)
    assert forms(gzip.compress(CARD_NO.encode())) == {("plain", "card")}
    assert forms(b"PK\x03\x04 broken") == forms(b"\x1f\x8b broken") == set()


def test_what_is_told_of_a_leak_shows_no_number() -> None:
    """Only what stands before it, masked itself."""
    [leak] = [leak for leak in search(f"a={MOBILE} b={ID_NO}".encode(), "here", CANARIES) if leak.kind == "id"]
    assert leak.around == "a=<masked phone> b="


def test_other_numbers_are_no_leaks() -> None:
    """Business numbers, other persons, digests of other things."""
    others = [make_id_no(4_712), make_card("629999", 4_712), "19900001234", "31320261123000001", "370911202512180101"]
    text = " ".join([*others, hashlib.sha256(b"x").hexdigest(), base64.b64encode(b"31320261123000001").decode()])
    assert forms(text.encode()) == set()


def test_secrets_are_found_and_not_shown() -> None:
    """Of a connection, of the hub; the leak says how many times, and no more."""
    assert search_secrets(b"password=geheim1 geheim1", "here", {"geheim1", "geheim2"}) == [
        Leak("here", "plain", "secret", 2, "")
    ]
    assert search_secrets(b"nothing", "here", {"geheim1"}) == []


def test_only_the_partners_own_is_left_out(tmp_path: Path) -> None:
    """Folders by name, at the top of the state; nothing of the same name deeper down."""
    for name in [*THEIRS, "logs", "airflow/simulators"]:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").touch()
    assert [str(path.relative_to(tmp_path)) for path in files_of(tmp_path)] == ["airflow/simulators/file", "logs/file"]
