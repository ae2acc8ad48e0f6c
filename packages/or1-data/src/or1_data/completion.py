"""One answer of a model, with whether it was cut off: a truncated attempt is a failure, whatever it contains."""

from __future__ import annotations

from typing import NamedTuple


class Completion(NamedTuple):
    """A text and whether the length limit ended it."""

    text: str
    truncated: bool = False
