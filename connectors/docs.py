"""Writes a page per connector from what it declares: ``python -m connectors.docs FOLDER``.

Pages are generated so that they cannot fall behind; the repository's tests compare them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Final

from connectors import registry
from connectors.base import (
    ConnectorSpec,
    CreateIdentity,
    Granularity,
    LimitClass,
    ObjectSpec,
    PartialBatch,
    Setting,
)

_VERSIONS: Final = {
    Granularity.ORDERED: "fine: any two edits are told apart",
    Granularity.COARSE: "whole seconds: equal times are read again",
    Granularity.NONE: "none: always read",
}
_IDENTITIES: Final = {
    CreateIdentity.EXTERNAL_ID: "external id",
    CreateIdentity.UNIQUE_PROPERTY: "unique property",
    CreateIdentity.IDEMPOTENCY_KEY: "idempotency key",
    CreateIdentity.OWN_NUMBER: "own number",
    CreateIdentity.NONE: "none",
}
_ALL_OTHERS: Final = "any other"


def page(spec: ConnectorSpec) -> str:
    """The connector's page, in Markdown."""
    parts = [
        f"# {spec.title}",
        f"What the connector `{spec.name}` declares, generated from its code by "
        "`python -m connectors.docs docs/connectors`; a test keeps it fresh. How it reads and "
        f"writes is told in [its own page](../../{spec.documentation})."
        if spec.documentation
        else f"What the connector `{spec.name}` declares, generated from its code.",
        "## Settings",
        "Under the connection's name in `revline.yaml`. Secret ones come from the environment.",
        _table(("setting", "what it is", "needed", "default", "example"), _settings(spec)),
        "## Objects",
        _objects(spec),
        "## Batches",
        "Records per call.",
        _table(
            ("object", "list", "changes", "read", "search", "write", "one bad record"),
            (_sizes(one) for one in spec.objects),
        ),
        *_actions(spec),
        "## Limits",
        _table(("class", "calls", "within", "at once", "what it counts"), _limits(spec.limits)),
        "## What it needs in the account",
        _needs(spec),
        *_errors(spec.name),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def pages() -> dict[str, str]:
    """Every registered connector's page, by file name, with an index."""
    specs = [registry.spec(name) for name in registry.kinds()]
    found = {f"{spec.name}.md": page(spec) for spec in specs}
    rows = [
        (
            f"[{spec.title}]({spec.name}.md)",
            ", ".join(_name(one) for one in spec.objects),
            _yes(spec.webhooks),
        )
        for spec in specs
    ]
    found["README.md"] = (
        "# Connectors\n\nOne page each, generated from their declarations.\n\n"
        + _table(("connector", "objects", "webhooks"), rows)
        + "\n"
    )
    return found


def _settings(spec: ConnectorSpec) -> Iterable[Sequence[str]]:
    for one in spec.settings:
        yield (
            f"`{one.name}`",
            _described(one),
            _needed(one),
            _code(one.default),
            _code(one.example),
        )


def _described(setting: Setting) -> str:
    choices = " One of " + ", ".join(f"`{choice}`" for choice in setting.choices) + "."
    return f"**{setting.title}.** {setting.description}" + (choices if setting.choices else "")


def _needed(setting: Setting) -> str:
    words = [("required", setting.required), ("secret", setting.secret)]
    return ", ".join(word for word, holds in words if holds)


def _objects(spec: ConnectorSpec) -> str:
    table = _table(
        ("object", "label", "modified time", "versions", "create identity", "match keys", "notes"),
        (
            (
                _name(one),
                one.label,
                _code(one.cursor_field),
                one.granularity.value,
                _identity(one),
                _codes(one.match_keys),
                _notes(one),
            )
            for one in spec.objects
        ),
    )
    used = {one.granularity for one in spec.objects}
    meanings = [f"- *{kind.value}*: {_VERSIONS[kind]}" for kind in Granularity if kind in used]
    sources = sorted({one.source for one in spec.objects if one.source})
    facts = ["Facts from:", *(f"- {source}" for source in sources)] if sources else []
    blocks = [table, "Versions:\n\n" + "\n".join(meanings)]
    if facts:
        blocks.append(facts[0] + "\n\n" + "\n".join(facts[1:]))
    return "\n\n".join(blocks)


def _name(spec: ObjectSpec) -> str:
    return _ALL_OTHERS if spec.name == "*" else f"`{spec.name}`"


def _identity(spec: ObjectSpec) -> str:
    kind = _IDENTITIES[spec.create_identity]
    return f"{kind} `{spec.identity_field}`" if spec.identity_field else kind


def _notes(spec: ObjectSpec) -> str:
    notes = []
    if spec.subject:
        notes.append("personal data")
    if not spec.writable:
        notes.append("read only")
    if spec.associations:
        notes.append(f"reads along {_codes(spec.associations)}")
    if spec.children:
        notes.append(f"children {_codes(spec.children)}")
    notes.append(f"sweeps overlap by {_duration(spec.overlap)}")
    if spec.lookup_lag:
        notes.append(f"look-ups may lag {_duration(spec.lookup_lag)}")
    if spec.replay_horizon:
        notes.append(f"a key is honoured for {_duration(spec.replay_horizon)}")
    if spec.delete_source:
        notes.append(f"removals from {spec.delete_source}")
    if spec.immutable_when:
        notes.append(f"never edited once {spec.immutable_when}")
    return "; ".join(notes)


def _sizes(spec: ObjectSpec) -> Sequence[str]:
    alone = spec.partial_batch is PartialBatch.PER_RECORD
    sizes = (spec.page_list, spec.page_changes, spec.batch_read, spec.batch_search)
    return (
        _name(spec),
        *(f"{size:,}" for size in sizes),
        f"{spec.batch_write:,}" if spec.writable else "–",
        "fails alone" if alone else "fails its batch",
    )


def _actions(spec: ConnectorSpec) -> list[str]:
    """What can be done to records beside changing them, where anything can."""
    rows = [
        (_name(one), f"`{action.name}`", action.done, _yes(action.replayable))
        for one in spec.objects
        for action in one.actions
    ]
    if not rows:
        return []
    head = ("object", "action", "what reading shows afterwards", "harmless when repeated")
    return ["## Actions", "For the `steps` of a mapping.", _table(head, rows)]


def _limits(limits: Sequence[LimitClass]) -> Iterable[Sequence[str]]:
    for one in limits:
        yield (
            f"`{one.name}`",
            f"{one.calls:,}",
            _duration(one.window),
            str(one.concurrency or ""),
            one.description,
        )


def _needs(spec: ConnectorSpec) -> str:
    lines = ["`revline setup CONNECTION` lists what is missing and, with `--apply`, creates it."]
    fields: dict[str, list[str]] = {}
    for one in spec.objects:
        if one.identity_field and one.writable:
            fields.setdefault(one.identity_field, []).append(_name(one))
    lines += [
        f"- The unique field `{field}` on each object that records are created in "
        f"({', '.join(names)})."
        for field, names in fields.items()
    ]
    lines.append("- Permission to read what syncs read and to write what they write.")
    if spec.webhooks:
        lines.append(
            "- Webhooks, for changes to arrive at once: to `{public_url}/webhooks/CONNECTION`."
        )
    lines += [
        f"- No second writer: {native} must not move the same objects."
        for native in spec.native_connectors
    ]
    return lines[0] + "\n\n" + "\n".join(lines[1:])


def _errors(name: str) -> list[str]:
    """The table of answers, where the connector declares one (``TABLE`` or ``MEANINGS``)."""
    try:
        module = importlib.import_module(f"connectors.{name}.errors")
    except ModuleNotFoundError:
        return []
    meanings: Mapping[str, Any] | None = getattr(module, "MEANINGS", None)
    if meanings is not None:
        rows = [(f"`{code}`", _meaning(meaning)) for code, meaning in meanings.items()]
        return ["## What its errors mean", _table(("code", "meaning"), rows)]
    table: Sequence[Any] | None = getattr(module, "TABLE", None)
    if table is not None:
        rows_of_table = [
            (_spans(row.statuses), _codes(row.categories), row.detail, _meaning(row.meaning))
            for row in table
        ]
        return [
            "## What its errors mean",
            "The first row that fits decides.",
            _table(("status", "category", "with the words", "meaning"), rows_of_table),
        ]
    return []


def _meaning(meaning: Enum) -> str:
    text = meaning.value if isinstance(meaning.value, str) else meaning.name
    return text.lower().replace("_", " ") if text.isupper() else text


def _spans(numbers: Iterable[int]) -> str:
    """Numbers with runs shortened: ``408, 500–504``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _duration(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _yes(holds: bool) -> str:  # noqa: FBT001
    return "yes" if holds else "no"


def _code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main(folder: Path) -> None:
    """Write every page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
