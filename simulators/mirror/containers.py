"""How mirrored partners encrypt what they drop and read what comes back encrypted, with keys made at the first start of a state."""

import io
import secrets
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from simulators import pgp, sm4_container
from simulators.mirror.plain import MirroredFeed

Keys = Mapping[str, Any]
OPENPGP, AES_ZIP, SM4_GCM = "openpgp", "aes-zip", "sm4-gcm"


def kinds_of(feeds: Iterable[MirroredFeed]) -> set[str]:
    """The kinds of containers that these feeds agreed on, in either direction."""
    words = [words.get("encrypted") for feed in feeds for words in (feed.source, *feed.reports)]
    return {word for word in words if word}


def make_keys(partner: str, kinds: Iterable[str]) -> dict[str, Any]:
    """Keys of both sides for these kinds. Raises pgp.PgpError where gpg cannot make them."""
    found: dict[str, Any] = {}
    for kind in sorted(kinds):
        if kind == OPENPGP:
            pass_phrase = secrets.token_hex(16)
            hub = pgp.make_key(f"hub at {partner}", pass_phrase)
            found |= {"pgp_hub": hub.as_json(), "pgp_own": pgp.make_key(partner).as_json()}
        elif kind == AES_ZIP:
            found["zip"] = secrets.token_urlsafe(18)
        else:
            pairs = {"sm2_hub": sm4_container.make_pair(), "sm2_own": sm4_container.make_pair()}
            found |= {name: [half.hex() for half in pair] for name, pair in pairs.items()}
            found |= {"sm4": secrets.token_hex(16), "mac": secrets.token_hex(32)}
    return found


def extras_of(keys: Keys) -> dict[str, str]:
    """What an administrator of the hub would enter among the connection's extras."""
    found: dict[str, str] = {}
    if "pgp_hub" in keys:
        found |= {
            "pgp_private_keys": keys["pgp_hub"]["private"], "pgp_pass_phrase": keys["pgp_hub"]["pass_phrase"],
            "pgp_partner_keys": keys["pgp_own"]["public"], "pgp_partner_pins": keys["pgp_own"]["fingerprint"],
        }  # fmt: skip
    if "zip" in keys:
        found["zip_pass_words"] = keys["zip"]
    if "sm4" in keys:
        found |= {
            "sm4_keys": keys["sm4"], "sm4_mac_keys": keys["mac"],
            "sm2_private_key": " ".join(keys["sm2_hub"]), "sm2_partner_keys": keys["sm2_own"][1],
        }  # fmt: skip
    return found


def encrypt(source: Mapping[str, Any], keys: Keys, entry: str, content: bytes) -> tuple[bytes, bytes | None]:
    """A data file as it is dropped, and its signature file where one is agreed."""
    kind = source.get("encrypted")
    if kind == OPENPGP:
        return pgp.write_message(content, pgp.PgpKey(**keys["pgp_hub"]), pgp.PgpKey(**keys["pgp_own"])), None
    if kind == AES_ZIP:
        return write_zip(entry, content, keys["zip"]), None
    if kind == SM4_GCM:
        is_signed = bool(source.get("signature"))
        mac = None if is_signed else bytes.fromhex(keys["mac"])
        made = sm4_container.write_container(content, bytes.fromhex(keys["sm4"]), mac)
        own = [bytes.fromhex(half) for half in keys["sm2_own"]]
        return made, sm4_container.sign(made, own[0], own[1]) if is_signed else None
    return content, None


def decrypt(kind: str | None, keys: Keys, data: bytes, signature: bytes | None) -> bytes:
    """A return file as its partner reads it. Raises ValueError when it is not encrypted to it and from the hub."""
    if kind == OPENPGP:
        return pgp.read_message(data, pgp.PgpKey(**keys["pgp_own"]), pgp.PgpKey(**keys["pgp_hub"]))
    if kind == AES_ZIP:
        return read_zip(data, keys["zip"])
    if kind == SM4_GCM:
        if signature is not None and not sm4_container.is_signed(data, signature, bytes.fromhex(keys["sm2_hub"][1])):
            raise ValueError("the signature does not fit")
        mac = None if signature is not None else bytes.fromhex(keys["mac"])
        return sm4_container.read_container(data, bytes.fromhex(keys["sm4"]), mac)
    return data


def write_zip(entry: str, content: bytes, pass_word: str, bits: int = 256) -> bytes:
    """A zip of one entry in WinZip's AES."""
    import pyzipper

    made = io.BytesIO()
    with pyzipper.AESZipFile(made, "w", compression=zipfile.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(pass_word.encode())
        archive.setencryption(pyzipper.WZ_AES, nbits=bits)
        archive.writestr(entry, content)
    return made.getvalue()


def read_zip(data: bytes, pass_word: str) -> bytes:
    """The one entry. Raises ValueError for another pass word or a damaged file."""
    import pyzipper

    try:
        with pyzipper.AESZipFile(io.BytesIO(data)) as archive:
            [name] = archive.namelist()
            return bytes(archive.read(name, pwd=pass_word.encode()))
    except (RuntimeError, pyzipper.BadZipFile) as error:
        raise ValueError("the zip cannot be read") from error
