"""Writes a project, file by file; nothing that is there is ever overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

GITIGNORE: Final = """# What must never be shared: the store, its key, and secrets.
state/
.revline.key
.env
"""

_ENVIRONMENT: Final = """# The secrets of this project. Copy to .env, fill in, load before starting:
#   set -a; . ./.env; set +a

# HubSpot: Settings > Integrations > Service Keys, or a private app.
HUBSPOT_TOKEN={token}
# The secret of the app that owns the webhooks.
HUBSPOT_CLIENT_SECRET={hubspot_secret}

# Salesforce: an external client app with the client credentials flow.
SALESFORCE_CLIENT_ID={client_id}
SALESFORCE_CLIENT_SECRET={client_secret}

# The store's key, 32 bytes as URL-safe base64. Left out, one is made in .revline.key at first use.
# REVLINE_KEY=
"""

# The simulators' own: they open nothing but the simulators.
SANDBOX_CREDENTIALS: Final[Mapping[str, str]] = {
    "token": "pat-eu1-00000000-sandbox",
    "hubspot_secret": "22222222-sandbox-secret",
    "client_id": "revline-sandbox",
    "client_secret": "revline-sandbox-secret",
}
BLANK_CREDENTIALS: Final[Mapping[str, str]] = dict.fromkeys(SANDBOX_CREDENTIALS, "")


def contents(*, sandbox: bool) -> dict[str, str]:
    """Every file of a new project by its path, in the order in which a person reads them."""
    here = files("engine.init")
    connections = "connections_sandbox.yaml" if sandbox else "connections.yaml"
    project = (
        (here / connections).read_text("utf-8") + "\n" + (here / "syncs.yaml").read_text("utf-8")
    )
    found = {"revline.yaml": project}
    for entry in sorted((here / "mappings").iterdir(), key=lambda one: one.name):
        if entry.name.endswith(".yaml"):
            found[f"mappings/{entry.name}"] = entry.read_text("utf-8")
    credentials = SANDBOX_CREDENTIALS if sandbox else BLANK_CREDENTIALS
    found[".env.example"] = _ENVIRONMENT.format(**credentials)
    found[".gitignore"] = GITIGNORE
    return found


def existing(folder: Path, project: Mapping[str, str]) -> list[str]:
    """What of a project's files is in the folder already."""
    return [name for name in project if (folder / name).exists()]


def write_project(folder: Path, project: Mapping[str, str]) -> list[str]:
    """Write every file; returns their paths. Raises ``FileExistsError`` rather than overwrite."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in project.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        written.append(name)
    return written
