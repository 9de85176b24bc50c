"""Sealing: suites, data keys, envelopes and blind indexes of personal fields, streams. Pure: keys and texts in, bytes out.

Whole columns go in and out at once, because a call per value costs more than the cryptography.
"""

from hub.sealing.blind import KINDS, BlindIndex, normalise
from hub.sealing.envelope import DESTROYED, Destroyed, key_ids, open_many, seal_many
from hub.sealing.keys import DataKey, Root, Wrapped, check_value, keyed_digests, make_secret, unwrap, wrap
from hub.sealing.proving import prove
from hub.sealing.suites import SUITES, Suite, suite_named

__all__ = [
    "DESTROYED",
    "KINDS",
    "SUITES",
    "BlindIndex",
    "DataKey",
    "Destroyed",
    "Root",
    "Suite",
    "Wrapped",
    "check_value",
    "key_ids",
    "keyed_digests",
    "make_secret",
    "normalise",
    "open_many",
    "prove",
    "seal_many",
    "suite_named",
    "unwrap",
    "wrap",
]
