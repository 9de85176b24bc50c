"""SM4-GCM containers: what another wrote from the page alone opens, and no cut, swap or foreign key passes."""

from __future__ import annotations

import pytest

from hub.containers import sm2, sm4_gcm
from hub.errors import FeedChanged
from simulators import sm4_container
from simulators.sm4_container import ContainerError, read_container, write_container

KEY, MAC, OTHER = bytes(range(16)), bytes(range(32)), bytes(range(1, 33))
CONTENT = "批次|313|示例\n".encode("gb18030") * 20_000
CHUNK = 64 * 1024
GOOD = write_container(CONTENT, KEY, MAC)
HEAD, STEP = 38, CHUNK + 16


def refusal(data: bytes, key: bytes = KEY, mac: bytes = MAC) -> str:
    with pytest.raises(FeedChanged) as raised:
        sm4_gcm.open_chunks(data, [key], [mac], None)
    return raised.value.code


def remade(*chunks: bytes) -> bytes:
    """Chunks of the good file in another order, with an HMAC as the sender's own would be."""
    made = GOOD[:HEAD] + b"".join(chunks)
    return made + sm4_container._mac(MAC, made)


def chunk(number: int) -> bytes:
    return GOOD[HEAD:-32][number * STEP : (number + 1) * STEP]


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, len(CONTENT)])
def test_both_sides_read_what_the_other_wrote(size: int) -> None:
    """At every size around a chunk's end, also with nothing inside."""
    content = CONTENT[:size]
    assert sm4_gcm.open_chunks(write_container(content, KEY, MAC), [OTHER[:16], KEY], [OTHER, MAC], None) == content
    assert read_container(sm4_gcm.close_chunks(content, KEY, MAC, chunk=CHUNK), KEY, MAC) == content


def test_the_form_is_the_one_of_the_decision() -> None:
    """Magic, form, authenticity, key id, salt, chunk size; the rest is ciphertext."""
    made = sm4_gcm.close_chunks(CONTENT, KEY, MAC)
    assert made[:10] == b"WXSM4GCM\1\1"
    assert made[10:18] == sm4_container._mac(KEY, b"key id")[:8]
    assert int.from_bytes(made[34:38], "big") == 1024**2
    assert len(made) == HEAD + len(CONTENT) + 16 + 32


def test_one_content_never_gives_the_same_bytes_twice() -> None:
    """The salt is random, so no nonce comes twice under one key."""
    one, two = (sm4_gcm.close_chunks(CONTENT[:100], KEY, MAC) for _ in range(2))
    assert one[HEAD : HEAD + 50] != two[HEAD : HEAD + 50]


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("F023", CONTENT),
        ("F023", GOOD[:8] + b"\2" + GOOD[9:]),
        ("F023", GOOD[:34] + b"\xff\xff\xff\xff" + GOOD[38:]),
        ("F025", write_container(CONTENT, KEY, None)),
        ("F026", write_container(CONTENT, KEY, OTHER)),
        ("F028", GOOD[:20]),
        ("F028", GOOD[:-1]),
        ("F028", GOOD[: HEAD + STEP + 32]),
        ("F028", GOOD[:200] + bytes([GOOD[200] ^ 1]) + GOOD[201:]),
        ("F028", GOOD[:20] + bytes([GOOD[20] ^ 1]) + GOOD[21:]),
    ],
    ids=["clear", "another form", "chunks too large", "no HMAC", "another sender", "within the header", "one byte short",
         "cut at a chunk", "altered", "altered salt"],
)  # fmt: skip
def test_every_other_file_gets_its_verdict(code: str, data: bytes) -> None:
    """Each with a code that tells its sender what to do."""
    assert refusal(data) == code


def test_another_key_is_said_to_be_another() -> None:
    """Before anything is decrypted: the file names its key."""
    assert refusal(GOOD, key=OTHER[:16]) == "F024"


@pytest.mark.parametrize("order", [(0,), (0, 1), (1, 0), (0, 0, 1), (0, 2), ()], ids=str)
def test_chunks_cannot_be_left_out_or_moved_by_whoever_knows_the_mac_key_alone(order: tuple[int, ...]) -> None:
    """Number and end of each chunk are in its nonce, the header is bound to it."""
    assert len(CONTENT) > 3 * CHUNK
    assert refusal(remade(*(chunk(number) for number in order))) == "F028"


class TestSm2:
    """Detached signatures of the whole file."""

    PRIVATE, PUBLIC = sm4_container.make_pair()
    DATA = write_container(CONTENT, KEY, None)

    def signed(self, *publics: bytes, data: bytes = DATA, signature: bytes | None = None) -> bool:
        der = sm2.read_signature(signature or sm4_container.sign(self.DATA, self.PRIVATE, self.PUBLIC))
        assert der is not None
        return sm2.is_signed(publics, data, der)

    def test_a_signature_by_any_pinned_key_counts(self) -> None:
        """Two pins during a change of keys."""
        other = sm4_container.make_pair()[1]
        assert self.signed(other, self.PUBLIC)
        assert not self.signed(other)
        assert not self.signed(self.PUBLIC, data=self.DATA + b"\0")

    def test_ours_is_read_by_the_other_side(self) -> None:
        """One line of base64."""
        made = sm2.sign(self.PRIVATE, self.PUBLIC, self.DATA)
        assert sm4_container.is_signed(self.DATA, made, self.PUBLIC)
        assert made.endswith(b"\n")

    @pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"AAAA", b"MEUCI", b"A" * 5000, "工资".encode()])
    def test_what_is_no_signature_is_none(self, text: bytes) -> None:
        """Never an exception, whatever a partner puts there."""
        assert sm2.read_signature(text) is None

    def test_without_the_signature_the_file_is_another_senders(self) -> None:
        """Whole, and by nobody agreed: F026; altered as well: F028."""
        for data, code in ((self.DATA, "F026"), (self.DATA[:-1] + b"\0", "F028")):
            with pytest.raises(FeedChanged) as raised:
                sm4_gcm.open_chunks(data, [KEY], (), lambda _: False)
            assert raised.value.code == code


def test_the_partner_notices_the_same() -> None:
    """The simulated partner is no less strict than the hub, so its word on return files means something."""
    for data in (GOOD[:-1], remade(chunk(0)), remade(chunk(1), chunk(0))):
        with pytest.raises(ContainerError):
            read_container(data, KEY, MAC)
