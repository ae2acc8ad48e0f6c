"""What the report says, as blocks that both the HTML and the Markdown writer understand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from or1_data.report.evidence import evidence
from or1_data.report.meaning import CHARTS, REASONS, order
from or1_data.run.summary import SOLVED, Summary


@dataclass(frozen=True)
class Heading:
    """A section's title; level 1 is the report's own."""

    kind: ClassVar = "heading"

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text."""

    kind: ClassVar = "paragraph"

    text: str


@dataclass(frozen=True)
class Table:
    """Rows under a header; numbers are right-aligned."""

    kind: ClassVar = "table"

    header: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Bars:
    """A bar chart: labels and heights."""

    kind: ClassVar = "bars"

    title: str
    labels: Sequence[str]
    heights: Sequence[int]
    about: str = ""


@dataclass(frozen=True)
class Samples:
    """Rows that were kept, or dropped for one reason, each with the evidence, out of `total`."""

    kind: ClassVar = "samples"

    reason: str
    about: str
    total: int
    rows: Sequence[Mapping[str, Any]]

    @property
    def first(self) -> Sequence[Mapping[str, Any]]:
        """What the report itself shows."""
        return self.rows[:FIRST]

    @property
    def pages(self) -> list[tuple[str, Sequence[Mapping[str, Any]]]]:
        """File name and rows of the pages beside the report; none where it shows all itself."""
        if len(self.rows) <= FIRST:
            return []
        stem = self.reason.replace(":", "-")
        cuts = range(0, len(self.rows), PAGE)
        return [(f"{stem}-{number}.html", self.rows[cut : cut + PAGE]) for number, cut in enumerate(cuts, start=1)]

    def why(self, row: Mapping[str, Any]) -> str:
        """The evidence in words."""
        return evidence(self.reason, row["notes"])

    def pair(self, row: Mapping[str, Any]) -> tuple[str, str] | None:
        """Two texts to be read side by side: the row and the benchmark item, or the copy and what stays."""
        note = row["notes"].get("decontaminate")
        if note and self.reason.startswith(("decontaminate:", "reported:")):
            return note["evidence"]["row"], note["evidence"]["item"]
        return (row["statement"], row["stays"]) if "stays" in row and self.reason.startswith("dedup:") else None

    def span(self, row: Mapping[str, Any]) -> tuple[int, int]:
        """Where in the statement the rule of this reason matched; (0, 0) where it did not."""
        rule = self.reason.removeprefix("rules:")
        for finding in row["notes"].get("rules") or ():
            if finding["rule"] == rule and finding.get("where", "statement") == "statement":
                return finding["start"], finding["end"]
        return 0, 0


FIRST = 10
PAGE = 50
_MOST_VALUES = 12
Block = Heading | Paragraph | Table | Bars | Samples


def blocks(
    manifest: Mapping[str, Any], summary: Summary, set_aside: Sequence[Mapping[str, Any]] = ()
) -> Iterator[Block]:
    """The report in reading order; `set_aside` are the first of the broken rows."""
    total, kept = summary.rows.total(), summary.kept.total()
    yield Heading(f"{manifest['recipe']}: {kept:,} of {total:,} problems kept ({_share(kept, total)})", 1)
    yield Paragraph(
        f"Broken rows set aside before: {manifest['set_aside']:,} (set_aside.jsonl). "
        "Every dropped row is in dropped.jsonl with all its reasons. Config, versions and hashes: manifest.json."
    )
    yield from _funnel(summary)
    yield from _broken(manifest["set_aside"], set_aside)
    yield from _overlaps(summary)
    yield from _composition(summary)
    yield from _difficulty(summary)
    yield from _calls(summary)
    yield from _charts(summary)
    if manifest["difficulty_scale"]:
        yield Heading("Attempts behind the difficulty counts, as the data show them")
        rows = [(a, m, n) for a, models in manifest["difficulty_scale"].items() for m, n in models.items()]
        yield Table(("ability", "model", "attempts"), rows)
    yield Heading("Samples of kept rows")
    yield Samples("kept", REASONS["kept"], summary.sampled["kept"], summary.samples_of("kept"))
    yield Heading("Samples of dropped rows, with reasons")
    for reason in sorted(summary.samples.keys() - {"kept"}, key=order):
        yield Samples(reason, REASONS.get(reason, ""), summary.sampled[reason], summary.samples_of(reason))


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "none"


