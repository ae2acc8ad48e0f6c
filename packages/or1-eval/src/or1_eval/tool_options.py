"""The options of `or1-eval run` for responses that call tools."""

from __future__ import annotations

import argparse

from or1_eval.errors import EngineError
from or1_eval.tools import FORMATS, TOOLS, tool_environment
from or1_rollout.environments import Environment, TurnLimits


def add_tool_options(parser: argparse.ArgumentParser) -> None:
    """Add them; without `--tool` a response is one turn."""
    group = parser.add_argument_group("tools, for --endpoint and --model")
    group.add_argument("--tool", action="append", choices=TOOLS, help="a tool that the model may call; repeatable")
    group.add_argument("--tool-format", choices=tuple(FORMATS), default="hermes", help="how calls look (%(default)s)")
    group.add_argument("--search-folder", default="", metavar="PATH", help="text files that the tool search looks into")
    group.add_argument("--turns", type=int, default=8, metavar="N", help="most turns of the model (%(default)s)")
    group.add_argument(
        "--observation-tokens",
        type=int,
        default=4096,
        metavar="N",
        help="most tokens of all tool results (%(default)s)",
    )


def given_environment(arguments: argparse.Namespace) -> tuple[Environment | None, TurnLimits | None]:
    """The environment that the options ask for, with its limits. Raises `EngineError` where they ask for nothing."""
    if not arguments.tool:
        return None, None
    try:
        limits = TurnLimits(turns=arguments.turns, observation_tokens=arguments.observation_tokens)
        environment = tool_environment(arguments.tool, arguments.tool_format, search_folder=arguments.search_folder)
    except ValueError as error:
        raise EngineError(str(error)) from error
    return environment, limits
