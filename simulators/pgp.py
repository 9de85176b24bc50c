"""A partner's own gpg: makes keys, encrypts and signs files, and reads what comes back. Its home lives as long as one call."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

_MEMORY = Path("/dev/shm")
_FAST = "s2k-count 65536\n"  # keys that live for a demonstration need no slow pass phrase
_GPG = ("gpg", "--batch", "--no-tty", "--no-options", "--trust-model", "always", "--no-auto-key-locate",
        "--disable-dirmngr", "--pinentry-mode", "loopback", "--status-fd", "2")  # fmt: skip


class PgpError(ValueError):
    """gpg did not do it; its own words."""


@dataclass(frozen=True)
class PgpKey:
    """A key of one side, in ASCII armour."""

    fingerprint: str
    public: str
    private: str
    pass_phrase: str = ""

    def as_json(self) -> dict[str, str]:
        """As it is kept from one start to the next."""
        return asdict(self)


def has_gpg() -> bool:
    """Whether gpg is installed."""
    return shutil.which("gpg") is not None


def make_key(name: str, pass_phrase: str = "", lasts: str = "0", now: str = "") -> PgpKey:
    """A signing key with an encryption subkey; `lasts` and `now` are gpg's words for its end and its making."""
    past = ("--faked-system-time", now) if now else ()
    with _home() as home:
        secret = ("--passphrase", pass_phrase)
        _run(home, *past, *secret, "--quick-gen-key", f"{name} (invented)", "ed25519", "sign", lasts)
        lines = _run(home, *past, "--with-colons", "--list-keys")[0].decode().splitlines()
        fingerprint = next(line.split(":")[9] for line in lines if line.startswith("fpr:"))
        _run(home, *past, *secret, "--quick-add-key", fingerprint, "cv25519", "encr", lasts)
        public, _ = _run(home, "--armor", "--export", fingerprint)
        private, _ = _run(home, *secret, "--armor", "--export-secret-keys", fingerprint)
    return PgpKey(fingerprint, public.decode(), private.decode(), pass_phrase)


def revoked(key: PgpKey) -> str:
    """The public key with its own revocation."""
    with _home(key.private) as home:
        words = ("--no-batch", "--command-fd", "0", "--armor", "--passphrase", key.pass_phrase)
        made, _ = _run(home, *words, "--gen-revoke", key.fingerprint, data=b"y\n0\n\ny\n")
        _run(home, "--trust-model", "pgp", "--import", data=made)
        return _run(home, "--armor", "--export", key.fingerprint)[0].decode()


def write_message(content: bytes, to: PgpKey | None, by: PgpKey | None, *words: str) -> bytes:
    """Encrypted to one, signed by the other; either may be left out, as careless partners do. `words` go to gpg."""
    keys = [key for key in (to and to.public, by and by.private) if key]
    what = [*(("--encrypt", "--recipient", to.fingerprint) if to else ()),
            *(("--sign", "--local-user", by.fingerprint, "--passphrase", by.pass_phrase) if by else ())]  # fmt: skip
    with _home(*keys) as home:
        return _run(home, *words, *what, data=content)[0]


def read_message(data: bytes, ours: PgpKey, theirs: PgpKey) -> bytes:
    """The content of a message to us by the other side. Raises PgpError when it is not both."""
    with _home(ours.private, theirs.public) as home:
        content, said = _run(home, "--passphrase", ours.pass_phrase, "--decrypt", data=data)
    if "[GNUPG:] DECRYPTION_OKAY" not in said or f"[GNUPG:] VALIDSIG {theirs.fingerprint}" not in said:
        raise PgpError("the message is not encrypted to us and signed by the other side")
    return content


@contextmanager
def _home(*keys: str) -> Iterator[str]:
    home = tempfile.mkdtemp(prefix="partner-gpg-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None)
    try:
        Path(home, "gpg-agent.conf").write_text(_FAST)
        for key in keys:
            _run(home, "--import", data=key.encode())
        yield home
    finally:
        for words in (["--kill", "all"], ["--remove-socketdir"]):
            subprocess.run(["gpgconf", "--homedir", home, *words], capture_output=True, check=False)
        shutil.rmtree(home, ignore_errors=True)


def _run(home: str, *words: str, data: bytes = b"") -> tuple[bytes, str]:
    done = subprocess.run([*_without(words), *words], input=data, capture_output=True, check=False,
                          env={**os.environ, "GNUPGHOME": home})  # fmt: skip
    said = done.stderr.decode(errors="replace")
    if done.returncode != 0:
        raise PgpError(said)
    return done.stdout, said


def _without(words: Sequence[str]) -> list[str]:
    return [word for word in _GPG if not (word == "--batch" and "--no-batch" in words)]
