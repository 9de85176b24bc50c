"""The whole house as a process: SFTP by an independent client, return files, restarts, and a quick end."""

import stat
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paramiko
import pytest
import requests

from simulators.running import Running, running
from simulators.sm3 import sm3_hex

DAY = "20261123"


@contextmanager
def login(simulators: Running, bank: str) -> Iterator[paramiko.SFTPClient]:
    address = simulators.addresses["sftp"]
    name, key = address["host_key"].split()
    client = paramiko.SSHClient()
    known = f"[{address['host']}]:{address['port']}"
    client.get_host_keys().add(known, name, paramiko.Ed25519Key(data=b64decode(key)))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(
        address["host"],
        address["port"],
        bank,
        address["users"][bank]["password"],
        look_for_keys=False,
        allow_agent=False,
    )
    try:
        yield client.open_sftp()
    finally:
        client.close()


def test_a_bank_sees_its_own_complete_files_only(simulators: Running) -> None:
    """Data, digest and flag of each; no temporary names; no way out of the folder."""
    with login(simulators, "wenhe") as sftp:
        names = set(sftp.listdir(f"in/{DAY}"))
        data = {name for name in names if name.endswith(".txt")}
        assert names == data | {f"{name}.sm3" for name in data} | {f"{name}.ok" for name in data}
        assert all(name.startswith("402_") for name in data)
        assert sorted(sftp.listdir("/../../..")) == ["in", "out"]
        for name in data:
            content = sftp.open(f"in/{DAY}/{name}").read()
            assert sftp.open(f"in/{DAY}/{name}.sm3").read().decode() == f"{sm3_hex(content)}  {name}\n"
            assert sftp.open(f"in/{DAY}/{name}.ok").read().decode().split("|")[0] == str(len(content))


def test_the_demonstration_day_has_one_spoiled_file(simulators: Running) -> None:
    """haidai's trailer amount is wrong; its rows are counted apart."""
    sent = simulators.control.ledger()["sent"]
    assert sent["haidai_payrolls"]["spoiled_files"] == [f"313_370900_PAYR_{DAY}_0002_v1.txt"]
    assert sent["haidai_payrolls"]["spoiled_rows"] == 40
    assert sent["haidai_payrolls"]["by_kind"]["payroll_line"]["rows"] == 250
    assert sent["haidai_payrolls"]["by_kind"]["payroll_batch"]["rows"] == 1
    assert sent["wenhe_payrolls"]["spoiled_files"] == []


def test_dropping_the_day_again_changes_nothing(simulators: Running) -> None:
    """Same names, same ledger."""
    before = simulators.control.ledger()["sent"]
    assert set(simulators.control.drop_day()) == set(simulators.control.drop_day())
    assert simulators.control.ledger()["sent"] == before


def test_a_bank_reads_its_return_files(simulators: Running) -> None:
    """Only when the flag has come; first line, digest and flag are judged."""
    name = f"RET_402_370900_ACCT_{DAY}_0001_v1.txt"
    text = "R|402_370900_ACCT.txt|PARTIAL|10|9|1|0000|已接收䶮\n3|cnaps|L103|校验位错误\n"
    content = text.encode("gb18030")
    files = {name: content, f"{name}.sm3": f"{sm3_hex(content)}  {name}\n".encode()}
    with login(simulators, "wenhe") as sftp:
        for path, data in files.items():
            with sftp.open(f"out/{DAY}/{path}.tmp", "wb") as file:
                file.write(data)
            sftp.posix_rename(f"out/{DAY}/{path}.tmp", f"out/{DAY}/{path}")
        assert simulators.control.return_file("wenhe", name) is None
        with sftp.open(f"out/{DAY}/{name}.ok", "wb") as file:
            file.write(f"{len(content)}|1".encode())
    received = simulators.control.ledger()["received"]["wenhe"]
    assert (received["ret_files"], received["fin_files"]) == (1, 0)
    line = received["ret"][name]
    assert (line["status"], line["rows"], line["accepted"], line["bad"]) == ("PARTIAL", "10", "9", "1")
    assert (line["digest_ok"], line["flag_ok"], line["versions"]) == (True, True, 1)
    assert simulators.control.return_file("wenhe", name) == text


def test_any_bytes_can_be_dropped(simulators: Running) -> None:
    """With a wrong digest or without a flag; never outside of the folder."""
    root = Path(simulators.addresses["sftp"]["users"]["haidai"]["root"])
    name = simulators.control.drop("haidai", f"in/{DAY}/奇怪.txt", b"D|1\r\n", digest="wrong", flag=False)
    assert (root / "in" / DAY / name).read_bytes() == b"D|1\r\n"
    assert sm3_hex(b"D|1\r\n") not in (root / "in" / DAY / f"{name}.sm3").read_text()
    assert not (root / "in" / DAY / f"{name}.ok").exists()
    with pytest.raises(ValueError, match="leaves"):
        simulators.control.drop("haidai", "../../x.txt", b"")


