"""Pictures of a run for the docs: the live view as an animated SVG, its report and the page of `watch` as PNGs.

    uv run scripts/pictures.py runs/smollm2-001

writes docs/images/live.svg, which plays the panel that the terminal showed after each step, drawn from the run's own
metrics by the code of the live view, and docs/images/report.png and watch.png (screenshots by Chromium). Where the
folder has no report, only watch.png is written.

    uv run or1-trainer rehearse or1-7b --gpus 32 --gpu h200 --plot memory.svg
    uv run scripts/pictures.py memory.svg

writes docs/images/rehearsal.svg: that plot on a white ground, without the texts that a pointer shows.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from or1_trainer.live.run_progress import RunProgress
from or1_trainer.live.screens import panel
from or1_trainer.metrics.log import read_metrics

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
FRAME_S, HOLD_S, WIDTH = 0.45, 4.0, 96
FRAME = "{unique_id}\x1e{styles}\x1e{backgrounds}{matrix}\x1e{width}\x1e{height}\x1e{char_height}"
FONT = "font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 20px; white-space: pre"


def frames(rows: list[dict[str, Any]], command: str) -> list[Text]:
    """What the terminal shows after each row."""
    stages = 1 + max(int(row.get("stage/index", 0)) for row in rows)
    seconds = [0.0]
    progress = RunProgress(int(rows[-1]["step"]), num_stages=stages, clock=lambda: seconds[0])
    found = []
    for row in rows:
        seconds[0] += float(row.get("time/step_s", 0.0))
        if row["step"]:
            progress.add_step(row)
            found.append(Text.assemble(("$ ", "bold green"), (f"{command}\n\n", "bold"), panel(progress)))
        else:
            progress.latest.update(row)
    return found


def animated(texts: list[Text]) -> str:
    """All frames in one SVG; each is visible for its part of the time, without scripts or fonts from elsewhere."""
    total_s = len(texts) * FRAME_S + HOLD_S
    styles, layers, width, height = [], [], 0.0, 0.0
    for number, text in enumerate(texts):
        console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
        console.print(text, no_wrap=True)
        exported = console.export_svg(title="", code_format=FRAME, unique_id=f"f{number}")
        _, style, matrix, *sizes = exported.split("\x1e")
        width, height = max(width, float(sizes[0])), max(height, float(sizes[1]))
        styles.append(style)
        matrix = re.sub(r' clip-path="[^"]*"', "", matrix)
        begin, end = number * FRAME_S / total_s, (number + 1) * FRAME_S / total_s
        is_last = number == len(texts) - 1
        times = f"0;{begin:.4f};1" if is_last else f"0;{begin:.4f};{end:.4f};1"
        shown = "hidden;visible;visible" if is_last else "hidden;visible;hidden;hidden"
        layers.append(
            f'<g class="f{number}-matrix" visibility="{"visible" if is_last else "hidden"}">'
            f'<animate attributeName="visibility" dur="{total_s:.2f}s" repeatCount="indefinite" calcMode="discrete" '
            f'keyTimes="{times}" values="{shown}"/>{matrix}</g>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img">'
        "<title>The live view of a run: progress, reward, accuracy, entropy, truncation and length, by step</title>"
        f"<style>text {{ {FONT}; fill: #c5c8c6 }} {' '.join(styles)}</style>"
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="#1e1f22"/>'
        f'<g transform="translate(18, 34)">{"".join(layers)}</g></svg>\n'
    )


def screenshot(page: Path, out: Path) -> None:
    """The top of a page as a PNG."""
    browser = shutil.which("chromium")
    if browser is None:
        print("no chromium here: report.png is left as it is", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "page.png"
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1100,1500"]
        subprocess.run([browser, *options, f"--screenshot={target}", page.resolve().as_uri()], check=True, timeout=120)
        shutil.copy(target, out)


def watch_page(folder: Path, out: Path) -> None:
    """The page of `or1-trainer watch` over a run, in 64 colors."""
    from PIL import Image
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.support.wait import WebDriverWait

    program = Path(sys.executable).parent / "or1-trainer"
    server = subprocess.Popen([program, "watch", folder], stdout=subprocess.PIPE, text=True)
    options = ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1100,1000"):
        options.add_argument(option)
    try:
        assert server.stdout is not None
        driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
        driver.get(server.stdout.readline().strip())
        WebDriverWait(driver, 60).until(lambda page: page.find_element("id", "status").text == "live")
        picture = Image.open(io.BytesIO(driver.get_screenshot_as_png()))
        driver.quit()
    finally:
        server.terminate()
        server.wait()
    picture.convert("RGB").quantize(64).save(out, optimize=True)


def plain_plot(text: str) -> str:
    """A plot of `rehearse` as a figure: smaller, and readable on dark pages."""
    text = re.sub(r"<title>[^<]*</title>", "", text)
    return re.sub(r"(<svg[^>]*>)", r'\1<rect width="100%" height="100%" rx="8" fill="#fff"/>', text, count=1)


def main() -> None:
    """Write the pictures of a run folder, or the figure of a rehearsal."""
    folder = Path(sys.argv[1])
    if folder.suffix == ".svg":
        (IMAGES / "rehearsal.svg").write_text(plain_plot(folder.read_text()))
        return
    watch_page(folder, IMAGES / "watch.png")
    if not (folder / "report.html").is_file():
        return
    rows = list(read_metrics(folder / "metrics.jsonl"))
    name = folder.name.rpartition("-")[0] or folder.name
    (IMAGES / "live.svg").write_text(animated(frames(rows, f"uv run or1-trainer {name}")))
    screenshot(folder / "report.html", IMAGES / "report.png")


if __name__ == "__main__":
    main()
