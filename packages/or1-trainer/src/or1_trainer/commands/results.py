"""`or1-trainer report RUN...` and `or1-trainer export RUN OUT`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from or1_trainer.commands.declare import Commands, declare, no_settings


def add(commands: Commands) -> None:
    """Declare both commands."""
    report = declare(
        commands,
        "report",
        "write report.html of one run, or of several for comparison",
        more="""\
One HTML page that needs no network and no scripts: accuracy, reward, entropy and its coefficient, lengths, stages,
time per phase, alarms with advice, sampled rollouts with verdict and advantage, settings. It also works for runs that
are not finished or were killed.""",
        examples="""
            or1-trainer report runs/tiny-001
            or1-trainer report runs/tiny-001 runs/tiny-002 -o both.html     differing settings are marked
        """,
    )
    report.add_argument("folders", type=Path, nargs="+", help="run folders")
    report.add_argument("-o", "--out", type=Path, help="file to write (default: report.html in the first folder)")
    report.set_defaults(run=_report, folder=None)

    export = declare(
        commands,
        "export",
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
    export.set_defaults(run=_export)


def _report(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.report.write import write_report

    no_settings(rest)
    out = options.out or options.folders[0] / "report.html"
    write_report(options.folders, out)
    print(out)
    return 0


def _export(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.train.export import export_folder

    no_settings(rest)
    export_folder(options.folder, options.out, wants_best=options.best)
    print(options.out)
    if options.push:
        from or1_trainer.report.model_card import push_model

        print(push_model(options.out, options.push))
    return 0
