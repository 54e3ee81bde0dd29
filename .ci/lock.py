"""Writes requirements.lock: every dependency, extras included, with the hashes of all its files.

The resolver (uv) is installed beside .venv, not into it, so that it is no dependency of ours. The
lock names neither an index nor a file's address: where packages come from is the machine's affair.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Resolve anew; versions already locked stay unless ``--upgrade`` is given."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder) / "bin"
        subprocess.run(
            [programs / "pip", "install", "--quiet", "--disable-pip-version-check", "uv"],
            check=True,
        )
        subprocess.run(
            [
                *(programs / "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--quiet"),
                *("--universal", "--python-version", "3.11", "--generate-hashes"),
                *("--no-header", "--no-annotate", "--no-emit-index-url"),
                *("--output-file", "requirements.lock", *sys.argv[1:]),
            ],
            cwd=ROOT,
            check=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
