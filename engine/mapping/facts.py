"""What a record proves for the books: the ``facts:`` of a mapping, compiled and applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol, TypeVar

from connectors.records import Value
from engine.config.yaml import KeyPath
from engine.mapping.evaluation import Evaluation
from engine.mapping.expression import Expression
from engine.mapping.faults import DataFault
from engine.mapping.fields import FieldCompiler
from engine.mapping.numbers import exponent, number, to_minor
from engine.mapping.operators import is_blank
from engine.mapping.schema import FactBlock, PeriodBlock, RateBlock
from engine.mapping.shaping import compile_items
from engine.mapping.texts import text
from engine.mapping.times import date_of
from engine.money.model import Fact, FactKind, PeriodState, Rate

_TEXTS: Final = ("contract", "deal", "obligation", "document", "family", "entity")
_PARTS: Final = (
    *("where", "key", "when", "amount", "currency", "effective_on", "service_from", "service_to"),
    *_TEXTS,
)
MINOR_MAX: Final = 10**16
"""Of one fact: so much less than a database can count that sums of facts fit as well."""
YEARS: Final = range(1970, 2101)
"""Service is spread month by month: a year that was mistyped must not become a million months."""
RATE_MAGNITUDES: Final = range(-12, 13)
"""What a rate's first digit may stand for: no currency is worth more of another, or less."""
State_co = TypeVar("State_co", covariant=True)


class StateProgram(Protocol[State_co]):
    """What a record stands for, as a whole."""

    def expressions(self) -> list[Expression]:
        """Every expression of it."""
        ...

    def of(self, evaluation: Evaluation) -> State_co:
        """What it is. Raises :class:`DataFault`."""
        ...


@dataclass(frozen=True, slots=True)
class FactProgram:
    """One kind of fact a record can prove: an expression per part that was given."""

    kind: FactKind
    each: Expression | None
    parts: dict[str, Expression]

    def expressions(self) -> list[Expression]:
        """Every expression of this fact."""
        return [*([self.each] if self.each else []), *self.parts.values()]

    def of(self, evaluation: Evaluation) -> Iterator[Fact]:
        """The facts of this kind. Raises :class:`DataFault`."""
        if self.each is None:
            yield from self._one(evaluation, "1")
            return
        items = self.each.value(evaluation)
        if items is None:
            return
        if not isinstance(items, tuple):
            raise DataFault("WRONG_TYPE", f"{self.each.place}: `each` wants a list")
        for position, item in enumerate(evaluation.step(items), start=1):
            evaluation.item_value = item
            yield from self._one(evaluation, str(position))

    def _one(self, evaluation: Evaluation, key: str) -> Iterator[Fact]:
        for name in ("where", "when"):
            condition = self.parts.get(name)
            if condition is not None and not condition.condition(evaluation):
                return
        amount = self._value("amount", evaluation)
        if amount is None:
            return
        currency = _required(self._value("currency", evaluation), "currency").upper()
        minor = to_minor(amount, currency)
        if minor is None or abs(minor) > MINOR_MAX:
            raise DataFault("AMOUNT_TOO_LARGE", f"{self._place('amount')}: the amount is too large")
        effective_on = self._date("effective_on", evaluation)
        if effective_on is None:
            raise DataFault("DATE_MISSING", f"{self._place('effective_on')}: the date is blank")
        texts = {name: text(self._value(name, evaluation)) or None for name in _TEXTS}
        yield Fact(
            kind=self.kind,
            key=text(self._value("key", evaluation)) or key,
            amount_minor=minor,
            currency=currency,
            exponent=exponent(currency),
            effective_on=effective_on,
            service_from=self._date("service_from", evaluation),
            service_to=self._date("service_to", evaluation),
            **texts,
        )

    def _value(self, name: str, evaluation: Evaluation) -> Value:
        return _filled(self.parts.get(name), evaluation)

    def _date(self, name: str, evaluation: Evaluation) -> date | None:
        return _day(self.parts.get(name), name, evaluation)

    def _place(self, name: str) -> str:
        return str(self.parts[name].place)


