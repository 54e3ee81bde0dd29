"""What is looked at once nobody is killed any more, whatever the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.store import inbox, issues, ledger
from engine.store.store import Store
from engine.store.vault import parse_key
from sandbox.simulator import Simulator


def left_over(folder: Path, key: str) -> list[tuple[str, str]]:
    """The open issues of a project, its ledger found whole and nothing that was heard lying."""
    store = Store.open(None, folder / "state", parse_key(key))
    try:
        with store.read() as tx:
            found = ledger.verify(tx, store.vault, ledger.read_head(store.head_file))
            states = inbox.counts(tx)
            open_issues = issues.listed(tx, store.payloads)
    finally:
        store.close()
    assert found.fault is None, found
    assert found.unsealed == 0
    assert not states.get("new"), states
    assert not states.get("routed"), states
    return sorted((one.code, one.source.id) for one in open_issues)


def made_twice(simulator: Simulator) -> dict[tuple[str, str], Any]:
    """What was created more than once under one identity."""
    return {
        (object, key): told
        for object, keys in simulator.grouped_counts().items()
        for key, told in keys.items()
        if not key.startswith("id:") and (told["creates"] > 1 or len(told["ids"]) > 1)
    }
