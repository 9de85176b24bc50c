"""A simulated partner at the hub's door: it says that something of its own is ready, signed by its own key.

Written from docs/reference/door.md, as a partner would, and not from the hub's verifier.
"""

import json
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import requests

from simulators.mirror.pairs import Keys, signature_of
from simulators.sm3 import sm3_hex

WORDS = {"algorithm": "sm2", "shape": "der", "written": "hex"}
"""How these partners sign; the hub's connection `<partner>_door` says the same."""
_PATIENCE = 30.0


def knock(door: str, partner: str, keys: Keys, ready: str) -> dict[str, Any]:
    """The hub's answer, and its HTTP status as `status`. `door` is the address up to the version."""
    body = json.dumps({"ready": ready}).encode()
    address = f"{door.rstrip('/')}/ready"
    headers = {**signed(urlsplit(address).path, partner, keys, body), "Content-Type": "application/json"}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(address, data=body, headers=headers, timeout=_PATIENCE)
    return {**answer.json(), "status": answer.status_code}


def signed(path: str, partner: str, keys: Keys, body: bytes, method: str = "POST") -> dict[str, str]:
    """The five headers of one call, with a time and a nonce of its own."""
    moment, nonce = str(time.time_ns() // 1_000_000), secrets.token_hex(16)
    text = "\n".join(("v1", method, path, "", sm3_hex(body), partner, moment, nonce))
    sign = signature_of(WORDS, keys.own_private, keys.own_public, text.encode())
    return {"X-App-Id": partner, "X-Timestamp": moment, "X-Nonce": nonce, "X-Sign-Method": "sm2", "X-Sign": sign}


def door_connection(keys: Keys) -> dict[str, Any]:
    """What the hub's admin enters as `<partner>_door`: the partner's public key, and how it signs."""
    return {"conn_type": "generic", "host": "", "login": "", "password": keys.own_public, "extra": dict(WORDS)}
