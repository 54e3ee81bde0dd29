"""Templates: a whole line as a project, phase by phase, of which the first may run already.

The text of each phase is kept once, with ``enabled:`` as it is when the phase runs. A phase that
was not asked for has every sync switched off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from engine.init import rehearsal
from engine.init.project import GITIGNORE

_MAPPING: Final = re.compile(r"^    mapping: ([a-z0-9_-]+)$", re.MULTILINE)
_RUNS: Final = re.compile(r"^    enabled: true$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Template:
    """A line that a project can begin with. ``folder`` is beside this file."""

    name: str
    title: str
    folder: str
    phases: tuple[str, ...]

    @property
    def place(self) -> Traversable:
        """Where its text is."""
        return files("engine.init") / self.folder

    def text(self, name: str) -> str:
        """One of its files."""
        return (self.place / name).read_text("utf-8")


LEAD_TO_CASH: Final = Template(
    name="lead-to-cash",
    title="From MQL to the posted journal, and back to the deal",
    folder="lead_to_cash",
    phases=("CRM and CPQ", "billing", "payments", "ERP", "write-backs", "metrics"),
)
TEMPLATES: Final[Mapping[str, Template]] = {LEAD_TO_CASH.name: LEAD_TO_CASH}


def phases_of(template: Template, asked: str | None) -> range:
    """The phases that ``1-3`` or ``2`` asks for; all without an answer.

    Raises ``ValueError`` with what can be asked for.
    """
    last = len(template.phases)
    if asked is None:
        return range(1, last + 1)
    found = re.fullmatch(r"([0-9]{1,2})(?:-([0-9]{1,2}))?", asked.strip(), re.ASCII)
    first, until = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= until <= last:
        raise ValueError(f"{asked!r} is not a phase such as 1, or several such as 1-{last}")
    return range(first, until + 1)


def template_contents(template: Template, running: range, *, sandbox: bool) -> dict[str, str]:
    """Every file of a new project by its path, in the order in which a person reads them."""
    found = {"revline.yaml": _project(template, running)}
    shipped = files("engine.init") / "mappings"
    for name in sorted(set(_MAPPING.findall(found["revline.yaml"]))):
        found[f"mappings/{name}.yaml"] = (shipped / f"{name}.yaml").read_text("utf-8")
    found[".env.example"] = template.text("environment.txt")
    found[".gitignore"] = GITIGNORE
    return rehearsal.contents(found) if sandbox else found


def _project(template: Template, running: range) -> str:
    numbers = range(1, len(template.phases) + 1)
    parts = [template.text("head.yaml")]
    named = [f"connections_{number}.yaml" for number in numbers]
    parts += [template.text(name) for name in named if (template.place / name).is_file()]
    parts += ["\n", template.text("rules.yaml"), "syncs:\n"]
    for number in numbers:
        syncs = template.text(f"syncs_{number}.yaml")
        parts.append(syncs if number in running else _RUNS.sub("    enabled: false", syncs))
    return "".join(parts)
