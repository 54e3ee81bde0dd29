"""Fitting: which lines of the books a posted journal is made of. Pure.

A journal shows what the mapping made of the lines, not the lines. So each pair of its entries is
read by trying: a line is a fit when the mapping makes exactly these entries of it, and only when
one line alone fits is it told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from connectors.records import Fields, Value
from engine.money.calendar import DAY, Period
from engine.money.lines import Reason
from engine.pipeline.containment import contains, differing
from engine.store.books import Line, Promise

Render: TypeAlias = Callable[[Sequence[Line]], Fields | None]
"""What the mapping makes of a batch of these lines; ``None`` where it makes nothing of them."""
_MONTH: Final = re.compile(r"\b\d{4}-\d\d\b")


@dataclass(frozen=True, slots=True)
class Posted:
    """A journal as it was found, and the month it is posted in."""

    fields: Fields
    month: Period


def fit(
    posted: Posted, promises: Sequence[Promise], planned: Sequence[Line], render: Render
) -> tuple[Line, ...] | None:
    """The lines that the journal is made of, in its order; ``None`` where that cannot be told.

    ``promises`` are those whose lines may be in it. Of several lines that look alike, one that is
    ``planned`` is meant.
    """
    if not promises:
        return None
    line = _line(promises[0], posted.month, posted.month, 1)
    path = _path_of_entries(line, render) if _shows_service(line, render) else None
    entries = _at(posted.fields, path) if path is not None else None
    if path is None or not isinstance(entries, tuple | list) or len(entries) % 2:
        return None
    found: list[Line] = []
    for debit, credit in zip(entries[::2], entries[1::2], strict=True):
        one = _one((debit, credit), posted.month, promises, planned, path, render)
        if one is None:
            return None
        found.append(one)
    whole = render(found) if found else None
    return tuple(found) if whole is not None and not differing(whole, posted.fields) else None


def _one(
    pair: tuple[Value, Value],
    month: Period,
    promises: Sequence[Promise],
    planned: Sequence[Line],
    path: tuple[str, ...],
    render: Render,
) -> Line | None:
    """The one line that makes this pair of entries."""
    fits = []
    for line in _candidates(pair, month, promises):
        made = render([line])
        entries = _at(made, path) if made is not None else None
        if isinstance(entries, tuple | list) and len(entries) == len(pair):  # noqa: SIM102
            if all(contains(there, one) for there, one in zip(pair, entries, strict=True)):
                fits.append(line)
    alike = {_meaning(line): line for line in reversed(fits)}
    if len(alike) > 1:
        known = {_meaning(line) for line in planned}
        alike = {meaning: line for meaning, line in alike.items() if meaning in known}
    return next(iter(alike.values())) if len(alike) == 1 else None


def _meaning(line: Line) -> tuple[str, str, Period, int]:
    return line.contract, line.promise, line.service, line.amount_minor


def _candidates(
    pair: tuple[Value, Value], month: Period, promises: Sequence[Promise]
) -> Iterator[Line]:
    """Every line that what is written in the entries speaks of."""
    leaves = [leaf for side in pair for leaf in _leaves(side)]
    text = " ".join(str(leaf) for leaf in leaves if isinstance(leaf, str))
    numbers = {number for leaf in leaves if (number := _number(leaf)) is not None}
    named = {Period(name) for name in _MONTH.findall(text)}
    for promise in promises:
        if promise.contract not in text:
            continue
        for amount in sorted(minor for n in numbers if (minor := _minor(n, promise)) is not None):
            for signed in (amount, -amount):
                yield _line(promise, month, month, signed)
                for service in sorted(named):
                    late = _line(promise, month, service, signed)
                    for reason in (Reason.LATE, Reason.REVERSAL, Reason.RESTATED):
                        yield replace(late, reason=reason)


def _line(promise: Promise, period: Period, service: Period, amount_minor: int) -> Line:
    return Line(
        number=0,
        contract=promise.contract,
        promise=promise.name,
        kind=promise.kind,
        family=promise.family,
        entity=promise.entity,
        currency=promise.currency,
        exponent=promise.exponent,
        period=period,
        service=service,
        amount_minor=amount_minor,
        reason=Reason.RELEASE,
        batch=None,
    )


def _minor(number: Decimal, promise: Promise) -> int | None:
    scaled = number.scaleb(promise.exponent)
    return int(scaled) if number > 0 and scaled == scaled.to_integral_value() else None


def _number(leaf: Value) -> Decimal | None:
    if isinstance(leaf, bool) or not isinstance(leaf, int | Decimal | str):
        return None
    try:
        number = Decimal(leaf)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _leaves(value: Value) -> Iterator[Value]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None:
        yield value


def _shows_service(line: Line, render: Render) -> bool:
    """Whether a journal tells for which month a late line is: else it cannot be read."""
    before = Period.of(line.period.first - DAY)
    return render([line]) != render([replace(line, service=before, reason=Reason.LATE)])


def _path_of_entries(line: Line, render: Render) -> tuple[str, ...] | None:
    """Where in the journal the entries are: the list that has two for each line."""
    one, two = render([line]), render([line, line])
    if one is None or two is None:
        return None
    twice = dict(_lists(two, ()))
    paths = [path for path, count in _lists(one, ()) if (count, twice.get(path)) == (2, 4)]
    return paths[0] if len(paths) == 1 else None


def _lists(value: Value | Fields, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _lists(inner, (*path, name))
    elif isinstance(value, tuple | list):
        yield path, len(value)


def _at(fields: Value | Fields, path: tuple[str, ...]) -> Value:
    found: Value | Fields = fields
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found
