"""SM3 digests, as the banks and the insurer use them.

Python's own hashlib has SM3 only where OpenSSL was built with it, so this goes through `cryptography`.
"""

from cryptography.hazmat.primitives import hashes


def sm3_hex(content: bytes) -> str:
    """The SM3 digest as 64 hex digits."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(content)
    return digest.finalize().hex()
