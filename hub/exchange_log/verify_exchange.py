#!/usr/bin/env python3
"""验证交换日志和回盘文件的收录证明 / Verify the exchange log, and proofs that a return file stands in it.

    python3 verify_exchange.py log   EXPORT            --key PUBLIC_KEY [--anchor FILE_OR_FOLDER]
    python3 verify_exchange.py proof PROOF RETURN_FILE --key PUBLIC_KEY [--anchor FILE_OR_FOLDER]

只需本文件和 Python 3.9 以上；不用数据库，不用网络 / This file and Python 3.9 are enough; no database, no network.
验签另需 / only to check signatures:  pip install gmssl-pyx (SM2)  |  pip install cryptography (Ed25519)

退出码 / exit code: 0 相符 it fits · 1 被改动或缺失 altered or missing · 2 无法判断 could not be checked
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import xor
from pathlib import Path
from typing import Any

Keys = Mapping[str, "tuple[str, bytes]"]
"""By its id: the suite of a key and its public half."""
FIRST_LINE = {"form": 1, "log": "wage exchange"}
ENTRY = {"at", "batch", "digest", "facts", "kind", "no", "subject", "submission"}
HEADER = {"at", "first", "key", "last", "no", "previous", "root", "suite"}
PROOF = {"anchor", "block", "entry", "form", "key", "later", "path", "signature"}
ODD = (ValueError, KeyError, TypeError, AttributeError)
"""What falls over a file that is written otherwise than ours."""
NO_FORM = "不是原样 / not written as it was"
HASH, SIGNATURE = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{128}")
PUBLIC = re.compile(r"[0-9a-f]{64}([0-9a-f]{64})?")
KEY_FILE = re.compile(r"(\S+) ([0-9a-f]+)\r?\n?")


class Altered(Exception):
    """Something is not as it was sealed."""


class Unchecked(Exception):
    """Nobody can say: a key, a library or a file is missing."""


@dataclass(frozen=True)
class Checked:
    """What was found to fit: blocks and entries, the newest block, how many anchors lie in the log."""

    blocks: int
    entries: int
    newest: int
    newest_hash: str
    anchors: int


def check_log(lines: Iterable[bytes], keys: Keys, anchors: Mapping[int, str]) -> Checked:
    """Check an exported log, line by line. Raises Altered at the first thing that does not fit, Unchecked for an unknown key."""
    try:
        return _check_log(iter(lines), keys, anchors)
    except ODD:
        raise Altered(NO_FORM) from None


def check_proof(
    data: bytes, file_digest: str | None, keys: Keys, anchors: Mapping[int, str]
) -> tuple[dict[str, Any], int]:
    """Check a proof, and that it is of the file with this SM3. Raises as check_log.

    Returns the entry that is proven, and how many of the anchors lie on its way.
    """
    try:
        return _check_proof(data, file_digest, keys, anchors)
    except ODD:
        raise Altered(NO_FORM) from None


def _check_log(rest: Iterator[bytes], keys: Keys, anchors: Mapping[int, str]) -> Checked:
    if _read(next(rest, b"")) != FIRST_LINE:
        raise Altered("不是交换日志的导出文件 / this is no export of an exchange log")
    number, entries, previous, met = 0, 0, "0" * 64, 0
    for written in rest:
        number += 1
        stands = _read(written)
        header = _header(stands.get("block"), {"block", "signature"}, stands)
        where = f"第 {number} 块 / block {number}"
        if (header["no"], header["first"], header["previous"]) != (number, entries + 1, previous):
            raise Altered(
                f"{where}: 顺序或链接不符，前面有缺失或改动 / not the next one: something before it is missing or altered"
            )
        leaves = []
        for place in range(header["first"], header["last"] + 1):
            data = next(rest, b"")
            if _entry(_read(data))["no"] != place:
                raise Altered(f"第 {place} 条 / entry {place}: 缺失、重复或换了位置 / missing, doubled or moved")
            leaves.append(_sm3(b"\x00" + data[:-1]))
        if _root(leaves).hex() != header["root"]:
            raise Altered(f"{where}: 其中有条目被改动 / one of its entries was altered")
        _check_signature(header, stands["signature"], keys, where)
        entries, previous = header["last"], _hash_of(header)
        if number in anchors:
            met += 1
            _check_anchor(number, previous, anchors)
    missing = sorted(block for block in anchors if block > number)
    if missing:
        raise Altered(f"日志止于第 {number} 块，而锚点证明有第 {missing[-1]} 块：末尾被截去 / "
                      f"the log ends with block {number}, an anchor knows block {missing[-1]}: its end was cut off")  # fmt: skip
    return Checked(number, entries, number, previous, met)


def _check_proof(
    data: bytes, file_digest: str | None, keys: Keys, anchors: Mapping[int, str]
) -> tuple[dict[str, Any], int]:
    proof = _read(data)
    if set(proof) != PROOF or proof["form"] != 1 or not isinstance(proof["later"], list):
        raise Altered("不是收录证明 / this is no inclusion proof")
    entry, header = _entry(proof["entry"]), _header(proof["block"], PROOF, proof)
    if file_digest is not None and entry["digest"] != file_digest:
        raise Altered("证明的不是这个文件：摘要不符 / the proof is of another file: the digests differ")
    node = _climb(_sm3(b"\x00" + _write(entry)), entry["no"] - header["first"], header, proof["path"])
    if node.hex() != header["root"]:
        raise Altered("条目不在该区块中 / the entry does not stand in this block")
    enclosed = {"public": _matching(PUBLIC, proof["key"]["public"]), "suite": header["suite"]}
    if proof["key"] != enclosed or key_id(header["suite"], bytes.fromhex(enclosed["public"])) != header["key"]:
        raise Altered("所附公钥不是签名所用的公钥 / the enclosed key is not the one that signed")
    _check_signature(header, proof["signature"], keys, f"第 {header['no']} 块 / block {header['no']}")
    return entry, _follow(header, proof["later"], proof["anchor"], anchors)


def _follow(header: dict[str, Any], later: list[Any], anchor: Any, anchors: Mapping[int, str]) -> int:
    """From the block to the anchor: each header names the hash of the one before. How many anchors were met."""
    met = 0
    for given in [None, *later]:
        if given is not None:
            follower = _header(given, HEADER, HEADER)
            if (follower["no"], follower["first"]) != (header["no"] + 1, header["last"] + 1) or (
                follower["previous"] != _hash_of(header)
            ):
                raise Altered(
                    f"第 {follower['no']} 块没有接上 / block {follower['no']} does not hang on the one before"
                )
            header = follower
        if header["no"] in anchors:
            met += 1
            _check_anchor(header["no"], _hash_of(header), anchors)
    if anchor is None and later:
        raise Altered("有后续区块而没有锚点 / later blocks without an anchor")
    if anchor is not None and anchor != {"block": header["no"], "hash": _hash_of(header)}:
        raise Altered("后续区块与锚点不符 / the later blocks do not lead to the anchor")
    return met


def _climb(node: bytes, place: int, header: dict[str, Any], path: Any) -> bytes:
    """From a leaf to the root, by RFC 9162 section 2.1.3.2."""
    last = header["last"] - header["first"]
    if not isinstance(path, list) or not 0 <= place <= last:
        raise Altered("条目编号不在该区块内 / the entry's number lies outside the block")
    for step in path:
        other = bytes.fromhex(_matching(HASH, step))
        if last == 0:
            raise Altered("路径过长 / the path is too long")
        if place % 2 or place == last:
            node = _sm3(b"\x01" + other + node)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            node = _sm3(b"\x01" + node + other)
        place, last = place // 2, last // 2
    if last:
        raise Altered("路径过短 / the path is too short")
    return node


def _root(leaves: list[bytes]) -> bytes:
    """Level by level: a node that is left over goes up as it is, which gives the tree of RFC 6962."""
    level = leaves
    while len(level) > 1:
        pairs = [_sm3(b"\x01" + level[at] + level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = pairs + (level[-1:] if len(level) % 2 else [])
    return level[0]


def _check_signature(header: dict[str, Any], signature: Any, keys: Keys, where: str) -> None:
    if header["key"] not in keys:
        raise Unchecked(f"{where}: 没有提供公钥 {header['key']} / its public key was not given")
    suite, public = keys[header["key"]]
    if suite != header["suite"] or key_id(suite, public) != header["key"]:
        raise Altered(f"{where}: 公钥与编号不符 / the key is not the one of this id")
    signed = b"wage exchange block\n" + _write(header)
    if not fits(suite, public, signed, bytes.fromhex(_matching(SIGNATURE, signature))):
        raise Altered(f"{where}: 签名不符 / the signature does not fit")


def _check_anchor(number: int, found: str, anchors: Mapping[int, str]) -> None:
    if anchors[number] != found:
        raise Altered(f"第 {number} 块与锚点不符 / block {number} is not the one that the anchor knows")


def fits(suite: str, public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature of 64 bytes is that of the message. Raises Unchecked where its library is missing."""
    try:
        if suite == "sm2-sm3":
            import gmssl_pyx

            return bool(gmssl_pyx.sm2_verify(public, message, _der(signature), b"1234567812345678"))
        if suite == "ed25519":
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
            except (InvalidSignature, ValueError):
                return False
            return True
    except ImportError as error:
        raise Unchecked(f"验签缺少程序库 / to check signatures install: {_package(error)}") from None
    raise Unchecked(f"不认识的签名算法 / unknown suite: {suite}")


