"""What is made of a run: `or1-trainer report RUN...`, `export RUN OUT`, and `filter-rollouts RUN -o rows.jsonl`."""

from __future__ import annotations

import argparse
from pathlib import Path

from or1_trainer.commands.declare import Commands, declare


def add(commands: Commands) -> None:
    """Declare the three commands."""
    report = declare(
        commands,
        "report",
        _report,
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

    chosen = declare(
        commands,
        "filter-rollouts",
        _filter_rollouts,
        "write the right responses of a run as rows of messages",
        more="""\
For rejection fine-tuning: a stage with kind = "sft" and these rows. Only responses that the run kept are seen
(watch.rollout_share), that ended by themselves, and each text once per problem.""",
        examples="""
            or1-trainer filter-rollouts runs/tiny-001 -o rows.jsonl
            or1-trainer filter-rollouts runs/tiny-001 -o rows.jsonl --per-problem 4 --pick diverse
        """,
    )
    chosen.add_argument("folder", type=Path, help="run folder")
    chosen.add_argument("-o", "--out", type=Path, required=True, help="file to write (.jsonl)")
    chosen.add_argument("--per-problem", type=int, default=1, help="most responses of a problem (default 1)")
    chosen.add_argument(
        "--pick",
        choices=("shortest", "diverse"),
        default="shortest",
        help="which ones: the shortest (default), or the shortest and those that differ most from it and each other",
    )
    chosen.add_argument(
        "--least-reward", type=float, default=1.0, help="reward that a right response must have (default 1)"
    )


def _report(options: argparse.Namespace) -> int:
    from or1_trainer.report.write import write_report

    out = options.out or options.folders[0] / "report.html"
    write_report(options.folders, out)
    print(out)
    return 0


def _export(options: argparse.Namespace) -> int:
    from or1_trainer.train.export import export_folder

    export_folder(options.folder, options.out, wants_best=options.best)
    print(options.out)
    if options.push:
        from or1_trainer.report.model_card import push_model

        print(push_model(options.out, options.push))
    return 0


def _filter_rollouts(options: argparse.Namespace) -> int:
    from or1_trainer.train.filter_rollouts import filter_rollouts

    count = filter_rollouts(
        options.folder,
        options.out,
        per_problem=options.per_problem,
        pick=options.pick,
        least_reward=options.least_reward,
    )
    print(f"{count} rows in {options.out}")
    return 0
