"""From an exception to a sentence, a place to look, and an exit code. Never a traceback."""

from __future__ import annotations

import contextlib
import sys
import traceback
from pathlib import Path
from typing import Any, Final

import click

from engine.commands.kit import (
    EXIT_CONFIGURATION,
    CommandError,
    Surroundings,
    to_json,
    visible,
)

DEBUG_VARIABLE: Final = "REVLINE_DEBUG"
LOG_FILE: Final = "revline.log"


def explain(error: Exception, surroundings: Surroundings | None) -> int:
    """Tell the person what is wrong; returns the exit code."""
    from engine.errors import ConfigErrors

    if isinstance(error, ConfigErrors):
        return config_errors(error, surroundings)
    found = _known(error)
    if found is None:
        found = _unexpected(error, surroundings)
    if surroundings is not None and surroundings.as_json:
        content = {"code": found.code, "message": found.message, "hint": found.hint}
        click.echo(to_json({"error": content}))
    else:
        _tell(found.message, found.hint)
    return found.exit_code


def _tell(message: str, hint: str) -> None:
    click.echo(visible(f"error: {message}"), err=True)
    if hint:
        click.echo(visible(f"  {hint}"), err=True)


def config_errors(error: Any, surroundings: Surroundings | None) -> int:
    """Every fault of the configuration, one line each with what to do; returns the exit code."""
    if surroundings is not None and surroundings.as_json:
        faults = [fault_content(fault) for fault in error.errors]
        click.echo(to_json({"ok": False, "faults": faults}))
        return EXIT_CONFIGURATION
    for fault in error.errors:
        click.echo(visible(f"{fault.place}: {fault.message}"), err=True)
        if fault.hint:
            click.echo(visible(f"  {fault.hint}"), err=True)
    count = len(error.errors)
    click.echo(f"{count} fault{'s' if count != 1 else ''} in the configuration.", err=True)
    return EXIT_CONFIGURATION


def fault_content(fault: Any) -> dict[str, object]:
    """A fault as ``--json`` shows it."""
    return {
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "message": fault.message,
        "hint": fault.hint,
    }


def _known(error: Exception) -> CommandError | None:
    """Errors that are meant for people already, each with its exit code."""
    from connectors.errors import CallError
    from connectors.registry import BrokenConnector, UnknownConnector
    from engine.control import ControlError
    from engine.daemon import LockHeld
    from engine.errors import RevlineError

    if isinstance(error, CommandError):
        return error
    if isinstance(error, ControlError):
        return CommandError(error.code, error.message, error.hint)
    if isinstance(error, LockHeld):
        return CommandError("locked", str(error), exit_code=EXIT_CONFIGURATION)
    if isinstance(error, RevlineError | UnknownConnector | BrokenConnector):
        return CommandError("configuration", str(error), exit_code=EXIT_CONFIGURATION)
    if isinstance(error, CallError):
        return CommandError(error.code.lower(), error.message, _what_next(error))
    return _of_the_store(error)


def _of_the_store(error: Exception) -> CommandError | None:
    name = type(error).__name__
    if name == "NewerSchemaError":
        return CommandError("newer_store", str(error), exit_code=EXIT_CONFIGURATION)
    if name == "WrongKeyError":
        return CommandError(
            "wrong_key",
            str(error),
            "set REVLINE_KEY to the key this store was made with",
            exit_code=EXIT_CONFIGURATION,
        )
    if name == "UnavailableError":
        return CommandError("unavailable", str(error), "see revline connections list")
    if name == "ReceiverError":
        return CommandError("receiver", str(error), exit_code=EXIT_CONFIGURATION)
    if isinstance(error, ModuleNotFoundError) and error.name == "psycopg":
        return CommandError(
            "no_driver",
            "a PostgreSQL store needs its driver",
            "pip install 'revline[postgres]'",
            exit_code=EXIT_CONFIGURATION,
        )
    if name == "ProgrammingError":
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        return CommandError(
            "store", f"the store is not as it should be: {reason}", "run revline migrate"
        )
    if isinstance(error, OSError):
        place = f" {error.filename}" if error.filename else ""
        return CommandError("system", f"the system refused:{place} {error.strerror or error}")
    if name in ("OperationalError", "DatabaseError"):
        reason = str(getattr(error, "orig", error))
        return CommandError("store", f"the store cannot be used: {reason}")
    return None


def _what_next(error: Exception) -> str:
    from connectors.errors import ActionNeeded, RetryLater

    if isinstance(error, ActionNeeded):
        return "see to the account, then: revline connections resume NAME"
    if isinstance(error, RetryLater):
        return "nothing has happened; try again later"
    return ""


def _unexpected(error: Exception, surroundings: Surroundings | None) -> CommandError:
    environ = surroundings.environ if surroundings is not None else {}
    if environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exception(error, file=sys.stderr)
    log = _logged(error, surroundings)
    where = f"the log is {log}" if log else f"{DEBUG_VARIABLE}=1 shows where it happened"
    return CommandError("unexpected", f"something unexpected: {type(error).__name__}; {where}")


def _logged(error: Exception, surroundings: Surroundings | None) -> Path | None:
    """Write down where it happened; the message itself may hold values, so only its place."""
    if surroundings is None:
        return None
    folder = surroundings.path if surroundings.path.is_dir() else surroundings.path.parent
    log = folder / "state" / LOG_FILE
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    line = {
        "time": surroundings.clock.now(),
        "level": "error",
        "part": "command",
        "event": "unexpected error",
        "kind": type(error).__name__,
        "places": places,
    }
    if not log.parent.is_dir():
        return None
    with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
        file.write(to_json(line) + "\n")
        return log
    return None
