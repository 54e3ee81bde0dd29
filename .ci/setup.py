"""Sets up a virtual environment from the lock, with this folder's packages and command in it.

Runs on the machine's own Python, so it uses the standard library alone. The packages are reached by
a path file, the command by a small launcher, the version by a metadata file: that needs neither a
build nor a build tool.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LAUNCHER = """#!{python}
import sys

from engine.cli import main

if __name__ == "__main__":
    sys.exit(main())
"""


def main(folder: Path, lock: Path) -> int:
    """Create what is missing and install exactly what the lock names."""
    started = time.monotonic()
    print(f"setting up {folder.name} from {lock.name}, once; this takes a minute …", flush=True)
    python = folder / "bin" / "python"
    if moved(folder, python):
        shutil.rmtree(folder)
    if not python.exists():
        run([sys.executable, "-m", "venv", str(folder)])
    run(
        [
            *(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--require-hashes", "--requirement", str(lock)),
        ]
    )
    found = run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    register(folder, Path(found.strip()))
    print(f"{folder.name} is ready after {time.monotonic() - started:.0f} s", flush=True)
    return 0


def moved(folder: Path, python: Path) -> bool:
    """Whether the environment was made elsewhere: its programs name a Python that is not here."""
    launcher = folder / "bin" / "revline"
    return launcher.exists() and not launcher.read_text(encoding="utf-8").startswith(
        f"#!{python}\n"
    )


def register(folder: Path, packages: Path) -> None:
    """Let the environment know this folder's packages, version and command."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (packages / "revline.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    for old in packages.glob("revline-*.dist-info"):
        shutil.rmtree(old)
    metadata = packages / f"revline-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: revline\nVersion: {project['version']}\n", encoding="utf-8"
    )
    launcher = folder / "bin" / "revline"
    launcher.write_text(LAUNCHER.format(python=folder / "bin" / "python"), encoding="utf-8")
    launcher.chmod(0o755)


def run(command: list[str]) -> str:
    """Run a command; on failure show what it said, and end."""
    environ = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    done = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        sys.exit(f"could not set up: {' '.join(command[:5])} … ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
