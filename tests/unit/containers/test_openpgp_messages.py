"""OpenPGP messages by a real gpg on either side: only what is encrypted to us and signed by a pinned key comes out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.expiring import read_expiries
from hub import limits
from hub.containers import bounds, gpg, openpgp
from hub.errors import FeedChanged, MappingInvalid, PartnerRefused
from hub.model import Connection
from simulators import pgp

pytestmark = pytest.mark.skipif(not pgp.has_gpg(), reason="gpg is not installed (Debian: apt install gnupg)")
CONTENT = "批次|313|示例\n".encode("gb18030") * 500
NOW = datetime.now(UTC)
PHRASE = "a 口令 of ours"
LONG_AGO = "20260101T000000!"


@pytest.fixture(scope="module")
def hub() -> pgp.PgpKey:
    """Our key, made long ago, under a pass phrase."""
    return pgp.make_key("hub", PHRASE, now=LONG_AGO)


@pytest.fixture(scope="module")
def bank() -> pgp.PgpKey:
    """The bank's key."""
    return pgp.make_key("示例 bank")


@pytest.fixture(scope="module")
def other() -> pgp.PgpKey:
    """Somebody else's key."""
    return pgp.make_key("other")


@pytest.fixture(scope="module")
def old() -> pgp.PgpKey:
    """A key of the bank that ended on 1 February 2026."""
    return pgp.make_key("old", lasts="2026-02-01", now=LONG_AGO)


@pytest.fixture
def connection(hub: pgp.PgpKey, bank: pgp.PgpKey) -> Connection:
    """What an administrator enters."""
    return known(hub, bank.public, bank.fingerprint)


