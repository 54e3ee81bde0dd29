"""The line as a picture: connections are its stations, syncs the lines between them (Mermaid)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from engine.config.model import Enabled, SyncConfig
from engine.explaining.systems import Systems

_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9_]")
_STATE: Final = {Enabled.OFF: " (off)", Enabled.SHADOW: " (shadow)"}


def picture(syncs: Iterable[SyncConfig], systems: Systems) -> str:
    """A Mermaid flowchart. Syncs that are off, or in shadow, are dotted."""
    drawn = list(syncs)
    names = dict.fromkeys(end.connection for sync in drawn for end in (sync.source, sync.target))
    lines = ["flowchart LR"]
    for name in names:
        title = systems.title(name)
        lines.append(f'  {_id(name)}["{_plain(title[:1].upper() + title[1:])}"]')
    lines += [f"  {_edge(sync)}" for sync in drawn]
    return "\n".join(lines) + "\n"


def _edge(sync: SyncConfig) -> str:
    arrow = "-->" if sync.enabled is Enabled.ON else "-.->"
    label = f"{sync.name}: {sync.source.object}"
    if not sync.mapping.observes:
        label += f" → {sync.target.object}"
    if sync.route is not None:
        label += f", {sync.route.rule.name} {sync.route.side}"
    label += _STATE.get(sync.enabled, "")
    source, target = _id(sync.source.connection), _id(sync.target.connection)
    return f'{source} {arrow}|"{_plain(label)}"| {target}'


def _id(name: str) -> str:
    """A name that Mermaid takes, and that none of its own words is."""
    return f"c_{_NOT_PLAIN.sub('_', name)}"


def _plain(text: str) -> str:
    return text.replace('"', "'").replace("|", "/")
