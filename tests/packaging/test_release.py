"""scripts/release.py: what it lets through, and what it stops."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def release(repo_root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", repo_root / "scripts" / "release.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_wheel_that_installs_imports_and_starts_passes(release: ModuleType, wheels: dict[str, Path]) -> None:
    release.check("or1-reward", sys.executable, wheels)


def test_a_wheel_of_another_version_is_stopped(
    release: ModuleType, wheels: dict[str, Path], repo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "packages" / "or1-reward"
    folder.mkdir(parents=True)
    shutil.copy(repo_root / "pyproject.toml", tmp_path)
    (folder / "pyproject.toml").write_text('[project]\nname = "or1-reward"\nversion = "9.0.0"\n')
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 9.0.0\n\n- Newest.\n\n## 8.0.0\n\n- Older.\n")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    assert release.notes("or1-reward") == "- Newest."
    with pytest.raises(release.ReleaseError, match="or1-reward: imported 0"):
        release.check("or1-reward", sys.executable, wheels)
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 8.0.0\n\n- Older.\n")
    with pytest.raises(release.ReleaseError, match=r"is 9\.0\.0, but the newest heading of its changelog is 8\.0\.0"):
        release.version_of("or1-reward")
