"""Commands that write a model: `or1-trainer import-gguf FILE OUT`, `warm-start RECIPE OUT`, and `export RUN OUT`."""

from __future__ import annotations

import argparse
from pathlib import Path

from or1_trainer.commands.declare import Commands, declare
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.errors import ConfigError
from or1_trainer.live.view import LiveView


def add(commands: Commands) -> None:
    """Declare the three commands."""
    gguf = declare(
        commands,
        "import-gguf",
        _import_gguf,
        "convert a GGUF file to Hugging Face format",
        more="""\
Writes weights (dequantized to float32 by transformers), tokenizer and chat template. A recipe can also use the file
directly (--model.path FILE.gguf): it is then converted once and cached.""",
        examples="or1-trainer import-gguf SmolLM2-135M-Instruct.Q4_1.gguf smollm2/",
    )
    gguf.add_argument("file", type=Path, help="GGUF file")
    gguf.add_argument("out", type=Path, help="folder to write")

    warm = declare(
        commands,
        "warm-start",
        _warm_start,
        "train the initial policy of a toy recipe",
        more="""\
Trains a small random Qwen2 on demonstrations of the recipe's problems, which takes minutes on two cores. The package
ships the result for the recipe `tiny`; this command makes it again, with the same or changed settings
(--warm_start.KEY VALUE). A run with changed settings does so itself and caches the result.""",
        examples="""
            or1-trainer warm-start tiny warm/
            or1-trainer warm-start tiny warm/ --warm_start.steps 400 --warm_start.seed 1
        """,
        takes_settings=True,
    )
    warm.add_argument("recipe", help="recipe or .toml file")
    warm.add_argument("out", type=Path, help="folder to write")

    export = declare(
        commands,
        "export",
        _export,
        "export a checkpoint to Hugging Face format",
        more="""\
Writes safetensors, config.json and tokenizer, which transformers and vLLM can load, and a model card (README.md) with
base model, recipe, data hashes, held-out accuracy and versions. Works in one process for runs on any number of
processes.""",
        examples="""
            or1-trainer export runs/tiny-001 model/
            or1-trainer export runs/tiny-001 model/ --best      the checkpoint with the best held-out avg@k
            or1-trainer export runs/tiny-001 model/ --push NAME/REPOSITORY
        """,
    )
    export.add_argument("folder", type=Path, help="run folder")
    export.add_argument("out", type=Path, help="folder to write")
    export.add_argument(
        "--best", action="store_true", help="export the checkpoint with the best held-out avg@k instead of the newest"
    )
    export.add_argument("--push", metavar="NAME/REPOSITORY", help="also upload the folder to the Hugging Face hub")


def _import_gguf(options: argparse.Namespace) -> int:
    from or1_trainer.policy.hf_weights.gguf import import_gguf

    import_gguf(options.file, options.out)
    print(options.out)
    return 0


def _warm_start(options: argparse.Namespace) -> int:
    from or1_trainer.toy.warm_start import make_warm_start

    config = resolve(read_recipe(options.recipe), options.settings)
    if config.model.path:
        raise ConfigError(f"{options.recipe} starts from model.path = {config.model.path!r} and has no warm start")
    with LiveView(1) as view:
        make_warm_start(config.warm_start, options.out, view)
    print(options.out)
    return 0


def _export(options: argparse.Namespace) -> int:
    from or1_trainer.train.export import export_folder

    export_folder(options.folder, options.out, wants_best=options.best)
    print(options.out)
    if options.push:
        from or1_trainer.report.model_card import push_model

        print(push_model(options.out, options.push))
    return 0
