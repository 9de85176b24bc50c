"""Wage deposits and guarantees with what happened to each, claims included."""

from datetime import date, timedelta

from simulators.sm3 import sm3_hex
from simulators.truth.clock import add_workdays, moment, same_day_next_year
from simulators.truth.document import Document, Fields, record
from simulators.truth.firms import INSURERS
from simulators.truth.places import county_of
from simulators.truth.sections import Section
from simulators.truth.world import World
from simulators.workdays import workday_before

_DEPOSITS = ("cash", "bank_guarantee", "surety_insurance", "cash", "exempt", "guarantee_company")
# Status and the events that lead to it, by turns; claims have stories of their own.
_STORIES = (
    ("active", "apply approve deposit"),
    ("active", "apply approve deposit"),
    ("endorsed", "apply approve deposit endorse"),
    ("expiring", "apply approve deposit"),
    ("released", "apply approve deposit release_apply release"),
    ("active", "apply approve deposit extend"),
    ("surrendered", "apply approve deposit surrender"),
)
_CLAIMED = ("paying", "paid", "overdue", "partly_paid", "paid")


def guarantees(world: World, kind: str, partner: str, count: int) -> list[Document]:
    """Guarantees of a kind."""
    sections = world.sections
    if partner in INSURERS:
        own = [section for section in sections if section.insurer is INSURERS[partner]]
        sections = tuple(own) or (sections[INSURERS[partner].number % len(sections)],)
    return [_guarantee(world, sections[k % len(sections)], kind, partner, k) for k in range(count)]


def _guarantee(world: World, s: Section, kind: str, partner: str, k: int) -> Document:
    fields = _fields(world, s, kind, partner, k)
    if kind == "claims" and k % 2 == 0:
        return _claimed(world, s, fields, k)
    status, story = _STORIES[k % len(_STORIES)]
    if kind != "deposit":
        story = story.replace("release_apply ", "")  # only the one-window platform tells of applications to be released
    if fields["type"] == "exempt":
        status, story = "active", "apply approve"
    fields["status"] = status
    begin = fields["valid_from_on"]
    assert isinstance(begin, date)
    events = []
    for seq, what in enumerate(story.split(), 1):
        day = _event_day(world, begin, seq, what)
        money = fields["amount_fen"] if what in ("deposit", "endorse", "extend", "release") else None
        result = "同意" if what in ("approve", "release") else None
        events.append(_event(fields, seq, what, day, amount_fen=money, result=result))
    return Document({"guarantee": fields}, tuple(events))


def _event_day(world: World, begin: date, seq: int, what: str) -> date:
    if what in ("apply", "approve", "deposit"):
        return workday_before(begin, 9 - 3 * seq)
    return workday_before(world.day, 12 - 2 * seq)


def _fields(world: World, s: Section, kind: str, partner: str, k: int) -> Fields:
    insurer = INSURERS.get(partner)
    issued = workday_before(s.issued_on + timedelta(days=25), k % 18)
    again = k // max(1, len(world.sections))
    is_payment = kind == "project_payment"
    type_ = _DEPOSITS[k % len(_DEPOSITS)] if kind == "deposit" else "surety_insurance"
    type_ = kind if kind in ("bank_guarantee", "guarantee_company", "surety_insurance") else type_
    type_ = "guarantee_company" if is_payment else type_
    required = s.price_fen * (100 if is_payment else 15 + s.number % 15) // 1000 // 100 * 100
    amount = required if k % 10 != 9 else required * 8 // 10 // 100 * 100  # too little: rule W05
    mark = f"{insurer.mark}BH" if insurer else "BZJ"
    number = f"{mark}{issued:%Y%m%d}{s.county}{k + 1:05d}"
    years = 1 + (s.number + again) % 3
    rate = None if type_ in ("cash", "exempt") else (6_000, 8_000, 12_000, 15_000)[s.number % 4]
    return {
        "insurer_uscc": insurer.uscc if insurer else s.bank.uscc,
        "guarantee_no": number,
        "type": type_,
        "applicant_uscc": s.owner.uscc if is_payment else s.contractor.uscc,
        "applicant_name": s.owner.name if is_payment else s.contractor.name,
        "beneficiary_org": s.contractor.name if is_payment else f"{county_of(s.area).name}人力资源和社会保障局（示例）",
        "project_name": s.name,
        "permit_no": s.permit_no,
        "invest_code": s.invest_code,
        "contract_amount_fen": s.price_fen,
        "amount_fen": amount,
        "rate_ppm": rate,
        "premium_fen": None if rate is None else amount * rate * years // 1_000_000,
        "issue_on": issued,
        "valid_from_on": issued,
        "valid_to_on": max(same_day_next_year(issued, years), s.ends_on),
        "is_irrevocable": type_ not in ("cash", "exempt"),
        "is_on_demand": type_ not in ("cash", "exempt"),
        "status": "active",
        "file_sm3": sm3_hex(number.encode()) if rate else None,
        "area_code": s.area,
        "source_updated_at": moment(world.day, 6, k % 540, s.number % 60),
        "purpose": "project_payment" if is_payment else "wage_deposit",
        "required_fen": required,
        "exempt_doc_no": f"{s.city.mark}人社免〔{issued:%Y}〕{k + 1}号" if type_ == "exempt" else None,
        "file_url": f"https://guarantee.example.org/{number}.ofd" if rate else None,
    }


