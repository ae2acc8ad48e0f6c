"""The frame of the report: one HTML page with its style inside, light or dark as the reader's system is."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources


def page(title: str, body: str) -> str:
    """A whole HTML document; `body` is markup, `title` is text."""
    colours = "\n".join(
        f".c{i} {{ stroke:var(--c{i}); color:var(--c{i}) }} .fill.c{i} {{ fill:var(--c{i}); stroke:none }}"
        for i in range(8)
    )
    style = resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8") + colours
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )


def tile(label: str, value: str, below: str = "") -> str:
    """One headline number."""
    return (
        f'<div class="card tile"><span class="soft small">{escape(label)}</span><b>{escape(value)}</b>'
        f'<span class="soft small">{escape(below)}</span></div>'
    )


def legend(entries: Sequence[tuple[str, int, int]]) -> str:
    """Labels with the colour and dash of their lines; colour -1 is that of text."""
    keys = "".join(
        f'<span><i class="{f"c{colour % 8}" if colour >= 0 else "soft"} dash{dash}"></i>{escape(label)}</span>'
        for label, colour, dash in entries
    )
    return f'<div class="legend">{keys}</div>'


def chart_card(title: str, caption: str, entries: Sequence[tuple[str, int, int]], svg: str) -> str:
    """One chart with its title, a sentence on how to read it, and its legend where it has more than one line."""
    legend_html = legend(entries) if len(entries) > 1 else ""
    return (
        f'<div class="card"><h3>{escape(title)}</h3><p class="soft small">{escape(caption)}</p>{legend_html}{svg}</div>'
    )


def table(head: list[str], rows: list[list[str]], marked: frozenset[int] = frozenset()) -> str:
    """A table of texts; rows whose number is in `marked` stand out."""
    head_html = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr{' class=differs' if number in marked else ''}>"
        + "".join(f'<td class="num">{escape(cell)}</td>' for cell in row)
        + "</tr>"
        for number, row in enumerate(rows)
    )
    return f'<div class="scroll"><table><thead><tr>{head_html}</tr></thead><tbody>{body}</tbody></table></div>'
