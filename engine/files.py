"""Replacing a small file as a whole, whoever else does the same at that moment."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def replace_file(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Give a file new content in one step; readers see the old or the new, never a part.

    The draft is named after its writer, so that two engines that share a folder do not take each
    other's away. ``durable`` waits for the disk. Raises ``OSError``.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_native_id()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.replace(draft, path)  # noqa: PTH105
