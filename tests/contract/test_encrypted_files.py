"""Files that partners encrypt, over real SFTP: a day of each kind, the archive, replays, return files, and every verdict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from round_trip import MAPPINGS, Hub, find_connections

from hub import bootstrap, pipeline
from hub.archive import Archive
from hub.digest import sm3_hex
from hub.errors import MappingInvalid
from hub.migrations import migrate
from hub.model import BatchState, Connection, Stage
from hub.pipeline import House
from hub.registry import read_registry
from hub.store.database import open_database
from simulators import pgp, sm4_container
from simulators.mirror import containers
from simulators.mirror.packing import pack
from simulators.running import running

pytestmark = pytest.mark.skipif(not pgp.has_gpg(), reason="gpg is not installed (Debian: apt install gnupg)")
PARTNERS = ("chengshan", "penglai", "shuhe")
FEEDS = [f"{partner}_payrolls" for partner in PARTNERS]
CONTENT = b"no payroll, but it opens\n" * 40
BOMB = bytes(96_000_000)
_numbers = count(7000)


Opened = tuple[Hub, dict[str, Connection], Path]


@dataclass
class Bank:
    """One partner: its hub, its keys, its folder on disk, and the connection that the hub knows."""

    hub: Hub
    partner: str
    keys: dict[str, Any]
    known: dict[str, Connection]

    @property
    def feed_id(self) -> str:
        return f"{self.partner}_payrolls"

    @property
    def source(self) -> dict[str, Any]:
        return self.hub.feed(self.feed_id).spec.source.model_dump(by_alias=True)

    @property
    def root(self) -> Path:
        return Path(self.hub.up.addresses["sftp"]["users"][self.partner]["root"])

    def close(self, content: bytes = CONTENT) -> tuple[bytes, bytes | None]:
        """A good container of this content, and its signature file."""
        return containers.encrypt(self.source, self.keys, "a.txt", content)

    def drop(self, data: bytes, signature: bytes | None = None) -> str:
        """A file with all that belongs to it."""
        source = self.source
        name = source["name"].replace("{date}", "20261123").replace("{seq}", str(next(_numbers)))
        path = self.root / source["files"].rpartition("/")[0].replace("{date}", "20261123") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        beside = {source["digest"]: f"{sm3_hex(data)}  {name}\n".encode(), source["signature"]: signature}
        for suffix, content in {**beside, source["done"]: f"{len(data)}|0".encode()}.items():
            if suffix and content is not None:
                path.with_name(name + suffix).write_bytes(content)
        return name

    def verdict(self, data: bytes, signature: bytes | None = None) -> str | None:
        """By which code the hub holds the file; its partner has heard it in a return file that it can read."""
        name = self.drop(data, signature)
        self.hub.take_in([self.feed_id])
        batch = self.hub.batch(name)
        assert batch.state is BatchState.HELD
        assert batch.hold_message is not None
        said = self.returned(f"RET_{name}").splitlines()[0].split("|")
        assert said[:3] == ["R", name, "REJECTED"]
        assert said[6] == batch.hold_code
        return batch.hold_code

    def returned(self, name: str) -> str:
        """A return file as the partner reads it."""
        text = self.hub.up.control.return_file(self.partner, name)
        assert text is not None
        return text

    def reconnect(self, **extra: str) -> None:
        """Other extras for this partner's connection, until the test ends."""
        name = f"{self.partner}_sftp"
        self.known[name] = replace(self.known[name], extra={**self.known[name].extra, **extra})


