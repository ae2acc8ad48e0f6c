"""`or1-trainer import-gguf FILE OUT` and `or1-trainer warm-start RECIPE OUT`: initial policies."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from or1_trainer.commands.declare import Commands, declare, no_settings


def add(commands: Commands) -> None:
    """Declare both commands."""
    gguf = declare(
        commands,
        "import-gguf",
        "convert a GGUF file to Hugging Face format",
        more="""\
Writes weights (dequantized to float32 by transformers), tokenizer and chat template. A recipe can also use the file
directly (--model.path FILE.gguf): it is then converted once and cached.""",
        examples="""
            or1-trainer import-gguf SmolLM2-135M-Instruct.Q4_1.gguf smollm2/
        """,
    )
    gguf.add_argument("file", type=Path, help="GGUF file")
    gguf.add_argument("out", type=Path, help="folder to write")
    gguf.set_defaults(run=_import_gguf, folder=None)

    warm = declare(
        commands,
        "warm-start",
        "train the initial policy of a toy recipe",
        more="""\
Trains a small random Qwen2 on demonstrations of the recipe's problems, which takes minutes on two cores. The package
ships the result for the recipe `tiny`; this command makes it again, with the same or changed settings
(--warm_start.KEY VALUE). A run with changed settings does so itself and caches the result.""",
        examples="""
            or1-trainer warm-start tiny warm/
            or1-trainer warm-start tiny warm/ --warm_start.steps 400 --warm_start.seed 1
        """,
    )
    warm.add_argument("recipe", help="recipe or .toml file")
    warm.add_argument("out", type=Path, help="folder to write")
    warm.set_defaults(run=_warm_start, folder=None)


def _import_gguf(options: argparse.Namespace, rest: Sequence[str]) -> int:
    no_settings(rest)
    from or1_trainer.policy.hf_weights.gguf import import_gguf

    import_gguf(options.file, options.out)
    print(options.out)
    return 0


def _warm_start(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.config.load import parse_overrides, read_recipe, resolve
    from or1_trainer.live.view import LiveView
    from or1_trainer.toy.warm_start import make_warm_start

    config = resolve(read_recipe(options.recipe), parse_overrides(rest))
    with LiveView(1) as view:
        make_warm_start(config.warm_start, options.out, view)
    print(options.out)
    return 0
