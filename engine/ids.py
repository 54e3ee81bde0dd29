"""Names for our own rows: short, unique, sortable by birth."""

from __future__ import annotations

import secrets
import threading
from random import Random
from typing import Final, Protocol

from engine.clock import Clock, microseconds

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"


class Ids(Protocol):
    """Makes ids."""

    def new(self) -> str:
        """A new id of 20 characters ``[0-9a-z]``, later ones sorting after earlier ones."""
        ...


class TimeIds:
    """Ids of ten characters of time and ten of chance.

    Within one process they are strictly increasing. ``random`` is given in simulations; otherwise
    chance comes from the operating system.
    """

    def __init__(self, clock: Clock, random: Random | None = None) -> None:
        self._clock = clock
        self._random = random
        self._last_microseconds = 0
        self._lock = threading.Lock()

    def new(self) -> str:
        with self._lock:
            time = max(microseconds(self._clock.now()), self._last_microseconds + 1)
            self._last_microseconds = time
            chance = self._random.getrandbits(50) if self._random else secrets.randbits(50)
        return _text(time, 11) + _text(chance, 10)[1:]


def _text(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
