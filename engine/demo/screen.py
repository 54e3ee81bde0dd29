"""What a person sees while the demo works: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from engine.demo.project import Tally, Watch

PLAIN_SECONDS: Final = 1.0
BEING_WORKED_ON: Final = ("ready", "leased", "in_doubt")


class Screen:
    """Says things, unless the answer is for a program."""

    def __init__(self, console: Console, *, silent: bool) -> None:
        self._console = console
        self._silent = silent

    def heading(self, text: str) -> None:
        """A new part of the demo begins."""
        if not self._silent:
            self._console.print()
            self._console.print(Text(text, style="bold"))

    def say(self, text: str = "") -> None:
        """A line."""
        if not self._silent:
            self._console.print(text, highlight=False, markup=False)

    def table(self, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
        """A table; a column whose name ends with ``#`` is right-aligned."""
        if self._silent:
            return
        shown = Table(header_style="bold")
        for name in columns:
            shown.add_column(
                name.removesuffix("#"), justify="right" if name.endswith("#") else "left"
            )
        for row in rows:
            shown.add_row(*(Text(str(cell)) for cell in row))
        self._console.print(shown)

    @contextmanager
    def backfill(self, totals: Mapping[str, int]) -> Iterator[Watch]:
        """Progress per sync, told by a tally; ``totals`` are the records of each source."""
        if self._silent:
            yield lambda _tally: None
        elif self._console.is_terminal:
            with self._bars() as bars:
                tasks = {name: bars.add_task(name, total=count) for name, count in totals.items()}

                def move(tally: Tally) -> None:
                    for name, task in tasks.items():
                        bars.update(task, completed=settled(tally.get(name, {})))

                yield move
        else:
            yield _Lines(self, totals).watch

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Any]:
        """A single bar, moved by being called with a number so far."""
        if self._silent or not self._console.is_terminal:
            yield lambda _count: None
            return
        with self._bars() as bars:
            task = bars.add_task(what, total=total)
            yield lambda count: bars.update(task, completed=count)

    def _bars(self) -> Progress:
        return Progress(
            TextColumn("  {task.description:<12}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
        )


class _Lines:
    """Progress where nobody watches a bar: now and then a line, when something moved."""

    def __init__(self, screen: Screen, totals: Mapping[str, int]) -> None:
        self._screen = screen
        self._totals = totals
        self._shown_at = time.monotonic()
        self._shown = ""

    def watch(self, tally: Tally) -> None:
        now = time.monotonic()
        done = {name: settled(tally.get(name, {})) for name in self._totals}
        complete = all(done[name] >= total for name, total in self._totals.items())
        if now - self._shown_at < PLAIN_SECONDS and not complete:
            return
        text = ", ".join(f"{name} {done[name]}/{total}" for name, total in self._totals.items())
        if text != self._shown:
            self._screen.say(f"  {text}")
            self._shown, self._shown_at = text, now


def settled(states: Mapping[str, int]) -> int:
    """Deliveries that have come to a result, for now."""
    return sum(count for state, count in states.items() if state not in BEING_WORKED_ON)
