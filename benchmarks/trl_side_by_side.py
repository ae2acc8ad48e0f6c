"""Seconds per GRPO step: OR1 against TRL's GRPOTrainer, the same work, side by side in one run.

    uv run --group bench python benchmarks/trl_side_by_side.py [--rounds 7] [--sizes 0.13M 1M]

Both sides get the same random Qwen2 (float32), character tokenizer, prompts (8 a step, 8 responses each), response
length, reward, and AdamW (rate 1e-3, clip 1.0). The end-of-sequence id lies outside of the model's vocabulary, so that
every response has its full length and both train on exactly the same number of tokens. The reward is the parity of the
digits in the response, a thing that a random model gets right half of the time, so that (nearly) every group has a
signal; our side keeps the groups that have none, as TRL does. On our side `magic_step` runs unchanged: draw, rollout,
the real verifier (which is done at once with a truncated response; the parity then replaces its verdict), advantages,
update with exact entropy and its controller, weight sync with its check, metrics and sampled rollouts. TRL has no weight sync.

Each side lives in a process of its own and waits while the other runs; rounds alternate, medians are compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from grpo_workers import Turns, make_model_folder, run_or1, run_trl, shape_of
from roofline import Shape, machine, matmul_rate, step_flops

SIZES = {"0.13M": shape_of(64, 2, 32), "1M": shape_of(128, 4, 64)}
STEPS_PER_ROUND = {"0.13M": 20, "1M": 6}
REACH = {"0.13M": 3.0, "1M": 2.0}


class Side:
    """One trainer in a process of its own, seen from here."""

    def __init__(self, name: str, arguments: list[str], folder: Path) -> None:
        command = [sys.executable, __file__, *arguments]
        self.name = name
        self.metrics_path = folder / name / "or1" / "metrics.jsonl"
        self._log = (folder / f"{name}.log").open("w+")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._answer()

    def run(self, steps: int) -> list[dict[str, float]]:
        """Wall and CPU seconds of each of `steps` steps."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _answer(self) -> list[dict[str, float]]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise SystemExit(f"{self.name} ended with code {self._process.wait()}:\n{self._log.read()[-3000:]}")
        answer: list[dict[str, float]] = json.loads(line)
        return answer


def toy_side(name: str, size: str, folder: Path) -> Side:
    """A side on a random model of this size, made here."""
    make_model_folder(SIZES[size], folder / name)
    return Side(name, ["--worker", name, "--sizes", size, "--model", str(folder / name)], folder)


def measure(size: str, sides: list[str], rounds: int, folder: Path) -> None:
    """Alternate turns of the sides, with the rate of a large product between them; print what came out."""
    running = [toy_side(name, size, folder) for name in sides]
    steps = STEPS_PER_ROUND[size]
    walls: dict[str, list[float]] = {name: [] for name in sides}
    cpus: dict[str, list[float]] = {name: [] for name in sides}
    rates = []
    try:
        for side in running:
            side.run(steps)  # warm-up
        for number in range(rounds):
            rates.append(matmul_rate())
            for side in running if number % 2 == 0 else reversed(running):
                time.sleep(0.3)  # threads of the other side stop spinning
                turn = side.run(steps)
                walls[side.name].append(statistics.median(step["wall_s"] for step in turn))
                cpus[side.name].append(statistics.median(step["cpu_s"] for step in turn))
        rows = [json.loads(line) for side in running if side.name == "or1" for line in side.metrics_path.open()]
    finally:
        for side in running:
            side.stop()
    show(size, walls, cpus, statistics.median(rates), rows)


def show(
    size: str, walls: dict[str, list[float]], cpus: dict[str, list[float]], rate: float, rows: list[dict[str, Any]]
) -> None:
    """The comparison, where our step's time goes, and the shares of the roofline."""
    shape, flops = SIZES[size], step_flops(SIZES[size])
    floor_s = sum(flops.values()) / rate
    print(f"\n{size}: hidden {shape.hidden}, {shape.layers} layers, {shape.rollouts} rollouts x ", end="")
    print(f"{shape.response_length} tokens; {len(next(iter(walls.values())))} rounds of {STEPS_PER_ROUND[size]} steps")
    print(f"  least work {sum(flops.values()) / 1e9:.1f} GFLOP at {rate / 1e9:.0f} GFLOP/s: {floor_s:.3f} s")
    for name, seconds in walls.items():
        wall = statistics.median(seconds)
        print(
            f"  {name:4} {wall:.3f} s/step (rounds {min(seconds):.3f} to {max(seconds):.3f}), "
            f"{statistics.median(cpus[name]):.3f} CPU-s, {floor_s / wall:.0%} of the roofline"
        )
    if len(walls) == 2:
        ratios = [trl / ours for trl, ours in zip(walls["trl"], walls["or1"], strict=True)]
        print(
            f"  OR1 takes {statistics.median(ratios):.2f}x fewer seconds (rounds {min(ratios):.2f} to "
            f"{max(ratios):.2f}; to reach: {REACH[size]}x)"
        )
    if rows:
        show_phases(shape, rows[STEPS_PER_ROUND[size] :], flops, rate)


