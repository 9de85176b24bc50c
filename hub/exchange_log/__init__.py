"""The exchange log: what the hub received and sent, sealed so that altering, dropping or re-ordering anything of it is found."""

from hub.exchange_log.anchoring import put_anchor
from hub.exchange_log.exporting import export_log, verify_log
from hub.exchange_log.proving import Proof, prove_returns
from hub.exchange_log.sealing import Sealed, seal
from hub.exchange_log.signing import KeyUnusable, Signer, open_signer

__all__ = [
    "KeyUnusable",
    "Proof",
    "Sealed",
    "Signer",
    "export_log",
    "open_signer",
    "prove_returns",
    "put_anchor",
    "seal",
    "verify_log",
]
