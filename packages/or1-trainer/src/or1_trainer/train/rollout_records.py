"""The sample of rollouts that is kept for people: from the ranks that hold the texts to rank 0."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from transformers import PreTrainedTokenizerBase

from or1_trainer.config.schema import WatchSettings
from or1_trainer.metrics.rollout_log import RolloutRecord, kept_problems
from or1_trainer.train.distribute import Place
from or1_trainer.train.exchange import Exchange
from or1_trainer.train.judging import Response
from or1_trainer.train.prompts import PromptEncoder
from or1_trainer.train.rollout_batch import RolloutBatch

_BROKEN = "\ufffd"
"""What a tokenizer decodes the bytes of an incomplete character to."""

_LONGEST_CHARACTER = 4
"""Bytes of a UTF-8 character, so at most as many tokens."""


def sampled_records(
    batch: RolloutBatch,
    step: int,
    watch: WatchSettings,
    prompts: PromptEncoder,
    exchange: Exchange,
    rewards: Sequence[str],
    by_token: Collection[int],
) -> dict[Place, RolloutRecord]:
    """The records of the groups that the log keeps, in the order of drawing; on rank 0 alone. Collective.

    `by_token`: the problems whose records have tokens.
    """
    mine = {
        index: group_records(batch, index, prompts, rewards, with_tokens=index in by_token)
        for index in kept_indices(batch, step, watch)
        if index in batch.own
    }
    found = [item for part in exchange.gather_to_main(mine) for item in part.items()]
    return {
        (index, sample): record
        for index, records in sorted(found, key=lambda item: item[0])
        for sample, record in enumerate(records)
    }


def kept_indices(batch: RolloutBatch, step: int, watch: WatchSettings) -> list[int]:
    """Numbers of the problems whose groups the log keeps."""
    names = batch.groups.problem_ids
    kept = kept_problems(step, names, watch.rollout_share)
    return [index for index, name in enumerate(names) if name in kept]


def token_problems(batch: RolloutBatch, step: int, watch: WatchSettings, trained: Collection[int]) -> set[int]:
    """Of these, the ones that are kept token by token: those that are trained on come first."""
    by_interest = sorted(kept_indices(batch, step, watch), key=lambda index: (index not in trained, index))
    return set(by_interest[: watch.token_groups])


def group_records(
    batch: RolloutBatch, index: int, prompts: PromptEncoder, rewards: Sequence[str], *, with_tokens: bool
) -> list[RolloutRecord]:
    """The responses to one problem as people read them, where wanted token by token; `rewards`: their names."""
    prompt = prompts.text(batch.problems[index])
    totals_G = batch.groups.outcomes.rewards_PG[index].tolist()
    has_signal = bool(batch.groups.has_signal_P[index])
    return [
        RolloutRecord(
            problem_id=batch.groups.problem_ids[index],
            prompt=prompt,
            response=response.completion.text,
            status=response.verdict.status.value,
            reward=None if math.isnan(total) else total,
            advantage=float(advantage) if has_signal and not math.isnan(total) else None,
            finish_reason=response.completion.finish_reason.value,
            num_tokens=response.completion.num_sampled,
            seed=response.completion.seed,
            rewards=_counted(rewards, response.terms),
            tokens=token_texts(response.completion.token_ids.tolist(), prompts.tokenizer) if with_tokens else None,
            logprobs=_rounded_logprobs(response) if with_tokens else None,
        )
        for response, total, advantage in zip(
            batch.own[index], totals_G, batch.groups.advantages_PG[index], strict=True
        )
    ]


def _counted(names: Sequence[str], terms: Sequence[float | None]) -> dict[str, float | None]:
    """The values of the rewards that count for the problem; None where one failed."""
    pairs = zip(names, terms, strict=bool(names))
    return {name: value for name, value in pairs if value is None or not math.isnan(value)}


def _rounded_logprobs(response: Response) -> list[float | None] | None:
    """The engine's log-probs to four digits; an observation has none, nor a token the engine gave no probability."""
    logprobs = response.completion.logprobs
    if logprobs is None:
        return None
    known = zip(logprobs.tolist(), response.completion.is_sampled_T.tolist(), strict=True)
    return [round(value, 4) if is_sampled and math.isfinite(value) else None for value, is_sampled in known]


def token_texts(token_ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Return one text per token; a character made of several tokens stands with the last, the others are empty."""
    singles = {token: _text([token], tokenizer) for token in set(token_ids)}
    texts: list[str] = []
    waiting: list[int] = []
    for token in token_ids:
        waiting.append(token)
        text = singles[token] if len(waiting) == 1 else _text(waiting, tokenizer)
        is_broken = text.endswith(_BROKEN) and len(waiting) < _LONGEST_CHARACTER
        texts.append("" if is_broken else text)
        if not is_broken:
            waiting = []
    if waiting:
        texts[-1] = _text(waiting, tokenizer)
    return texts


def _text(token_ids: list[int], tokenizer: PreTrainedTokenizerBase) -> str:
    """Decode with special tokens; SentencePiece drops the space that a first token begins with, so it is put back."""
    text = str(tokenizer.decode(token_ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
    first = str(tokenizer.convert_ids_to_tokens(token_ids[0]))
    return f" {text}" if first.startswith("\u2581") and not text.startswith(" ") else text