def show_phases(shape: Shape, rows: list[dict[str, Any]], flops: dict[str, float], rate: float) -> None:
    """Median seconds of each phase of our step, from its own metrics file."""
    expected = shape.rollouts * shape.response_length
    if {row["tokens/trained"] for row in rows} != {expected}:
        raise SystemExit(
            f"OR1 did not train on {expected} tokens at every step: the two sides did not do the same work"
        )
    print(f"  where our step's time goes (medians; {expected} tokens trained on at every step, on both sides):")
    keys = list(dict.fromkeys(key for row in rows for key in row if key.startswith("time/") and key != "time/step_s"))
    step_s = statistics.median(row["time/step_s"] for row in rows)
    for key in keys:
        name, seconds = key[5:-2], statistics.median(row.get(key, 0.0) for row in rows)
        share = f", {flops[name] / rate / seconds:.0%} of the roofline" if name in flops else ""
        print(f"    {name:8} {seconds * 1e3:7.1f} ms  {seconds / step_s:4.0%}{share}")


def measure_smollm2(options: argparse.Namespace) -> None:
    """SmolLM2-135M on both sides, in alternating turns of `--turn-steps` steps; each side keeps learning."""
    flags = ["--model", "smollm2", "--dtype", options.dtype, "--prompts", str(options.prompts)]
    flags += ["--group", str(options.group), "--context", str(options.context)]
    with tempfile.TemporaryDirectory() as folder:
        running = [Side(name, [*flags, "--worker", name], Path(folder)) for name in options.sides]
        steps: dict[str, list[dict[str, float]]] = {name: [] for name in options.sides}
        rates = []
        try:
            for number in range(options.rounds):
                rates.append(matmul_rate(dtype=getattr(torch, options.dtype)))
                for side in running if number % 2 == 0 else reversed(running):
                    time.sleep(0.3)
                    steps[side.name] += side.run(options.turn_steps)
        finally:
            for side in running:
                side.stop()
    show_smollm2(steps, statistics.median(rates))


def show_smollm2(steps: dict[str, list[dict[str, float]]], rate: float) -> None:
    """Seconds a step and tokens a second of both sides, our shares of the product rate per phase."""
    print(f"large products: {rate / 1e9:.0f} GFLOP/s")
    for name, side in steps.items():
        wall, tokens = [step["wall_s"] for step in side], [step["tokens"] for step in side]
        print(
            f"  {name:4} {statistics.median(wall):.2f} s/step (min {min(wall):.2f}, max {max(wall):.2f}), "
            f"{sum(tokens) / len(tokens):.0f} response tokens a step, {sum(tokens) / sum(wall):.0f} tokens/s "
            f"(response tokens of all steps over their wall seconds), {len(side)} steps"
        )
    if len(steps) == 2:
        ratio = sum(step["wall_s"] for step in steps["trl"]) / sum(step["wall_s"] for step in steps["or1"])
        per_token = [
            sum(step["wall_s"] for step in steps[name]) / sum(step["tokens"] for step in steps[name])
            for name in ("trl", "or1")
        ]
        print(f"  OR1 takes {ratio:.2f}x fewer seconds, {per_token[0] / per_token[1]:.2f}x fewer per response token")
    for phase in ("rollout", "update"):
        for side in (steps.get("or1", []),):
            seconds, flops = sum(step[f"{phase}_s"] for step in side), sum(step[f"{phase}_flops"] for step in side)
            if seconds:
                print(f"  or1 {phase}: {seconds / len(side):.2f} s, {flops / seconds / rate:.0%} of the product rate")


def work_smollm2(options: argparse.Namespace) -> None:
    """A worker process of one side."""
    import smollm2_workers

    batch = smollm2_workers.Batch(
        prompts=options.prompts, group=options.group, context=options.context, dtype=options.dtype
    )
    side = smollm2_workers.run_trl if options.worker == "trl" else smollm2_workers.run_or1
    side(batch, Turns())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--sides", nargs="+", choices=["trl", "or1"], default=["trl", "or1"])
    parser.add_argument("--worker", choices=["trl", "or1"], help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, help="smollm2: the real model; default: the random ones of --sizes")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32", help="of smollm2")
    parser.add_argument("--prompts", type=int, default=12)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--context", type=int, default=48)
    parser.add_argument("--turn-steps", type=int, default=2, help="steps of a side before the other one goes on")
    options = parser.parse_args()
    if str(options.model) == "smollm2":
        if options.worker:
            work_smollm2(options)
        else:
            print(machine("torch", "transformers", "trl", "or1-trainer", "megatron-core"))
            measure_smollm2(options)
        return 0
    if options.worker:
        run = run_trl if options.worker == "trl" else run_or1
        run(SIZES[options.sizes[0]], options.model, Turns())
        return 0
    print(machine("torch", "transformers", "trl", "or1-trainer", "megatron-core"))
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            measure(size, options.sides, options.rounds, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
