"""``revline demo``: two simulated systems kept in step before one's eyes, and what it took."""

from __future__ import annotations

from pathlib import Path


def run(folder: Path, *, as_json: bool, again: bool = False) -> int:
    """The command behind ``revline demo``; returns the exit code.

    ``again`` starts the simulators of an earlier demo as that one left them, until stopped.
    """
    import sys

    from engine.commands.kit import console
    from engine.demo.again import stay
    from engine.demo.show import run_demo

    screen = console(sys.stdout)
    if again:
        return stay(folder.absolute(), json=as_json, console=screen)
    return run_demo(folder, json=as_json, console=screen)
