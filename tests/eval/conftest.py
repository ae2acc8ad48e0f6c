"""What the tests of this folder share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode puts no folder on the path

from scripted_server import problem_file, server  # noqa: F401  fixtures
