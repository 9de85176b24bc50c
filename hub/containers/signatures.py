"""What gpg's status lines say of a message: open, whole, signed once, by whom, with what. Pure; a library's `ok` is not asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hub.containers.keys import Pin
from hub.errors import FeedChanged

WEAK = {"1": "MD5", "2": "SHA-1", "3": "RIPEMD-160"}
NO_PUBLIC_KEY = "9"
BAD_PASS_PHRASE = 11
"""The low 16 bits of a code of libgpg-error."""
Status = Sequence[Sequence[str]]


def wants_pass_phrase(status: Status) -> bool:
    """Whether our own key did not open to the pass phrase of the connection."""
    names = {words[0] for words in status}
    if "NEED_PASSPHRASE" in names and "DECRYPTION_KEY" not in names:
        return True
    return any(int(code) & 0xFFFF == BAD_PASS_PHRASE for code in _firsts(status, "ERROR", place=2) if code.isdigit())


def judge(status: Status, returned: int | None, pins: Sequence[Pin], arrived_at: datetime) -> None:
    """Raises FeedChanged F023–F028 unless the message is encrypted to us, whole, and signed by a pinned key that counted then.

    ``status`` are the lines of `gpg --decrypt` in words, ``returned`` its exit code.
    """
    _check_encryption(status)
    signer = _check_signature(status, arrived_at)
    if not any(pin.value in signer and pin.counts_at(arrived_at) for pin in pins):
        raise FeedChanged(f"the file is signed by {max(signer)}, which is no agreed key of its sender", code="F026")
    if returned != 0:
        raise FeedChanged(f"gpg could not read the file to its end (code {returned})", code="F028")


def _check_encryption(status: Status) -> None:
    names = {words[0] for words in status}
    if "BEGIN_DECRYPTION" not in names:
        if "PLAINTEXT" in names or "NEWSIG" in names:
            raise FeedChanged("the file is signed and not encrypted", code="F023")
        raise FeedChanged("the file is no whole OpenPGP message", code="F028")
    if "DECRYPTION_KEY" not in names:
        if "NO_SECKEY" not in names and "NEED_PASSPHRASE_SYM" not in names:
            raise FeedChanged("the file is a damaged OpenPGP message", code="F028")
        to = ", ".join(_firsts(status, "ENC_TO")) or "a pass phrase"
        raise FeedChanged(f"the file is encrypted to {to} and to no key of ours", code="F024")
    if not {"DECRYPTION_OKAY", "GOODMDC"} <= names or "NODATA" in names or "DECRYPTION_FAILED" in names:
        raise FeedChanged("the encrypted file was altered or cut off", code="F028")


def _check_signature(status: Status, arrived_at: datetime) -> set[str]:
    """The fingerprints of the one who signed: of the key and of the one it belongs to."""
    found = {words[0]: words for words in status}
    signatures = len(_firsts(status, "NEWSIG", place=0))
    if not signatures:
        raise FeedChanged("the file is encrypted and not signed", code="F025")
    if signatures > 1:
        raise FeedChanged(f"the file has {signatures} signatures instead of one", code="F026")
    if "BADSIG" in found:
        raise FeedChanged("the signature does not fit the content: the file was altered", code="F028")
    valid, failed = found.get("VALIDSIG", []), found.get("ERRSIG", [])
    weak = WEAK.get(valid[8] if len(valid) > 8 else failed[3] if len(failed) > 3 else "")
    if weak:
        raise FeedChanged(f"the signature uses {weak}, which proves nothing any more", code="F027")
    if failed:
        unknown = len(failed) > 6 and failed[6] == NO_PUBLIC_KEY
        cause = f"is by {failed[1]}, which is no agreed key" if unknown else "cannot be checked"
        raise FeedChanged(f"the signature {cause}", code="F026")
    if "REVKEYSIG" in found:
        raise FeedChanged("the key that signed the file is revoked", code="F027")
    if "EXPSIG" in found or ("EXPKEYSIG" in found and _ended_before(status, arrived_at)):
        raise FeedChanged("the signature, or the key that signed the file, had expired when it arrived", code="F027")
    if len(valid) < 11:
        raise FeedChanged("the signature cannot be checked", code="F026")
    return {valid[1].upper(), valid[-1].upper()}


def _ended_before(status: Status, moment: datetime) -> bool:
    """Whether an expired key had ended already then; one of which gpg does not say when has."""
    ends = [int(text) for text in _firsts(status, "KEYEXPIRED") if text.isdigit()]
    return not ends or datetime.fromtimestamp(min(ends), UTC) <= moment


def _firsts(status: Status, name: str, place: int = 1) -> list[str]:
    return [words[place] for words in status if words[0] == name and len(words) > place]
