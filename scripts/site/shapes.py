"""A step of mkdocstrings: shapes in docstrings, such as [P][G], are code and not references to pages."""

from __future__ import annotations

import re
from typing import Any

import griffe

SHAPE = re.compile(r"(?<![`\w])(\[\w*\](?:\[\w+\])+)(?![`(])")


class Shapes(griffe.Extension):
    """Puts shapes between backticks."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the text of a docstring as it is collected."""
        if obj.docstring is not None:
            obj.docstring.value = SHAPE.sub(r"`\1`", obj.docstring.value)
