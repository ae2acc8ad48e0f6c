"""What a file of completions was made with, kept beside it: `OUT.settings.json`.

A completion is a function of model, prompt, sampling and seed; a file resumed with others would mix two samplings and
look whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from or1_rollout.errors import SettingsError


def settings_path(out: Path) -> Path:
    """The file that stands beside `out`."""
    return out.with_name(out.name + ".settings.json")


def check_settings(out: Path, settings: Mapping[str, object]) -> None:
    """Raise `SettingsError`, naming what differs, where `out` holds completions made with other settings."""
    if not out.exists() or not out.stat().st_size:
        return
    path = settings_path(out)
    try:
        made_with = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{out} has completions, but {path.name}, which says what they were made with, is not beside it; "
            "put it back or give another file with -o"
        ) from error
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON: {error}; give another file with -o") from error
    if not isinstance(made_with, dict):
        raise SettingsError(f"{path} holds no settings; give another file with -o")
    asked = json.loads(json.dumps(settings))  # tuples are lists in the file
    names = [name for name in {**made_with, **asked} if made_with.get(name) != asked.get(name)]
    if names:
        changes = ", ".join(f"{name} {made_with.get(name)!r}, now {asked.get(name)!r}" for name in names)
        raise SettingsError(f"{out} was made with {changes}; ask for the same again or give another file with -o")


def write_settings(out: Path, settings: Mapping[str, object]) -> None:
    """Write them whole or not at all, before the first completion is written."""
    path = settings_path(out)
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)
