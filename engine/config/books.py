"""The books of a project: who recognises, who taxes, and what has to agree with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.values import exponent
from engine.books.spec import CONNECTION, LINE_OBJECTS, SPEC
from engine.config.model import (
    OURSELVES,
    BooksConfig,
    ConnectionConfig,
    Enabled,
    SyncConfig,
)
from engine.config.problems import Problems
from engine.config.schema import BooksBlock, ProjectFile
from engine.config.yaml import Document
from engine.mapping.nearest import nearest
from engine.mapping.values import Unmapped, ValueMap
from engine.money.model import FactKind
from engine.money.reporting import Reporting

REFUND_MEANS: Final = "refund_means"
CASH_ONLY: Final = "cash_only"


def build_books(document: Document, block: BooksBlock, problems: Problems) -> BooksConfig:
    """The settings of the books; faults go to ``problems``."""
    try:
        zone = ZoneInfo(block.fiscal_calendar.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        problems.at(
            document,
            ("books", "fiscal_calendar", "timezone"),
            f"`{block.fiscal_calendar.timezone}` is not a time zone",
            "write one such as Europe/Berlin",
        )
        zone = ZoneInfo("UTC")
    for family in sorted({*block.recognised_at_invoice} & {*block.modification.families}):
        problems.at(
            document,
            ("books", "modification", "families", family),
            f"`{family}` is recognised with the invoice: no schedule of it is ever modified",
            "take it out here, or out of books.recognised_at_invoice",
        )
    return BooksConfig(
        recognition_owner=block.recognition_owner,
        tax_owner=block.tax_owner,
        zone=zone,
        method=block.modification.default,
        methods=dict(block.modification.families),
        at_invoice=frozenset(block.recognised_at_invoice),
        reporting=_reporting(document, block, problems),
    )


def _reporting(document: Document, block: BooksBlock, problems: Problems) -> Reporting | None:
    if block.report_currency is None:
        return None
    try:
        places = exponent(block.report_currency)
    except ValueError as fault:
        problems.at(document, ("books", "report_currency"), str(fault), "write one such as USD")
        return None
    return Reporting(block.report_currency, places, block.rate_max_days)


def shared_maps(block: ProjectFile) -> dict[str, ValueMap]:
    """The value maps of the project, which take the place of a mapping's own of the same name."""
    found = {
        name: ValueMap(name, dict(one.values), one.unmapped, one.default)
        for name, one in block.value_maps.items()
    }
    if block.books.refund_means:
        means = dict(block.books.refund_means)
        found[REFUND_MEANS] = ValueMap(REFUND_MEANS, means, Unmapped.REJECT, None)
        # An unlisted reason is one issue, not one per mapping that asks.
        cash = {reason: way == "cash_only" for reason, way in means.items()}
        found[CASH_ONLY] = ValueMap(CASH_ONLY, cash, Unmapped.DEFAULT, default=False)
    return found


def own_connection(block: ProjectFile) -> dict[str, ConnectionConfig]:
    """The built-in source, where a sync reads it or notes facts in it."""
    used = any(
        sync.observe or sync.from_.partition(".")[0] == CONNECTION for sync in block.syncs.values()
    )
    if not used:
        return {}
    return {
        CONNECTION: ConnectionConfig(
            name=CONNECTION,
            connector=SPEC.name,
            settings={},
            zone=ZoneInfo("UTC"),
            poll_every=timedelta(minutes=1),
        )
    }


def check_books(
    document: Document,
    books: BooksConfig,
    syncs: Mapping[str, SyncConfig],
    connections: Iterable[str],
    problems: Problems,
) -> None:
    """One source per kind of fact, one recognising system, one that decides about tax."""
    names = [*connections]
    if books.tax_owner is not None and books.tax_owner not in names:
        problems.at(
            document,
            ("books", "tax_owner"),
            f"there is no connection `{books.tax_owner}`",
            nearest(books.tax_owner, names),
        )
    sources: dict[FactKind, SyncConfig] = {}
    posting: dict[str, SyncConfig] = {}
    telling: list[SyncConfig] = []
    for sync in syncs.values():
        if sync.enabled is Enabled.OFF:
            continue
        _check_rates(document, sync, telling, problems)
        _check_recognition(document, books, sync, problems)
        _check_posting(document, sync, posting, problems)
        for kind in sorted(sync.mapping.fact_kinds):
            first = sources.setdefault(kind, sync)
            if first.source != sync.source or first.name != sync.name:
                problems.at(
                    document,
                    ("syncs", sync.name, "mapping"),
                    f"`{kind}` facts come from {first.name} ({first.source}) already: "
                    "told twice, an amount counts twice",
                    "take the fact out of one of the mappings",
                )
            tax = kind in (FactKind.TAX, FactKind.CREDITED_TAX)
            if tax and books.tax_owner not in (None, sync.source.connection):
                problems.at(
                    document,
                    ("syncs", sync.name, "mapping"),
                    f"`{kind}` facts come from {sync.source.connection}, but books.tax_owner is "
                    f"{books.tax_owner}",
                )


def _check_rates(
    document: Document, sync: SyncConfig, telling: list[SyncConfig], problems: Problems
) -> None:
    """Rates come from one place: of two for one day, which counts would be chance."""
    if not sync.mapping.tells_rates:
        return
    if telling:
        problems.at(
            document,
            ("syncs", sync.name, "mapping"),
            f"rates come from {telling[0].name} ({telling[0].source}) already",
            "switch one of the two off",
        )
    telling.append(sync)


def _check_recognition(
    document: Document, books: BooksConfig, sync: SyncConfig, problems: Problems
) -> None:
    posts = sync.source.connection == CONNECTION and sync.source.object in LINE_OBJECTS
    if posts and books.recognition_owner != OURSELVES:
        problems.at(
            document,
            ("syncs", sync.name, "from"),
            f"{books.recognition_owner} recognises revenue; posting schedule lines as well would "
            "recognise it twice",
            "switch the sync off, or set books.recognition_owner: revline",
        )


def _check_posting(
    document: Document, sync: SyncConfig, posting: dict[str, SyncConfig], problems: Problems
) -> None:
    """Lines are put together once: every sync of them gets the same batches."""
    if sync.source.connection != CONNECTION or sync.source.object not in LINE_OBJECTS:
        return
    first = posting.setdefault(sync.source.object, sync)
    if first is sync:
        return
    if first.target.connection == sync.target.connection:
        problems.at(
            document,
            ("syncs", sync.name, "to"),
            f"{first.name} posts {sync.source} to {first.target.connection} already: posted twice, "
            "revenue counts twice",
            "take one of them out",
        )
    elif (first.group_by, first.period_end) != (sync.group_by, sync.period_end):
        problems.at(
            document,
            ("syncs", sync.name),
            f"{first.name} puts the same lines together by another `group_by` or `trigger`",
            "give both the same",
        )
