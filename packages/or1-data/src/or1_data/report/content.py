"""What the report says, as blocks that both the HTML and the Markdown writer understand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from or1_data.run.summary import Summary


@dataclass(frozen=True)
class Heading:
    """A section's title."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows under a header; numbers are right-aligned."""

    header: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Bars:
    """A bar chart: labels and heights."""

    title: str
    labels: Sequence[str]
    heights: Sequence[int]


@dataclass(frozen=True)
class Samples:
    """Rows that were dropped for one reason, each with the evidence."""

    reason: str
    rows: Sequence[Mapping[str, Any]]


Block = Heading | Paragraph | Table | Bars | Samples


def blocks(manifest: Mapping[str, Any], summary: Summary) -> Iterator[Block]:
    """The report in reading order."""
    total, kept = summary.rows.total(), summary.kept.total()
    yield Heading(f"{manifest['recipe']}: {kept:,} of {total:,} problems kept")
    yield Paragraph(
        f"{manifest['set_aside']:,} broken rows were set aside before (set_aside.jsonl). "
        "Every dropped row is in dropped.jsonl with all its reasons. Config and hashes: manifest.json."
    )
    yield from _funnel(summary)
    yield from _overlaps(summary)
    yield from _charts(summary)
    if manifest["difficulty_scale"]:
        yield Heading("Attempts behind the difficulty counts, as the data show them")
        rows = [(a, m, n) for a, models in manifest["difficulty_scale"].items() for m, n in models.items()]
        yield Table(("ability", "model", "attempts"), rows)
    yield Heading("Samples of what was dropped, and why")
    for reason in sorted(summary.samples):
        yield Samples(reason, summary.samples_of(reason))


def _funnel(summary: Summary) -> Iterator[Block]:
    sources = sorted(summary.rows)
    yield Heading("Funnel: rows by the first reason that drops them")
    body: list[list[object]] = [["rows in", *(summary.rows[s] for s in sources), summary.rows.total()]]
    for reason, counts in sorted(summary.dropped.items()):
        body.append([f"- {reason}", *(counts[s] for s in sources), counts.total()])
    body.append(["kept", *(summary.kept[s] for s in sources), summary.kept.total()])
    yield Table(("", *sources, "all"), body)
    yield Heading("Rows that each reason alone would drop")
    touched = [
        [reason, *(counts[s] for s in sources), counts.total()] for reason, counts in sorted(summary.touched.items())
    ]
    yield Table(("reason", *sources, "all"), touched)


def _overlaps(summary: Summary) -> Iterator[Block]:
    if summary.overlaps:
        yield Heading("Overlaps with each benchmark")
        kinds = sorted({kind for counts in summary.overlaps.values() for kind in counts})
        yield Table(
            ("benchmark", *kinds), [[name, *(c[k] for k in kinds)] for name, c in sorted(summary.overlaps.items())]
        )


def _charts(summary: Summary) -> Iterator[Block]:
    for name, bins in sorted(summary.histograms.items()):
        yield Bars(name, [f"{index / len(bins):.2f}" for index in range(len(bins))], bins)
    for model, rates in sorted(summary.difficulty.items()):
        labels = sorted(rates, key=float)
        yield Bars(f"share of attempts solved by {model}", labels, [rates[label] for label in labels])
