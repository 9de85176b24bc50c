"""The conservation ledger: at each hop, what came in is what went on, in rows and in fen. Pure: counts in, hops and gaps out.

What a batch was given stands in the tally and in the routing of its commit; what it really holds is counted anew in the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

STEPS: Mapping[str, tuple[str, str]] = {
    "declared": ("对方声明→取得", "declared by the partner → fetched"),
    "read": ("取得→读出", "fetched → read"),
    "recorded": ("入库→记录表", "stored → held as records"),
    "rejected": ("退回→退回表", "rejected → held with a reason"),
    "unchanged": ("重复→重复表", "unchanged → held or given twice"),
    "owed": ("入库→应推", "stored → owed, or not owed with a reason"),
    "answered": ("应推→答复", "owed → answered or on the way"),
    "told": ("应告→已告", "to be told → told"),
}
PARTS: Mapping[str, tuple[str, str]] = {
    "fetched": ("取得", "fetched"),
    "stored": ("入库", "stored"),
    "rejected": ("退回", "rejected"),
    "unchanged": ("重复", "unchanged"),
    "held": ("在表", "in the table"),
    "unread": ("金额不可读", "amount unreadable"),
    "twice": ("同批重复或已告知", "given twice or told before"),
    "owed": ("应推", "owed"),
    "outside": ("区域外", "out of area"),
    "superseded": ("已有新版本", "superseded by a later version"),
    "accepted": ("接收", "accepted"),
    "refused": ("拒收", "refused"),
    "waiting": ("等待", "waiting"),
    "unknown": ("结果未知", "outcome unknown"),
    "withdrawn": ("撤销", "withdrawn"),
    "told": ("已告", "told"),
}

ANSWERS = ("accepted", "refused", "waiting", "unknown", "withdrawn")
"""What can become of a delivery. One that was withdrawn was owed, and is owed to nobody any more."""


@dataclass(frozen=True)
class Amount:
    """Rows and fen together; fen may be a sum larger than 64 bits."""

    rows: int = 0
    fen: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.rows + other.rows, self.fen + other.fen)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.rows - other.rows, self.fen - other.fen)


NOTHING = Amount()


@dataclass(frozen=True)
class Hop:
    """One step of one schema of a batch: what came to it, and where it went, part by part."""

    step: str
    batch_id: int
    schema: str
    came: Amount
    went: Mapping[str, Amount]
    receiver: str = ""

    @property
    def gap(self) -> Amount:
        """What came and went nowhere (or, negative, what nobody gave)."""
        return self.came - sum(self.went.values(), NOTHING)


@dataclass(frozen=True)
class Intake:
    """One schema of a batch: its tally, and what its tables hold now.

    ``fresh`` records are of the last reading, ``earlier`` ones of a reading before it. ``blank_rows`` are rejections that show no
    amount, ``unreasoned`` those without a reason.
    """

    batch_id: int
    schema: str
    fetched: Amount
    stored: Amount
    rejected: Amount
    unchanged: Amount
    unread_fen: int = 0
    unkept: Amount = NOTHING
    declared_rows: int | None = None
    declared_fen: int | None = None
    fresh: Amount = NOTHING
    earlier: Amount = NOTHING
    rejections: Amount = NOTHING
    blank_rows: int = 0
    unreasoned: Amount = NOTHING
    repetitions: Amount = NOTHING


@dataclass(frozen=True)
class Owing:
    """One schema of a batch and one receiver: what its commit found to be owed and not owed, and the deliveries there are.

    ``states`` counts an answered delivery only where a receipt says what it says.
    """

    batch_id: int
    schema: str
    receiver: str
    owed: Amount
    outside: Amount = NOTHING
    superseded: Amount = NOTHING
    states: Mapping[str, Amount] = field(default_factory=dict)


@dataclass(frozen=True)
class Telling:
    """Rows of a reported batch that its partner should have been told of at the end, and those it was told of."""

    batch_id: int
    to_tell: int
    told: int


def weigh(intakes: Iterable[Intake], owings: Iterable[Owing] = (), tellings: Iterable[Telling] = ()) -> list[Hop]:
    """Every hop of these batches, in the order in which rows take them."""
    hops: list[Hop] = []
    owed: dict[tuple[int, str], list[Owing]] = {}
    for owing in owings:
        owed.setdefault((owing.batch_id, owing.schema), []).append(owing)
    for one in intakes:
        hops += _hops_of_intake(one)
        hops += [hop for owing in owed.get((one.batch_id, one.schema), ()) for hop in _hops_of_owing(one, owing)]
    told = (Hop("told", t.batch_id, "", Amount(t.to_tell), {"told": Amount(min(t.told, t.to_tell))}) for t in tellings)
    return [*hops, *told]


def gaps_of(hops: Iterable[Hop]) -> list[Hop]:
    """The hops that do not balance."""
    return [hop for hop in hops if hop.gap != NOTHING]


def day_of(hops: Sequence[Hop]) -> list[Hop]:
    """The hops of many batches added up by step, schema and receiver. Two gaps may cancel in a sum: ask ``gaps_of`` beside it."""
    summed: dict[tuple[str, str, str], tuple[Amount, dict[str, Amount]]] = {}
    for hop in hops:
        came, went = summed.get((hop.schema, hop.receiver, hop.step), (NOTHING, {}))
        more = {part: went.get(part, NOTHING) + hop.went.get(part, NOTHING) for part in {**went, **hop.went}}
        summed[hop.schema, hop.receiver, hop.step] = (came + hop.came, more)
    return [Hop(step, 0, schema, came, went, receiver) for (schema, receiver, step), (came, went) in summed.items()]


def explain_gap(hop: Hop) -> str:
    """One gap in both languages: where, and by how much; counts and sums only."""
    zh, en = STEPS[hop.step]
    where = " ".join(word for word in (hop.schema, hop.receiver) if word)
    gap = hop.gap
    return f"{where} {zh}：差 {gap.rows} 行 {gap.fen} 分 / {en}: {gap.rows} rows and {gap.fen} fen do not balance"


def _hops_of_intake(one: Intake) -> list[Hop]:
    def hop(step: str, came: Amount, **went: Amount) -> Hop:
        return Hop(step, one.batch_id, one.schema, came, went)

    declared = []
    if one.declared_rows is not None or one.declared_fen is not None:
        rows = one.fetched.rows if one.declared_rows is None else one.declared_rows
        fen = one.fetched.fen if one.declared_fen is None else one.declared_fen
        declared = [hop("declared", Amount(rows, fen), fetched=one.fetched)]
    # Fen that no line shows belong to a line that shows none; without such a line they are simply gone.
    unread = Amount(0, one.unread_fen if one.blank_rows else 0)
    with_reason = one.rejections - one.unreasoned
    return [
        *declared,
        hop("read", one.fetched, stored=one.stored, rejected=one.rejected, unchanged=one.unchanged),
        hop("recorded", one.stored, held=_of_two_readings(one.stored, one.fresh, one.earlier)),
        hop("rejected", one.rejected, held=with_reason, unread=unread),
        hop("unchanged", one.unchanged, held=one.repetitions, twice=one.unkept),
    ]


def _of_two_readings(expected: Amount, fresh: Amount, earlier: Amount) -> Amount:
    """What a batch that was read before holds: records of the first reading that the second has no row for are no surplus."""
    held = fresh + earlier
    return expected if earlier.rows and fresh.rows <= expected.rows < held.rows else held


def _hops_of_owing(intake: Intake, one: Owing) -> list[Hop]:
    def hop(step: str, came: Amount, went: Mapping[str, Amount]) -> Hop:
        return Hop(step, one.batch_id, one.schema, came, went, one.receiver)

    parts = {"owed": one.owed, "outside": one.outside, "superseded": one.superseded}
    there = sum(one.states.values(), NOTHING)
    answered = {name: one.states.get(name, NOTHING) for name in ANSWERS}
    # A receiver whose areas grew was owed more by `hub catchup` since.
    came = there if there.rows > one.owed.rows else one.owed
    return [hop("owed", intake.stored, parts), hop("answered", came, answered)]
