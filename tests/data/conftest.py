"""Real data beside the checkout, where it is; our own rows otherwise."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode puts no folder on the path

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def real() -> Path:
    """The folder of real sets."""
    if not SHARED.is_dir():
        pytest.skip("no real data beside the checkout (../shared/data)")
    return SHARED