@pytest.fixture(autouse=True)
def nothing_is_left(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No home, no agent and no file of any kind remains, however an opening ends."""
    monkeypatch.setattr(gpg, "MEMORY", short_path)
    yield short_path
    assert list(short_path.iterdir()) == []
    agents = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(short_path) not in agents


def known(hub: pgp.PgpKey, public: str, pins: str, **changes: str) -> Connection:
    extra = {"pgp_private_keys": hub.private, "pgp_pass_phrase": hub.pass_phrase, "pgp_partner_keys": public,
             "pgp_partner_pins": pins} | changes  # fmt: skip
    return Connection("any_sftp", extra=extra)


def refusal(data: bytes, connection: Connection, arrived_at: datetime = NOW) -> str:
    with pytest.raises(FeedChanged) as raised:
        openpgp.open_message(data, connection, arrived_at)
    assert "示例" not in str(raised.value)
    return raised.value.code


class TestOpening:
    """What comes out, and the verdict on whatever does not."""

    def test_a_good_message_opens(self, hub: pgp.PgpKey, bank: pgp.PgpKey, connection: Connection) -> None:
        """Compressed as gpg does by itself, uncompressed, and in ASCII armour."""
        for words in ((), ("-z", "0"), ("--armor",)):
            message = pgp.write_message(CONTENT, hub, bank, *words)
            assert openpgp.open_message(message, connection, NOW) == CONTENT

    def test_every_careless_message_gets_its_verdict(
        self, hub: pgp.PgpKey, bank: pgp.PgpKey, other: pgp.PgpKey, connection: Connection
    ) -> None:
        """In clear, signed only, not for us, not signed, signed by another, by an old digest."""
        write = pgp.write_message
        assert refusal(CONTENT, connection) == "F023"
        assert refusal(b"", connection) == "F023"
        assert refusal(write(CONTENT, None, bank), connection) == "F023"
        assert refusal(write(CONTENT, None, bank, "--armor"), connection) == "F023"
        assert refusal(write(CONTENT, other, bank), connection) == "F024"
        assert refusal(write(CONTENT, hub, None), connection) == "F025"
        assert refusal(write(CONTENT, hub, other), connection) == "F026"
        for digest in ("SHA1", "RIPEMD160"):
            assert refusal(write(CONTENT, hub, bank, "--digest-algo", digest), connection) == "F027"

    def test_a_pass_phrase_is_no_key_of_ours(self, connection: Connection) -> None:
        """Not even when it is that of our own key: nobody but us knows it, and no sender is proven."""
        message = pgp.write_message(CONTENT, None, None, "--symmetric", "--passphrase", PHRASE)
        assert refusal(message, connection) == "F024"

    def test_a_key_in_the_ring_without_a_pin_is_another(
        self, hub: pgp.PgpKey, bank: pgp.PgpKey, other: pgp.PgpKey
    ) -> None:
        """A good signature of a known key is not enough."""
        ring = known(hub, bank.public + other.public, bank.fingerprint)
        assert refusal(pgp.write_message(CONTENT, hub, other), ring) == "F026"

    def test_two_signatures_are_one_too_many(self, hub: pgp.PgpKey, bank: pgp.PgpKey, other: pgp.PgpKey) -> None:
        """Nobody could say whose file it is."""
        both = replace(bank, private=bank.private + other.private)
        message = pgp.write_message(CONTENT, hub, both, "--local-user", other.fingerprint)
        assert refusal(message, known(hub, bank.public + other.public, bank.fingerprint)) == "F026"

    def test_no_damaged_message_passes(self, hub: pgp.PgpKey, bank: pgp.PgpKey, connection: Connection) -> None:
        """Cut off anywhere, altered anywhere behind the session key, doubled, with something behind it."""
        message = pgp.write_message(CONTENT, hub, bank, "-z", "0")
        for data in (message[:30], message[: len(message) // 2], message[:-1], message + b"x", message * 2):
            assert refusal(data, connection) == "F028"
        for place in (len(message) // 3, len(message) // 2, len(message) - 5):
            altered = message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :]
            assert refusal(altered, connection) == "F028"

    def test_a_bomb_is_stopped(
        self, hub: pgp.PgpKey, bank: pgp.PgpKey, connection: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By its ratio, and by its size alone."""
        bomb = pgp.write_message(bytes(64_000_000), hub, bank)
        assert len(bomb) * limits.GROWS_AT_MOST < 64_000_000
        assert refusal(bomb, connection) == "F029"
        monkeypatch.setattr(bounds, "LARGEST_UNPACKED", len(CONTENT) - 1)
        assert refusal(pgp.write_message(CONTENT, hub, bank, "-z", "0"), connection) == "F029"
        monkeypatch.setattr(bounds, "LARGEST_UNPACKED", len(CONTENT))
        message = pgp.write_message(CONTENT, hub, bank, "-z", "0")
        assert openpgp.open_message(message, connection, NOW) == CONTENT


class TestKeys:
    """Pins, ends and changes of keys."""

    def test_two_pins_serve_a_change_of_keys(self, hub: pgp.PgpKey, bank: pgp.PgpKey, other: pgp.PgpKey) -> None:
        """The new first, the old until a day; what arrived by that day is read again for ever."""
        ring = known(hub, other.public + bank.public, f"{other.fingerprint}\n{bank.fingerprint} until 2026-11-30\n")
        message = pgp.write_message(CONTENT, hub, bank)
        assert openpgp.open_message(pgp.write_message(CONTENT, hub, other), ring, NOW) == CONTENT
        assert openpgp.open_message(message, ring, datetime(2026, 11, 30, 15, 59, tzinfo=UTC)) == CONTENT
        assert refusal(message, ring, datetime(2026, 11, 30, 16, 1, tzinfo=UTC)) == "F026"

    def test_a_key_must_have_lasted_when_the_file_came(self, hub: pgp.PgpKey, old: pgp.PgpKey) -> None:
        """A replay of what came in time reads it; what came later is refused."""
        ring = known(hub, old.public, old.fingerprint)
        message = pgp.write_message(CONTENT, hub, old, "--faked-system-time", "20260102T000000!")
        assert openpgp.open_message(message, ring, datetime(2026, 1, 31, tzinfo=UTC)) == CONTENT
        assert refusal(message, ring) == "F027"

    def test_a_revoked_key_never_counts(self, hub: pgp.PgpKey, bank: pgp.PgpKey) -> None:
        """Not for what came before either: nobody knows since when another had it."""
        ring = known(hub, pgp.revoked(bank), bank.fingerprint)
        assert refusal(pgp.write_message(CONTENT, hub, bank), ring) == "F027"

    @pytest.mark.parametrize(
        "changes",
        [{"pgp_pass_phrase": "another"}, {"pgp_pass_phrase": ""}, {"pgp_private_keys": ""}, {"pgp_partner_keys": "no key"},
         {"pgp_partner_pins": ""}, {"pgp_partner_pins": "ABCD"}, {"pgp_partner_pins": "AB" * 20},
         {"pgp_partner_pins": f"{'AB' * 20} until 2026-02-30"}],
        ids=str,
    )  # fmt: skip
    def test_what_is_wrong_with_our_own_keys_is_no_ones_fault(
        self, hub: pgp.PgpKey, bank: pgp.PgpKey, changes: dict[str, str]
    ) -> None:
        """The file is not held: the administrator mends the connection. No key stands in the words."""
        message = pgp.write_message(CONTENT, hub, bank)
        with pytest.raises(MappingInvalid) as raised:
            openpgp.open_message(message, known(hub, bank.public, bank.fingerprint, **changes), NOW)
        assert "any_sftp" in str(raised.value)
        assert "BEGIN" not in str(raised.value)

    def test_without_gpg_the_administrator_is_told(
        self, connection: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And the file waits."""
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(MappingInvalid, match="apt install gnupg"):
            openpgp.open_message(b"\x85\x01", connection, NOW)
        monkeypatch.undo()

    def test_ends_of_keys_are_noticed(self, hub: pgp.PgpKey, bank: pgp.PgpKey, old: pgp.PgpKey) -> None:
        """Of the pinned keys the one that lasts longest; a key without an end, none."""
        both = old.public + bank.public
        found, complete = read_expiries(known(hub, both, old.fingerprint))
        assert complete
        assert [(one.what, f"{one.expires_at:%Y-%m-%d}") for one in found] == [("pgp_partner_keys", "2026-02-01")]
        assert read_expiries(known(hub, both, f"{bank.fingerprint}\n{old.fingerprint}")) == ([], True)


class TestClosing:
    """Return files to a partner."""

    def test_what_we_close_its_partner_opens(self, hub: pgp.PgpKey, bank: pgp.PgpKey, connection: Connection) -> None:
        """Encrypted to it and signed by us."""
        made = openpgp.close_message(CONTENT, connection)
        assert CONTENT[:10] not in made
        assert pgp.read_message(made, bank, hub) == CONTENT

    def test_to_an_expired_key_nothing_goes_out(self, hub: pgp.PgpKey, old: pgp.PgpKey) -> None:
        """The partner gives its new key first."""
        with pytest.raises(PartnerRefused):
            openpgp.close_message(CONTENT, known(hub, old.public, old.fingerprint))

    def test_unsigned_nothing_goes_out(self, hub: pgp.PgpKey, bank: pgp.PgpKey) -> None:
        """A wrong pass phrase of ours is ours to mend."""
        with pytest.raises(MappingInvalid):
            openpgp.close_message(CONTENT, known(hub, bank.public, bank.fingerprint, pgp_pass_phrase="another"))


def test_the_home_is_for_us_alone_and_its_path_is_short(nothing_is_left: Path) -> None:
    """Sockets have 108 characters for their path."""
    with gpg.open_home() as opened:
        home = Path(opened.gnupghome)
        assert os.stat(home).st_mode & 0o077 == 0
        assert home.parent == nothing_is_left
