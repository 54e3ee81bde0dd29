"""What the operators of expressions do: null-safe reads, exact decimals, no silent conversions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from typing import Any, Final, TypeAlias

from connectors.records import MISSING, Record, Value
from engine.mapping.evaluation import Evaluation
from engine.mapping.faults import DataFault, LinkPending

TEXT_MAX_CHARACTERS: Final = 1_000_000
DIGITS_MAX: Final = 38

Number: TypeAlias = int | Decimal

# Wide enough that sums and products of two numbers within the bounds are exact.
_EXACT: Final = Context(
    prec=2 * DIGITS_MAX + 4,
    rounding=ROUND_HALF_EVEN,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
_DIVIDING: Final = Context(
    prec=28, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)


def kind(value: Any) -> str:
    """What a value is, in a person's words."""
    if value is None:
        return "a blank"
    if isinstance(value, bool):
        return "true/false"
    for types, name in (
        ((int, Decimal), "a number"),
        ((str,), "text"),
        ((datetime,), "a time"),
        ((date,), "a date"),
        ((Mapping, Record), "a record"),
    ):
        if isinstance(value, types):
            return name
    return "a list"


def is_number(value: Any) -> bool:
    """Whether a value is a number; true and false are not."""
    return isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool))


def bounded(value: Number) -> Number:
    """The number itself, if it is of a size that money and quantities have."""
    if isinstance(value, int):
        if -(10**DIGITS_MAX) < value < 10**DIGITS_MAX:
            return value
    elif value.is_finite():
        _sign, digits, exponent = value.as_tuple()
        if (
            isinstance(exponent, int)
            and len(digits) <= DIGITS_MAX
            and exponent >= -DIGITS_MAX
            and len(digits) + exponent <= DIGITS_MAX
        ):
            return value
    raise DataFault("NUMBER_TOO_LARGE", f"a number has more than {DIGITS_MAX} digits; round it")


def _numbers(left: Any, right: Any, verb: str) -> tuple[Decimal, Decimal]:
    if not (is_number(left) and is_number(right)):
        raise DataFault(
            "WRONG_TYPE", f"cannot {verb} {kind(left)} and {kind(right)}{_advice(left, right)}"
        )
    return Decimal(bounded(left)), Decimal(bounded(right))


def _advice(left: Any, right: Any) -> str:
    if left is None or right is None:
        return "; give blanks a value with default(…)"
    if isinstance(left, str) or isinstance(right, str):
        return "; use number(…) or text(…)"
    return ""


def _settled(value: Decimal, left: Any, right: Any) -> Number:
    bounded(value)
    whole = isinstance(left, int) and isinstance(right, int)
    return int(value) if whole else value


def add(left: Any, right: Any) -> Any:
    """Numbers are added, texts joined; nothing else."""
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > TEXT_MAX_CHARACTERS:
            raise DataFault("TEXT_TOO_LONG", "a text would pass a million characters")
        return left + right
    a, b = _numbers(left, right, "add")
    return _settled(_EXACT.add(a, b), left, right)


def subtract(left: Any, right: Any) -> Any:
    """The exact difference of two numbers."""
    a, b = _numbers(left, right, "subtract")
    return _settled(_EXACT.subtract(a, b), left, right)


def multiply(left: Any, right: Any) -> Any:
    """The exact product of two numbers."""
    a, b = _numbers(left, right, "multiply")
    return _settled(_EXACT.multiply(a, b), left, right)


def divide(left: Any, right: Any) -> Any:
    """The quotient to 28 significant digits, half to even."""
    a, b = _numbers(left, right, "divide")
    if not b:
        raise DataFault("DIVISION_BY_ZERO", "division by zero")
    try:
        return bounded(_DIVIDING.divide(a, b))
    except DecimalException:
        raise DataFault("NUMBER_TOO_LARGE", "the quotient is out of bounds") from None


def negate(value: Any) -> Any:
    """The number with its sign turned."""
    if not is_number(value):
        raise DataFault("WRONG_TYPE", f"cannot negate {kind(value)}")
    return -value if isinstance(value, int) else _EXACT.minus(bounded(value))


def equal(left: Any, right: Any) -> bool:
    """Equality within one type. Blank equals blank only; text never equals a number silently."""
    left, right = _plain(left), _plain(right)
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, tuple) or isinstance(right, tuple):
        return bool(left == right)
    if kind(left) != kind(right):
        raise DataFault(
            "WRONG_TYPE", f"cannot compare {kind(left)} with {kind(right)}{_advice(left, right)}"
        )
    return bool(left == right)


