"""The key that signs blocks, behind one small interface: SM2 with SM3, or Ed25519; an HSM would be a third.

A signature is 64 bytes, r and s or R and S, because DER can be written in more than one way. A key file is one line for its
owner alone: suite, private half, public half.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import Protocol

from hub.archive.folder import make_folder, sync_folder
from hub.digest import sm3_hex
from hub.errors import HubError
from hub.masking import hide
from hub.signatures import sm2

SM2, ED25519 = "sm2-sm3", "ed25519"


class Signer(Protocol):
    """Signs with a key that it keeps to itself. ``key_id`` is the SM3 of suite and public half."""

    suite: str
    public: bytes

    def sign(self, message: bytes) -> bytes: ...


class KeyUnusable(HubError):
    """The key cannot be read, or its library computes wrongly: nothing is sealed until a person has acted."""

    code = "S061"


class Sm2Signer:
    """SM2 with SM3 (GB/T 32918), by hub.signatures."""

    suite = SM2

    def __init__(self, private: bytes, public: bytes) -> None:
        self._private, self.public = private, public

    def sign(self, message: bytes) -> bytes:
        return sm2.sign(self._private, self.public, message)

    @classmethod
    def make(cls) -> tuple[bytes, bytes]:
        return sm2.make_pair()


class Ed25519Signer:
    """Ed25519 (RFC 8032), by cryptography."""

    suite = ED25519

    def __init__(self, private: bytes, public: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key, self.public = Ed25519PrivateKey.from_private_bytes(private), public

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    @classmethod
    def make(cls) -> tuple[bytes, bytes]:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.generate()
        return key.private_bytes_raw(), key.public_key().public_bytes_raw()


SUITES: Mapping[str, type[Sm2Signer] | type[Ed25519Signer]] = {SM2: Sm2Signer, ED25519: Ed25519Signer}


def key_id(suite: str, public: bytes) -> str:
    """The name of a key: half of an SM3."""
    return sm3_hex(f"{suite} {public.hex()}".encode())[:32]


def open_signer(place: str | Path, suite: str) -> Signer:
    """The signer whose key lies in a file, or is given as text. A file that is not there is made, for us alone.

    Raises KeyUnusable when there is no such suite, the key is not one of it, others may read it, or a self-test fails.
    """
    if suite not in SUITES:
        raise KeyUnusable(f"there is no suite {suite}; HUB_SEAL_SUITE is one of {', '.join(SUITES)}")
    text = _read_file(place, suite) if isinstance(place, Path) else place
    try:
        named, private, public = text.split()
        hide(private)
        if named != suite:
            raise KeyUnusable(f"the key is one of suite {named}, and HUB_SEAL_SUITE asks for {suite}")
        signer = SUITES[suite](bytes.fromhex(private), bytes.fromhex(public))
    except ValueError:
        raise KeyUnusable("HUB_SEAL_KEY holds no key: one line with suite, private and public half in hex") from None
    _check(signer)
    return signer


def _read_file(path: Path, suite: str) -> str:
    try:
        if not path.exists():
            _make_file(path, suite)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyUnusable("the file of HUB_SEAL_KEY can be read by others; chmod 600 it, and consider a new key")
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnusable(f"the file of HUB_SEAL_KEY cannot be read or made: {type(error).__name__}") from None


def _make_file(path: Path, suite: str) -> None:
    """Whole or not at all, and one key only where two make it at once."""
    make_folder(path.parent.absolute())
    private, public = SUITES[suite].make()
    part = path.with_name(f"{path.name}.{token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{suite} {private.hex()} {public.hex()}\n")
            file.flush()
            os.fsync(descriptor)
        path.hardlink_to(part)
    except FileExistsError:
        pass  # another one was faster: that is the key
    finally:
        part.unlink()
    sync_folder(path.parent)


def _check(signer: Signer) -> None:
    """The libraries compute what the standards say, and both halves of the key belong together."""
    from hub.exchange_log.merkle import leaf_hash
    from hub.exchange_log.verify_exchange import Unchecked, fits, sm3_slowly

    if not sm3_hex(b"abc") == SM3_OF_ABC == sm3_slowly(b"abc").hex() or leaf_hash(b"abc") != sm3_slowly(b"\0abc"):
        raise KeyUnusable(
            "SM3 of this machine does not compute the example of GB/T 32905; nothing may be sealed with it"
        )
    try:
        is_right = fits(signer.suite, *KNOWN[signer.suite])
        ours = is_right and fits(signer.suite, signer.public, b"self-test", signer.sign(b"self-test"))
    except Unchecked as error:
        raise KeyUnusable(str(error)) from None
    except Exception as error:  # a library's own words may show the key
        raise KeyUnusable(f"the key or its library failed the self-test: {type(error).__name__}") from None
    if not is_right:
        raise KeyUnusable(
            f"the library of {signer.suite} does not verify the example of {STANDARDS[signer.suite]}; it must not sign"
        )
    if not ours:
        raise KeyUnusable("the two halves of the key do not belong together")


# RFC 8032 section 7.1, test 1: of nothing.
KNOWN = {
    SM2: (sm2.KNOWN_PUBLIC, sm2.KNOWN_MESSAGE, sm2.KNOWN_SIGNATURE),
    ED25519: (
        bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
        b"",
        bytes.fromhex(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
}
STANDARDS = {SM2: "GB/T 32918.5", ED25519: "RFC 8032"}
SM3_OF_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
"""GB/T 32905 A.1."""
