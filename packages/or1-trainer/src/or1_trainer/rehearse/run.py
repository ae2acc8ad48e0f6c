"""One step of a recipe on a pretended GPU, through the functions of a real run, at a given number of layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch

from or1_trainer.config.schema import RunConfig, StageSettings
from or1_trainer.plan.gpus import Gpu
from or1_trainer.policy.optimizer.distributed import DistributedAdamW
from or1_trainer.policy.optimizer.offload import HostStore
from or1_trainer.policy.parallel import start_runtime
from or1_trainer.rehearse import case
from or1_trainer.rehearse.stubs import pretend
from or1_trainer.rehearse.trace import Trace, Tracer
from or1_trainer.train.learner import Learner, build_learner
from or1_trainer.train.supervised import learn
from or1_trainer.train.update import update
from or1_trainer.train.weight_sync import probe_of_prompt, snapshot_weights

PROMPT_TOKENS = 1024


def trace_stage(
    config: RunConfig,
    stage: StageSettings,
    gpu: Gpu,
    *,
    gpus: int,
    rank: int = 0,
    layers: int | None = None,
    prompt_tokens: int,
) -> Trace:
    """Build the learner, update on two full micro-batches, push the weights."""
    # the last token of a response is no query
    queries = [sample.num_tokens - 1 for sample in case.full_microbatch(config, stage, prompt_tokens)]
    tracer = Tracer(gpu, config.parallel.tensor, sum(count * (count + 1) / 2 for count in queries))
    hf_config = case.hf_config_of(config, layers)
    shapes = case.weight_shapes(hf_config)
    with pretend(tracer.fake, rank, gpus, tracer.one_kernel), tracer, phases(tracer):
        runtime = start_runtime(tensor=config.parallel.tensor, device="cuda")
        weights = {name: torch.empty(shape, dtype=torch.bfloat16) for name, shape in shapes.items()}
        learner = build_learner(config, hf_config, weights, runtime)
        _name_state(tracer, learner)
        tracer.phase = "loss"  # what no other phase claims
        if stage.kind == "sft":
            learn(learner, case.chat_rows_of(config, stage, prompt_tokens, runtime.data_size), lr=stage.lr)
        else:
            batches = case.minibatches_of(config, stage, prompt_tokens, runtime.data_size)
            update(learner, batches, case.open_controller(config))
        with tracer.during("push"):
            probe = probe_of_prompt([0] * prompt_tokens)
            for _name, _tensor in snapshot_weights(learner, probe, version=1).weights:
                pass
    return tracer.trace


def _name_state(tracer: Tracer, learner: Learner) -> None:
    """Let the optimizer allocate its moments, and say what the memory holds now."""
    optimizer, memory = learner.optimizer, tracer.trace.memory
    assert isinstance(optimizer, DistributedAdamW)
    optimizer.zero_grad()
    with tracer.during("build"):
        optimizer.step(0.0)
    model = learner.policy.model
    memory.rename(None, "optimizer")
    memory.rename(model.parameters(), "weights")
    memory.rename((parameter.main_grad for parameter in model.parameters()), "gradients")
    tracer.owners.follow(model.decoder.layers)
    if learner.reference is not None:
        memory.rename(learner.reference.model.parameters(), "reference")
        tracer.owners.follow(learner.reference.model.decoder.layers)
    dtype = learner.policy.dtype
    tracer.trace.odd_weights += [
        f"{name} is {parameter.dtype}, the model {dtype}"
        for name, parameter in model.named_parameters()
        if parameter.dtype != dtype
    ]


@contextmanager
def phases(tracer: Tracer) -> Iterator[None]:
    """Book the calls of the update under their phases."""

    def booked(function: Callable[..., Any], name: Callable[[], str]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with tracer.during(name()):
                return function(*args, **kwargs)

        return call

    def forward() -> str:
        if tracer.phase == "push":  # the probe
            return "push"
        return "forward" if torch.is_grad_enabled() else "log-probs"

    def offload() -> str:
        return "build" if tracer.phase == "build" else "offload"

    def resize(storage: torch.UntypedStorage, nbytes: int) -> Any:
        tracer.trace.memory.resize(storage, nbytes)
        return resize_storage(storage, nbytes)

    resize_storage = torch.UntypedStorage.resize_
    with ExitStack() as stack:
        stack.enter_context(patch.object(torch.UntypedStorage, "resize_", resize))
        for target, attribute, name in (
            (Learner, "stats", forward),
            (torch.Tensor, "backward", lambda: "backward"),
            (DistributedAdamW, "zero_grad", lambda: "step"),
            (HostStore, "put", offload),
            (HostStore, "take", offload),
            (Learner, "step", lambda: "step"),
        ):
            stack.enter_context(patch.object(target, attribute, booked(getattr(target, attribute), name)))
        yield