def _event(fields: Fields, seq: int, what: str, day: date, **more: object) -> Document:
    known: Fields = {"amount_fen": None, "notice_no": None, "due_on": None, "result": None}
    known |= more  # type: ignore[arg-type]
    return record(
        "guarantee_event",
        insurer_uscc=fields["insurer_uscc"],
        guarantee_no=fields["guarantee_no"],
        event_seq=seq,
        type=what,
        occurred_at=moment(day, 9, 30 + seq),
        area_code=fields["area_code"],
        **known,
    )


def _claimed(world: World, s: Section, fields: Fields, k: int) -> Document:
    """A guarantee that was called upon: five working days to pay, ten more to make it up."""
    status = _CLAIMED[k // 2 % len(_CLAIMED)]
    noticed = workday_before(world.day, 2 if status == "paying" else 20 + k % 9)
    due = add_workdays(noticed, 5)
    paid_on = {"paid": add_workdays(noticed, 3), "partly_paid": add_workdays(noticed, 4)}.get(status)
    claim = int(fields["amount_fen"] or 0) * (20 + s.number % 50) // 100  # type: ignore[arg-type]
    paid = claim if status == "paid" else claim // 2 if status == "partly_paid" else None
    notice = f"{s.city.mark}人社支〔{noticed:%Y}〕{s.number + 1:04d}-{k + 1}号"
    fields["status"] = "paid" if status == "paid" else "claiming"
    begin = fields["valid_from_on"]
    assert isinstance(begin, date)
    events = [
        _event(fields, seq, what, _event_day(world, begin, seq, what)) for seq, what in ((1, "apply"), (2, "approve"))
    ]
    events.append(_event(fields, 3, "notice", noticed, amount_fen=claim, notice_no=notice, due_on=due))
    events.append(_event(fields, 4, "claim", noticed, amount_fen=claim, notice_no=notice, due_on=due))
    if paid_on:
        events.append(_event(fields, 5, "paid", paid_on, amount_fen=paid, notice_no=notice, result="已付至工人账户"))
    claim_row = record(
        "guarantee_claim",
        insurer_uscc=fields["insurer_uscc"],
        guarantee_no=fields["guarantee_no"],
        notice_no=notice,
        order_no=f"{s.city.mark}人社监令〔{noticed:%Y}〕{s.number + 1:04d}-{k + 1}号",
        notice_on=noticed,
        pay_due_on=due,
        claim_fen=claim,
        people_count=3 + s.number % 20,
        paid_fen=paid,
        paid_on=paid_on,
        bank_serial_no=f"{s.bank.number}{paid_on:%Y%m%d}{k + 1:08d}" if paid_on else None,
        replenish_due_on=add_workdays(paid_on, 10) if paid_on else None,
        status=status,
        area_code=s.area,
        source_updated_at=fields["source_updated_at"],
    )
    return Document({"guarantee": fields}, (*events, claim_row))
