"""How long `or1-trainer watch` takes to open a run of 5,000 steps with 50,000 kept rollouts, and each later request.

`uv run benchmarks/watch_large.py` writes the run, starts the server and asks for what the page asks for, then opens it in
headless chromium where that is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from urllib.request import urlopen

from or1_trainer.metrics.log import encode_row
from or1_trainer.metrics.rollout_log import RolloutRecord, TokenValues, _line
from or1_trainer.report.charts import PLOTS

PHASES = ("rollout", "verify", "distribute", "update", "sync", "eval", "checkpoint", "other")


def write_run(folder: Path, steps: int, per_step: int, characters: int) -> None:
    draw = random.Random(0)
    (folder / "rollouts").mkdir()
    (folder / "config.toml").write_text('name = "large"\n')
    keys = [key for plot in PLOTS for key in plot.lines]
    with (folder / "metrics.jsonl").open("wb") as metrics:
        for step in range(1, steps + 1):
            row = {key: abs(math.sin(step / (50 + i))) + draw.random() / 9 for i, key in enumerate(keys)}
            row |= {f"hash/h{i}": "0" * 16 for i in range(8)} | {f"policy/extra{i}": draw.random() for i in range(30)}
            row |= {f"time/{phase}_s": draw.random() for phase in PHASES} | {"time/step_s": 9.0}
            metrics.write(encode_row({"step": step, **row}))
            records = [record(step, sample, characters, draw) for sample in range(per_step)]
            (folder / "rollouts" / f"step_{step:06d}.jsonl").write_bytes(b"".join(map(_line, records)))


def record(step: int, sample: int, characters: int, draw: random.Random) -> RolloutRecord:
    is_right = draw.random() < 0.5
    tokens = [f"{draw.randrange(1000):03d} " for _ in range(characters // 4)]
    zeros = [-0.1234] * len(tokens)
    policy = TokenValues(logprobs=zeros, entropies=zeros, ratios=zeros, clipped=[])
    return RolloutRecord(
        problem_id=f"p{draw.randrange(3000)}", prompt="What?", response="".join(tokens),
        status="correct" if is_right else "wrong", reward=float(is_right), advantage=draw.gauss(0, 1), finish_reason="stop",
        num_tokens=len(tokens), seed=step, tokens=tokens if sample < 4 else None,
        logprobs=zeros if sample < 4 else None, policy=policy if sample < 4 else None,
    )  # fmt: skip


def ask(address: str, path: str) -> None:
    started = time.perf_counter()
    with urlopen(address + path) as answer:
        size = len(answer.read())
    print(f"{time.perf_counter() - started:8.2f} s  {size / 1e3:9.0f} kB  {path}")


SCROLL = """
const done = arguments[arguments.length - 1], box = document.getElementById("scroller");
const frame = () => new Promise(requestAnimationFrame);
const rowsInView = () => {
  const { top, bottom } = box.getBoundingClientRect();
  return [...box.querySelectorAll("tr[data-at]")].some((row) => row.getBoundingClientRect().top < bottom - 30
    && row.getBoundingClientRect().bottom > top + 60);
};
(async () => {
  let longest = 0, worst = 0;
  for (let place = 1; place <= 40; place++) {
    const started = performance.now();
    box.scrollTop = (box.scrollHeight - box.clientHeight) * place / 40;
    await frame();
    while (!rowsInView()) await frame();
    longest = Math.max(longest, performance.now() - started);
  }
  box.scrollTop = 0;
  const until = performance.now() + 5000;
  for (let last = await frame(); performance.now() < until;) {
    box.scrollTop += 300;
    const now = await frame();
    worst = Math.max(worst, now - last);
    last = now;
  }
  done([longest, worst]);
})();
"""
"""Jumps to 40 places, and then scrolls on: (longest wait for rows, longest frame), in milliseconds."""


def open_in_browser(address: str) -> None:
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    for option in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--window-size=1400,1000",
    ):
        options.add_argument(option)
    options.set_capability("timeouts", {"script": 120_000})
    options.binary_location = str(shutil.which("chromium"))
    browser = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    started = time.perf_counter()
    browser.get(address)
    while not browser.execute_script("return document.querySelectorAll('#plots canvas').length"):
        time.sleep(0.02)
    print(f"{time.perf_counter() - started:8.2f} s  charts drawn in the browser")
    started = time.perf_counter()
    browser.execute_script("document.querySelector('[data-tab=rollouts]').click()")
    while not browser.execute_script("return document.querySelectorAll('#table tr[data-at]').length"):
        time.sleep(0.02)
    print(f"{time.perf_counter() - started:8.2f} s  first rollouts in the browser")
    longest_ms, worst_frame_ms = browser.execute_async_script(SCROLL)
    print(
        f"{longest_ms / 1000:8.2f} s  longest wait for the rows at one of 40 places of the table, scrolled to at once"
    )
    print(f"{worst_frame_ms / 1000:8.2f} s  longest frame in 5 s of scrolling by 300 pixels a frame")
    browser.quit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--per-step", type=int, default=10)
    parser.add_argument("--characters", type=int, default=1200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run = Path(name)
        write_run(run, options.steps, options.per_step, options.characters)
        size = sum(path.stat().st_size for path in run.rglob("*") if path.is_file()) / 1e6
        print(f"{date.today()}  {platform.processor() or platform.machine()}  Python {platform.python_version()}")
        print(f"{options.steps} steps, {options.steps * options.per_step} rollouts, {size:.0f} MB")
        command = [str(Path(sys.executable).parent / "or1-trainer"), "watch", str(run), "--port", "0"]
        for has_browser in (False, True):
            if has_browser and not (shutil.which("chromium") and importlib.util.find_spec("selenium")):
                continue
            server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            try:
                assert server.stdout is not None
                address = server.stdout.readline().strip()
                if has_browser:
                    open_in_browser(address)
                    continue
                for path in ("api/state", "api/points", "api/points?low=2000&high=2400", "api/rollouts", "api/rollouts",
                             "api/rollouts?status=wrong&advantage_low=1", "api/rollouts?text=123 456", "api/problem?problem=p7"):  # fmt: skip
                    ask(address, path.replace(" ", "%20"))
            finally:
                server.kill()
                server.wait()


if __name__ == "__main__":
    main()