def _package(error: ImportError) -> str:
    return (error.name or "").partition(".")[0].replace("_", "-")


def _der(signature: bytes) -> bytes:
    parts = b""
    for half in (signature[:32], signature[32:]):
        digits = half.lstrip(b"\0") or b"\0"
        digits = b"\0" + digits if digits[0] & 0x80 else digits
        parts += bytes([2, len(digits)]) + digits
    return bytes([0x30, len(parts)]) + parts


def key_id(suite: str, public: bytes) -> str:
    """The name of a key, made from its suite and its public half."""
    return _sm3(f"{suite} {public.hex()}".encode()).hex()[:32]


def _hash_of(header: dict[str, Any]) -> str:
    return _sm3(b"\x02" + _write(header)).hex()


def _write(facts: Any) -> bytes:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _read(data: bytes) -> dict[str, Any]:
    """One line, which must be written in just the way in which it is signed."""
    try:
        facts = json.loads(data[:-1].decode("ascii"))
        if isinstance(facts, dict) and _write(facts) + b"\n" == data:
            return facts
    except (ValueError, RecursionError):
        pass
    raise Altered("有一行缺失，或不是原样 / a line is missing, or not as it was written") from None


def _entry(facts: Any) -> dict[str, Any]:
    if not isinstance(facts, dict) or set(facts) != ENTRY or type(facts["no"]) is not int:
        raise Altered("有条目缺失，或不是原样 / an entry is missing, or not as it was written")
    return facts


