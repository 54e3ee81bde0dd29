"""Exact shares of an amount in minor units: half to even, and sums that always come out."""

from __future__ import annotations

from fractions import Fraction


def half_even(value: Fraction) -> int:
    """The nearest whole number; a half goes to the even neighbour."""
    return round(value)


def share(amount_minor: int, part: Fraction) -> int:
    """So much of an amount as ``part`` (0 to 1) of it, in whole minor units.

    Shares are taken cumulatively: what falls between two points is the difference of their shares,
    so that the whole is always the sum of its pieces.
    """
    return half_even(amount_minor * part)
