"""Whether a server's log-probs are those of the distribution that its samples are drawn from."""

from __future__ import annotations

from or1_rollout.engines.openai.client import OpenAIClient
from or1_rollout.errors import EndpointError
from or1_rollout.types import Prompt, SamplingParams

_HOT, _COLD = 1000.0, 0.01
"""At the first temperature every token is as likely as another, at the second only the likeliest is drawn."""

_HOT_SPREAD, _GAP = 0.1, 2.0


async def gives_sampling_logprobs(client: OpenAIClient, prompt: Prompt, params: SamplingParams) -> bool:
    """Whether log-probs at `params` are those before top-p and top-k, after temperature.

    Servers report them before all processing (vLLM without `--logprobs-mode processed_logprobs`, llama.cpp) or after
    it. Both are the same at temperature 1 without truncation and penalties; with truncation or at temperature 0
    neither is wanted. In between the server is asked, unless the settings know.
    """
    if not params.is_plain or params.temperature == 0:
        return False
    if params.temperature == 1.0:
        return True
    known = client.settings.processed_logprobs
    return await _is_processed(client, prompt) if known is None else known


async def _is_processed(client: OpenAIClient, prompt: Prompt) -> bool:
    """Draw four single tokens.

    After temperature, all log-probs at a temperature of 1,000 are nearly -log(vocabulary size), and that of a nearly
    greedy draw is nearly 0. Before it, random tokens have log-probs that lie nats apart.
    """
    try:
        hot = [await _first_logprob(client, prompt, _HOT, seed) for seed in range(3)]
        cold = await _first_logprob(client, prompt, _COLD, 0)
    except EndpointError:
        return False
    known = [value for value in hot if value is not None]
    if cold is None or len(known) < len(hot):
        return False
    return max(known) - min(known) < _HOT_SPREAD and max(known) < cold - _GAP


async def _first_logprob(client: OpenAIClient, prompt: Prompt, temperature: float, seed: int) -> float | None:
    params = SamplingParams(max_new_tokens=1, temperature=temperature)
    response = await client.sample(prompt, params, seed=seed, logprobs=True)
    return response.logprobs[0] if response.logprobs else None
