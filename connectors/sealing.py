"""Members that a receiver wants encrypted one by one: AES, CBC, PKCS7, as public clients of the national real-name interface do.

The same text always gives the same seal, because key and first vector are fixed: right for their line, never for our storage.
"""

from __future__ import annotations

from base64 import b64encode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from hub.errors import PartnerRefused

KEY_BYTES = (16, 24, 32)
BLOCK_BYTES = 16


def seal(text: str, secret: str) -> str:
    """The text, encrypted under the secret; raises PartnerRefused when the secret is no AES key, so that nothing goes out open."""
    key = secret.encode()
    if len(key) not in KEY_BYTES:
        raise PartnerRefused(f"the connection's password is no AES key: it needs {KEY_BYTES} bytes to seal members")
    padder = PKCS7(BLOCK_BYTES * 8).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:BLOCK_BYTES])).encryptor()
    return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
