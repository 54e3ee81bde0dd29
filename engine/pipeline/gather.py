"""Gather: deliveries of a backfill wait a little for others, to fill a job with."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from engine.config.model import SyncConfig
from engine.pipeline.poll import backfill_stream
from engine.pipeline.services import Services
from engine.store import delivery_views, inbox, streams

GATHER_MOST: Final = timedelta(seconds=30)


def gathers(services: Services, sync: SyncConfig, now: datetime) -> bool:
    """Whether to wait for more: the past is being read, and soon there is enough for a job.

    Nothing waits longer than half a minute, nor while batches fail.
    """
    spec = services.object_spec(sync.target)
    if not spec.job_write_from or services.gateway.failures(sync.name):
        return False
    with services.store.read() as tx:
        reading = streams.get(tx, backfill_stream(sync.name))
        if reading is None or reading.cursor is None:
            return False
        # What was read last is not routed yet.
        over = reading.updated_at < now - GATHER_MOST or not inbox.unrouted(tx, 1)
        if reading.at_head and over:
            return False
        count, oldest = delivery_views.due(tx, sync.name, now)
    return count < spec.job_write_from and oldest is not None and oldest > now - GATHER_MOST
