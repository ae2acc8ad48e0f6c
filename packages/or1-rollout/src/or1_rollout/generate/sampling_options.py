"""Command-line options for sampling: one per field of `SamplingParams`."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from or1_rollout.types import SamplingParams


def add_sampling_options(parser: argparse.ArgumentParser, title: str) -> None:
    """All fields but `n`; an option that is not given is None, so that the caller's default holds."""
    add = parser.add_argument_group(title).add_argument
    add("--max-new-tokens", type=int, metavar="N", help="longest response in tokens")
    add("--temperature", type=float, metavar="T", help="0 is greedy")
    add("--top-p", type=float, metavar="P", help="draw from the likeliest tokens that have this probability together")
    add("--top-k", type=int, metavar="K", help="draw from the K likeliest tokens; -1 from all")
    add("--min-p", type=float, metavar="P", help="leave out tokens below this share of the likeliest one's probability")
    add("--repetition-penalty", type=float, metavar="X", help="1 is none")
    add("--presence-penalty", type=float, metavar="X", help="0 is none")
    add("--frequency-penalty", type=float, metavar="X", help="0 is none")
    add("--stop", action="append", metavar="TEXT", help="end a response here; repeatable")
    add("--stop-token-id", action="append", type=int, dest="stop_token_ids", metavar="ID", help="repeatable")
    add("--seed", type=int, help="equal seeds draw equal samples")


def given_sampling(options: argparse.Namespace) -> dict[str, Any]:
    """The fields that were given, but `n`."""
    names = [field.name for field in fields(SamplingParams) if field.name != "n"]
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
