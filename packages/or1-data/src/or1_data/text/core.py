"""The part of a programming problem that says what is asked: without its input format, limits, samples and code.

Those parts are alike in problems that have nothing to do with each other, and whoever rewords a problem drops or
copies them as they are. A math statement has none of them and stays whole.
"""

from __future__ import annotations

import re
from typing import Final

_HEADING: Final = re.compile(
    r"^[\s#*-]*(?:(?:in|out)put(?: format)?|constraints?|examples?|sample (?:in|out)put[ \d]*|tags|notes?)[\s*:-]*$"
    r"|Please complete the following python code|^\s*(?:Time|Memory) Limit",
    re.I | re.M,
)
_FENCE: Final = re.compile(r"```.*?(?:```|\Z)", re.S)
_LEAST_WORDS: Final = 12
"""A statement of fewer words in front of its first heading says something behind it: it is taken whole."""


def core_text(statement: str) -> str:
    """The statement up to its first heading, fenced code left out."""
    text = _FENCE.sub(" ", statement) if "```" in statement else statement
    heading = _HEADING.search(text)
    if heading and len(text[: heading.start()].split()) >= _LEAST_WORDS:
        return text[: heading.start()]
    return text
