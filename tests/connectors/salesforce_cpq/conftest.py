from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).parent
# The org in the contract's words is shared with the tests of the core connector.
sys.path += [str(_HERE), str(_HERE.parent / "salesforce")]
