"""`or1-rollout`: prompts in, completions out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from or1_rollout.errors import Or1RolloutError, RowError, SettingsError
from or1_rollout.generate.engines import add_engine_options, load_engine
from or1_rollout.generate.live_line import LiveLine
from or1_rollout.generate.pace import Pace
from or1_rollout.generate.rows import check_prompts, finished_prompts, read_prompts, with_system
from or1_rollout.generate.run import generate_file
from or1_rollout.generate.sampling_options import add_sampling_options, given_sampling
from or1_rollout.generate.settings_file import check_settings, write_settings
from or1_rollout.types import SamplingParams

EPILOG = """\
example:
  or1-rollout generate prompts.jsonl -o completions.jsonl --model ./model -n 8 --max-new-tokens 512
  or1-rollout generate prompts.jsonl -o completions.jsonl --engine endpoint --url http://localhost:8000 -n 8
Each line of the input is {"id": ..., "prompt": text, token ids, or chat messages}. Run the same command again after a
kill: it continues where it was. OUT.settings.json says how the output was made; another model, server, sampling or
prompt is refused.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when done, 1 when generation failed, 2 for wrong usage or input, 130 interrupted."""
    options = build_parser().parse_args(arguments)
    try:
        return _generate(options)
    except KeyboardInterrupt:
        return _fail("interrupted; the same command continues", 130)
    except (RowError, SettingsError) as error:
        return _fail(str(error), 2)
    except Or1RolloutError as error:
        return _fail(str(error), 1)
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}", 1)


def _generate(options: argparse.Namespace) -> int:
    if options.out.exists() and options.out.samefile(options.prompts):
        return _fail(f"{options.out} is the file of prompts; give another one with -o", 2)
    rows = read_prompts(options.prompts)
    if options.system:
        rows = [with_system(row, options.system) for row in rows]
    check_prompts(rows, finished_prompts(options.out), options.out)  # before the model is loaded
    try:
        params = SamplingParams(n=options.n, **given_sampling(options))
    except ValueError as error:
        return _fail(str(error), 2)
    pace = Pace(params.n * len(rows), params.max_new_tokens)
    line = LiveLine(lambda: str(pace), is_shown=not options.quiet)
    settings = {"engine": options.engine, **asdict(params)}
    loaded = load_engine(
        options,
        lambda identity: check_settings(options.out, {**settings, **identity}),
        on_notice=line.note,
    )
    write_settings(options.out, {**settings, **loaded.identity})
    with line:
        added = generate_file(rows, options.out, loaded, params, pace)
    print(f"{options.out}: {len(rows)} prompts, {added} of them generated now")
    return 0


def _fail(message: str, code: int) -> int:
    print(f"or1-rollout: {message}", file=sys.stderr)
    return code


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="or1-rollout",
        description="Prompts -> groups of completions with token ids and log-probs.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"or1-rollout {metadata.version('or1-rollout')}")
    commands = parser.add_subparsers(required=True, metavar="{generate}")
    generate = commands.add_parser(
        "generate",
        help="complete the prompts of a file with any engine; resumable",
        description="Complete the prompts of a file with any engine; the same command continues after a kill.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    generate.add_argument("prompts", type=Path, help="jsonl file of prompts")
    generate.add_argument("-o", "--out", type=Path, required=True, help="jsonl file of completions, appended to")
    generate.add_argument("-n", type=int, default=1, help="completions per prompt (default 1)")
    generate.add_argument("--system", default="", metavar="TEXT", help="a system message in front of every prompt")
    generate.add_argument("--quiet", action="store_true", help="no progress")
    add_sampling_options(generate, "sampling (default: 1,024 tokens at temperature 1)")
    add_engine_options(generate)
    return parser


if __name__ == "__main__":
    sys.exit(main())
