"""Drain: claim a batch of one sync, run it along the line, and end what goes wrong with all of it.

One record that makes a whole batch fail must not keep the others: batches shrink while they fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from connectors.errors import CallError, Rejected
from engine.config.model import SyncConfig
from engine.model import Delivery, IssueReport
from engine.pipeline import prepare
from engine.pipeline.batch import Problem, Result
from engine.pipeline.close import close, release
from engine.pipeline.gateway import APPLY, UnavailableError
from engine.pipeline.gather import gathers
from engine.pipeline.line import Line
from engine.pipeline.references import Catalogues
from engine.pipeline.services import Services
from engine.store import deliveries, delivery_states
from engine.store.deliveries import LeaseLostError
from engine.store.store import StoreConflict
from engine.verdict import Next, backoff, judge

LEASE: Final = timedelta(minutes=15)
BATCHES_PER_CLAIM: Final = 4
CLAIM_MOST: Final = 1_000


def claim_size(services: Services, sync: SyncConfig) -> int:
    """How many deliveries to take at once: a few full calls of the target."""
    spec = services.object_spec(sync.target)
    full = min(CLAIM_MOST, max(1, spec.batch_write) * BATCHES_PER_CLAIM)
    if spec.job_write_from:
        full = max(full, spec.job_write_most)
    # Smaller with every batch that fails, down to one: an outage costs little that way, and a
    # record that makes every batch fail is found.
    return max(1, full >> (2 * services.gateway.failures(sync.name)))


def drain(services: Services, catalogues: Catalogues, sync: SyncConfig) -> int:
    """Work through one batch of due deliveries. Returns how many were claimed."""
    gateway = services.gateway
    source, target = sync.source.connection, sync.target.connection
    if not (gateway.usable(source) and gateway.usable(target, APPLY)):
        return 0
    now = services.clock.now()
    if gathers(services, sync, now):
        return 0
    with services.store.write() as tx:
        claimed = deliveries.claim(
            tx,
            sync.name,
            claim_size(services, sync),
            now,
            LEASE,
            ordered=prepare.ordered(sync),
        )
    if not claimed:
        return 0
    services.failpoint("claim.after_commit")
    _work(services, catalogues, sync, claimed)
    return len(claimed)


def drain_due(services: Services, catalogues: Catalogues) -> int:
    """Drain one batch of each sync that has something due, in order. Returns how many deliveries.

    Asked for all syncs in one look: to claim from each would be a transaction each, mostly in vain.
    """
    delivered, due = 0, _due(services)
    for sync in services.active_syncs():
        if sync.name in due and (claimed := drain(services, catalogues, sync)):
            delivered += claimed
            due = _due(services)  # what was linked may have woken what waited in a later sync
    return delivered


def _due(services: Services) -> set[str]:
    with services.store.read() as tx:
        return delivery_states.due(tx, services.clock.now())


def _work(
    services: Services, catalogues: Catalogues, sync: SyncConfig, claimed: Sequence[Delivery]
) -> None:
    """Run a batch; what goes wrong with all of it ends here."""
    failures = services.gateway.failures(sync.name)
    try:
        Line(services, catalogues, sync, claimed).run()
        if services.gateway.failures(sync.name) == failures:
            services.gateway.batch_fared_well(sync.name)
    except LeaseLostError:
        pass  # Another worker has them; nothing of ours was committed.
    except UnavailableError as why:
        release(services, sync, claimed, why.until, why.code, counts=False)
    except Rejected as error:
        if len(claimed) == 1:
            _read_failed(services, sync, claimed, error)
        else:
            _halves(services, catalogues, sync, claimed)
    except CallError as error:
        _read_failed(services, sync, claimed, error)
    except StoreConflict:
        if len(claimed) == 1:
            due_at = services.clock.now() + backoff(claimed[0].tries, services.random)
            release(services, sync, claimed, due_at, "STORE_CONFLICT", counts=True)
        else:
            _halves(services, catalogues, sync, claimed)


def _halves(
    services: Services, catalogues: Catalogues, sync: SyncConfig, claimed: Sequence[Delivery]
) -> None:
    """One of these makes the batch fail: find it by halves, and let the others go on."""
    middle = len(claimed) // 2
    for half in (claimed[:middle], claimed[middle:]):
        _work(services, catalogues, sync, half)


def _read_failed(
    services: Services, sync: SyncConfig, claimed: Sequence[Delivery], error: CallError
) -> None:
    """A read that the whole batch needs failed: nothing was decided; try again later."""
    verdict = judge(
        error,
        tries=0,
        retries=sync.retries,
        now=services.clock.now(),
        random=services.random,
    )
    if verdict.next in (Next.ISSUE, Next.GONE, Next.DUPLICATE) and len(claimed) == 1:
        results: dict[int, Sequence[Result]] = {
            delivery.number: (
                Problem(
                    IssueReport(
                        code="SOURCE_UNREADABLE",
                        sync=sync.name,
                        source=delivery.source,
                        parameters={"message": error.message, "vendor_code": error.code},
                    )
                ),
            )
            for delivery in claimed
        }
        close(services, sync, results, claimed, {})
        return
    services.gateway.batch_failed(sync.name)
    # Who is not to blame uses up no try; the connection is given a rest.
    rest = services.gateway.rest(*_sides(sync), writing=False)
    due_at = verdict.until or services.clock.now() + rest
    free = verdict.next in (Next.RETRY_FREE, Next.PAUSE) or not _blames(services, sync, claimed)
    release(services, sync, claimed, due_at, error.code, counts=not free)


def _blames(services: Services, sync: SyncConfig, claimed: Sequence[Delivery]) -> bool:
    """Whether the read of a batch failed for the one record in it: of several none is to blame.

    Either side may have been read: the one whose last call was not answered.
    """
    if len(claimed) > 1:
        return False
    answers, now = services.gateway.answers, services.clock.now()
    silent = [side for side in _sides(sync) if answers.unanswered_in_a_row(side, writing=False)]
    blamed = [answers.blames(claimed[0], side, now, writing=False) for side in silent]
    return all(blamed)


def _sides(sync: SyncConfig) -> tuple[str, str]:
    return sync.source.connection, sync.target.connection