def _header(facts: Any, around: Iterable[str], stands: Iterable[str]) -> dict[str, Any]:
    if set(around) != set(stands) or not isinstance(facts, dict) or set(facts) != HEADER:
        raise Altered("有区块缺失，或不是原样 / a block is missing, or not as it was written")
    numbers = [facts["no"], facts["first"], facts["last"]]
    if any(type(one) is not int for one in numbers) or not 1 <= facts["first"] <= facts["last"]:
        raise Altered("区块编号有误 / the numbers of a block are wrong")
    for name in ("root", "previous"):
        _matching(HASH, facts[name])
    if not isinstance(facts["key"], str):
        raise Altered("区块没有公钥编号 / a block names no key")
    return facts


def _matching(shape: re.Pattern[str], text: Any) -> str:
    if not isinstance(text, str) or not shape.fullmatch(text):
        raise Altered("摘要或签名不是原样 / a digest or a signature is not as it was written")
    return text


def sm3_of_file(path: Path) -> str:
    """The SM3 of a file, as 64 hex letters."""
    return _sm3(path.read_bytes()).hex()


def _sm3(data: bytes) -> bytes:
    try:
        return hashlib.new("sm3", data).digest()
    except ValueError:  # an OpenSSL without it
        return sm3_slowly(data)


def sm3_slowly(data: bytes) -> bytes:
    """SM3 (GB/T 32905) without any library."""
    state = [0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E]
    padded = data + b"\x80" + b"\0" * (-(len(data) + 9) % 64) + (8 * len(data)).to_bytes(8, "big")
    for start in range(0, len(padded), 64):
        state = list(map(xor, state, _compress(state, padded[start : start + 64])))
    return b"".join(word.to_bytes(4, "big") for word in state)


def _turn(word: int, by: int) -> int:
    by %= 32
    return ((word << by) | (word >> (32 - by))) & 0xFFFFFFFF


