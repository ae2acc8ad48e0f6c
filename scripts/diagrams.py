"""Draw the box-and-arrow figures of the docs: `uv run scripts/diagrams.py` rewrites docs/images/*.svg from FIGURES."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
RECIPES = IMAGES.parents[1] / "packages/or1-trainer/src/or1_trainer/recipes"
COLUMN, ROW, WIDTH, HEIGHT, MARGIN = 204, 92, 174, 58, 16
COLORS = {
    "": ("#eef2ff", "#4f46e5"),
    "model": ("#fef3c7", "#b45309"),
    "out": ("#dcfce7", "#15803d"),
    "jail": ("#fee2e2", "#b91c1c"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """A box at a place of the grid, `span` columns wide; the first line of its text is bold."""

    column: float
    row: float
    text: str
    kind: str = ""
    span: float = 1.0

    @property
    def width(self) -> float:
        """In pixels."""
        return self.span * COLUMN - (COLUMN - WIDTH)


@dataclass(frozen=True, slots=True)
class Arrow:
    """From box to box, by their numbers."""

    start: int
    end: int
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """Boxes and arrows, and what a reader who cannot see them is told."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def _stages(*names: str) -> Figure:
    """The context stages of recipes, read from their files."""
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    told: list[str] = []
    for row, name in enumerate(names):
        stages = tomllib.loads((RECIPES / f"{name}.toml").read_text())["stages"]
        boxes.append(Box(0, row, f"{name}\n{sum(stage['steps'] for stage in stages)} steps"))
        for column, stage in enumerate(stages, start=1):
            arrows.append(Arrow(len(boxes) - 1, len(boxes)))
            size = f"{stage['steps']} steps, {stage['prompts']} x {stage['group']}"
            boxes.append(Box(column, row, f"{stage['context_tokens'] // 1024}K tokens\n{size}", "model"))
        told.append(f"{name}: " + ", ".join(f"{s['steps']} steps with {s['context_tokens']} tokens" for s in stages))
    return Figure("Context stages. " + "; ".join(told), tuple(boxes), tuple(arrows))


