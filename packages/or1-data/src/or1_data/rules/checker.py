"""The rule about code problems whose output only a special checker can grade."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from or1_data.rules.finding import Finding, found
from or1_data.schema import Problem

_SAY: Final = r"(?:print|output|return|report|find|display|construct|write)"
"""Not `choose`: that is what an operation does more often than what the program prints."""
_RESULT: Final = (
    r"(?:answers?|solutions?|ways?|options?|possibilities|results?|outputs?|sequences?|arrays?|strings?|permutations?|"
    r"sets?|subsets?|pairs?|triples?|orders?|orderings?|paths?|trees?|graphs?|matrices|values?|numbers?|"
    r"arrangements?|assignments?|configurations?|plans?|partitions?|lists?|indices|substrings?|subsequences?)"
)
_ANY: Final = re.compile(
    r"\b(?:"
    # If there are several answers, print any of them.
    r"(?:multiple|several|many|more\s+than\s+one|various|different)\s+(?:\w+\s+){0,4}?"
    + _RESULT
    + r"\b[^.\n]{0,60}?\b(?:(?:any|either|arbitrary)\b(?=\s*(?:[.,;:)]|$|one\b|of\b|such\b|valid\b|"
    + _RESULT
    + r"))|one\s+of\s+(?:them|these|those)\b)"
    # print any of them; you may output any valid answer; print any permutation
    r"|"
    + _SAY
    + r"(?:s|ing)?\s+(?:an?y|any\s+one|one)\s+(?:of\s+(?:them|these|those|the\s+(?:possible|valid|correct|suitable))"
    r"|(?:possible|valid|correct|suitable|such|optimal|appropriate|acceptable)\s)"
    r"|"
    + _SAY
    + r"(?:s|ing)?\s+(?:one\s+line\s+containing\s+)?any\s+(?:\w+\s+){0,2}?"
    + _RESULT
    + r"|any\s+(?:\w+\s+){0,2}?(?:of\s+them|answer|solution|output)s?\s+(?:is|are|will\s+be|can\s+be|may\s+be)\s+(?:\w+\s+)?(?:accepted|allowed|acceptable|valid|correct|printed)"  # noqa: E501
    r"|\b" + _SAY + r"\b[^.\n]{0,80}?\bin\s+(?:any|arbitrary)\s+order\b"
    r"|(?:you\s+(?:can|may|are\s+allowed\s+to)|(?:can|may)\s+be)\s+(?:"
    + _SAY
    + r"|printed|returned)[^.\n]{0,80}?\bin\s+any\s+(?:order|way)\b"
    r"|the\s+judge\s+will\s+accept\s+any|special\s+judge|checker\s+(?:program\s+)?(?:will\s+)?accepts?"
    r")",
    re.I,
)
_INTERACTIVE: Final = re.compile(
    r"\b(?:this\s+is\s+an?\s+interactive\s+(?:problem|task)|interactive\s+problem|the\s+interactor\b"
    r"|flush\s+(?:the\s+|your\s+)?(?:output|stdout|standard\s+output|buffer)|fflush\s*\(|std::flush|sys\.stdout\.flush)",
    re.I,
)


def needs_checker(problem: Problem) -> Iterator[Finding]:
    """Several outputs are right, or the program talks to a judge: comparing with one listed output grades it wrong."""
    if problem.ability != "code":
        return
    for key in ("interaction_format", "generated_checker"):
        if problem.extra_info.get(key):
            yield Finding("needs_checker", 0, 0, f"the source has a {key}", "extra_info")
            return
    match = _INTERACTIVE.search(problem.statement) or _ANY.search(problem.statement)
    if match:
        yield found("needs_checker", problem.statement, match.start(), match.end())
