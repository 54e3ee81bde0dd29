"""Requesters that post as fast as they are answered, and remember what was acknowledged.

``python tests/receiver/load.py [seconds] [requesters]`` measures a receiver of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.receiver.receiver_kit import events, raw_post, running


@dataclass
class Tally:
    """What the requesters saw: acknowledged keys, other statuses, seconds per acknowledged post."""

    acknowledged: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def post_until(
    port: int, tally: Tally, *, requesters: int, seconds: float, refusals_max: int = 10**9
) -> None:
    """Post until the time is over, the receiver is gone, or 503 was answered so many times."""
    until = time.monotonic() + seconds

    async def requester(name: int) -> None:
        prepared = [
            (f"{name}-{n}", raw_post(events(f"{name}-{n}"), close=False)) for n in range(200)
        ]
        count = 0
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while time.monotonic() < until and tally.statuses.get(503, 0) < refusals_max:
                key, data = prepared[count % len(prepared)]
                if count >= len(prepared):
                    key = f"{name}-{count}"
                    data = raw_post(events(key), close=False)
                count += 1
                started = time.perf_counter()
                writer.write(data)
                head = await reader.readuntil(b"\r\n\r\n")
                status = int(head.split(b" ", 2)[1])
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                tally.statuses[status] = tally.statuses.get(status, 0) + 1
                if status == 200:
                    tally.acknowledged.append(key)
                    tally.seconds.append(time.perf_counter() - started)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            if writer is not None:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    await asyncio.gather(*(requester(name) for name in range(requesters)))


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    requesters = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as receiver:
        tally = Tally()
        started = time.monotonic()
        asyncio.run(post_until(receiver.port, tally, requesters=requesters, seconds=seconds))
        rate = len(tally.acknowledged) / (time.monotonic() - started)
        print(
            f"{requesters} requesters: {rate:,.0f} durable posts/s, "
            f"p50 {tally.quantile(0.5) * 1000:.1f} ms, p99 {tally.quantile(0.99) * 1000:.1f} ms, "
            f"statuses {tally.statuses}"
        )
        kept = {notice.event_key for row in receiver.rows() for notice in row.notices}
        print(f"acknowledged and not kept: {len(set(tally.acknowledged) - kept)}")


if __name__ == "__main__":
    main()