def unequal(left: Any, right: Any) -> bool:
    """The opposite of :func:`equal`."""
    return not equal(left, right)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        if kind(left) != kind(right) or isinstance(left, bool | tuple | list | Mapping):
            raise DataFault(
                "WRONG_TYPE",
                f"cannot compare {kind(left)} with {kind(right)}{_advice(left, right)}",
            )
        return test(left, right)

    return compare


less = _ordered(lambda left, right: bool(left < right))
less_or_equal = _ordered(lambda left, right: bool(left <= right))
greater = _ordered(lambda left, right: bool(left > right))
greater_or_equal = _ordered(lambda left, right: bool(left >= right))


def is_blank(value: Any) -> bool:
    """Whether a value is ``None`` or empty text."""
    return value is None or value == "" or value is MISSING


def is_not_blank(value: Any) -> bool:
    """Whether a value is neither ``None`` nor empty text."""
    return not is_blank(value)


def one_of(value: Any, items: Any) -> bool:
    """Whether a list contains a value."""
    if items is None:
        return False
    if not isinstance(items, tuple | list):
        raise DataFault(
            "WRONG_TYPE", f"`in` wants a list, not {kind(items)}; for text use contains(…)"
        )
    return any(equal(value, item) for item in items if kind(item) == kind(value))


def none_of(value: Any, items: Any) -> bool:
    """The opposite of :func:`one_of`."""
    return not one_of(value, items)


def truth(value: Any) -> bool:
    """The answer to a condition: true, false, or blank, which counts as false."""
    if value is True:
        return True
    if value is False or value is None:
        return False
    raise DataFault(
        "WRONG_TYPE", f"a condition must be true or false, not {kind(value)}; write `… is not None`"
    )


def every(*conditions: Callable[[], Any]) -> bool:
    """``and`` over conditions that may be undecided: one false settles it."""
    pending: list[LinkPending] = []
    for condition in conditions:
        try:
            if not truth(condition()):
                return False
        except LinkPending as open_link:
            pending.append(open_link)
    return _decided(pending, answer=True)


def some(*conditions: Callable[[], Any]) -> bool:
    """``or`` over conditions that may be undecided: one true settles it."""
    pending: list[LinkPending] = []
    for condition in conditions:
        try:
            if truth(condition()):
                return True
        except LinkPending as open_link:
            pending.append(open_link)
    return _decided(pending, answer=False)


def _decided(pending: list[LinkPending], *, answer: bool) -> bool:
    if pending:
        raise LinkPending(*(reference for one in pending for reference in one.references))
    return answer


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def read(value: Any, name: str) -> Any:
    """A named part of a value; blank where there is none."""
    if isinstance(value, Record):
        return read_record(value, name)
    found = value.get(name) if isinstance(value, Mapping) else None
    return None if found is MISSING else found


def read_record(record: Any, name: str) -> Any:
    """A field of a child record; ``id`` is its id."""
    if not isinstance(record, Record):
        return read(record, name)
    if name == "id":
        return record.ref.id
    return read_path(record.fields.get, name)


def read_path(get: Callable[[str], Any], name: str) -> Any:
    """A field by its name; a dotted name that is not one field leads into a structured value."""
    found = get(name)
    if found is not None and found is not MISSING:
        return found
    if "." not in name:
        return None
    first, *rest = name.split(".")
    found = get(first)
    for part in rest:
        found = read(found, part)
    return None if found is MISSING else found


def item_at(value: Any, position: int) -> Any:
    """An element of a list by its position; blank where there is none."""
    if value is None:
        return None
    if not isinstance(value, tuple | list):
        raise DataFault("WRONG_TYPE", f"cannot take an element of {kind(value)}")
    return value[position] if -len(value) <= position < len(value) else None


def walk(evaluation: Evaluation, value: Any) -> Any:
    """The elements of a list, counted; a blank has none."""
    if value is None or value is MISSING:
        return evaluation.step(())
    if not isinstance(value, tuple | list):
        raise DataFault("WRONG_TYPE", f"`for … in` wants a list, not {kind(value)}")
    return evaluation.step(value)


def finished(value: Any) -> Value:
    """A result as records hold it: tuples for lists, times in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, list | tuple):
        return tuple(finished(item) for item in value)
    if value is MISSING:
        return None
    result: Value = value
    return result
