"""How much memory a backlog takes: queue so many deliveries, work on some, print the peak.

``python -m benchmarks.backlog 100000`` runs in a process of its own, so that its peak is its own.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from pathlib import Path

from benchmarks.world import START, SYNC, bench, source_of
from connectors.records import NoticeKind
from engine.clock import ManualClock
from engine.model import Address, NewRow, Origin
from engine.store import delivery_views, inbox

REAL = 2_000
"""Records that exist and are worked on; the rest of the queue only waits behind them."""

ROWS_AT_ONCE = 5_000


def peak_bytes() -> int:
    """The most memory this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main(queued: int) -> dict[str, int]:
    """Queue, route and drain; figures of the run."""
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock(START)
        one = bench(Path(folder) / "project", source_of(REAL, clock), clock)
        ids = list(one.crm.state()["contacts"])
        ids += [f"queued-{number}" for number in range(queued - REAL)]
        now = clock.now()
        for start in range(0, queued, ROWS_AT_ONCE):
            rows = [
                NewRow(Address("crm", "contacts", id), NoticeKind.CHANGED, Origin.POLL, now)
                for id in ids[start : start + ROWS_AT_ONCE]
            ]
            with one.services.store.write() as tx:
                inbox.add(tx, rows)
        del ids
        while one.runner.route_all():
            pass
        delivered = 0
        while delivered < REAL:
            delivered += one.runner.drain(one.sync)
        with one.services.store.read() as tx:
            left = delivery_views.tally(tx)[SYNC].get("ready", 0)
        one.close()
        return {"queued": queued, "delivered": delivered, "left": left, "peak": peak_bytes()}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
