"""The commands of `or1-reward` that need the sandbox: `doctor` and `serve`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from typing import Any

_TOKEN = "OR1_REWARD_TOKEN"


def add_doctor(subparsers: Any) -> None:
    """Register `or1-reward doctor`."""
    parser = subparsers.add_parser(
        "doctor",
        help="which sandbox layers this host has, which are missing, and what that means",
        description="Start one jail, as grading would, and print which layers of isolation are in force.",
        epilog="Example: or1-reward doctor --require pid_namespace,mount_namespace,seccomp",
    )
    parser.add_argument(
        "--require", default="", metavar="LAYERS", help="exit 1 unless these layers (comma-separated) are in force"
    )
    parser.set_defaults(run=_doctor)


def add_serve(subparsers: Any) -> None:
    """Register `or1-reward serve`."""
    parser = subparsers.add_parser(
        "serve",
        help="verdicts over HTTP, for grading on other machines",
        description="Judge responses sent to POST /verify; GET /health reports the state of the server. POST /run_code "
        "and /submit accept the requests of SandboxFusion. SIGTERM shuts down cleanly.",
        epilog=f"Listens on this machine only unless --host says otherwise. Set {_TOKEN} to demand a bearer token.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8711, help="port to listen on (default 8711; 0 takes a free one)")
    parser.add_argument(
        "--workers", type=_positive, default=os.cpu_count() or 1, help="verdicts at a time (default: cores)"
    )
    parser.add_argument(
        "--queue", type=_positive, default=64, help="requests that may wait; beyond that 503 (default 64)"
    )
    parser.add_argument("--require", default="", metavar="LAYERS", help="refuse to start without these sandbox layers")
    parser.set_defaults(run=_serve)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _layers(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _doctor(arguments: argparse.Namespace) -> int:
    from or1_reward.sandbox import SandboxConfig, SandboxError
    from or1_reward.sandbox.doctor import examine, table

    try:
        layers, overhead_ms = examine(SandboxConfig(workers=1))
        print(table(layers, overhead_ms))
        return _complain_of_missing(layers, _layers(arguments.require))
    except SandboxError as error:
        print(f"or1-reward doctor: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"or1-reward doctor: {error}", file=sys.stderr)
        return 2


def _complain_of_missing(layers: dict[str, str], required: tuple[str, ...]) -> int:
    from or1_reward.sandbox.layers import check_names, is_satisfied

    missing = [name for name in check_names(required) if not is_satisfied(layers, name)]
    if missing:
        print(f"or1-reward doctor: required but missing: {', '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


def _serve(arguments: argparse.Namespace) -> int:
    from or1_reward.sandbox import SandboxError
    from or1_reward.serve import Server, ServerConfig

    try:
        config = ServerConfig(
            host=arguments.host,
            port=arguments.port,
            workers=arguments.workers,
            queue=arguments.queue,
            token=os.environ.get(_TOKEN, ""),
            require=_layers(arguments.require),
        )
        server = Server(config)
    except SandboxError as error:
        print(f"or1-reward serve: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"or1-reward serve: {error}", file=sys.stderr)
        return 2
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    server.start()
    host, port = server.address
    print(f"or1-reward: listening on http://{host}:{port} with {config.workers} workers", flush=True)
    ended.wait()
    server.close()
    print("or1-reward: stopped", flush=True)
    return 0
