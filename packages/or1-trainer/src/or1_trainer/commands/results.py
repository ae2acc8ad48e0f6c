"""`or1-trainer report RUN...` and `or1-trainer export RUN OUT`: what is made of run folders."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from or1_trainer.commands.shape import Commands, declare, no_more


def add(commands: Commands) -> None:
    """Declare both commands."""
    report = declare(
        commands,
        "report",
        "draw report.html of one run, or of several over each other",
        more="""\
One page without scripts or network: accuracy, reward, entropy and its coefficient, lengths, stages, time per phase,
alarms with what to do, sampled rollouts with verdict and advantage, settings. Runs that are going on or were killed
are fine.""",
        examples="""
            or1-trainer report runs/tiny-001
            or1-trainer report runs/tiny-001 runs/tiny-002 -o both.html     settings that differ stand out
        """,
    )
    report.add_argument("folders", type=Path, nargs="+", help="run folders")
    report.add_argument("-o", "--out", type=Path, help="file to write (default: report.html in the first folder)")
    report.set_defaults(run=_report, folder=None)

    export = declare(
        commands,
        "export",
        "write the newest checkpoint as a Hugging Face folder",
        more="""\
safetensors, config.json and tokenizer, as transformers and vLLM load them; in one process, whatever layout the run
had.""",
        examples="""
            or1-trainer export runs/tiny-001 model/
            or1-trainer export runs/tiny-001 model/ --best      the best by held-out avg@k (checkpoint.keep_best)
        """,
    )
    export.add_argument("folder", type=Path, help="run folder")
    export.add_argument("out", type=Path, help="folder to write")
    export.add_argument("--best", action="store_true", help="the best by held-out avg@k instead of the newest")
    export.set_defaults(run=_export)


def _report(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.report.write import write_report

    no_more(rest)
    out = options.out or options.folders[0] / "report.html"
    write_report(options.folders, out)
    print(out)
    return 0


def _export(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.train.build import export_folder

    no_more(rest)
    export_folder(options.folder, options.out, wants_best=options.best)
    print(options.out)
    return 0
