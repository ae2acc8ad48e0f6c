"""Fuzz of the maths verifier: mutated answers against their golds; no hang, no exception, no leak, memory flat.

    python benchmarks/maths_fuzz.py [--count 100000] [--cases PATH/math_dev.jsonl] [--seed 0] [--clock wall]

Seeds are the labeled cases' answers (or a small built-in list where that file is absent) and hostile texts. Two fifths
of the responses are mutated answers (cut, doubled, swapped, spliced, with pieces of LaTeX inserted); half of them repeat
one to three pieces up to 100 kB, as a degenerate policy does, with and without an answer behind them. Prints rates,
latencies, statuses, resident memory along the way and child processes at the end. Exit 1 when a bound is broken: an
exception, a verifier error, more than four children, memory that still grows once the cache of verdicts is full, or a
verdict of more than 1 s: of wall clock beyond the start of a worker, or (`--clock cpu`, for a machine that others use)
of CPU time in this process.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import platform
import random
import resource
import sys
import time
from array import array
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import or1_reward
from or1_reward.maths.equal import ladder
from or1_reward.workers import WorkerPool

MAX_GROWTH_MB = 3.0

PIECES = [
    "\\frac{",
    "}",
    "{",
    "^",
    "^{",
    "_",
    "\\sqrt[",
    "]",
    "(",
    ")",
    "\\left(",
    "\\right]",
    "|",
    "\\{",
    "\\}",
    "!",
    "!!",
    "%",
    "\\%",
    "^\\circ",
    "\\text{",
    "\\boxed{",
    "$",
    "$$",
    "\\(",
    "\\)",
    ",",
    ";",
    "=",
    "<",
    "\\le",
    "\\in",
    "\\cup",
    "\\pm",
    "\\mp",
    "\\\\",
    "&",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "\\sum_{k=1}^{",
    "\\int_0^1",
    "dx",
    "\\lim_{x\\to",
    "\\infty",
    "\\pi",
    "e",
    "i",
    "x",
    "n",
    "0",
    "9",
    "9^9^9^9",
    "99999999999999999999",
    "1e999",
    "e-5",
    ".",
    "..",
    "\\ldots",
    "-",
    "+",
    "*",
    "/",
    " ",
    "\n",
    "\x00",
    "\u202e",
    "½",
    "²",
    "π",
    "−",
    "１",
    "\\log_2",
    "\\sin^{-1}",
    "\\binom",
    "\\overline{",
    "\\mathbb{R}",
    "\\setminus",
    "and",
    "or",
    " cm",
    "\\mathrm{",
    "~",
    "\\",
    "</think>",
    "<answer>",
    "</answer>",
    "####",
    "the answer is ",
    "#",
    "@",
    "'",
    '"',
    "__import__('os')",
    "\ud800",
    "\U0001f642",
    "答案",
    "\\quad",
]
REPEATED = [
    "\\( ", "\\[ ", "\\begin{align}", "\\begin{aligned}", "<answer>", "the answer is ", "The final answer is $", "**", "\n", " ",
    "\\boxed", "\\boxed{}", "\\boxed{1}", "not ", "or ", "1 ", "1/", "1,", "1,234", "A ", "A, ", "(A) ", "option ", "####", "答案", "故选",
    "\\text{ for } ", "= ", "x = ", "\\frac", "\\frac{1}{", "\\sqrt{", "\\sin ", "\\ln ", "|", "\\left|", "\\lfloor ", "{", "}", "[", "(",
    "\\int ", "\\sum_{k=1}^{9}", "x^", "x_", "'", '"', "`", "$", "$$", ".", "...", "-", "\\pm ", "!", "%", "\\quad ", "~", "<sup>", "\t", "\r",
    "\x0c", "e", "i", "9", "99999", "0.333", "twenty ", "one hundred ", " cm", " and ", "So the value is ", "x \\in ", "\\le ", "\\cup ", "№",
]  # fmt: skip
HOSTILE = [
    "9^{9^{9^{9}}}",
    "(((((9!)!)!)!)!)!",
    "{" * 3000 + "x" + "}" * 3000,
    "(" * 5000,
    "\\frac{" * 2000,
    "1" * 10_000,
    "x+" * 4000 + "x",
    "\\sqrt{" * 500 + "2" + "}" * 500,
    "(x+1)^{1000000}",
    "(a+b+c+d+e+f+g+h)^{60}",
    "\\sum_{k=1}^{10^9} k",
    "\\int_0^1 x^{x^{x}} dx",
    "\\prod_{k=1}^{400} (x+k)^k",
    "\\binom{10^9}{10^8}",
    "10^{10^{10}}!",
    "\\sin(10^{10^{5}})",
    "2^{2^{2^{2^{2^{2}}}}}",
    "1/" * 3000 + "1",
    "-" * 9000 + "1",
    "\\pm" * 40 + "1",
    ",".join(map(str, range(3000))),
    "\\boxed{" * 2000,
    "$" * 9001,
    "\x00" * 5000,
    "a_" * 3000 + "a",
    "\\gcd(10^{4000}, 3)",
    "x^{y^{z^{w^{v^{u}}}}}",
    "\\lim_{x \\to 0} x^{x^{x^{x}}}",
    "|" * 999,
    "1,234" * 500,
    "0." + "3" * 9000,
]
AROUND = [
    r"\frac{@}{2}",
    r"\frac{1}{1+@}",
    r"\sqrt{@}",
    r"\sqrt[3]{1+@}",
    r"\left(@\right)^{2}",
    r"{@}^{-1}",
    r"2^{@}",
    r"\log_2 (@)",
    r"\sin @",
    r"\left|x-@\right|",
    r"\lfloor @+x \rfloor",
    r"\max(@,x)",
    r"(@)!",
    r"\binom{@}{2}",
    r"1\pm@",
    r"\pm(1+@)",
    r"(@,1)",
    r"\{@,1\}",
    r"[0,@)",
    r"(1,2)\cup @",
    r"\mathbb{R}\setminus\{@\}",
    r"x=@",
    r"x<@",
    r"@\text{ or }1",
    r"@\text{ km}",
    r"\begin{cases}@&x>0\\1&x<0\end{cases}",
    r"\begin{pmatrix}@&1\\2&x\end{pmatrix}",
    r"\begin{pmatrix}1&x\\3&4\end{pmatrix}@",
    r"@\begin{pmatrix}1&x\\3&4\end{pmatrix}",
    r"\begin{vmatrix}@&1&1\\1&2&1\\x&1&3\end{vmatrix}",
    r"\begin{vmatrix}@&1&1&1\\1&2&1&1\\x&1&3&1\\1&1&1&4\end{vmatrix}",
    r"\left(@\right)^T",
    r"\sum_{k=1}^{3}(@)",
    r"\prod_{k=1}^{3}(@+k)",
    r"\int_0^1 (@) dx",
    r"\lim_{x\to 0}(@)",
    r"\frac{d}{dx}(@)",
    r"f(@)",
    r"a_{@}",
    r"\overline{@}",
    r"3\frac{@}{4}",
]
"""What `nested` puts around an answer, at the place of @."""
BUILT_IN = [
    "42",
    "\\frac{1}{2}",
    "x^2+2x+1",
    "(1, 2)",
    "[0, \\infty)",
    "\\{1,2,3\\}",
    "y = 2x+1",
    "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
]


def main() -> int:
    """Run the fuzz; see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    default = Path(__file__).resolve().parents[1].parent / "shared/data/verifier/math_dev.jsonl"
    parser.add_argument("--cases", type=Path, default=default)
    arguments = parser.parse_args()
    print(f"{date.today()} {platform.machine()} Python {platform.python_version()} or1-reward {version('or1-reward')}")
    pairs = seeds(arguments.cases)
    start_s = worker_start_s()
    print(f"a symbolic worker starts in {start_s:.2f} s on this machine as busy as it is now")
    clock = time.perf_counter if arguments.clock == "wall" else time.thread_time
    bound_s = 1.0 + start_s if arguments.clock == "wall" else 1.0
    print(f"clock: {arguments.clock}, bound {bound_s:.2f} s, seed {arguments.seed}")
    return run(pairs, arguments.count, random.Random(arguments.seed), clock, bound_s=bound_s)


