"""The door's page: its worked example is what OpenSSL computes and what the hub accepts, and its codes are those of the program."""

from __future__ import annotations

import base64
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.door.app import STATUS
from hub.door.plugin import PREFIX
from hub.door.proving import ALGORITHMS, FORMS, WINDOW, Call, check_form, prove
from hub.errors import HubError
from hub.limits import LARGEST_KNOCK
from hub.model import Connection
from hub.signatures import sm2

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "door.md").read_text("utf-8")
BODY, TEXT = (block.encode() for block in re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL))
SIGNED = {
    method: (key.rpartition("`")[0].rpartition("`")[2], sign)
    for method, key, sign in re.findall(r"^\| `(hmac_sm3|hmac_sha256|sm2)` \| (.+) \| `(\w+)` \|$", PAGE, re.MULTILINE)
}
LINES = TEXT.decode().split("\n")
AT = datetime.fromtimestamp(int(LINES[6]) / 1000, UTC)
STANDARD_KEY = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"  # published with GB/T 32918.5


def openssl(folder: Path, *words: str) -> str:
    """What OpenSSL prints; files are in the folder."""
    (folder / "body.json").write_bytes(BODY)
    (folder / "text").write_bytes(TEXT)
    done = subprocess.run(["openssl", *words], capture_output=True, cwd=folder)
    if done.returncode and b"nknown" in done.stderr:
        pytest.skip("this machine's OpenSSL has no SM2 or SM3")
    return done.stdout.decode(errors="replace").strip()


def shown(method: str, sign: str | None = None, body: bytes = BODY) -> Call:
    """The page's example as a call."""
    headers = {"x-app-id": LINES[5], "x-timestamp": LINES[6], "x-nonce": LINES[7], "x-sign-method": method}
    return Call(LINES[1], LINES[2], LINES[3], {**headers, "x-sign": sign or SIGNED[method][1]}, body)


def connection(method: str) -> Connection:
    return Connection("weihe_door", password=SIGNED[method][0], extra={"algorithm": method})


def test_openssl_computes_the_example(tmp_path: Path) -> None:
    """With the commands of the page."""
    assert set(SIGNED) == set(ALGORITHMS)
    commands = [line.split("#")[0].split()[1:] for line in PAGE.splitlines() if line.startswith("openssl ")]
    digest, by_sm3, by_sha256, by_sm2 = commands
    assert openssl(tmp_path, *digest).endswith(LINES[4])
    assert openssl(tmp_path, *by_sm3).endswith(SIGNED["hmac_sm3"][1])
    assert openssl(tmp_path, *by_sha256).endswith(SIGNED["hmac_sha256"][1])
    (tmp_path / "key.pem").write_text(standard_key())
    signature = openssl(tmp_path, *by_sm2).rpartition(" ")[2]
    check_form(shown("sm2", signature))
    assert prove(shown("sm2", signature), connection("sm2"), AT).partner == "weihe"
    (tmp_path / "signature").write_bytes(bytes.fromhex(SIGNED["sm2"][1]))
    openssl(tmp_path, "pkey", "-in", "key.pem", "-pubout", "-out", "public.pem")
    said = openssl(tmp_path, "dgst", "-sm3", "-verify", "public.pem", "-sigopt", "distid:1234567812345678",
                   "-signature", "signature", "text")  # fmt: skip
    assert said == "Verified OK"


def standard_key() -> str:
    """The standard's example as PKCS#8 in PEM."""
    number = bytes.fromhex(f"3031020101{'0420'}{STANDARD_KEY}a00a06082a811ccf5501822d")
    inner = bytes.fromhex("020100301306072a8648ce3d020106082a811ccf5501822d") + b"\x04" + bytes([len(number)]) + number
    der = base64.b64encode(b"\x30" + bytes([len(inner)]) + inner).decode()
    kind = "PRIVATE" + " KEY"
    return f"-----BEGIN {kind}-----\n{der[:64]}\n{der[64:]}\n-----END {kind}-----\n"


@pytest.mark.parametrize("method", ALGORITHMS)
def test_the_hub_accepts_the_example_and_nothing_beside_it(method: str) -> None:
    """In its time, with its body, by its key."""
    call = shown(method)
    check_form(call)
    assert call.text().encode() == TEXT
    assert prove(call, connection(method), AT + WINDOW).algorithm == method
    for at in (AT + WINDOW + timedelta(milliseconds=1), AT - WINDOW - timedelta(milliseconds=1)):
        with pytest.raises(HubError) as error:
            prove(call, connection(method), at)
        assert error.value.code == "S073"
    other = connection("sm2" if method != "sm2" else "hmac_sm3")
    for wrong, known in ((shown(method, body=BODY + b"\n"), connection(method)), (call, other)):
        with pytest.raises(HubError) as error:
            prove(wrong, known, AT)
        assert error.value.code == "S072"


def test_a_signature_in_another_shape_is_another_signature() -> None:
    """DER where r and s are agreed is refused, and the other way round."""
    der = SIGNED["sm2"][1]
    raw = sm2.from_der(bytes.fromhex(der)).hex()
    as_raw = Connection("weihe_door", password=SIGNED["sm2"][0], extra={"algorithm": "sm2", "shape": "raw"})
    assert prove(shown("sm2", raw), as_raw, AT).signature == raw
    for sign, known in ((raw, connection("sm2")), (der, as_raw)):
        with pytest.raises(HubError, match="does not fit"):
            prove(shown("sm2", sign), known, AT)


def test_the_page_says_what_the_program_does() -> None:
    """Codes with their status, headers, path, size and window."""
    for code, status in STATUS.items():
        assert re.search(rf"^\| {status} \| {code} \|", PAGE, re.MULTILINE), code
    assert all(f"`{'-'.join(part.capitalize() for part in name.split('-'))}`" in PAGE for name in FORMS)
    assert f"`{PREFIX}/ready`" in PAGE
    assert (LARGEST_KNOCK, WINDOW.seconds) == (64 * 1024, 300)
    assert "64 KB" in PAGE
    assert "300 秒" in PAGE
