"""`or1-trainer import-gguf FILE OUT` and `or1-trainer warm-start`: the policies that runs begin with."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from or1_trainer.commands.shape import Commands, declare, no_more


def add(commands: Commands) -> None:
    """Declare both commands."""
    gguf = declare(
        commands,
        "import-gguf",
        "write the model of a GGUF file as a Hugging Face folder",
        more="""\
transformers dequantizes the weights to float32; tokenizer and chat template come along. A recipe can also name the file
itself (--model.path FILE.gguf): it is then converted once and kept in the cache.""",
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
        "make the supervised start of a toy recipe again",
        more="""\
The warm start of the recipe `tiny` is shipped with this package. This command makes it again, for the shipped settings
or for changed ones (--warm_start.KEY VALUE): a small random Qwen2 is taught demonstrations of the recipe's problems,
which takes minutes on two cores. A run with changed settings does the same and keeps the result in the cache.""",
        examples="""
            or1-trainer warm-start tiny warm/
            or1-trainer warm-start tiny warm/ --warm_start.steps 400 --warm_start.seed 1
        """,
    )
    warm.add_argument("recipe", help="a shipped recipe or a .toml file")
    warm.add_argument("out", type=Path, help="folder to write")
    warm.set_defaults(run=_warm_start, folder=None)


def _import_gguf(options: argparse.Namespace, rest: Sequence[str]) -> int:
    no_more(rest)
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
