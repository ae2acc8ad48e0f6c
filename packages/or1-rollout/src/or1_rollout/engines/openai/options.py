"""Command-line options for servers: one per field of `EndpointSettings`."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from or1_rollout.engines.openai.settings import EndpointSettings

_DEFAULT = EndpointSettings(url="http://localhost")


def add_endpoint_options(parser: argparse.ArgumentParser) -> None:
    """Everything about a server but its URL, the model's name, and what a caller does with reasoning and log-probs."""
    group = parser.add_argument_group("server")
    add = group.add_argument
    add("--api-key-env", default="OPENAI_API_KEY", metavar="VAR", help="variable that holds the key (%(default)s)")
    add("--header", action="append", default=[], metavar="NAME:VALUE", help="sent with every request; repeatable")
    add("--extra-body", type=json_object, default={}, metavar="JSON",
        help='fields of every request: \'{"chat_template_kwargs": {"enable_thinking": false}}\'')  # fmt: skip
    add("--no-seed", action="store_true", help="send no seed, for servers that refuse one")
    add("--concurrency", type=int, default=_DEFAULT.concurrency, metavar="N", help="requests in flight (%(default)s)")
    add("--rpm", type=float, default=0.0, metavar="N", help="most requests begun per minute (no limit)")
    add("--patience", type=float, default=_DEFAULT.patience_s, metavar="S",
        help="seconds that a server may give no answer at all before the command stops (%(default)g)")  # fmt: skip
    add("--attempts", type=int, default=0, metavar="N", help="most tries of one request (no limit)")
    add("--max-wait", type=float, default=_DEFAULT.max_wait_s, metavar="S",
        help="longest pause before a request is tried again (%(default)g)")  # fmt: skip
    add("--timeout", type=float, default=_DEFAULT.timeout_s, metavar="S",
        help="longest silence within a response; with --no-stream, longest response (%(default)g)")  # fmt: skip
    add("--connect-timeout", type=float, default=_DEFAULT.connect_timeout_s, metavar="S", help="(%(default)g)")
    add("--no-stream", action="store_true", help="ask for whole responses instead of streams")


def endpoint_settings(options: argparse.Namespace, urls: list[str], model: str, **more: Any) -> EndpointSettings:
    """The settings that the options ask for; several URLs are servers of one model. Raises `ValueError`."""
    return EndpointSettings(
        url=urls[0],
        replicas=tuple(urls[1:]),
        model=model,
        api_key=os.environ.get(options.api_key_env, ""),
        headers=dict(_header(text) for text in options.header),
        extra_body=options.extra_body,
        send_seed=not options.no_seed,
        concurrency=options.concurrency,
        requests_per_minute=options.rpm,
        patience_s=options.patience,
        attempts=options.attempts,
        max_wait_s=options.max_wait,
        timeout_s=options.timeout,
        connect_timeout_s=options.connect_timeout,
        stream=not options.no_stream,
        **more,
    )


def json_object(text: str) -> dict[str, Any]:
    """An option's JSON object; `argparse` reports the error."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("must be a JSON object, {...}")
    return value


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (name.strip() and colon):
        raise ValueError(f"a header is NAME:VALUE, not {text!r}")
    return name.strip(), value.strip()
