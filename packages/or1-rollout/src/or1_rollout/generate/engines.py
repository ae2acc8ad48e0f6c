"""The engine that a command line asks for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from or1_rollout.engine import Engine
from or1_rollout.engines.openai.options import add_endpoint_options, endpoint_settings
from or1_rollout.errors import EngineError
from or1_rollout.generate.model_identity import model_identity
from or1_rollout.types import Prompt

_PROCESSED = {"ask": None, "yes": True, "no": False}
ENGINES = ("transformers", "vllm", "vllm-server", "endpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedEngine:
    """An engine with what a file of completions says of it.

    `identity` decides what is sampled: model, server, further fields of a request. `encode` gives a prompt's token
    ids where the engine encodes it itself. `sampled_with` gives what a server has said of its sampling so far.
    """

    engine: Engine
    identity: dict[str, Any]
    encode: Callable[[Prompt], Sequence[int]] | None = None
    sampled_with: Callable[[], dict[str, Any]] = dict


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Which engine, and what it needs."""
    group = parser.add_argument_group("engine")
    group.add_argument("--engine", choices=ENGINES, default="transformers", help="default: transformers, in process")
    group.add_argument("--model", default="", help="Hugging Face folder or hub id; for endpoint, the served name")
    group.add_argument("--url", action="append", default=[], help="a server; repeatable: servers of one model")
    group.add_argument("--device", default="auto", help="for transformers: auto, cpu, cuda")
    group.add_argument(
        "--dtype", default="float32", choices=["float32", "bfloat16"], help="dtype of weights in process"
    )
    group.add_argument("--context-tokens", type=int, default=0, help="vllm: longest prompt and response together")
    group.add_argument("--reasoning", choices=["joined", "apart"], default="joined",
                       help="endpoint: put reasoning that a server cuts out back into the text, or do not")  # fmt: skip
    group.add_argument("--processed-logprobs", choices=list(_PROCESSED), default="ask",
                       help="endpoint: whether the server's log-probs are those after temperature")  # fmt: skip
    add_endpoint_options(parser)


def load_engine(
    options: argparse.Namespace,
    check: Callable[[Mapping[str, Any]], None],
    *,
    on_notice: Callable[[str], None] | None = None,
) -> LoadedEngine:
    """Loaded or connected. `check(identity)` may refuse before a model is loaded.

    Raises `EngineError`, also for an option that is missing.
    """
    if options.engine in ("transformers", "vllm"):
        if not options.model:
            raise EngineError(f"the engine {options.engine} needs --model FOLDER")
        return _in_process(options, check)
    if not options.url:
        raise EngineError(f"the engine {options.engine} needs --url http://HOST:PORT")
    try:
        loaded = _endpoint(options, on_notice) if options.engine == "endpoint" else _vllm_servers(options)
    except ValueError as error:
        raise EngineError(str(error)) from error
    check(loaded.identity)
    return loaded


def _in_process(options: argparse.Namespace, check: Callable[[Mapping[str, Any]], None]) -> LoadedEngine:
    folder = Path(options.model)
    identity = {"model": model_identity(folder) if folder.is_dir() else options.model, "dtype": options.dtype}
    check(identity)
    if options.engine == "transformers":
        from or1_rollout.engines.transformers import TransformersEngine

        embedded = TransformersEngine.load(options.model, device=options.device, dtype=options.dtype)
        return LoadedEngine(engine=embedded, identity=identity, encode=embedded.encode)
    from or1_rollout.engines.vllm import VllmEngine, VllmSettings

    settings = VllmSettings(dtype=options.dtype, context_tokens=options.context_tokens)
    in_process = VllmEngine.load(options.model, settings)
    return LoadedEngine(engine=in_process, identity=identity, encode=in_process.encode)


def _endpoint(options: argparse.Namespace, on_notice: Callable[[str], None] | None) -> LoadedEngine:
    from or1_rollout.engines.openai import EndpointEngine

    own = {"reasoning": options.reasoning, "processed_logprobs": _PROCESSED[options.processed_logprobs]}
    engine = EndpointEngine(endpoint_settings(options, options.url, options.model, **own), on_notice=on_notice)
    identity = {
        "model": engine.model,
        "url": list(engine.settings.base_urls),
        "extra_body": dict(engine.settings.extra_body),
        "send_seed": engine.settings.send_seed,
        "reasoning": options.reasoning,
    }
    return LoadedEngine(engine=engine, identity=identity, sampled_with=engine.sampled_with)


def _vllm_servers(options: argparse.Namespace) -> LoadedEngine:
    from or1_rollout.engines.vllm.servers import VllmServers

    tokenizer = None
    if options.model:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(options.model)
    engine = VllmServers(options.url, tokenizer=tokenizer, settings=endpoint_settings(options, options.url[:1], ""))
    return LoadedEngine(engine=engine, identity={"model": engine.model, "url": options.url}, encode=engine.encode)
