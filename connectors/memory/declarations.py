"""What the memory connector declares; reading it opens nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from connectors.base import ConnectorSpec, LimitClass, Setting
from connectors.memory.objects import OBJECT_SETS, MemoryObject, object_set

SETTINGS: Final = (
    Setting(
        "path",
        "File",
        "The SQLite file that holds the account. Several processes may share it.",
        required=True,
        example="state/memory.db",
    ),
    Setting(
        "objects",
        "Objects",
        "Which ready-made set of objects the account has.",
        default="crm",
        choices=OBJECT_SETS,
    ),
    Setting(
        "webhook_secret",
        "Webhook secret",
        "The key that webhook requests are signed with.",
        secret=True,
    ),
    Setting(
        "faults",
        "Faults",
        "Faults to play, by chance: a seed and a chance per kind of fault.",
        example="seed=7 answer_lost=0.05 retry_later=0.02",
    ),
)


def spec_of(objects: tuple[MemoryObject, ...]) -> ConnectorSpec:
    """The declaration of a memory connector over these objects."""
    return ConnectorSpec(
        name="memory",
        title="Memory",
        settings=SETTINGS,
        objects=tuple(one.spec for one in objects),
        limits=(
            LimitClass("default", 1_000_000, timedelta(seconds=1), description="As good as none."),
            LimitClass(
                "search",
                1_000_000,
                timedelta(seconds=1),
                description="Searches, counted apart. As good as none.",
                operations=("changes", "search"),
            ),
        ),
        webhooks=True,
        documentation="connectors/memory/README.md",
    )


SPEC: Final = spec_of(tuple(one for name in OBJECT_SETS for one in object_set(name)))