def seeds(path: Path) -> list[tuple[str, str]]:
    """(answer, gold) pairs to start from."""
    if not path.exists():
        print(f"{path.name} is absent: built-in seeds only")
        return [(text, text) for text in BUILT_IN]
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["prediction"][-2000:], row["gold"]) for row in rows]


def mutated(text: str, pairs: list[tuple[str, str]], random: random.Random) -> str:
    """One to six edits of a text."""
    for _ in range(random.randint(1, 6)):
        at, to = sorted((random.randint(0, len(text)), random.randint(0, len(text))))
        kind = random.randrange(6)
        if kind == 0:
            text = text[:at] + text[min(to, at + 8) :]
        elif kind == 1:
            text = text[:at] + random.choice(PIECES) + text[at:]
        elif kind == 2:
            text = text[:at] + text[at:to] * 2 + text[to:]
        elif kind == 3:
            text = text[:at] + random.choice(pairs)[1] + text[at:]
        elif kind == 4:
            text = text[:at] + text[at:to][::-1] + text[to:]
        else:
            text = text[:at] + "".join(random.choices(PIECES, k=3)) + text[to:]
    return text[:20_000]


def repeated(text: str, random: random.Random) -> str:
    """One to three pieces, repeated up to 100 kB, around, behind or in front of an answer."""
    pieces = random.choices(PIECES + REPEATED, k=random.randint(1, 3))
    size = int(10 ** random.uniform(2, 5))
    block = "".join(pieces)
    block *= size // len(block) + 1
    text = text[-300:]
    return random.choice(
        (block, block + text, text + block, f"\\boxed{{{block}", f"\\boxed{{{block}}}", block + f"\\boxed{{{text}}}")
    )


