"""The benchmark files of a recipe, and where those that the shipped recipes name come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from or1_data.errors import SourceError
from or1_data.run.recipe import Recipe

_ORIGIN: Final[Mapping[str, str]] = {
    "aime24": "Skywork's evaluation file or1_data/eval/aime24.parquet (github.com/SkyworkAI/Skywork-OR1, 30 problems)",
    "aime25": "Skywork's evaluation file or1_data/eval/aime25.parquet (github.com/SkyworkAI/Skywork-OR1, 30 problems)",
    "livecodebench": "the hub set livecodebench/code_generation_lite, its files test*.jsonl",
    "math500": "the hub set HuggingFaceH4/MATH-500",
    "gsm8k_test": "the hub set openai/gsm8k, config main, split test",
}
"""File name without its ending -> where to get it; any format that the sources have is read."""


def benchmark_files(recipe: Recipe, root: Path) -> list[str]:
    """All files that the recipe's patterns name.

    Raises:
        SourceError: naming every pattern that matches nothing, and where to get the files of known names.
    """
    found: list[str] = []
    missing: list[str] = []
    for pattern in recipe.decontaminate.benchmarks if recipe.decontaminate else ():
        files = [Path(pattern)] if Path(pattern).is_absolute() else sorted(root.glob(pattern))
        if files and all(file.exists() for file in files):
            found += map(str, files)
        else:
            missing.append(_told(root / pattern))
    if missing:
        raise SourceError(
            "decontaminate.benchmarks: a benchmark must not be missed in silence, and nothing is at "
            + "; ".join(missing)
        )
    return found


def _told(path: Path) -> str:
    origin = _ORIGIN.get(path.stem.rstrip("*"))
    return f"{path} (get it from {origin})" if origin else str(path)
