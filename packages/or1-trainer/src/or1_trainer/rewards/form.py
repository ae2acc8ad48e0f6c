r"""`format`: whether a response has the form that a regular expression or the prompt template asks for."""

from __future__ import annotations

from typing import Final

import regex

from or1_trainer.config.rewards import FormatReward
from or1_trainer.errors import ConfigError
from or1_trainer.rewards.group import Group, Values

FORMS: Final = {"boxed": r"\\boxed\s*\{.+\}", "code": r"```[^\n`]*\n.*?```"}
"""What the templates of or1-data ask a response to contain."""

MATCH_TIMEOUT_S: Final = 1.0
"""Of one response: an expression may take exponential time on a text that nobody foresaw."""


class Form:
    """1 where the expression matches, else 0; None where matching takes longer than a second."""

    workers = 1

    def __init__(self, settings: FormatReward, template: str) -> None:
        """Compile the expression. Raises `ConfigError` if there is none, or it is none."""
        pattern = settings.pattern or FORMS.get(template, "")
        if not pattern:
            raise ConfigError(
                f"reward {settings.label!r}: data.template = {template!r} asks for no form; set its pattern, or choose "
                f"one of the templates {', '.join(FORMS)}"
            )
        try:
            compiled = regex.compile(pattern, regex.DOTALL)
        except regex.error as error:
            raise ConfigError(
                f"reward {settings.label!r}: pattern = {pattern!r} is not a regular expression: {error}"
            ) from error
        self._match = compiled.fullmatch if settings.whole else compiled.search

    def values(self, group: Group) -> Values:
        """See `Reward`."""
        return [self._value(completion.text) for completion in group.completions]

    def _value(self, text: str) -> float | None:
        try:
            return float(self._match(text, timeout=MATCH_TIMEOUT_S) is not None)
        except TimeoutError:
            return None

    def close(self) -> None:
        """Nothing to close."""
