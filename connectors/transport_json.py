"""JSON from outside, strictly: exact numbers, one meaning per text, bounded in every direction.

The standard parser is used with every hook it has, because the fast ones turn decimals into floats.
"""

from __future__ import annotations

import codecs
import json
import re
from decimal import Decimal
from typing import Any, Final, TypeAlias

from connectors.errors import UnexpectedAnswer

Json: TypeAlias = "bool | int | str | Decimal | list[Json] | dict[str, Json] | None"

DEPTH_MAX: Final = 64
DIGITS_MAX: Final = 64
EXPONENT_MAX: Final = 64

_BOMS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)
_SUSPECT: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])", re.ASCII)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class BadJson(ValueError):
    """The text is not JSON we accept; the message says why and quotes nothing of it."""


def loads_strict(body: bytes, *, depth_max: int = DEPTH_MAX) -> Json:
    """The parsed text. Raises ``BadJson`` and nothing else.

    Refused: byte order marks and other encodings than UTF-8, NaN and Infinity, repeated keys,
    numbers of more than 64 digits or a larger exponent, lone surrogates, NUL, deep nesting.
    """
    if body.startswith(_BOMS):
        raise BadJson("it starts with a byte order mark")
    try:
        text = body.decode("utf-8")
        parsed = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise BadJson("it is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise BadJson(f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise BadJson("it is nested too deeply") from None
    _walk(parsed, depth_max, suspect=_SUSPECT.search(text) is not None or "\x00" in text)
    result: Json = parsed
    return result


def parse_json(body: bytes) -> Json:
    """The parsed answer of a vendor. Raises ``UnexpectedAnswer``; see :func:`loads_strict`."""
    try:
        return loads_strict(body)
    except BadJson as error:
        raise UnexpectedAnswer(f"the answer is not usable JSON: {error}", code="BAD_JSON") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadJson("a key occurs twice in one object")
    return found


def _whole(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise BadJson("a number is too long")
    return int(text)


def _decimal(text: str) -> Decimal:
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > DIGITS_MAX:
        raise BadJson("a number is too long")
    # The length is checked first: turning many digits into a number is itself slow.
    if len(exponent) > 4 or (exponent and abs(int(exponent)) > EXPONENT_MAX):
        raise BadJson("a number is too large or too small")
    return Decimal(text)


def _constant(_: str) -> Any:
    raise BadJson("NaN and Infinity are not JSON")


def _walk(value: Any, left: int, *, suspect: bool) -> None:
    if isinstance(value, dict):
        if left == 0:
            raise BadJson("it is nested too deeply")
        for name, inner in value.items():
            if suspect:
                _storable(name)
            if isinstance(inner, dict | list) or suspect:
                _walk(inner, left - 1, suspect=suspect)
    elif isinstance(value, list):
        if left == 0:
            raise BadJson("it is nested too deeply")
        for inner in value:
            if isinstance(inner, dict | list) or suspect:
                _walk(inner, left - 1, suspect=suspect)
    elif suspect and isinstance(value, str):
        _storable(value)


def _storable(text: str) -> None:
    if _UNSTORABLE.search(text):
        raise BadJson("a text holds a lone surrogate or NUL")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_float=_decimal,
    parse_int=_whole,
    parse_constant=_constant,
)
