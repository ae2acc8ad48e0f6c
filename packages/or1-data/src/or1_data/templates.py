"""Prompt templates, and the recognition of instructions that sets wrap around a statement.

The statement is what two problems are compared by; the instruction is what a model is told. A suffix left in place
makes every row of a set look like every other one: an 8-gram decontamination rule then flags all of them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from or1_data.errors import ConfigError

BOXED: Final = "Please reason step by step, and put your final answer within \\boxed{}."
CODE_STDIO: Final = (
    "Write a Python program that reads the input from stdin and prints the answer to stdout. "
    "Put the whole program into one fenced code block."
)

TEMPLATES: Final[dict[str, str]] = {
    "bare": "{statement}",
    "boxed": "{statement}\n\n" + BOXED,
    "code": "{statement}\n\n" + CODE_STDIO,
}
"""Name -> text with `{statement}`; more can be given as text wherever a name is taken."""


class Parts(NamedTuple):
    """A prompt taken apart; prefix and suffix are the instruction texts, empty if there are none."""

    prefix: str
    statement: str
    suffix: str


def render(statement: str, template: str = "bare") -> str:
    """The user message: `template` is a name of `TEMPLATES` or a text with `{statement}` in it.

    Raises:
        ConfigError: neither.
    """
    text = TEMPLATES.get(template, template)
    if "{statement}" not in text:
        raise ConfigError(
            f"unknown prompt template {template!r}; use {', '.join(TEMPLATES)} or a text with {{statement}}"
        )
    return text.replace("{statement}", statement)


def messages(statement: str, template: str = "bare", *, system: str = "") -> tuple[dict[str, str], ...]:
    """The statement as chat messages, behind a system message if one is given."""
    user = {"role": "user", "content": render(statement, template)}
    return ({"role": "system", "content": system}, user) if system else (user,)


_ANSWER_FORM = r"(?:within|in|inside|into|using)\s+(?:a\s+)?(?:LaTeX\s+|latex\s+)?\$?\\boxed\{?\s*(?:answer|\.\.\.|\\ldots)?\s*\}?\$?(?:\s*(?:tags?|notation|format))?"  # noqa: E501
_SUFFIXES: Final = (
    r"(?:Let'?s|Let us)\s+think\s+step\s+by\s+step(?:\s+and\s+(?:output|put|give|write)\s+(?:the|your)\s+final\s+answer\s+" + _ANSWER_FORM + r")?",  # noqa: E501
    r"Please\s+(?:reason|think|solve\s+(?:it|this(?:\s+problem)?))\s+step\s*[- ]?by\s*[- ]?step,?\s*(?:and\s+)?(?:(?:put|output|give|write|place|enclose|box)\s+(?:the|your)\s+final\s+answer\s+" + _ANSWER_FORM + r")?",  # noqa: E501
    r"(?:Please\s+)?(?:put|present|output|give|write|place|enclose|provide|return)\s+(?:the|your)\s+(?:final\s+)?answer\s+" + _ANSWER_FORM,  # noqa: E501
    r"(?:Please\s+)?(?:remember\s+to\s+)?put\s+your\s+(?:final\s+)?answer\s+on\s+its\s+own\s+line\s+after\s+[\"']?Answer:?[\"']?",
    r"The\s+last\s+line\s+of\s+your\s+response\s+should\s+be\s+of\s+the\s+form\s+Answer:\s*\$?\\?(?:boxed\{)?\$?Answer\$?\}?[^\n]{0,120}",
    r"Present\s+the\s+answer\s+in\s+LaTe[xX]\s+format:\s*\\boxed\{Your\s+answer\}",
    r"Please\s+solve\s+the\s+programming\s+task\s+below\s+(?:in\s+Python\s+)?using\s+a\s+self-contained\s+code\s+snippet\s+in\s+a\s+markdown\s+code\s+block",
    r"(?:You\s+FIRST\s+think|First\s+think)\s+about\s+the\s+reasoning\s+process[^\n]{0,400}\\boxed\{\}",
    r"(?:Please\s+)?(?:make\s+sure\s+to\s+)?(?:put|enclose|box|write)\s+(?:the|your)\s+(?:final\s+)?answer\s+(?:\(and\s+only\s+(?:the\s+)?answer\)\s+)?" + _ANSWER_FORM,  # noqa: E501
    r"(?:Write|Output|Print|Give)\s+your\s+(?:final\s+)?(?:solution|code|program)\s+(?:in|inside|within)\s+(?:a\s+)?(?:markdown\s+)?(?:```|code\s+block)[^\n]{0,80}",
    r"请一步一步(?:地)?(?:推理|思考)[^\n]{0,40}\\boxed\{\}[^\n]{0,10}",
)  # fmt: skip
_PREFIXES: Final = (
    r"Solve\s+the\s+following\s+math(?:s|ematics)?\s+problem\s+(?:step\s+by\s+step|efficiently\s+and\s+clearly)\.\s*"
    r"(?:The\s+last\s+line\s+of\s+your\s+response\s+should\s+be\s+of\s+the\s+form\s+Answer:\s*\$?\\?(?:boxed\{)?\$?Answer\}?\$?\s*"
    r"(?:\(without\s+quotes\)\s*)?where\s+\$?Answer\$?\s+is\s+the\s+answer\s+to\s+the\s+problem\.)?",
    r"(?:Solve|Answer)\s+the\s+following\s+(?:math(?:s|ematics)?\s+)?(?:problem|question)(?:\s+step\s+by\s+step)?[.:]?\s*(?:(?:Please\s+)?(?:make\s+sure\s+to\s+)?(?:put|enclose|box|write)\s+(?:the|your)\s+(?:final\s+)?answer\s+(?:\(and\s+only\s+(?:the\s+)?answer\)\s+)?" + _ANSWER_FORM + r"\.?)",  # noqa: E501
    r"Please\s+solve\s+the\s+programming\s+task\s+below\s+(?:in\s+Python\s+)?using\s+a\s+self-contained\s+code\s+snippet\s+in\s+a\s+markdown\s+code\s+block\.?",
    r"You\s+are\s+(?:an?\s+)?(?:helpful|expert|skilled)\s+(?:and\s+\w+\s+)?(?:assistant|mathematician|problem\s+solver|math(?:s|ematics)?\s+\w+)[^\n]{0,300}\n+",
    r"(?:###\s*)?(?:Instruction|Task)s?\s*:?\s*\n",
    r"You\s+will\s+be\s+given\s+a\s+question\s+\(problem\s+specification\)\s+and\s+will\s+generate\s+a\s+correct\s+Python\s+program\s+that\s+matches\s+the\s+specification\s+and\s+passes\s+all\s+tests\.(?:\s*You\s+will\s+NOT\s+return\s+anything\s+except\s+for\s+the\s+program\.?)?",
    r"You\s+are\s+an\s+expert\s+(?:Python\s+)?programmer\.",
    r"(?:Solve\s+the\s+following\s+coding\s+problem\s+using\s+the\s+programming\s+language\s+python|Write\s+Python\s+code\s+to\s+solve\s+the\s+problem)[:.]?",
    r"(?:#+\s*)?(?:Question|Problem)\s*:\s*\n",
    r"(?<=\n)(?:Question|Problem)\s*:\s*",
)  # fmt: skip
_END: Final = re.compile(r"(?:^|(?<=[\s.?!:;)}\]$，。]))((?:" + "|".join(_SUFFIXES) + r")[\s.]*)\Z", re.I)
_START: Final = re.compile(r"\A\s*((?:(?:" + "|".join(_PREFIXES) + r")\s*)+)", re.I)
_HINTS: Final = (
    "boxed", "step", "answer", "latex", "helpful", "instruction", "task", "solve the following", "推理", "思考",
    "markdown", "programmer", "python", "code block", "reasoning",
)  # fmt: skip
_LABEL: Final = re.compile(r"(?:question|problem)\s*:")


def _may_instruct(text: str) -> bool:
    """Whether a closer look is worth its time: most statements hold none of these words."""
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS) or (
        ("problem" in lowered or "question" in lowered) and _LABEL.search(lowered) is not None
    )


def split_instructions(text: str) -> Parts:
    """Prefix, statement and suffix of a user message; a message that is nothing but instructions is left whole."""
    if not _may_instruct(text):
        return Parts("", text.strip(), "")
    prefix = suffix = ""
    body = text.strip()
    while found := _END.search(body):
        suffix = f"{found.group(1).strip()}\n{suffix}".strip()
        body = body[: found.start()].rstrip()
    if begun := _START.match(body):
        prefix, body = begun.group(1).strip(), body[begun.end() :].strip()
    return Parts(prefix, body, suffix) if body else Parts("", text.strip(), "")
