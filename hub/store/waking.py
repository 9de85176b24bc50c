"""Children that were given up because their parent never came go out once more when it has come after all."""

from __future__ import annotations

from hub.store.database import Work, rows_of
from hub.store.resending import NOT_CORRECTED, reopen_batches
from schemas.catalogue import SCHEMAS


def wake_children(work: Work) -> list[int]:
    """Wake the deliveries that ended as R002 at a receiver which has accepted their parent since; returns them.

    Once for each acceptance of the parent, which the table ``waking`` remembers: one that is given up again is not tried for ever.
    Their batches are told anew. Found from what stands in the tables: a crash between the parent's receipt and this loses nothing.
    One worker at a time; another leaves it to that one.
    """
    woken: list[int] = []
    if not rows_of(work, "select pg_try_advisory_xact_lock(hashtext('waking')) as mine")[0].mine:
        return woken
    for child in SCHEMAS:
        for parent in SCHEMAS[child].parents:
            woken += [row.delivery_id for row in rows_of(work, _wake(child, parent))]
    if woken:
        reopen_batches(work, woken)
    return woken


def _wake(child: str, parent: str) -> str:
    key = " || '/' || ".join(f"r.{column}" for column in SCHEMAS[parent].business_key)
    return f"""with orphan as (
                  select d.delivery_id, d.receiver, d.record_id from receipt as given_up join delivery as d using (delivery_id)
                  where given_up.code = 'R002' and d.schema_name = '{child}' and d.state = 'refused' and {NOT_CORRECTED}
                    and not exists (select 1 from receipt as t where t.delivery_id = d.delivery_id
                                                             and t.receipt_id > given_up.receipt_id)),
               came as (
                  select orphan.delivery_id, max(t.receipt_id) as parent_receipt_id
                  from orphan join record.{child} as r using (record_id)
                  join delivery as p on p.receiver = orphan.receiver and p.schema_name = '{parent}' and p.state = 'accepted'
                                    and p.record_key = {key}
                  join receipt as t on t.delivery_id = p.delivery_id and t.outcome = 'accepted'
                  group by orphan.delivery_id),
               noted as (
                  insert into waking (delivery_id, parent_receipt_id) select delivery_id, parent_receipt_id from came
                  on conflict (delivery_id, parent_receipt_id) do nothing returning delivery_id)
               update delivery as d set state = 'waiting', attempts = 0, splits = 0, not_before = null, changed_at = now()
               from noted where noted.delivery_id = d.delivery_id and d.state = 'refused' returning d.delivery_id"""
