"""Every table of the main store; importing this module makes the metadata whole."""

from __future__ import annotations

from typing import Final

from engine.store import money_tables, person_tables, route_tables, tables

every_table: Final = tables.metadata

GROUPS: Final = (tables, money_tables, person_tables, route_tables)
