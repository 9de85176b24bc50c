"""The single-file verifier: whatever is altered, dropped, doubled, moved, cut off or signed by another is found."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealed_entries import Log, entry, keys_of, seal_log, signers

from hub.digest import sm3_hex
from hub.exchange_log import merkle, verify_exchange
from hub.exchange_log.forms import entry_facts, header_hash, line
from hub.exchange_log.sealing import close_block
from hub.exchange_log.verify_exchange import Altered, Unchecked, check_log, check_proof

WORD = st.text(max_size=3)
NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | WORD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3),
)
SIZES = (3, 1, 7, 4)
SIGNERS = signers()
LOGS = {suite: seal_log(SIZES, signer) for suite, signer in SIGNERS.items()}
LOG = LOGS["ed25519"]
FOUND = (Altered, Unchecked)
PROJECT = Path(__file__).parents[3]


def is_found(log: Log, lines: list[bytes]) -> bool:
    """Whether the verifier refuses these lines."""
    try:
        check_log(b"".join(lines).splitlines(keepends=True), log.keys, log.anchors)
    except FOUND:
        return True
    return False


@pytest.mark.parametrize("suite", LOGS)
def test_a_log_that_nobody_touched_fits(suite: str) -> None:
    """Every block, entry and anchor of it, with either suite."""
    log = LOGS[suite]
    found = check_log(log.lines(), log.keys, log.anchors)
    assert (found.blocks, found.entries, found.anchors) == (len(SIZES), sum(SIZES), 1)
    assert found.newest_hash == log.blocks[-1].hash


@pytest.mark.parametrize("suite", LOGS)
def test_every_byte_of_an_export_counts(suite: str) -> None:
    """Each byte in turn becomes another one, or has a space before it; none may pass."""
    data, log = b"".join(LOGS[suite].lines()), LOGS[suite]
    spaced = [lambda byte: bytes([32, byte])] if log is LOG else []  # the forms are the same, and SM2 takes longer
    for changed in (lambda byte: bytes([byte ^ 1]), *spaced):
        missed = [
            place
            for place in range(len(data))
            if not is_found(log, [data[:place], changed(data[place]), data[place + 1 :]])
        ]
        assert missed == []


def test_every_line_of_an_export_counts_in_its_place() -> None:
    """Each dropped, doubled, and moved to every other place; each two exchanged."""
    lines, missed = LOG.lines(), []
    for at, one in enumerate(lines):
        rest = lines[:at] + lines[at + 1 :]
        others = [rest, [*lines[:at], one, *lines[at:]]]
        others += [[*rest[:to], one, *rest[to:]] for to in range(len(lines)) if to != at]
        for to in range(at + 1, len(lines)):
            swapped = list(lines)
            swapped[at], swapped[to] = swapped[to], swapped[at]
            others.append(swapped)
        missed += [at for other in others if not is_found(LOG, other)]
    assert missed == []


def test_nothing_may_stand_after_the_end_or_be_missing_from_it() -> None:
    """An empty line, a blank, half a line; the last newline."""
    whole = b"".join(LOG.lines())
    for changed in (
        whole + b"\n",
        whole + b" ",
        whole + b"{}",
        whole[:-1],
        b"\xef\xbb\xbf" + whole,
        whole.replace(b"\n", b"\r\n"),
    ):
        assert is_found(LOG, [changed]), changed[-5:]
    proof = LOG.proof(4)
    for changed in (proof + b"\n", proof + b" ", proof + proof, proof[:-1], b"\xef\xbb\xbf" + proof, b""):
        with pytest.raises(FOUND):
            check_proof(changed, entry(4).digest, LOG.keys, {})


@pytest.mark.parametrize("suite", LOGS)
def test_every_byte_of_a_return_file_and_of_a_raw_file_counts(
    suite: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a partner verifies: the program on three files, each byte of the receipt in turn another one, dropped or doubled."""
    raw, receipt = b"H|313|PAYR\nD|1|7\n", "P1|接收|0001\r\n".encode("gb18030") * 3
    told = [
        replace(entry(16), kind="fetched", digest=sm3_hex(raw)),
        replace(entry(17), kind="told", digest=sm3_hex(receipt)),
    ]
    log = LOGS[suite]
    log = Log([*log.blocks, close_block(log.blocks[-1], told, log.signer)], [*log.entries, told], log.signer)
    (tmp_path / "p.json").write_bytes(log.proof(17))
    (tmp_path / "hub.key").write_text(f"{suite} {log.signer.public.hex()}\n")
    words = ["proof", str(tmp_path / "p.json"), str(tmp_path / "RET.txt"), "--key", str(tmp_path / "hub.key")]
    (tmp_path / "RET.txt").write_bytes(receipt)
    assert verify_exchange.main(words) == 0
    for changed in every_change(receipt):
        (tmp_path / "RET.txt").write_bytes(changed)
        assert verify_exchange.main(words) == 1
    assert check_proof(log.proof(16), sm3_hex(raw), log.keys, {})[0]["kind"] == "fetched"
    for changed in every_change(raw):
        with pytest.raises(Altered, match="another file"):
            check_proof(log.proof(16), sm3_hex(changed), log.keys, {})
    assert "DOES NOT FIT" in capsys.readouterr().out