@dataclass(frozen=True, slots=True)
class PeriodProgram:
    """The accounting period a record stands for."""

    start: Expression
    end: Expression
    closed: Expression

    def expressions(self) -> list[Expression]:
        """Every expression of this period."""
        return [self.start, self.end, self.closed]

    def of(self, evaluation: Evaluation) -> PeriodState:
        """The period. Raises :class:`DataFault`."""
        start, end = (date_of(one.value(evaluation), "UTC") for one in (self.start, self.end))
        if start is None or end is None:
            raise DataFault("DATE_MISSING", f"{self.start.place}: a period has two days")
        return PeriodState(start, end, self.closed.condition(evaluation))


@dataclass(frozen=True, slots=True)
class RateProgram:
    """The exchange rate a record stands for."""

    from_currency: Expression
    to_currency: Expression
    rate: Expression
    effective_on: Expression

    def expressions(self) -> list[Expression]:
        """Every expression of this rate."""
        return [self.from_currency, self.to_currency, self.rate, self.effective_on]

    def of(self, evaluation: Evaluation) -> Rate | None:
        """The rate; ``None`` where a part is blank: a rate that is not told is none, never 1.

        Raises :class:`DataFault`.
        """
        pair = [text(_filled(one, evaluation)) for one in (self.from_currency, self.to_currency)]
        found = number(_filled(self.rate, evaluation))
        effective_on = _day(self.effective_on, "effective_on", evaluation)
        if not all(pair) or found is None or effective_on is None:
            return None
        codes = [code.upper() for code in pair if code]
        for code in codes:
            exponent(code)
        rate = Decimal(found)
        if rate <= 0 or rate.adjusted() not in RATE_MAGNITUDES:
            message = f"{self.rate.place}: this is no rate that one currency can have in another"
            raise DataFault("RATE_OUT_OF_RANGE", message)
        return Rate(codes[0], codes[1], rate, effective_on)


def _filled(expression: Expression | None, evaluation: Evaluation) -> Value:
    value = expression.value(evaluation) if expression else None
    return None if is_blank(value) else value


def _day(expression: Expression | None, name: str, evaluation: Evaluation) -> date | None:
    value = _filled(expression, evaluation)
    if expression is None or value is None:
        return None
    if isinstance(value, datetime):
        value = date_of(value, "UTC")
    if not isinstance(value, date):
        raise DataFault("WRONG_TYPE", f"{expression.place}: `{name}` is not a date")
    if value.year not in YEARS:
        message = f"{expression.place}: {value} is not a day that books can hold"
        raise DataFault("DATE_OUT_OF_RANGE", message)
    return value


def compile_fact(compiler: FieldCompiler, path: KeyPath, block: FactBlock) -> FactProgram:
    """Compile one fact; faults go to the compiler's problems."""
    each, inner = None, compiler
    if block.each is not None:
        each, scope = compile_items(compiler, (*path, "each"), block.each)
        inner = compiler.within(scope)
    parts: dict[str, Expression] = {}
    for name in _PARTS:
        expression = inner.optional((*path, name), getattr(block, name))
        if expression is not None:
            parts[name] = expression
    return FactProgram(block.kind, each, parts)


def compile_period(
    compiler: FieldCompiler, path: KeyPath, block: PeriodBlock
) -> PeriodProgram | None:
    """Compile the period; faults go to the compiler's problems."""
    start = compiler.expression((*path, "start"), block.start)
    end = compiler.expression((*path, "end"), block.end)
    closed = compiler.expression((*path, "closed"), block.closed)
    if start is None or end is None or closed is None:
        return None
    return PeriodProgram(start, end, closed)


def compile_rate(compiler: FieldCompiler, path: KeyPath, block: RateBlock) -> RateProgram | None:
    """Compile the rate; faults go to the compiler's problems."""
    from_currency = compiler.expression((*path, "from_currency"), block.from_currency)
    to_currency = compiler.expression((*path, "to_currency"), block.to_currency)
    rate = compiler.expression((*path, "rate"), block.rate)
    effective_on = compiler.expression((*path, "effective_on"), block.effective_on)
    if from_currency is None or to_currency is None or rate is None or effective_on is None:
        return None
    return RateProgram(from_currency, to_currency, rate, effective_on)


def _required(value: Value, name: str) -> str:
    found = text(value)
    if not found:
        raise DataFault("UNKNOWN_CURRENCY", f"the fact has no {name}")
    return found
