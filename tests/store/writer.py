"""A process of its own that commits rows until it is killed, and tells of each commit."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from engine.store import inbox
from engine.store.store import Store
from tests.store.conftest import KEY
from tests.store.store_kit import row

if __name__ == "__main__":
    state, url = sys.argv[1:]
    store = Store.open(url or None, Path(state), KEY)
    for number in count():
        with store.write() as tx:
            inbox.add(tx, [row(f"{number}-{part}", event_key=f"{number}-{part}") for part in "ab"])
        print(number, flush=True)