def every_change(data: bytes) -> list[bytes]:
    """At each place another byte, one less, one more; and the whole cut off before it."""
    found = []
    for at in range(len(data)):
        found += [data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] for bit in range(8)]
        found += [data[:at] + data[at + 1 :], data[:at] + data[at : at + 1] + data[at:], data[:at]]
    return [one for one in found if one != data]


def test_every_byte_of_an_anchor_and_of_a_key_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed one is no anchor, no key, or another's: none lets a log pass that it does not know."""
    (tmp_path / "log").write_bytes(b"".join(LOG.lines()))
    key, anchor = (
        f"ed25519 {LOG.signer.public.hex()}\n".encode(),
        line({"block": 4, "hash": LOG.blocks[-1].hash}) + b"\n",
    )
    words = ["log", str(tmp_path / "log"), "--key", str(tmp_path / "key"), "--anchor", str(tmp_path / "a.anchor")]
    (tmp_path / "key").write_bytes(key)
    (tmp_path / "a.anchor").write_bytes(anchor)
    assert verify_exchange.main(words) == 0
    for name, whole in (("a.anchor", anchor), ("key", key)):
        passed = []
        for at in range(len(whole)):
            (tmp_path / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            if verify_exchange.main(words) == 0:
                passed.append(at)
        (tmp_path / name).write_bytes(whole)
        assert passed == [], name
    capsys.readouterr()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_other_byte_is_found(data: st.DataObject) -> None:
    """Changed to anything, dropped or put in, anywhere."""
    whole = b"".join(LOG.lines())
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    assert is_found(LOG, [whole[:place], bytes([other]), whole[place + 1 :]])
    assert is_found(LOG, [whole[:place], whole[place + 1 :]])
    assert is_found(LOG, [whole[:place], bytes([other]), whole[place:]])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_lines_that_are_dropped_doubled_or_moved_are_found(data: st.DataObject) -> None:
    """One line or several, entries and blocks alike."""
    lines = LOG.lines()
    first = data.draw(st.integers(0, len(lines) - 1))
    last = data.draw(st.integers(first + 1, len(lines)))
    piece = lines[first:last]
    assert is_found(LOG, lines[:first] + lines[last:])
    assert is_found(LOG, lines[:last] + piece + lines[last:])
    one, other = data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=2, max_size=2, unique=True))
    moved = list(lines)
    moved[one], moved[other] = moved[other], moved[one]
    assert is_found(LOG, moved)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 3), st.integers(0, 6), st.sampled_from(["kind", "subject", "digest", "facts", "at", "entry_no"]))
def test_an_edited_entry_is_found(block: int, place: int, field: str) -> None:
    """Written as properly as the others, and still not what was sealed."""
    old = LOG.entries[block][place % len(LOG.entries[block])]
    values = {"kind": "closed", "subject": "wenhe_txns", "digest": "0" * 64, "facts": {"rows": 1},
              "at": entry(99).at, "entry_no": 99}  # fmt: skip
    new = line(entry_facts(replace(old, **{field: values[field]})))
    lines = [new + b"\n" if one == line(entry_facts(old)) + b"\n" else one for one in LOG.lines()]
    assert is_found(LOG, lines)


