"""The engine that a command line asks for."""

from __future__ import annotations

import argparse

from or1_rollout.engine import Engine
from or1_rollout.errors import EngineError

ENGINES = ("transformers", "vllm", "vllm-server", "endpoint")


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Which engine, and what it needs."""
    group = parser.add_argument_group("engine")
    group.add_argument("--engine", choices=ENGINES, default="transformers", help="default: transformers, embedded")
    group.add_argument("--model", default="", help="Hugging Face folder or hub id; for endpoint, the served name")
    group.add_argument("--url", action="append", default=[], help="server; several times for vllm-server")
    group.add_argument("--device", default="auto", help="of the embedded engine: auto, cpu, cuda")
    group.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"], help="of the weights, in process")
    group.add_argument("--context-tokens", type=int, default=0, help="vllm: longest prompt and response together")
    group.add_argument("--concurrency", type=int, default=64, help="requests in flight per server (default 64)")


def load_engine(options: argparse.Namespace) -> Engine:
    """Loaded or connected. Raises `EngineError`, also for an option that is missing."""
    needs_model = options.engine in ("transformers", "vllm")
    if needs_model and not options.model:
        raise EngineError(f"the engine {options.engine} needs --model FOLDER")
    if not needs_model and not options.url:
        raise EngineError(f"the engine {options.engine} needs --url http://HOST:PORT")
    if options.engine == "transformers":
        from or1_rollout.engines.transformers import TransformersEngine

        return TransformersEngine.load(options.model, device=options.device, dtype=options.dtype)
    if options.engine == "vllm":
        from or1_rollout.engines.vllm import VllmEngine, VllmSettings

        return VllmEngine.load(options.model, VllmSettings(dtype=options.dtype, context_tokens=options.context_tokens))
    return _server(options)


def _server(options: argparse.Namespace) -> Engine:
    from or1_rollout.engines.openai import EndpointEngine, EndpointSettings

    if options.engine == "endpoint":
        (url,) = options.url[:1]
        return EndpointEngine(EndpointSettings(url=url, model=options.model, concurrency=options.concurrency))
    from or1_rollout.engines.vllm.servers import VllmServers

    tokenizer = None
    if options.model:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(options.model)
    settings = EndpointSettings(url=options.url[0], concurrency=options.concurrency)
    return VllmServers(options.url, tokenizer=tokenizer, settings=settings)