@pytest.fixture(scope="module")
def opened(empty_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A hub that knows the three banks, and has taken in one day of them."""
    folder, state = tmp_path_factory.mktemp("hub") / "mappings", tmp_path_factory.mktemp("partners")
    shutil.copytree(MAPPINGS, folder)
    for path in (*folder.glob("*.yaml"), *folder.glob("receivers/*.yaml")):
        if path.stem not in (*FEEDS, "partners"):
            path.unlink()
    for feed_id in FEEDS:
        path = folder / f"{feed_id}.yaml"
        path.write_text(
            path.read_text("utf-8").replace("  connector: sftp\n", "  connector: sftp\n  look_back_days: 36500\n"),
            "utf-8",
        )
    engine = open_database(empty_database())
    migrate(engine)
    registry = read_registry(folder)
    assert registry.problems == ()
    with (
        running(state, mirrored=",".join(PARTNERS), scale=0.3, latency=0, rate=1000, bad_share=0.1) as up,
        pytest.MonkeyPatch.context() as patch,
    ):
        known = find_connections(up.addresses)
        patch.setattr(bootstrap, "find_connection", lambda name: known[name])
        patch.setenv("HUB_MAPPINGS", str(folder))
        up.control.drop_day()
        archive = Archive(tmp_path_factory.mktemp("archive"))
        hub = Hub(House(engine, archive, registry, bootstrap.open_containers()), up)
        hub.take_in(FEEDS)
        yield hub, known, state
    engine.dispose()


def bank_of(partner: str, opened: Opened) -> Bank:
    hub, known, state = opened
    keys = json.loads((state / "mirror" / "container_keys.json").read_text())
    return Bank(hub, partner, keys[partner], known)


@pytest.fixture(params=PARTNERS)
def bank(request: pytest.FixtureRequest, opened: Opened) -> Bank:
    """Each of the three banks in turn."""
    return bank_of(request.param, opened)


@pytest.fixture(autouse=True)
def connections_stay_as_they_were(opened: Opened) -> Iterator[None]:
    """Whatever a test enters for a partner is gone with it."""
    before = dict(opened[1])
    yield
    opened[1].update(before)


def altered(data: bytes) -> bytes:
    place = len(data) * 2 // 3
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


class TestADay:
    """What the simulated banks send by themselves, and what they hear."""

    def test_every_file_is_stored_and_the_archive_keeps_it_as_it_came(self, bank: Bank) -> None:
        """Bytes in the archive are the partner's own; the second part is its signature, where it has a file for it."""
        found = [batch for batch in bank.hub.batches(bank.feed_id) if "000" in batch.source_name]
        assert found
        for batch in found:
            assert batch.state is BatchState.STORED
            parts = [bank.hub.house.archive.read(part) for part in batch.parts]
            near = bank.root / f"{batch.source_name}.sig"
            assert parts == [
                (bank.root / batch.source_name).read_bytes(),
                *([near.read_bytes()] if near.exists() else []),
            ]
            assert "工资".encode("gb18030") not in parts[0]
        assert len(bank.hub.opened("payroll_line", "where area6_code <> ''")) > 0

    def test_return_files_are_encrypted_and_say_what_became_of_the_rows(self, bank: Bank) -> None:
        """The bank decrypts them, checks who signed, and finds its digest and flag right."""
        [batch, *_] = [one for one in bank.hub.batches(bank.feed_id) if one.state is BatchState.STORED]
        name = batch.source_name.rpartition("/")[2]
        first = bank.returned(f"RET_{name}").splitlines()[0].split("|")
        assert first[:2] == ["R", name]
        assert first[2] in ("ACCEPTED", "PARTIAL")
        [path] = bank.root.rglob(f"RET_{name}")
        assert not path.read_bytes().startswith(b"R|")
        told = bank.hub.up.control.ledger()["received"][bank.partner]["ret"][f"RET_{name}"]
        assert (told["digest_ok"], told["flag_ok"]) == (True, True)
        assert bank.hub.up.control.ledger().get("unwritten") is None

    def test_a_replay_opens_the_archived_bytes_again(self, bank: Bank) -> None:
        """Nothing changes, and nothing else is needed than what was kept."""
        [batch, *_] = [one for one in bank.hub.batches(bank.feed_id) if one.state is BatchState.STORED]
        preview = pipeline.preview_batch(bank.hub.house, batch)
        assert preview.code is None
        assert {(change.new, change.corrected) for change in preview.changes} == {(0, 0)}
        pipeline.replay_batch(bank.hub.house, batch.batch_id)
        assert bank.hub.batch(batch.source_name.rpartition("/")[2]).state is BatchState.STORED

    def test_a_file_put_once_more_is_one_file(self, bank: Bank) -> None:
        """A return file that its partner loses before the hub notes it is encrypted anew, and says the same."""
        name = bank.drop(b"no container")
        bank.hub.fetch(bank.feed_id)
        bank.hub.store(bank.feed_id)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "hub.pipeline.telling.batches.write_report", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
            )
            with pytest.raises(KeyboardInterrupt):
                bank.hub.tell(bank.feed_id, Stage.INTAKE)
        before = bank.returned(f"RET_{name}")
        bank.hub.tell(bank.feed_id, Stage.INTAKE)
        assert bank.returned(f"RET_{name}") == before
        assert bank.hub.up.control.ledger()["received"][bank.partner]["ret"][f"RET_{name}"]["versions"] == 1