def _funnel(summary: Summary) -> Iterator[Block]:
    sources = sorted(summary.rows)
    rows, kept = summary.rows, summary.kept
    yield Heading("Funnel: rows by the first reason that drops them")
    body: list[list[object]] = [["rows in", *(rows[s] for s in sources), rows.total(), ""]]
    for reason, counts in sorted(summary.dropped.items(), key=lambda item: order(item[0])):
        cells = [counts[s] for s in sources]
        body.append([f"- {reason}", *cells, counts.total(), REASONS.get(reason, "")])
    body.append(["kept", *(kept[s] for s in sources), kept.total(), ""])
    body.append(["kept, share", *(_share(kept[s], rows[s]) for s in sources), _share(kept.total(), rows.total()), ""])
    yield Table(("", *sources, "all", "what it means"), body)
    if summary.touched:
        yield Heading("Rows that each reason alone would drop")
        touched = sorted(summary.touched.items(), key=lambda item: order(item[0]))
        yield Table(("reason", *sources, "all"), [[name, *(c[s] for s in sources), c.total()] for name, c in touched])


def _broken(total: int, rows: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    if rows:
        yield Heading(f"Broken rows: {len(rows)} of {total:,}")
        keys = ("source", "file", "line", "key", "reason")
        yield Table(keys, [[_plain(row.get(key, "")) for key in keys] for row in rows])


def _plain(value: object) -> str:
    """Line numbers are names: no thousands separator."""
    return " ".join(str(value).split())[:300]


def _overlaps(summary: Summary) -> Iterator[Block]:
    if summary.overlaps:
        yield Heading("Overlaps with each benchmark, rows by class")
        kinds = sorted({kind for counts in summary.overlaps.values() for kind in counts})
        yield Table(
            ("benchmark", *kinds), [[name, *(c[k] for k in kinds)] for name, c in sorted(summary.overlaps.items())]
        )


def _composition(summary: Summary) -> Iterator[Block]:
    """What the rows are made of, before and after; each share is of all rows."""
    yield Heading("Composition before and after")
    total, kept = summary.rows.total(), summary.kept.total()
    rows: list[list[object]] = []
    for feature, before in sorted(summary.composition.items()):
        after = summary.composition_kept.get(feature, Counter())
        for value, count in before.most_common(_MOST_VALUES):
            shares = (_share(count, total), _share(after[value], kept))
            rows.append([feature, value, count, shares[0], after[value], shares[1]])
    yield Table(("", "value", "rows in", "share", "rows kept", "share"), rows)


def _difficulty(summary: Summary) -> Iterator[Block]:
    """Rows of each source by how much of their attempts solve them, before and after."""
    for model in sorted({model for model, _ in summary.difficulty_by_source}):
        yield Heading(f"Difficulty by source before and after, by the attempts of {model} that solve a row")
        rows = []
        for (name, source), counts in sorted(summary.difficulty_by_source.items()):
            if name == model:
                after = [counts[True, share] for share in SOLVED]
                before = [counts[False, share] + kept for share, kept in zip(SOLVED, after, strict=True)]
                rows.append([source, *before, *after])
        yield Table(("source", *SOLVED, *(f"kept: {share}" for share in SOLVED)), rows)


def _calls(summary: Summary) -> Iterator[Block]:
    if summary.calls:
        yield Heading("Calls of models")
        rows = [[name, c["calls"], c["tokens"], c["longest"]] for name, c in sorted(summary.calls.items())]
        yield Table(("model", "attempts or votes", "tokens, where known", "longest answer"), rows)


def _charts(summary: Summary) -> Iterator[Block]:
    if summary.histograms or summary.difficulty:
        yield Heading("Scores")
    for name, bins in sorted(summary.histograms.items()):
        yield Bars(name, [f"{index / len(bins):.2f}" for index in range(len(bins))], bins, CHARTS.get(name, ""))
    for model, rates in sorted(summary.difficulty.items()):
        labels = sorted(rates, key=float)
        about = "Problems by the share of attempts that solve them; at 0.00 never, at 1.00 always."
        yield Bars(f"share of attempts solved by {model}", labels, [rates[label] for label in labels], about)
