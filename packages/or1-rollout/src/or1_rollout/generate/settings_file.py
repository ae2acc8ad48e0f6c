"""What a file of completions was made with, kept beside it: `OUT.settings.json`.

A completion is a function of model, prompt, sampling and seed; a file resumed with others would mix two samplings and
look whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from or1_rollout.engines.openai.sampled_with import merged
from or1_rollout.errors import SettingsError
from or1_rollout.generate.samples_file import samples_path

_SAMPLED_WITH: Final = "sampled_with"
"""What a server said while it sampled; it is kept and not compared."""


def settings_path(out: Path) -> Path:
    """The file that stands beside `out`."""
    return out.with_name(out.name + ".settings.json")


def check_settings(out: Path, settings: Mapping[str, object]) -> None:
    """Raise `SettingsError`, naming what differs, where `out` holds completions made with other settings."""
    if not _has_samples(out):
        return
    made_with = _read(out)
    asked = json.loads(json.dumps(settings))  # tuples are lists in the file
    names = [name for name in {**made_with, **asked} if made_with.get(name) != asked.get(name)]
    if changed := [name for name in names if name != _SAMPLED_WITH]:
        changes = ", ".join(f"{name} {made_with.get(name)!r}, now {asked.get(name)!r}" for name in changed)
        raise SettingsError(f"{out} was made with {changes}; ask for the same again or give another file with -o")


def write_settings(out: Path, settings: Mapping[str, object]) -> None:
    """Write them whole or not at all, before the first completion is written."""
    path = settings_path(out)
    known = _read(out).get(_SAMPLED_WITH) if path.exists() and _has_samples(out) else None
    _write(path, dict(settings) | ({_SAMPLED_WITH: known} if known else {}))


class SampledWithNote:
    """Adds what a server says to the settings, whenever it says something new."""

    def __init__(self, out: Path) -> None:
        """The settings of `out` must be written."""
        self._out = out
        self._written: dict[str, Any] = {}

    def update(self, said: dict[str, Any]) -> None:
        """Keep it before the sample that it is about is kept."""
        if said != self._written:
            settings = _read(self._out)
            _write(settings_path(self._out), settings | {_SAMPLED_WITH: merged(settings.get(_SAMPLED_WITH, {}), said)})
            self._written = said


def _has_samples(out: Path) -> bool:
    """Whether there are completions in `out`, or of groups that are not complete yet."""
    return any(path.exists() and path.stat().st_size for path in (out, samples_path(out)))


def _read(out: Path) -> dict[str, Any]:
    path = settings_path(out)
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{out} has completions, but {path.name}, which says how they were made, is not beside it; "
            "put it back or give another file with -o"
        ) from error
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON: {error}; give another file with -o") from error
    if not isinstance(settings, dict):
        raise SettingsError(f"{path} has no settings; give another file with -o")
    return settings


def _write(path: Path, settings: Mapping[str, object]) -> None:
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)
