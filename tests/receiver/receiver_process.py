"""A receiver as the composition root would put it together, for tests to start and kill."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.clock import SystemClock
from engine.daemon import LockHeld
from engine.observe.logs import LogSettings, set_up_logging
from engine.observe.metrics import ReceiverMetrics
from engine.observe.notify import LogNotifier
from engine.receiver import (
    SpoolReports,
    address_of,
    listen,
    serve,
    write_address,
)
from engine.receiving.application import Parts
from engine.receiving.limits import ReceiverLimits
from engine.store.spool import Spool, SpoolLimits
from engine.store.spool_database import SpoolPlace
from engine.store.store import SPOOL_FILE
from engine.store.vault import Vault
from tests.receiver.receiver_kit import KEY, PUBLIC_URL, SECRET, receive


def main() -> int:
    import structlog

    state = Path(sys.argv[1])
    options = json.loads(os.environ.get("OPTIONS", "{}"))
    set_up_logging(LogSettings(part="receiver", secrets=(SECRET.decode(),)))
    logger = structlog.get_logger("receiver")
    clock, metrics, notifier = SystemClock(), ReceiverMetrics(), LogNotifier(logger)
    die_at, countdown = options.get("die_at", ""), [options.get("die_after", 0)]

    def failpoint(name: str) -> None:
        if name == die_at:
            countdown[0] -= 1
            if countdown[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    place = SpoolPlace(
        file=state / SPOOL_FILE,
        busy_seconds=options.get("busy_seconds", 2.0),
        pages_max=options.get("pages_max"),
    )
    spool = Spool(
        place,
        clock,
        SpoolReports(metrics, notifier),
        limits=SpoolLimits(**options.get("spool", {})),
        failpoint=failpoint,
    )
    listening = listen("127.0.0.1", 0)
    parts = Parts(
        receivers={"hub": receive, "broken": broken},
        public_url=PUBLIC_URL,
        state=state,
        spool=spool,
        vault=Vault(KEY),
        clock=clock,
        metrics=metrics,
        notifier=notifier,
        logger=logger,
        limits=ReceiverLimits(**options.get("limits", {})),
        failpoint=failpoint,
        started=lambda: write_address(state, address_of(listening)),
    )
    try:
        return serve(parts, listening)
    except LockHeld as held:
        sys.stderr.write(f"{held}\n")
        return 2


def broken(request: object) -> None:
    raise RuntimeError(f"canary-value {request}")


if __name__ == "__main__":
    sys.exit(main())
