"""Where the reasoning of a response ends and its answer begins."""

from __future__ import annotations

from typing import Final

OPEN: Final = "<think>"
CLOSE: Final = "</think>"


def final_part(response: str) -> str | None:
    """The text after the last `</think>`; the whole text where there is no reasoning part.

    None when the last reasoning part was opened and never closed: such a response was cut off. Prompts of the R1
    family end in `<think>`, so a `</think>` without its partner is common and closes the reasoning all the same.
    """
    closed = response.rfind(CLOSE)
    answer = response if closed < 0 else response[closed + len(CLOSE) :]
    return None if OPEN in answer else answer
