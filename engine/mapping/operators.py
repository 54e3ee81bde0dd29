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
    Inexact,
    InvalidOperation,
    Overflow,
    Rounded,
    Subnormal,
)
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from connectors.records import MISSING, Record, Value
from engine.mapping.evaluation import Evaluation
from engine.mapping.faults import DataFault, LinkPending

TEXT_MAX_CHARACTERS: Final = 1_000_000
DIGITS_MAX: Final = 38

Number: TypeAlias = int | Decimal

# A result that does not fit is an error here, never rounded: these numbers may be money.
_EXACT: Final = Context(
    prec=DIGITS_MAX,
    rounding=ROUND_HALF_EVEN,
    Emax=DIGITS_MAX - 1,
    Emin=-DIGITS_MAX,
    traps=[InvalidOperation, DivisionByZero, Overflow, Inexact, Rounded, Subnormal],
)
_DIVIDING: Final = Context(
    prec=28,
    rounding=ROUND_HALF_EVEN,
    Emax=DIGITS_MAX - 1,
    Emin=-DIGITS_MAX,
    traps=[InvalidOperation, DivisionByZero, Overflow, Subnormal],
)
_INTEGER_END: Final = 10**DIGITS_MAX
_KINDS: Final[Mapping[type, str]] = MappingProxyType(
    {
        type(None): "a blank",
        bool: "true/false",
        int: "a number",
        Decimal: "a number",
        str: "text",
        datetime: "a time",
        date: "a date",
        tuple: "a list",
        list: "a list",
        dict: "a record",
        Record: "a record",
    }
)
_FINISHED: Final = frozenset({type(None), bool, int, Decimal, str, date})


def kind(value: Any) -> str:
    """What a value is, in a person's words."""
    found = _KINDS.get(value.__class__)
    if found is not None:
        return found
    if isinstance(value, str):
        return "text"
    return "a record" if isinstance(value, Mapping) else "a list"


def is_number(value: Any) -> bool:
    """Whether a value is a number; true and false are not."""
    found = value.__class__
    return found is Decimal or found is int


def bounded(value: Number) -> Number:
    """The number itself, if it is of a size that money and quantities have."""
    if isinstance(value, int):
        if -_INTEGER_END < value < _INTEGER_END:
            return value
        raise _too_large()
    try:
        if _EXACT.plus(value).is_finite():
            return value
    except DecimalException:
        pass
    raise _too_large()


def _too_large() -> DataFault:
    return DataFault("NUMBER_TOO_LARGE", f"a number has more than {DIGITS_MAX} digits; round it")


def _calculate(
    operation: Callable[[Decimal, Decimal], Decimal], left: Any, right: Any, verb: str
) -> Number:
    """Exact arithmetic on two numbers; two whole numbers give a whole number."""
    if not (is_number(left) and is_number(right)):
        raise DataFault(
            "WRONG_TYPE", f"cannot {verb} {kind(left)} and {kind(right)}{_advice(left, right)}"
        )
    whole = isinstance(left, int) and isinstance(right, int)
    a = Decimal(bounded(left)) if isinstance(left, int) else left
    b = Decimal(bounded(right)) if isinstance(right, int) else right
    try:
        result = operation(a, b)
    except DecimalException:
        raise _too_large() from None
    if not result.is_finite():
        raise _too_large()
    return int(result) if whole else result


def _advice(left: Any, right: Any) -> str:
    if left is None or right is None:
        return "; give blanks a value with default(…)"
    if isinstance(left, str) or isinstance(right, str):
        return "; use number(…) or text(…)"
    return ""


def add(left: Any, right: Any) -> Any:
    """Numbers are added, texts joined; nothing else."""
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > TEXT_MAX_CHARACTERS:
            raise DataFault("TEXT_TOO_LONG", "a text would pass a million characters")
        return left + right
    return _calculate(_EXACT.add, left, right, "add")


def subtract(left: Any, right: Any) -> Any:
    """The exact difference of two numbers."""
    return _calculate(_EXACT.subtract, left, right, "subtract")


def multiply(left: Any, right: Any) -> Any:
    """The exact product of two numbers."""
    return _calculate(_EXACT.multiply, left, right, "multiply")


def divide(left: Any, right: Any) -> Any:
    """The quotient to 28 significant digits, half to even."""
    if is_number(right) and is_number(left) and not right:
        raise DataFault("DIVISION_BY_ZERO", "division by zero")
    return _calculate(_DIVIDING.divide, _decimal(left), _decimal(right), "divide")


def _decimal(value: Any) -> Any:
    return Decimal(bounded(value)) if value.__class__ is int else value


def negate(value: Any) -> Any:
    """The number with its sign turned."""
    if not is_number(value):
        raise DataFault("WRONG_TYPE", f"cannot negate {kind(value)}")
    return -value if isinstance(value, int) else _EXACT.minus(Decimal(bounded(value)))


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
    return value is None or value is MISSING or (isinstance(value, str) and not value)


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
    """A field of a child record, or of a structured element; ``id`` is a record's id."""
    if not isinstance(record, Record):
        return read_path(lambda part: read(record, part), name)
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
    result: Value = value
    if value.__class__ in _FINISHED:
        return result
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, list | tuple):
        return tuple(finished(item) for item in value)
    if value is MISSING:
        return None
    return result