def test_a_tail_that_is_cut_off_shows_by_an_anchor_alone() -> None:
    """The shorter log is a whole one in itself."""
    shorter = Log(LOG.blocks[:-1], LOG.entries[:-1], LOG.signer)
    assert check_log(shorter.lines(), LOG.keys, {}).blocks == len(SIZES) - 1
    with pytest.raises(Altered, match="cut off"):
        check_log(shorter.lines(), LOG.keys, LOG.anchors)
    with pytest.raises(Altered, match="cut off"):
        check_log(LOG.lines()[:1], LOG.keys, LOG.anchors)


def test_a_log_that_was_made_anew_by_the_key_shows_by_an_anchor() -> None:
    """Who has the key can sign anything, and cannot take back what went out."""
    other = seal_log([3, 1, 7, 4], LOG.signer)
    with pytest.raises(Altered, match="not the one that the anchor knows"):
        check_log(other.lines(), LOG.keys, LOG.anchors)


@pytest.mark.parametrize("suite", LOGS)
def test_a_block_that_is_computed_anew_without_the_key_is_found(suite: str) -> None:
    """Root, hash and all that follows put right: the signature is not, neither the old one nor another's."""
    log = LOGS[suite]
    entries = [replace(log.entries[-1][0], digest="f" * 64), *log.entries[-1][1:]]
    root = merkle.root_of([merkle.leaf_hash(line(entry_facts(one))) for one in entries]).hex()
    changed = replace(log.blocks[-1], root=root)
    forged = [replace(changed, hash=header_hash(changed))]
    stranger = close_block(log.blocks[-2], entries, type(log.signer)(*type(log.signer).make()))  # type: ignore[attr-defined]
    forged += [stranger, replace(stranger, key_id=log.blocks[-1].key_id)]
    for block in forged:
        lines = Log([*log.blocks[:-1], block], [*log.entries[:-1], entries], log.signer).lines()
        with pytest.raises(FOUND):
            check_log(lines, log.keys, {})


def test_a_key_that_was_not_given_leaves_it_open() -> None:
    """Nobody can say whether it fits."""
    with pytest.raises(Unchecked, match="was not given"):
        check_log(LOG.lines(), {}, {})
    with pytest.raises(FOUND):
        check_log(LOG.lines(), keys_of(signers()["ed25519"]), {})


@pytest.mark.parametrize("suite", LOGS)
def test_every_entry_has_a_proof(suite: str) -> None:
    """With and without the way on to an anchor."""
    log = LOGS[suite]
    for number in range(1, sum(SIZES) + 1):
        digest = entry(number).digest
        assert check_proof(log.proof(number), digest, log.keys, log.anchors)[1] == 1
        assert check_proof(log.proof(number, anchored=False), digest, log.keys, {})[0]["no"] == number


@pytest.mark.parametrize("number", [1, 4, 9, 15])
@pytest.mark.parametrize("suite", LOGS)
def test_every_byte_of_a_proof_counts(suite: str, number: int) -> None:
    """Each byte in turn becomes another one, or has a space before it; none may pass."""
    log, missed = LOGS[suite], []
    data, digest = log.proof(number), entry(number).digest
    for place in range(len(data)):
        spaced = [bytes([32, data[place]])] if log is LOG else []
        for other in (bytes([data[place] ^ 1]), *spaced):
            try:
                check_proof(data[:place] + other + data[place + 1 :], digest, log.keys, {})
                missed.append(place)
            except FOUND:
                pass
    assert missed == []


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([2, 4, 11]), st.data())
def test_any_other_byte_of_a_proof_is_found(number: int, data: st.DataObject) -> None:
    """Changed to anything, dropped or put in, anywhere."""
    whole = LOG.proof(number)
    place = data.draw(st.integers(0, len(whole) - 1))
    other = bytes([data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))])
    for changed in (whole[:place] + other + whole[place + 1 :], whole[:place] + whole[place + 1 :],
                    whole[:place] + other + whole[place:]):  # fmt: skip
        with pytest.raises(FOUND):
            check_proof(changed, entry(number).digest, LOG.keys, {})


def test_a_proof_of_another_file_or_another_log_is_found() -> None:
    """The right form, the wrong thing."""
    with pytest.raises(Altered, match="another file"):
        check_proof(LOG.proof(4), sm3_hex(b"another"), LOG.keys, {})
    other = seal_log(SIZES, LOG.signer)
    with pytest.raises(Altered, match="anchor"):
        check_proof(other.proof(4), entry(4).digest, LOG.keys, LOG.anchors)
    stranger = seal_log(SIZES, signers()["ed25519"])
    with pytest.raises(Unchecked):
        check_proof(stranger.proof(4), entry(4).digest, LOG.keys, {})