FIGURES = {
    "packages": Figure(
        "Which package uses which: or1-trainer uses the four others, or1-eval uses or1-reward and or1-rollout",
        (
            Box(1.5, 0, "or1-trainer\nMAGIC: multi-stage GRPO"),
            Box(0, 2, "or1-data\nproblems → training set"),
            Box(1, 2, "or1-rollout\nprompts → completions"),
            Box(2, 2, "or1-reward\nresponse → verdict"),
            Box(3, 1, "or1-eval\nproblems × engine → avg@k"),
        ),
        (
            Arrow(0, 1),
            Arrow(0, 2),
            Arrow(0, 3),
            Arrow(0, 4),
            Arrow(4, 3),
            Arrow(4, 2),
            Arrow(1, 2, dashed=True),
        ),
    ),
    "step": Figure(
        "One training step: draw, generate, verify, advantages, log-probs, loss, entropy coefficient, weight sync",
        (
            Box(0, 0, "Draw problems\ndataset.py"),
            Box(1, 0, "Generate groups\nengine", "model"),
            Box(2, 0, "Verify and score\nor1-reward"),
            Box(3, 0, "Advantages\ngroup by group"),
            Box(3, 1, "Log-probs\nbefore the update", "model"),
            Box(2, 1, "Loss, optimizer\nper mini-batch", "model"),
            Box(1, 1, "Entropy coefficient\nup or down by delta"),
            Box(0, 1, "Weight sync, log\ncheckpoint, evaluation", "out"),
        ),
        (
            Arrow(0, 1),
            Arrow(1, 2),
            Arrow(2, 3),
            Arrow(3, 4),
            Arrow(4, 5),
            Arrow(5, 6),
            Arrow(6, 7),
            Arrow(7, 0),
        ),
    ),
    "sandbox": Figure(
        "The program runs in a jail; its output leaves the jail and is compared with the expected output outside of it",
        (
            Box(0, 0, "Response\nof the model", "model"),
            Box(1, 0, "Grader\nextracts the program"),
            Box(2, 0, "Keeper\nwatches limits"),
            Box(3, 0, "Jail\na fresh process per test", "jail"),
            Box(3, 2, "Ground truth\nnever enters the jail"),
            Box(3, 1, "Compare\noutside of the jail"),
            Box(2, 1, "Verdict\nstatus, reward, detail", "out"),
        ),
        (Arrow(0, 1), Arrow(1, 2), Arrow(2, 3), Arrow(3, 5), Arrow(4, 5), Arrow(5, 6)),
    ),
    "resume": Figure(
        "A checkpoint holds weights, optimizer, coefficient, position and stage; samples come again from their seeds",
        (
            Box(0, 0, "Step 40\nrow in metrics.jsonl"),
            Box(1, 0, "Checkpoint\nwritten, then renamed", "out"),
            Box(2, 0, "Step 41, killed\nsamples in flight", "jail"),
            Box(1, 1, "Resume\nweights, optimizer, state"),
            Box(2, 1, "Step 41 again\nsame seeds, same samples", "model"),
            Box(3, 1, "Step 42\nas if nothing happened"),
        ),
        (Arrow(0, 1), Arrow(1, 2), Arrow(1, 3), Arrow(3, 4), Arrow(4, 5)),
    ),
    "data": Figure(
        "Rows pass rules, answer checks, duplicate search, decontamination, difficulty and selection",
        (
            Box(0, 0, "Sources\nfiles, folders, hub sets"),
            Box(1, 0, "Rules, answers\nfindings as notes"),
            Box(2, 0, "Dedup\nexact and near copies"),
            Box(3, 0, "Decontaminate\nagainst benchmarks"),
            Box(3, 1, "Difficulty, judges\nattempts and votes", "model"),
            Box(2, 1, "Select\nonce, by all notes"),
            Box(1, 1, "Training set\njsonl, parquet, card", "out"),
            Box(2, 2, "dropped.jsonl\nevery row with its reasons", "jail"),
        ),
        (Arrow(0, 1), Arrow(1, 2), Arrow(2, 3), Arrow(3, 4), Arrow(4, 5), Arrow(5, 6), Arrow(5, 7)),
    ),
    "scale": Figure(
        "From tiny on two cores, over a recipe scaled down, plan and rehearsal without a GPU, to one node and to eight",
        (
            Box(0, 0, "tiny\n2 cores, a minute", "out"),
            Box(1, 0, "--scale-down\nyour recipe, tiny model", "out"),
            Box(2, 0, "plan\nmemory, time, cost"),
            Box(3, 0, "rehearse\none step traced, no GPU"),
            Box(3, 1, "doctor --cuda\nfirst checks on a GPU", "jail"),
            Box(2, 1, "One node\n--nproc 8", "jail"),
            Box(1, 1, "Eight nodes\ntorchrun, Slurm", "jail"),
        ),
        (Arrow(0, 1), Arrow(1, 2), Arrow(2, 3), Arrow(3, 4), Arrow(4, 5), Arrow(5, 6)),
    ),
    "verifier": Figure(
        "A trainer of yours calls an adapter of or1-reward with responses and ground truths, and gets rewards",
        (
            Box(0, 0, "TRL, verl, OpenRLHF\nsample responses", "model"),
            Box(1, 0, "Adapter\nor1_reward.adapters"),
            Box(2, 0, "Maths or code?\nby the ground truth"),
            Box(3, 0, "Equality ladder\ntext, exact, symbolic"),
            Box(3, 1, "Sandbox\none jail per test", "jail"),
            Box(1, 1, "Rewards\n1, 0, or none", "out"),
        ),
        (Arrow(0, 1), Arrow(1, 2), Arrow(2, 3), Arrow(2, 4), Arrow(3, 5), Arrow(4, 5), Arrow(5, 0)),
    ),
    "evaluation": Figure(
        "Problems and an engine give samples, samples get verdicts, verdicts give avg@k with an interval",
        (
            Box(0, 0, "Problems\nAIME, or your file"),
            Box(1, 0, "Engine\nserver, model, function", "model"),
            Box(2, 0, "Samples\nk per problem, kept at once"),
            Box(3, 0, "Verdicts\nor1-reward"),
            Box(3, 1, "avg@k\nwith its interval", "out"),
            Box(2, 1, "Compare\nproblem by problem", "out"),
        ),
        (Arrow(0, 1), Arrow(1, 2), Arrow(2, 3), Arrow(3, 4), Arrow(4, 5)),
    ),
    "rewards": Figure(
        "Each response of a group is scored by several rewards; their weighted sum gives the advantages of the group",
        (
            Box(0, 1, "Group of responses\nto one problem", "model"),
            Box(1, 0, "verifier\nright: 1, else 0"),
            Box(1, 1, "format, length, ...\nrules of the recipe"),
            Box(1, 2, "python, model, judge\nyours, or another model"),
            Box(2, 1, "Weighted sum\nor each by itself (GDPO)"),
            Box(3, 1, "Advantages\nwithin the group", "out"),
            Box(2, 2, "Failed reward\nresponse left out", "jail"),
        ),
        (Arrow(0, 1), Arrow(0, 2), Arrow(0, 3), Arrow(1, 4), Arrow(2, 4), Arrow(3, 4), Arrow(4, 5), Arrow(3, 6)),
    ),
    "mixtures": Figure(
        "The weights choose the source of the next prompt, the sampler chooses the problem within the source",
        (
            Box(0, 1, "Weights\n3 : 1 : 1, exactly"),
            Box(1, 0, "or1-math.jsonl\nweight 3"),
            Box(1, 1, "Hub set numina\nweight 1"),
            Box(1, 2, "Task leg_counting\nweight 1"),
            Box(2, 1, "Sampler\nof each source"),
            Box(3, 1, "Problems of the step\ngroups of responses", "model"),
            Box(3, 2, "Results so far\nright and wrong responses", "out"),
        ),
        (
            Arrow(0, 1),
            Arrow(0, 2),
            Arrow(0, 3),
            Arrow(1, 4),
            Arrow(2, 4),
            Arrow(3, 4),
            Arrow(4, 5),
            Arrow(5, 6, dashed=True),
            Arrow(6, 4, dashed=True),
        ),
    ),
    "turns": Figure(
        "Two turns: the policy asks a tool, the observation is context, the last turn is judged",
        (
            Box(0, 0, "Problem\n1234*5678, as a prompt"),
            Box(1, 0, "Turn 1\nsampled: trained on", "model"),
            Box(2, 0, "Observation\ncontext: not trained on"),
            Box(3, 0, "Last turn\nsampled: trained on", "model"),
            Box(1.5, 1, "Tool\ncalculator, python, search", "jail"),
            Box(3, 1, "Verdict\nof the last turn only", "out"),
        ),
        (Arrow(0, 1), Arrow(1, 2), Arrow(2, 3), Arrow(1, 4), Arrow(4, 2), Arrow(3, 5)),
    ),
    "sync": Figure(
        "Weights go to the engine tensor by tensor; a rollout starts only if fingerprints and probe agree",
        (
            Box(0, 0, "Trainer\nMegatron shards", "model"),
            Box(1, 0, "Stream\nHugging Face name, tensor"),
            Box(2, 0, "Transfer\nmemory, IPC or NCCL"),
            Box(3, 0, "Engine\nprefix cache reset", "model"),
            Box(2, 1, "Check\nfingerprints, probe"),
            Box(1, 1, "Next rollout\nall tensors agree", "out"),
            Box(3, 1, "Error\nN of M tensors differ", "jail"),
        ),
        (Arrow(0, 1), Arrow(1, 2), Arrow(2, 3), Arrow(3, 4), Arrow(4, 5), Arrow(4, 6)),
    ),
    "ahead": Figure(
        "In turn, engine and trainer wait; with rollout.ahead = 1 batch 2 is sampled while batch 1 trains",
        (
            Box(0, 0, "Engine\nin turn"),
            Box(1, 0, "Sample 1\nweights 0", "model", 0.9),
            Box(2.7, 0, "Sample 2\nweights 1", "model", 0.9),
            Box(0, 0.75, "Trainer\nin turn"),
            Box(1.9, 0.75, "Train on 1\ngives weights 1", "out", 0.8),
            Box(3.6, 0.75, "Train on 2\ngives weights 2", "out", 0.8),
            Box(0, 1.9, "Engine\nrollout.ahead = 1"),
            Box(1, 1.9, "Sample 1\nweights 0", "model", 0.9),
            Box(1.9, 1.9, "Sample 2\nweights 0", "model", 0.9),
            Box(2.8, 1.9, "Sample 3\nweights 1", "model", 0.9),
            Box(0, 2.65, "Trainer\nrollout.ahead = 1"),
            Box(1.9, 2.65, "Train on 1\ngives weights 1", "out", 0.8),
            Box(2.8, 2.65, "Train on 2\ngives weights 2", "out", 0.8),
            Box(3.7, 2.65, "Train on 3\ngives weights 3", "out", 0.8),
        ),
        (),
    ),
    "ranks": Figure(
        "Four ranks on two machines: two of them share one copy of the weights, and all machines share the files",
        (
            Box(0, 0, "Machine 1\ntorchrun"),
            Box(1, 0, "Rank 0\ncopy 1, first half", "model"),
            Box(2, 0, "Rank 1\ncopy 1, second half", "model"),
            Box(0, 1, "Machine 2\ntorchrun"),
            Box(1, 1, "Rank 2\ncopy 2, first half", "model"),
            Box(2, 1, "Rank 3\ncopy 2, second half", "model"),
            Box(3, 0, "parallel.tensor = 2\nhalves of one copy"),
            Box(3, 1, "parallel.data = 2\ncopies, gradients summed"),
            Box(0, 2, "Run folder, model, data\non a file system that all machines share", "out", 3),
        ),
        (
            Arrow(0, 1),
            Arrow(3, 4),
            Arrow(1, 2, dashed=True),
            Arrow(2, 1, dashed=True),
            Arrow(4, 5, dashed=True),
            Arrow(5, 4, dashed=True),
            Arrow(1, 4, dashed=True),
            Arrow(4, 1, dashed=True),
            Arrow(2, 5, dashed=True),
            Arrow(5, 2, dashed=True),
        ),
    ),
    "stages": _stages("or1-7b", "or1-32b", "or1-math-7b"),
}


