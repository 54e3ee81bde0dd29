"""Rebuilding links from what is in the target: our identity values name their source records."""

from __future__ import annotations

from functools import partial

from connectors.base import Connector, Lists
from connectors.records import Page, Record, Selection
from connectors.values import parse_external_id
from engine.config.model import SyncConfig
from engine.control import ControlError
from engine.model import Address
from engine.pipeline.services import Services
from engine.store import deliveries, ledger, links


def rebuild_links(services: Services, sync: SyncConfig) -> tuple[int, int, int]:
    """Walk through the target and link every record that carries our identity value.

    Returns how many links were made, were there already, and were left because one of the two
    records is linked elsewhere. Costs one listing of the target object.
    """
    field = sync.mapping.identity_field
    connector = services.gateway.connector(sync.target.connection)
    if field is None or not isinstance(connector, Lists):
        raise ControlError(
            "no_identity", f"sync {sync.name} leaves no identity value in its target"
        )
    selection = Selection(sync.target.object, (field,))
    limit = services.object_spec(sync.target).page_list
    cursor: str | None = None
    made = there = taken = 0
    while True:
        page = services.gateway.read(
            sync.target.connection, partial(_page, connector, selection, cursor, limit)
        )
        pairs = [pair for record in page.records if (pair := _pair(sync, field, record))]
        counts = _link(services, sync, pairs)
        made, there, taken = made + counts[0], there + counts[1], taken + counts[2]
        if page.at_head:
            return made, there, taken
        cursor = page.cursor


def _page(
    connector: Lists, selection: Selection, cursor: str | None, limit: int, _: Connector
) -> Page:
    return connector.list(selection, cursor, limit)


def _pair(sync: SyncConfig, field: str, record: Record) -> tuple[Address, Address] | None:
    found = parse_external_id(str(record.fields.get(field) or ""))
    if found is None or found[0] != sync.source.object:
        return None
    near = Address(sync.source.connection, sync.source.object, found[1])
    return near, Address(sync.target.connection, record.ref.object, record.ref.id)


def _link(
    services: Services, sync: SyncConfig, pairs: list[tuple[Address, Address]]
) -> tuple[int, int, int]:
    if not pairs:
        return 0, 0, 0
    now = services.clock.now()
    made, there, taken = 0, 0, 0
    lines = []
    with services.store.write() as tx:
        target, source = sync.target, sync.source
        nears = links.of_sources(tx, [n for n, _ in pairs], target.connection, target.object)
        fars = links.of_sources(tx, [f for _, f in pairs], source.connection, source.object)
        linked = []
        for near, far in pairs:
            held = nears.get(near, [])
            if held and held[0].far == far:
                there += 1
            elif held or fars.get(far) or near in linked:
                taken += 1
            else:
                links.create(tx, near, far, {}, None, now)
                linked.append(near)
                made += 1
                lines.append(
                    ledger.Line(
                        time=now,
                        sync=sync.name,
                        operation="link",
                        outcome="operator",
                        config=services.config.digest,
                        source=near,
                        target=far,
                        code="REBUILT",
                    )
                )
        ledger.append(tx, lines)
        deliveries.wake(tx, linked, now)
    return made, there, taken
