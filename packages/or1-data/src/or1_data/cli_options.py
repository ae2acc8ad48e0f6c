"""The options of each command; what they mean is said in the help texts."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

_VERIFIER = "package.module:function with verify(response, ground_truth) (default: %(default)s)"


def _parser(commands: Any, name: str, about: str, details: str = "") -> ArgumentParser:
    parser: ArgumentParser = commands.add_parser(
        name, help=about, description=f"{about}\n\n{details}", formatter_class=RawDescriptionHelpFormatter
    )
    return parser


def add_run(commands: Any) -> None:
    """`run`."""
    parser = _parser(
        commands,
        "run",
        "run a recipe from its sources to the training files",
        "RECIPE is a TOML file or a shipped name (or1-math, or1-code, skywork-or1-rl-data, shared-small). Killed and run\n"  # noqa: E501
        "again, it continues where it was. The folder gets problems.jsonl and .parquet (or one pair per part of [split]),\n"  # noqa: E501
        "dropped.jsonl with every reason, set_aside.jsonl with broken rows, manifest.json, a card (README.md), and\n"
        "report.md and report.html.",
    )
    parser.add_argument("recipe", help="TOML file, or the name of a shipped recipe")
    parser.add_argument("--out", help="run folder (default: runs/NAME)")
    parser.add_argument("--root", help="folder that the recipe's relative paths start from")
    parser.add_argument("--workers", type=int, help="worker processes; the result does not depend on it")
    parser.add_argument(
        "--engine",
        choices=("processes", "ray"),
        help="where workers run: this machine (default), or the Ray cluster at RAY_ADDRESS (extra or1-data[ray])",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting, e.g. select.min_votes=9"
    )
    parser.add_argument(
        "--push", default="", metavar="OWNER/NAME", help="upload the files and their card to this hub set"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the resolved config and stop")


def add_recipes(commands: Any) -> None:
    """`recipes`."""
    parser = _parser(
        commands,
        "recipes",
        "list the shipped recipes, or print one",
        "Save one, change it, and run it by its file name.",
    )
    parser.add_argument("name", nargs="?", default="", help="recipe to print")


def add_stats(commands: Any) -> None:
    """`stats`."""
    parser = _parser(
        commands,
        "stats",
        "describe a file: rows, kinds, lengths, exact multiplicity, rule findings, difficulty",
        "Sets that ship each row many times (DAPO-Math: 100 times) are recognized by their multiplicity.",
    )
    _input(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def add_validate(commands: Any) -> None:
    """`validate`."""
    parser = _parser(
        commands,
        "validate",
        "check every row: format, tests, and that the gold answer verifies as itself",
        "Exit code 1 if anything is wrong; each problem is one line on stdout: file, line, key, what, what to do.",
    )
    _input(parser)
    parser.add_argument("--verifier", default="or1_reward:verify", help=_VERIFIER)
    parser.add_argument("--no-verifier", action="store_true", help="check format and tests only")


def add_stage_parsers(commands: Any) -> None:
    """The stages as commands of their own: same options for in and out, then their own."""
    rules = _stage(commands, "rules", "note what the rules find, and drop those rows")
    rules.add_argument(
        "--drop",
        default="proof,url,missing_figure,language,bad_tests,multiple_choice,multi_part,needs_checker,no_answer,prose_answer,marked_invalid",
        help="findings that drop a row",
    )
    answers = _stage(commands, "answers", "check golds, solutions and programs with a verifier, and drop what fails")
    answers.add_argument("--verifier", default="or1_reward:verify", help=_VERIFIER)
    dedup = _stage(commands, "dedup", "find exact and near duplicates; drop copies with the same answer")
    dedup.add_argument(
        "--threshold", type=float, default=0.7, help="Jaccard similarity of token 5-grams (default: %(default)s)"
    )
    dedup.add_argument(
        "--exact", action="store_true", help="find all pairs by an exact join instead of MinHash bands (slower)"
    )
    dedup.add_argument(
        "--priority", default="", help="sources in the order in which their copy is preferred, comma-separated"
    )
    dedup.add_argument("--verifier", default="", help="compare answers with this verifier instead of by their text")
    clean = _stage(
        commands,
        "decontaminate",
        "score and classify overlaps with benchmark files; drop what is contaminated",
        optional=True,  # --save-index has neither input nor output
    )
    clean.add_argument(
        "--benchmark", action="append", default=[], metavar="FILE", help="a benchmark file; give as many as needed"
    )
    clean.add_argument("--index", help="a saved index instead of benchmark files")
    clean.add_argument("--save-index", metavar="FILE", help="write the index (hashes only, no benchmark text) and stop")
    clean.add_argument("--drop", default="verbatim,reformatted,paraphrase", help="classes that drop a row")
    clean.add_argument("--review", metavar="FILE", help="write every overlap side by side as Markdown")
    _difficulty(
        _stage(commands, "difficulty", "let a model try each problem, and store counts and attempts", keeps=True)
    )
    _judge(_stage(commands, "judge", "let LLM judges vote on each problem, and store every vote", keeps=True))


def _difficulty(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--url",
        action="append",
        help="OpenAI-compatible endpoint, e.g. http://127.0.0.1:8000/v1; once per server of the same model",
    )
    parser.add_argument(
        "--model", required=True, help="the model's name at the endpoint, and the name that counts are stored under"
    )
    parser.add_argument(
        "--sampler", default="", help="package.module:factory of an object with sample(prompts, counts, first_attempts)"
    )
    parser.add_argument("--attempts", type=int, default=16, help="attempts per math problem (default: %(default)s)")
    parser.add_argument("--attempts-code", type=int, default=8, help="attempts per code problem (default: %(default)s)")
    parser.add_argument(
        "--stop", choices=("mixed", "full"), default="mixed", help="mixed: stop once both outcomes were seen (default)"
    )
    parser.add_argument(
        "--min-reward", type=float, default=1.0, help="least reward that counts as solved (default: %(default)s)"
    )
    parser.add_argument("--verifier", default="or1_reward:verify", help=_VERIFIER)
    _endpoint(parser, max_tokens=32768)


def _judge(parser: ArgumentParser) -> None:
    parser.add_argument("--url", action="append", required=True, help="endpoint of a judge; once per --model")
    parser.add_argument("--model", action="append", required=True, help="name of a judge model")
    parser.add_argument("--votes", type=int, default=16, help="votes of each judge (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other votes")
    _endpoint(parser, max_tokens=1024)


def _endpoint(parser: ArgumentParser, *, max_tokens: int) -> None:
    parser.add_argument("--key-env", default="", help="environment variable that holds the endpoint's key")
    parser.add_argument("--temperature", type=float, default=1.0, help="default: %(default)s")
    parser.add_argument("--max-tokens", type=int, default=max_tokens, help="longest answer (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=32, help="open requests per server (default: %(default)s)")
    parser.add_argument(
        "--store", default="", help="folder of paid attempts and votes (default: model_calls beside the output)"
    )
    parser.add_argument("--rpm", type=int, default=0, help="most requests per minute; 0: no limit")


def add_select(commands: Any) -> None:
    """`select`."""
    parser = _parser(
        commands,
        "select",
        "drop rows by their notes, by difficulty, by a run's rollouts; mix and split",
        "Rows are judged by the notes of the stages: run these first. --rollouts RUN is the filter between two stages\n"
        "of training: what the policy always solved in that run is not trained on again. or1-trainer keeps rollouts\n"
        "of a quarter of its groups unless told otherwise; with --watch.rollout_share 1 all of them count.",
    )
    _in_out(parser)
    parser.add_argument("--rules", default="", help="findings that drop a row, comma-separated")
    parser.add_argument("--model", default="", help="whose difficulty counts")
    parser.add_argument(
        "--min-failure-share", type=float, default=0.0, help="least share of failed attempts (default: %(default)s)"
    )
    parser.add_argument(
        "--max-failure-share", type=float, default=1.0, help="largest share of failed attempts (default: %(default)s)"
    )
    parser.add_argument("--keep-always-solved", action="store_true", help="keep rows that every attempt solved")
    parser.add_argument("--keep-never-solved", action="store_true", help="keep rows that no attempt solved")
    parser.add_argument(
        "--max-response-tokens", type=int, default=0, help="drop rows with a longer attempt; 0: no limit"
    )
    parser.add_argument("--min-votes", type=int, default=0, help="fewest accepting judge votes (the report: 9 of 32)")
    parser.add_argument("--rollouts", help="run folder (or one rollouts file) whose always solved problems are dropped")
    parser.add_argument(
        "--min-reward",
        type=float,
        default=1.0,
        help="with --rollouts: least reward that counts as solved (default: %(default)s)",
    )
    parser.add_argument(
        "--drop-never", action="store_true", help="with --rollouts: also drop problems that were never solved"
    )
    parser.add_argument(
        "--weight", action="append", default=[], metavar="SOURCE=W", help="keep this share of a source (name* for many)"
    )
    parser.add_argument("--heldout", type=float, default=0.0, help="share that goes to OUT with .heldout in its name")
    parser.add_argument("--seed", type=int, default=0, help="for --weight and --heldout")


def _stage(commands: Any, name: str, about: str, *, keeps: bool = False, optional: bool = False) -> ArgumentParser:
    details = (
        "All rows are written, with their notes; `or1-data select` drops rows."
        if keeps
        else "Dropped rows go to OUT.dropped.jsonl with their reasons; --keep writes all rows, only noted."
    )
    parser = _parser(
        commands, name, about, f"{details}\nKilled and run again, the command continues where it was (OUT.work)."
    )
    _in_out(parser, optional=optional)
    parser.add_argument("--workers", type=int, default=1, help="worker processes (default: %(default)s)")
    parser.add_argument("--chunk-rows", type=int, default=2000, help="rows per chunk (default: %(default)s)")
    if not keeps:
        parser.add_argument("--keep", action="store_true", help="drop nothing")
    return parser


def _input(parser: ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument("input", help="files, folders, patterns or a hub id", nargs="*" if optional else "+")
    parser.add_argument(
        "--source", default="auto", help="adapter, or package.module:function of your own (default: auto)"
    )
    parser.add_argument(
        "--columns", default="", metavar="NAME=COLUMN,...", help="columns in place of an adapter: problem, answer, ..."
    )


def _in_out(parser: ArgumentParser, *, optional: bool = False) -> None:
    _input(parser, optional=optional)
    parser.add_argument("-o", "--output", required=not optional, help="file to write: .jsonl or .parquet")
    parser.add_argument("--quiet", action="store_true", help="no progress lines")