def _compress(state: list[int], block: bytes) -> list[int]:
    w = [int.from_bytes(block[at : at + 4], "big") for at in range(0, 64, 4)]
    for j in range(16, 68):
        x = w[j - 16] ^ w[j - 9] ^ _turn(w[j - 3], 15)
        w.append(x ^ _turn(x, 15) ^ _turn(x, 23) ^ _turn(w[j - 13], 7) ^ w[j - 6])
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        constant = 0x79CC4519 if j < 16 else 0x7A879D8A
        ss1 = _turn((_turn(a, 12) + e + _turn(constant, j)) & 0xFFFFFFFF, 7)
        ff = a ^ b ^ c if j < 16 else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if j < 16 else (e & f) | (~e & g)
        tt1 = (ff + d + (ss1 ^ _turn(a, 12)) + (w[j] ^ w[j + 4])) & 0xFFFFFFFF
        tt2 = (gg + h + ss1 + w[j]) & 0xFFFFFFFF
        a, b, c, d = tt1, a, _turn(b, 9), c
        e, f, g, h = tt2 ^ _turn(tt2, 9) ^ _turn(tt2, 17), e, _turn(f, 19), g
    return [a, b, c, d, e, f, g, h]


def read_keys(paths: Iterable[Path]) -> dict[str, tuple[str, bytes]]:
    """Public keys from files: a line with suite and public half, as `hub log key` prints it."""
    found = {}
    for path in paths:
        try:
            suite, public = KEY_FILE.fullmatch(path.read_bytes().decode("ascii")).groups()  # type: ignore[union-attr]
            found[key_id(suite, bytes.fromhex(public))] = (suite, bytes.fromhex(public))
        except (OSError, ValueError, AttributeError):
            raise Unchecked(f"不是公钥文件 / no public key: {path.name}") from None
    return found


def read_anchors(paths: Iterable[Path]) -> dict[int, str]:
    """Anchors from files, or from folders full of them. Two that contradict each other are an alteration, whoever made it."""
    found: dict[int, str] = {}
    for path in paths:
        for file in sorted(path.glob("*.anchor")) if path.is_dir() else [path]:
            try:
                facts = json.loads(file.read_bytes())
                block, digest = int(facts["block"]), _matching(HASH, facts["hash"])
            except (OSError, ValueError, KeyError, TypeError, Altered):
                raise Unchecked(f"不是锚点文件 / no anchor: {file.name}") from None
            if found.setdefault(block, digest) != digest:
                raise Altered(f"第 {block} 块有两个不同的锚点 / two anchors contradict each other about block {block}")
    return found


def main(words: list[str] | None = None) -> int:
    """Verify what the words name, and say it in both languages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["log", "proof"])
    parser.add_argument("file", type=Path, help="the exported log, or the proof")
    parser.add_argument("returned", type=Path, nargs="?", help="the return file that the proof is of")
    parser.add_argument("--key", type=Path, action="append", default=[], help="a file with a public key of the hub")
    parser.add_argument("--anchor", type=Path, action="append", default=[], help="an anchor, or a folder of them")
    chosen = parser.parse_args(words)
    try:
        keys, anchors = read_keys(chosen.key), read_anchors(chosen.anchor)
        print(_log(chosen, keys, anchors) if chosen.what == "log" else _proof(chosen, keys, anchors))
        return 0
    except Altered as error:
        print(f"✗ 不相符 / DOES NOT FIT: {error}")
        return 1
    except (Unchecked, OSError) as error:
        print(f"? 无法判断 / NOT CHECKED: {error}")
        return 2


def _log(chosen: argparse.Namespace, keys: Keys, anchors: Mapping[int, str]) -> str:
    with chosen.file.open("rb") as lines:
        found = check_log(lines, keys, anchors)
    tail = (f"{found.anchors} 个锚点相符 / {found.anchors} anchors fit" if anchors else
            "没有锚点，末尾是否被截去无法看出 / no anchor was given: an end that was cut off would not show")  # fmt: skip
    return (f"✓ 相符 / it fits: {found.blocks} 块 blocks, {found.entries} 条 entries; {tail}\n"
            f"  最新 newest: {found.newest} {found.newest_hash}")  # fmt: skip


def _proof(chosen: argparse.Namespace, keys: Keys, anchors: Mapping[int, str]) -> str:
    if chosen.returned is None:
        raise Unchecked("还需要回盘文件 / the return file is needed too")
    entry, met = check_proof(chosen.file.read_bytes(), sm3_of_file(chosen.returned), keys, anchors)
    if entry["kind"] != "told":
        raise Altered(f"该条目不是回盘 / this entry tells of no return file: {entry['kind']}")
    about = f"第 {entry['no']} 条（{entry['subject']}，批次 {entry['batch']}）"
    return (f"✓ 相符 / it fits: 该回盘文件于 {entry['at']} 记入{about} / this return file stands as entry {entry['no']}, "
            f"written at {entry['at']}; {met} 个锚点相符 / {met} anchors fit")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
