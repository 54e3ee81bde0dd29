"""Relative date literals as day ranges ("Date Formats and Date Literals", SOQL reference)."""

from __future__ import annotations

from datetime import date, timedelta


def day_range(literal: str, today: date) -> tuple[date, date]:
    """First day and the day after the last; weeks start on Sunday, as in a US-locale org."""
    name, _, count = literal.partition(":")
    number = int(count or 0)
    match name:
        case "YESTERDAY":
            return today - timedelta(1), today
        case "TODAY":
            return today, today + timedelta(1)
        case "TOMORROW":
            return today + timedelta(1), today + timedelta(2)
        case "LAST_90_DAYS":
            return today - timedelta(90), today + timedelta(1)
        case "NEXT_90_DAYS":
            return today + timedelta(1), today + timedelta(91)
        case "LAST_N_DAYS":
            return today - timedelta(number), today + timedelta(1)
        case "NEXT_N_DAYS":
            return today + timedelta(1), today + timedelta(number + 1)
        case "N_DAYS_AGO":
            return today - timedelta(number), today - timedelta(number - 1)
    when, unit = name.split("_", 1)
    if unit.startswith("N_"):
        unit = unit.removeprefix("N_").removesuffix("S")
        if when == "LAST":
            return _period(unit, today, -number)[0], _period(unit, today, 0)[0]
        return _period(unit, today, 1)[0], _period(unit, today, number)[1]
    return _period(unit, today, {"LAST": -1, "THIS": 0, "NEXT": 1}[when])


def _period(unit: str, today: date, offset: int) -> tuple[date, date]:
    if unit == "WEEK":
        start = today - timedelta((today.weekday() + 1) % 7) + timedelta(7 * offset)
        return start, start + timedelta(7)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    month = today.year * 12 + today.month - 1
    month = month // months * months + months * offset
    return _first_of(month), _first_of(month + months)


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
