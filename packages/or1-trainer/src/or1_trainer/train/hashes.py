"""Hashes of what each stage of a step computed, for `diff` and `replay`: a few hundred bytes a step in the metrics.

Equal hashes mean equal values to the last bit. They are 64 bits each, in hexadecimal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import torch
import torch.distributed as dist

from or1_trainer.policy.model import Policy
from or1_trainer.policy.parallel import Runtime
from or1_trainer.train.exchange import Exchange
from or1_trainer.train.judging import Response
from or1_trainer.train.rollout_batch import RolloutBatch

SAMPLED = 4096
"""Elements of each weight tensor that are hashed, evenly spaced: an optimizer step changes (nearly) all of them."""


def batch_hashes(batch: RolloutBatch, exchange: Exchange, *, drawn: int) -> dict[str, str]:
    """Of the problems, prompt ids, response tokens, engine log-probs, verdicts and advantages, in this order.

    The first `drawn` problems are the step's own; those that refill it follow from their verdicts, and have one hash.
    The order of the problems counts, the rank that holds a response does not. Collective.
    """
    parts = exchange.gather({index: _of_group(group) for index, group in batch.own.items()})
    groups = {index: group for part in parts for index, group in part.items()}
    hashes = _of_round(batch, groups, range(min(drawn, len(groups))))
    if len(groups) > drawn:
        refill = _of_round(batch, groups, range(drawn, len(groups)))
        hashes["hash/refill"] = _hex(value.encode() for value in refill.values())
    return {**hashes, "hash/advantages": _hex([batch.groups.advantages_PG.tobytes()])}


def _of_round(
    batch: RolloutBatch, groups: Mapping[int, tuple[bytes, bytes, bytes]], indices: Sequence[int]
) -> dict[str, str]:
    tokens, logprobs, verdicts = zip(*(groups[index] for index in indices), strict=True)
    prompts = (torch.tensor(batch.prompts[index], dtype=torch.int32) for index in indices)
    return {
        "hash/problems": _hex(batch.problems[index].id.encode() for index in indices),
        "hash/prompts": _hex(ids.numpy().tobytes() for ids in prompts),
        "hash/responses": _hex(tokens),
        "hash/logprobs": _hex(logprobs),
        "hash/verdicts": _hex(verdicts),
    }


def weights_hash(policy: Policy, runtime: Runtime) -> str:
    """Of the policy's weights, from a sample of every tensor; the layout over ranks counts. Collective."""
    with torch.no_grad():
        samples = [_sample(parameter) for parameter in policy.model.parameters()]
        digest = _digest([torch.cat(samples).cpu().numpy().tobytes()])
    total = torch.tensor(int.from_bytes(digest, "big", signed=True), device=runtime.device)
    if runtime.tensor_size > 1:
        dist.all_reduce(total, group=runtime.tensor_group)
    return f"{int(total) % 2**64:016x}"


def _sample(parameter: torch.Tensor) -> torch.Tensor:
    flat = parameter.detach().reshape(-1)
    return flat[:: max(1, flat.numel() // SAMPLED)].to(torch.promote_types(flat.dtype, torch.float32))


def _of_group(responses: Sequence[Response]) -> tuple[bytes, bytes, bytes]:
    """Digests of a group's tokens, log-probs and verdicts, with the values of the recipe's rewards."""
    completions = [response.completion for response in responses]
    judged = [(one.verdict.status.value, one.verdict.reward, *one.terms) for one in responses]
    return (
        _digest(completion.token_ids.tobytes() for completion in completions),
        _digest(b"" if completion.logprobs is None else completion.logprobs.tobytes() for completion in completions),
        _digest(" ".join(map(str, values)).encode() for values in judged),
    )


def _hex(parts: Iterable[bytes]) -> str:
    return _digest(parts).hex()


def _digest(parts: Iterable[bytes]) -> bytes:
    """The boundaries of the parts count."""
    hasher = blake2b(digest_size=8)
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.digest()
