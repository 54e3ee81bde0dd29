"""DocuSign's messages to a receiver that really listens: as they happen, again, mixed up, late."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

from engine.app import Project
from engine.demo import folder
from engine.demo.live import START_SECONDS, until
from engine.demo.pace import SharedClock
from engine.demo.simulators import Simulators, stop
from engine.receiver import read_address

LATE: Final = timedelta(hours=3)
LATE_COUNT: Final = 24
ANSWERED_SECONDS: Final = 60
SEED: Final = 7


class Mailbox:
    """The project's receiver, and DocuSign Connect pointed at it, for the length of a block."""

    def __init__(self, project: Project, simulators: Simulators, clock: SharedClock) -> None:
        self._project = project
        self._simulators = simulators
        self._clock = clock
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        state = self._project.make_state()
        command = [sys.executable, "-m", "engine.receiver_process", str(self._project.config.file)]
        process = subprocess.Popen(  # noqa: S603 - the command is ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            process_group=0,
            env={**os.environ, **self._project.environ},
        )
        self._process = process

        def listening() -> bool:
            address = read_address(state)
            return address is not None and address.pid == process.pid

        until(listening, "the receiver to start", START_SECONDS)
        url = f"{self._project.config.receiver.public_url}/webhooks/docusign"
        self._simulators.post("docusign", "webhooks", {"url": url})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            stop(self._process, START_SECONDS)
        if error is None:
            self._simulators.post("docusign", "webhooks", {})

    def envelopes(self) -> dict[str, str]:
        """The envelopes that are out for signature: opportunity → envelope."""
        rows = self._simulators.state("docusign")["envelopes"]
        return {
            field["value"]: id
            for id, row in rows.items()
            if row["status"] == "sent"
            for field in row["customFields"]["textCustomFields"]
            if field["name"] == "opportunityId"
        }

    def like(self, envelope: str) -> dict[str, Any]:
        """What a rep fills in to send another envelope about the same deal."""
        row = self._simulators.state("docusign")["envelopes"][envelope]
        (signer,) = row["recipients"]["signers"]
        role = {name: signer[name] for name in ("roleName", "name", "email")}
        told = [
            one for one in row["customFields"]["textCustomFields"] if one["name"] == "opportunityId"
        ]
        return {
            "templateId": folder.offer_template(),
            "status": "sent",
            "emailSubject": "Your offer, with the right date",
            "templateRoles": [role],
            "customFields": {"textCustomFields": told},
        }

    def deliver_twice_and_mixed_up(self) -> int:
        """Every message so far twice more, in another order; how many different ones there are."""
        events = self._told()
        self._emit({"events": events, "duplicates": 1, "order": "shuffle", "seed": SEED})
        return len(events)

    def deliver_late(self) -> int:
        """Some of them once more, hours later and the last first; how many."""
        events = self._told()[:LATE_COUNT]
        given = {"events": events, "order": "reverse", "delay_seconds": LATE.total_seconds()}
        self._emit(given)
        self._clock.shift(LATE)
        self._simulators.get("docusign", "emit", wait_seconds=ANSWERED_SECONDS)
        return len(events)

    def _told(self) -> list[Mapping[str, Any]]:
        """The messages that were sent as things happened, all of them answered."""
        report = self._simulators.get("docusign", "emit", wait_seconds=ANSWERED_SECONDS)
        return [one["event"] for one in report["events"] if one["emission"] == "auto"]

    def _emit(self, given: Mapping[str, Any]) -> None:
        self._simulators.post(
            "docusign", "emit", {**given, "wait_seconds": min(ANSWERED_SECONDS, 25)}
        )