@settings(max_examples=200, deadline=None)
@given(NONSENSE)
def test_nonsense_is_refused_and_not_fallen_over(nonsense: object) -> None:
    """In the place of each part of a proof and of a log."""
    proof = json.loads(LOG.proof(4))
    for part in proof:
        if proof[part] != nonsense:
            with pytest.raises(FOUND):
                check_proof(line({**proof, part: nonsense}) + b"\n", None, LOG.keys, {})
    with pytest.raises(FOUND):
        check_log([LOG.lines()[0], line({"block": nonsense, "signature": nonsense}) + b"\n"], LOG.keys, {})


def test_the_verifier_needs_nothing_of_ours() -> None:
    """Python's own library; two packages are imported only where a signature is checked."""
    text = (PROJECT / "hub" / "exchange_log" / "verify_exchange.py").read_text("utf-8")
    tree = ast.parse(text, feature_version=(3, 9))
    top = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    top |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in top} - set(sys.stdlib_module_names) == set()
    every = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in every if name.startswith("hub")]


def run(folder: Path, *words: str) -> tuple[int, str]:
    """The verifier as a partner runs it: a copy of the one file, in a folder of its own, by a Python without our packages."""
    copy = folder / "verify_exchange.py"
    copy.write_bytes((PROJECT / "hub" / "exchange_log" / "verify_exchange.py").read_bytes())
    done = subprocess.run([sys.executable, str(copy), *words], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize("suite", LOGS)
def test_a_partner_verifies_with_one_file(suite: str, tmp_path: Path) -> None:
    """0 when it fits, 1 when it does not, 2 when nobody can say; in both languages."""
    log, content = LOGS[suite], b"return file"
    told = replace(entry(16), kind="told", digest=sm3_hex(content))
    block = close_block(log.blocks[-1], [told], log.signer)
    log = Log([*log.blocks, block], [*log.entries, [told]], log.signer)
    (tmp_path / "log").write_bytes(b"".join(log.lines()))
    (tmp_path / "p.json").write_bytes(log.proof(16))
    (tmp_path / "RET.txt").write_bytes(content)
    (tmp_path / "hub.key").write_text(f"{suite} {log.signer.public.hex()}\n")
    anchors = tmp_path / "anchors"
    anchors.mkdir()
    (anchors / "a.anchor").write_bytes(line({"block": block.block_no, "hash": block.hash}))
    code, said = run(tmp_path, "log", "log", "--key", "hub.key", "--anchor", "anchors")
    assert (code, "相符 / it fits: 5 块 blocks, 16 条 entries; 1 个锚点相符" in said) == (0, True)
    code, said = run(tmp_path, "proof", "p.json", "RET.txt", "--key", "hub.key", "--anchor", "anchors/a.anchor")
    assert (code, "第 16 条" in said, "1 anchors fit" in said) == (0, True, True)
    assert "no anchor was given" in run(tmp_path, "log", "log", "--key", "hub.key")[1]
    assert run(tmp_path, "log", "log")[0] == 2
    assert run(tmp_path, "proof", "p.json", "--key", "hub.key")[0] == 2
    assert run(tmp_path, "log", "nothing", "--key", "hub.key")[0] == 2
    assert run(tmp_path, "log", "log", "--key", "RET.txt")[0] == 2
    (tmp_path / "RET.txt").write_bytes(content + b" ")
    code, said = run(tmp_path, "proof", "p.json", "RET.txt", "--key", "hub.key")
    assert (code, "不相符 / DOES NOT FIT" in said) == (1, True)
    (anchors / "b.anchor").write_bytes(line({"block": 9, "hash": "0" * 64}))
    code, said = run(tmp_path, "log", "log", "--key", "hub.key", "--anchor", "anchors")
    assert (code, "末尾被截去" in said) == (1, True)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the words to install it by."""
    for suite, package in (("sm2-sm3", "gmssl-pyx"), ("ed25519", "cryptography")):
        monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
        monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
        with pytest.raises(Unchecked, match=f" {package}$"):
            verify_exchange.fits(suite, bytes(64), b"", bytes(64))