def test_a_name_may_be_no_utf8(simulators: Running) -> None:
    """Banks name files in GB18030 too; the server shows the bytes as they are."""
    assert simulators.control.drop("wenhe", "in/other/工资.txt", b"0\n", name_encoding="gb18030") == "工资.txt"
    with login(simulators, "wenhe") as sftp, pytest.raises(UnicodeDecodeError):
        sftp.listdir("in/other")


def test_extra_files_get_the_next_numbers(tmp_path: Path) -> None:
    """With a fault or without; each is dropped once."""
    with running(tmp_path, scale=0.05, bad_share=0) as up:
        up.control.drop_day()
        names = [up.control.drop_extra("wenhe", "PAYR", fault) for fault in ("utf8", None, "flag_without_file")]
        assert [name.split("_")[4] for name in names] == ["0002", "0003", "0004"]
        sent = up.control.ledger()["sent"]["wenhe_payrolls"]
        assert (len(sent["spoiled_files"]), sent["by_kind"]["payroll_batch"]["rows"]) == (2, 2)
        assert sent["bad_rows"] == 0
        with pytest.raises(ValueError, match="truncated"):
            up.control.drop_extra("wenhe", "PAYR", "nonsense")


def test_logins_and_transfers_can_fail(simulators: Running) -> None:
    """The next login is refused; the connection ends after so many kilobytes."""
    simulators.control.fault("haidai", "refuse_logins", 1)
    with pytest.raises(paramiko.AuthenticationException), login(simulators, "haidai"):
        pass
    simulators.control.fault("haidai", "cut_after_kb", 8)
    name = f"in/{DAY}/313_370900_PAYR_{DAY}_0001_v1.txt"
    with pytest.raises((paramiko.SSHException, OSError, EOFError)), login(simulators, "haidai") as sftp:
        sftp.open(name).read()
    simulators.control.clear_faults()
    with login(simulators, "haidai") as sftp:
        assert len(sftp.open(name).read()) > 8 * 1024


def test_a_restart_serves_and_remembers_the_same(tmp_path: Path) -> None:
    """Addresses, secrets, files and ledgers, also after a kill."""
    with running(tmp_path, scale=0.05) as first:
        first.control.drop_day()
        address = first.addresses["bureau"]
        headers = {"X-Api-Key": address["api_key"], "Idempotency-Key": "k"}
        filing = {"filings": [{"permitNo": "P", "status": "已建档", "reason": "", "platformId": "SD"}]}
        first.web().post(address["url"] + "/api/v1/filings", json=filing, headers=headers, timeout=5)
        files = {path: path.read_bytes() for path in (tmp_path / "sftp").rglob("*") if path.is_file()}
        ledger = first.control.ledger()
        first.process.kill()
        first.process.wait()
    with running(tmp_path, scale=0.05) as second:
        assert second.addresses == first.addresses
        second.control.drop_day()
        assert second.control.ledger() == ledger
        second.web().post(address["url"] + "/api/v1/filings", json=filing, headers=headers, timeout=5)
        assert second.control.ledger()["received"]["bureau"]["effective"] == 1
    assert files == {path: path.read_bytes() for path in (tmp_path / "sftp").rglob("*") if path.is_file()}


def test_secrets_are_private(simulators: Running) -> None:
    """Readable by their owner only."""
    state = Path(simulators.addresses["sftp"]["users"]["haidai"]["root"]).parents[1]
    for name in ("secrets.json", "addresses.json", "host_key", "tls/hub.key", "tls/hub.phrase", "tls/server.key"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600


def test_the_house_stops_within_two_seconds(tmp_path: Path) -> None:
    """Also while someone waits for a slow answer."""
    with running(tmp_path, scale=0.05) as up:
        up.control.fault("bureau", "slow", 60)
        url = up.addresses["bureau"]["url"]
        threading.Thread(target=_ask_in_vain, args=(up.web(), url), daemon=True).start()
        time.sleep(0.2)
        start = time.monotonic()
        up.process.terminate()
        assert up.process.wait(5) == 0
        assert time.monotonic() - start < 2


def _ask_in_vain(web: requests.Session, url: str) -> None:
    with suppress(requests.RequestException):
        web.get(url + "/api/v1/permits", timeout=30)