def svg(figure: Figure) -> str:
    """The figure as an SVG on a white ground, which reads on dark pages too."""
    width = int(max(box.column * COLUMN + box.width for box in figure.boxes) + 2 * MARGIN)
    height = int(max(box.row for box in figure.boxes) * ROW + HEIGHT + 2 * MARGIN)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12"><title>{escape(figure.title)}</title>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#64748b"/></marker></defs>'
        f'<rect width="{width}" height="{height}" rx="8" fill="#fff"/>'
    )
    arrows = [_arrow(figure.boxes[arrow.start], figure.boxes[arrow.end], arrow) for arrow in figure.arrows]
    return "\n".join([head, *arrows, *map(_box, figure.boxes), "</svg>\n"])


def _center(box: Box) -> tuple[float, float]:
    return box.column * COLUMN + box.width / 2 + MARGIN, box.row * ROW + HEIGHT / 2 + MARGIN


def _box(box: Box) -> str:
    x, y = _center(box)
    fill, line = COLORS[box.kind]
    first, _, second = box.text.partition("\n")
    return (
        f'<rect x="{x - box.width / 2:g}" y="{y - HEIGHT / 2:g}" width="{box.width:g}" height="{HEIGHT}" rx="6" '
        f'fill="{fill}" stroke="{line}"/>'
        f'<text x="{x:g}" y="{y - 4:g}" text-anchor="middle" font-weight="600" fill="#0f172a">{escape(first)}</text>'
        f'<text x="{x:g}" y="{y + 14:g}" text-anchor="middle" font-size="11" fill="#475569">{escape(second)}</text>'
    )


