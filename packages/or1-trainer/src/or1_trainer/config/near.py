"""The nearest word that exists, for messages about one that does not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.5) -> str:
    """The hint in parentheses behind a space; nothing where no known word is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f" (did you mean {near[0]}?)" if near else ""
