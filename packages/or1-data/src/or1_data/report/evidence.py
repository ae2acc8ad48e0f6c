"""What speaks against a row, in words: the note of the stage that a reason belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_SHOWN_CHARS: Final = 300


def evidence(reason: str, notes: Mapping[str, Any]) -> str:
    """A sentence or two; empty where the reason says all."""
    stage, _, name = reason.partition(":")
    stage = "decontaminate" if stage == "reported" else stage
    note = notes.get(stage)
    return _TOLD[stage](name, note) if note and stage in _TOLD else ""


def _rules(name: str, findings: Sequence[Mapping[str, Any]]) -> str:
    places = {"statement": "In the statement", "ground_truth": "In the ground truth", "extra_info": "In the row"}
    told = [f"{places[f.get('where', 'statement')]}: “{_short(f['text'])}”." for f in findings if f["rule"] == name]
    return " ".join(told)


def _answers(name: str, note: Mapping[str, Any]) -> str:
    return _sentence(note.get("failed" if name == "verifier_failed" else "why", ""))


def _dedup(name: str, note: Mapping[str, Any]) -> str:
    if name == "conflict":
        others = (f"{' or '.join(map(str, o['answers']))} in {o['source']}" for o in note["conflict"])
        return f"The same statement has the answer {_short('; '.join(others))}."
    share = f"{100 * note['similarity']:.0f}%"
    return f"Shares {share} of its word sequences with {note['duplicate_of']} of {note['source']}, which stays."


_SCORES: Final = {
    "contained": "{} of the row's word sequences are in the item",
    "containing": "{} of the item's are in the row",
    "masked": "{} with all numbers left out",
    "words": "{} of the weight of their words in common",
    "numbers": "{} of their numbers",
    "tests": "{} of the item's tests",
}


def _decontaminate(name: str, note: Mapping[str, Any]) -> str:
    scores = note.get("scores") or {}
    told = [text.format(f"{100 * scores[key]:.0f}%") for key, text in _SCORES.items() if scores.get(key)]
    return f"{note['benchmark']}, {note['item']}, score {note['score']:.2f}: {', '.join(told)}."


def _difficulty(name: str, note: Mapping[str, Any]) -> str:
    return " ".join(_attempts(model, own) for model, own in note.items() if isinstance(own, Mapping))


def _attempts(model: str, own: Mapping[str, Any]) -> str:
    told = [f"{model} solves it in {own.get('num_correct', 0)} of {own.get('num_attempts', 0)} attempts"]
    told += [f"{own[mark]} of them {text}" for mark, text in _MARKS.items() if own.get(mark)]
    if own.get("tokens"):
        told.append(f"the longest has {max(own['tokens']):,} tokens")
    if own.get("wrong_answers"):
        wrong = ", ".join(f"{answer} ({votes})" for answer, votes in own["wrong_answers"].items())
        told.append(f"wrong answers: {_short(wrong)}")
    if own.get("refused"):
        told.append(f"the server said: {_short(own['refused'])}")
    return f"{'; '.join(told)}."


_MARKS: Final = {"truncated": "cut off", "empty": "empty", "unjudged": "that the verifier could not judge"}


def _judge(name: str, note: Mapping[str, Any]) -> str:
    models = (f"{model} {votes.count('A')} of {len(votes)}" for model, votes in note.get("votes", {}).items())
    refused = (f"{model}'s server said: {_short(why)}" for model, why in (note.get("refused") or {}).items())
    accepted = f"{note['accepted']} of {note['asked']} votes accept it"
    return f"{'; '.join([accepted, *models, *refused])}."


def _rollouts(name: str, note: Mapping[str, Any]) -> str:
    return f"{note['num_correct']} of {note['num_attempts']} rollouts solve it."


_TOLD: Final[Mapping[str, Callable[[str, Any], str]]] = {
    "rules": _rules,
    "answers": _answers,
    "dedup": _dedup,
    "decontaminate": _decontaminate,
    "difficulty": _difficulty,
    "judge": _judge,
    "rollouts": _rollouts,
}


def _short(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]} ..."


def _sentence(text: str) -> str:
    line = _short(text)
    return f"{line[:1].upper()}{line[1:]}{'' if line.endswith(('.', '!', '?')) else '.'}" if line else ""
