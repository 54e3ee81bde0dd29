"""``revline ledger``: what was decided and written, and the proof that nobody altered it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from engine.commands.kit import EXIT_WRONG, Surroundings, command, to_json

LOOKS: Final = 3


@click.group("ledger", epilog="Example: revline ledger list --limit 20")
def ledger() -> None:
    """List, export and verify the ledger."""


@command("list", example="revline ledger list --sync companies", group=ledger)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--sync", help="Only lines of this sync.")
def list_lines(surroundings: Surroundings, *, limit: int, sync: str | None) -> None:
    """Show the newest lines, oldest of them first."""
    from engine.store import ledger as stored

    with surroundings.project.reading() as store, store.read() as tx:
        # One sync's lines may be far apart: look through more of them.
        lines = stored.newest(tx, limit if sync is None else 100_000)
    rows = [line for line in lines if sync is None or line["sync"] == sync][-limit:]
    if surroundings.as_json:
        surroundings.answer(rows)
        return
    surroundings.table(
        "",
        ("Seq#", "Time", "Sync", "Operation", "Outcome", "Code", "Source", "Target"),
        [
            (
                line["seq"] if line["seq"] is not None else "–",
                line["time"][:19].replace("T", " "),
                line["sync"],
                line["operation"],
                line["outcome"],
                line["code"],
                _record(line["source"]),
                _record(line["target"]),
            )
            for line in rows
        ],
    )


def _record(address: dict[str, str] | None) -> str:
    if address is None:
        return ""
    return " ".join(part for part in address.values() if part)


@command("export", example="revline ledger export --output ledger.jsonl", group=ledger)
@click.option("--after", default=0, help="Only lines after this number.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file, replaced whole when the export is complete. Default: standard output.",
)
def export(surroundings: Surroundings, *, after: int, output: Path | None) -> None:
    """Write every sealed line as one JSON object per line, in order."""
    from engine.store import ledger as stored

    count = 0
    with surroundings.project.reading() as store, store.read() as tx:
        lines = stored.exported(tx, after)
        if output is None:
            for line in lines:
                click.echo(to_json(line))
            return
        fresh = output.with_name(f"{output.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(to_json(line) + "\n")
                count += 1
            _synced(file)
        fresh.replace(output)
    if surroundings.as_json:
        surroundings.answer({"lines": count, "file": str(output)})
    surroundings.say(f"{count} lines written to {output}.")


def _synced(file: Any) -> None:
    """On the disk before it takes the old export's place."""
    import os

    file.flush()
    os.fsync(file.fileno())


@command("verify", example="revline ledger verify", group=ledger)
def verify(surroundings: Surroundings) -> None:
    """Prove that every line is in its place and as it was written.

    Names the first line that is not. Compares with the head that is kept outside the store.
    """
    from engine.store import ledger as stored

    project = surroundings.project
    with project.reading() as store:
        for _ in range(LOOKS):
            # The file first: what a running engine adds meanwhile must not look like a fault.
            head = stored.read_head(store.head_file) if store.head_file is not None else None
            with store.read() as tx:
                found = stored.verify(tx, store.vault, head)
            if found.fault is None:
                break
    content = {
        "ok": found.fault is None,
        "lines": found.lines,
        "unsealed": found.unsealed,
        "head": {"seq": found.head.seq, "hash": found.head.hash},
        "fault": found.fault,
        "fault_seq": found.fault_seq,
    }
    if surroundings.as_json:
        surroundings.answer(content)
    elif found.fault is None:
        surroundings.say(f"The ledger is whole: {found.lines} lines, none altered.")
    else:
        surroundings.say(f"THE LEDGER IS NOT WHOLE: {found.fault}.")
    if found.fault is not None:
        raise click.exceptions.Exit(EXIT_WRONG)