class TestEveryKind:
    """Verdicts that do not depend on the kind."""

    def test_a_good_container_is_judged_by_its_content(self, bank: Bank) -> None:
        """It opens; what is in it is no payroll."""
        assert bank.verdict(*bank.close()) not in (None, *(f"F02{number}" for number in range(3, 10)))

    def test_a_file_in_clear_is_refused_though_it_could_be_read(self, bank: Bank) -> None:
        """F023: what was agreed to be encrypted may not come in clear one day."""
        assert bank.verdict(CONTENT, bank.close()[1]) == "F023"

    def test_altered_and_cut_off_files_are_refused(self, bank: Bank) -> None:
        """F028, whether the bank's digest fits what it sent or not."""
        if bank.partner == "shuhe":  # its signature is of the bytes as they are: a careless bank signs the damaged ones
            for damage in (altered, lambda data: data[:-5]):
                data = damage(bank.close()[0])
                assert bank.verdict(data, signed(bank, data)) == "F028"
            return
        assert bank.verdict(altered(bank.close()[0])) == "F028"
        assert bank.verdict(bank.close()[0][:-5]) == "F028"

    def test_nothing_in_clear_stays_on_any_disk(
        self, bank: Bank, short_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither of a file that opened nor of one that was refused half-way."""
        monkeypatch.setenv("TMPDIR", str(short_path))
        monkeypatch.setattr("tempfile.tempdir", str(short_path))
        monkeypatch.setattr("hub.containers.gpg.MEMORY", short_path)
        bank.verdict(*bank.close())
        bank.verdict(altered(bank.close()[0]), bank.close()[1])
        assert list(short_path.iterdir()) == []

    def test_keys_that_nobody_entered_hold_no_file(self, bank: Bank) -> None:
        """The administrator is told and enters them; the next run reads what waited."""
        name = bank.drop(*bank.close())
        before = bank.known[f"{bank.partner}_sftp"]
        bank.known[before.name] = replace(before, extra={"host_key": before.extra["host_key"]})
        bank.hub.fetch(bank.feed_id)
        with pytest.raises(MappingInvalid, match=f"connection {before.name}: the extra"):
            bank.hub.store(bank.feed_id)
        assert bank.hub.batch(name).state is BatchState.FETCHED
        bank.known[before.name] = before
        bank.hub.store(bank.feed_id)
        assert bank.hub.batch(name).hold_code not in (None, "F024")


class TestOpenPgp:
    """Verdicts of OpenPGP alone; each of many more is tried in tests/unit/containers."""

    @pytest.fixture
    def bank(self, opened: Opened) -> Bank:
        return bank_of("chengshan", opened)

    @pytest.fixture
    def ours(self, bank: Bank) -> pgp.PgpKey:
        return pgp.PgpKey(**bank.keys["pgp_hub"])

    @pytest.fixture
    def theirs(self, bank: Bank) -> pgp.PgpKey:
        return pgp.PgpKey(**bank.keys["pgp_own"])

    def test_each_slip_has_its_code(self, bank: Bank, ours: pgp.PgpKey, theirs: pgp.PgpKey) -> None:
        """Signed only, for another, unsigned, by another, by SHA-1, too large."""
        other, write = pgp.make_key("other"), pgp.write_message
        assert bank.verdict(write(CONTENT, None, theirs)) == "F023"
        assert bank.verdict(write(CONTENT, other, theirs)) == "F024"
        assert bank.verdict(write(CONTENT, ours, None)) == "F025"
        assert bank.verdict(write(CONTENT, ours, other)) == "F026"
        assert bank.verdict(write(CONTENT, ours, theirs, "--digest-algo", "SHA1")) == "F027"
        assert bank.verdict(write(BOMB, ours, theirs)) == "F029"

    def test_a_revoked_signer_is_refused(self, bank: Bank, ours: pgp.PgpKey, theirs: pgp.PgpKey) -> None:
        """F027, also for a file that the key signed well."""
        good = pgp.write_message(CONTENT, ours, theirs)
        bank.reconnect(pgp_partner_keys=pgp.revoked(theirs))
        name = bank.drop(good)
        bank.hub.fetch(bank.feed_id)
        bank.hub.store(bank.feed_id)
        assert bank.hub.batch(name).hold_code == "F027"


class TestAesZip:
    """Verdicts of zips."""

    @pytest.fixture
    def bank(self, opened: Opened) -> Bank:
        return bank_of("penglai", opened)

    def test_each_slip_has_its_code(self, bank: Bank) -> None:
        """Another pass word, no encryption, ZipCrypto, too large."""
        plain = pack("zip", CONTENT, "a.txt")
        crypto, central = bytearray(plain), plain.index(b"PK\1\2")
        crypto[6], crypto[central + 8] = crypto[6] | 1, crypto[central + 8] | 1
        assert bank.verdict(containers.write_zip("a.txt", CONTENT, "another")) == "F024"
        assert bank.verdict(plain) == "F023"
        assert bank.verdict(bytes(crypto)) == "F023"
        assert bank.verdict(containers.write_zip("a.txt", BOMB, bank.keys["zip"])) == "F029"

    def test_two_pass_words_serve_a_change(self, bank: Bank) -> None:
        """The newest stands first and closes return files."""
        bank.reconnect(zip_pass_words=f"the new one\n{bank.keys['zip']}")
        name = bank.drop(bank.close()[0])
        bank.hub.take_in([bank.feed_id])
        assert bank.hub.batch(name).hold_code not in ("F023", "F024")
        [path] = bank.root.rglob(f"RET_{name}")
        assert containers.read_zip(path.read_bytes(), "the new one").startswith(b"R|")


class TestSm4Gcm:
    """Verdicts of SM4-GCM with detached SM2 signatures."""

    @pytest.fixture
    def bank(self, opened: Opened) -> Bank:
        return bank_of("shuhe", opened)

    def test_each_slip_has_its_code(self, bank: Bank) -> None:
        """No signature file, one that is none, by another, of another file; another key; an HMAC instead."""
        data, signature = bank.close()
        private, public = sm4_container.make_pair()
        assert bank.verdict(data) == "F025"
        assert bank.verdict(bank.close()[0], b"see attachment") == "F025"
        fresh = bank.close()[0]
        assert bank.verdict(fresh, sm4_container.sign(fresh, private, public)) == "F026"
        assert bank.verdict(bank.close()[0], signature) == "F026"
        foreign = sm4_container.write_container(CONTENT, bytes(16), None)
        assert bank.verdict(foreign, signed(bank, foreign)) == "F024"
        by_mac = sm4_container.write_container(CONTENT, bytes.fromhex(bank.keys["sm4"]), bytes(32))
        assert bank.verdict(by_mac, signed(bank, by_mac)) == "F025"

    def test_a_signature_file_that_comes_late_is_taken(self, bank: Bank) -> None:
        """The bank need not send the data again; what was held is settled or told anew with it."""
        data, signature = bank.close()
        assert signature is not None
        name = bank.drop(data)
        bank.hub.take_in([bank.feed_id])
        assert bank.hub.batch(name).hold_code == "F025"
        [path] = bank.root.rglob(name)
        path.with_name(f"{name}.sig").write_bytes(signature)
        bank.hub.take_in([bank.feed_id])
        assert bank.hub.batch(name).hold_code not in (None, "F025", "F006")

    def test_a_key_counts_until_its_day(self, bank: Bank) -> None:
        """The old one for what came by then, the new one beside it."""
        own, (_, new) = bank.keys["sm2_own"][1], sm4_container.make_pair()
        bank.reconnect(sm2_partner_keys=f"{new.hex()}\n{own} until 2026-01-01")
        assert bank.verdict(*bank.close()) == "F027"
        bank.reconnect(sm2_partner_keys=f"{new.hex()}\n{own}")
        assert bank.verdict(*bank.close()) not in ("F026", "F027")


def signed(bank: Bank, data: bytes) -> bytes:
    private, public = (bytes.fromhex(half) for half in bank.keys["sm2_own"])
    return sm4_container.sign(data, private, public)
