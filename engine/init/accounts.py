"""What a template needs in the accounts, told to simulators as their administrators would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from engine.init.template import Template


def in_the_sandbox(template: Template) -> dict[str, list[tuple[str, Mapping[str, Any]]]]:
    """By system: requests to its admin surface, as (path, body)."""
    needed = yaml.safe_load(template.text("accounts.yaml"))
    found: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for system, kinds in needed.items():
        asked = found.setdefault(system, [])
        for object, fields in kinds.get("fields", {}).items():
            for name, line in fields.items():
                field = {"name": name, "line": line}
                asked.append(("mutate", {"object": object, "op": "add_field", "fields": field}))
        for object, rows in kinds.get("records", {}).items():
            asked += [("mutate", {"object": object, "op": "create", "fields": row}) for row in rows]
        if "properties" in kinds:
            asked.append(("load", {"properties": kinds["properties"]}))
    return found