def _arrow(start: Box, end: Box, arrow: Arrow) -> str:
    (x0, y0), (x1, y1) = _edge(start, end), _edge(end, start)
    dash = ' stroke-dasharray="4 3"' if arrow.dashed else ""
    return f'<path d="M{x0:g} {y0:g}L{x1:g} {y1:g}" stroke="#64748b" stroke-width="1.4"{dash} marker-end="url(#tip)"/>'


def _edge(box: Box, other: Box) -> tuple[float, float]:
    """Where the line between two centers leaves the box."""
    (x, y), (far_x, far_y) = _center(box), _center(other)
    dx, dy = far_x - x, far_y - y
    share = min(box.width / 2 / abs(dx) if dx else float("inf"), HEIGHT / 2 / abs(dy) if dy else float("inf"))
    return x + dx * share, y + dy * share


def main() -> int:
    """Write every figure, or with `--check` exit 1 where a file differs."""
    wrong = [name for name, figure in FIGURES.items() if _differs(IMAGES / f"{name}.svg", svg(figure))]
    if "--check" in sys.argv:
        print(*(f"{name}.svg is not what scripts/diagrams.py draws" for name in wrong), sep="\n")
        return 1 if wrong else 0
    for name in wrong:
        (IMAGES / f"{name}.svg").write_text(svg(FIGURES[name]))
    return 0


def _differs(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_text() != text


if __name__ == "__main__":
    sys.exit(main())