def nested(text: str, random: random.Random) -> str:
    """An answer inside of one to three kinds of surroundings, in turns, up to fifty deep."""
    kinds, text = random.choices(AROUND, k=random.randint(1, 3)), random.choice((text[-60:], "x", "2", r"\pi"))
    for level in range(random.randint(1, 50)):
        text = kinds[level % len(kinds)].replace("@", text)
    return f"\\boxed{{{text}}}"


def run(
    pairs: list[tuple[str, str]], count: int, random: random.Random, clock: Callable[[], float], *, bound_s: float
) -> int:
    """Judge `count` texts and check the bounds."""
    statuses: collections.Counter[str] = collections.Counter()
    times = array("d", bytes(8 * count))  # allocated once: what grows below is not ours
    broken: list[str] = []
    memory: list[float] = []
    for at in range(count):
        answer, gold = random.choice(pairs)
        kind = random.random()
        if kind < 0.5:
            text = repeated(answer, random)
        elif kind < 0.6:
            text = nested(answer, random)
        else:
            text = random.choice(HOSTILE) if kind < 0.61 else mutated(answer, pairs, random)
            text = text if random.random() < 0.5 else f"\\boxed{{{text}}}"
        started = clock()
        try:
            verdict = or1_reward.verify(text, or1_reward.MathTruth((gold,)))
            statuses[verdict.status] += 1
        except Exception as error:  # noqa: BLE001  what a fuzz is for
            broken.append(f"{type(error).__name__}: {error} on {text[:200]!r} against {gold!r}")
            print("BROKEN", broken[-1], flush=True)
        times[at] = clock() - started
        if times[at] > bound_s:
            broken.append(f"{times[at]:.2f} s on answer {at}, {len(text)} chars, {text[:200]!r} against {gold!r}")
            print("BROKEN", broken[-1], flush=True)
        if at % max(1, count // 10) == count // 20:
            memory.append(resident_mb())
            cached = ladder._remembered.cache_info()
            print(
                f"  {at:>7} answers, {memory[-1]:.1f} MB resident, {cached.currsize} of {cached.maxsize} verdicts "
                f"cached, {len(broken)} broken",
                flush=True,
            )
    growth_mb = memory[-1] - memory[len(memory) // 3]
    if growth_mb > MAX_GROWTH_MB:
        broken.append(f"memory grew by {growth_mb:.1f} MB over the last two thirds")
    return report(list(times), statuses, memory, broken)


def report(times: list[float], statuses: collections.Counter[str], memory: list[float], broken: list[str]) -> int:
    """Print and judge."""
    times.sort()
    shown = ", ".join(
        f"p{100 * share:g} {1000 * times[int(len(times) * share)]:.3f} ms" for share in (0.5, 0.95, 0.99, 0.999)
    )
    print(
        f"{len(times)} answers in {sum(times):.1f} s: {len(times) / sum(times):.0f}/s, "
        f"{shown}, max {1000 * times[-1]:.0f} ms"
    )
    print(dict(statuses))
    print(
        f"resident MB: {[round(size, 1) for size in memory]}; child processes at the end: {children()} (symbolic workers, at most 4)"
    )
    print(f"{len(broken)} broken")
    errors = statuses.get(or1_reward.Status.VERIFIER_ERROR, 0)
    return int(bool(broken) or errors > 0 or children() > 4)


def worker_start_s() -> float:
    """The longest of three starts of a worker."""
    starts = []
    for _ in range(3):
        pool = WorkerPool("or1_reward.maths.symbolic.worker", size=1, memory_mb=1024)
        started = time.perf_counter()
        pool.ask({"left": ["const", "e", []], "right": ["const", "e", []]}, 5.0)
        starts.append(time.perf_counter() - started)
        pool.close()
    return max(starts)


def resident_mb() -> float:
    """Resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def children() -> int:
    """Live child processes of this process."""
    return len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


if __name__ == "__main__":
    sys.exit(main())
