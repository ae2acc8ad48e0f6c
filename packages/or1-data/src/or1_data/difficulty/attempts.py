"""One row while attempts are drawn for it: what was drawn, what is missing, and the note at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from or1_data.calls import Call, CallStore, Completion
from or1_data.calls.store import call_key
from or1_data.difficulty.counts import PassCount, counts_of, merge, with_count
from or1_data.difficulty.settings import DifficultySettings
from or1_data.schema import Problem
from or1_data.templates import TEMPLATES
from or1_data.verifying import Verifier

NOTE: Final = "difficulty"
_EXTRACTED_CHARS: Final = 200
_MOST_COMMON: Final = 5
_REFUSED_CHARS: Final = 300


def asked_prompt(problem: Problem, settings: DifficultySettings) -> list[dict[str, str]]:
    """The messages that a model gets: the row's prompt, with the form of the answer where it says nothing about it."""
    messages = [dict(message) for message in problem.prompt]
    template = {"answer": "boxed", "stdio": "code"}.get(problem.kind)
    parts = problem.instructions
    told = parts.prefix or parts.suffix or any("\\boxed" in message["content"] for message in messages)
    if settings.instruct and template and not told:
        last = max(index for index, message in enumerate(messages) if message["role"] == "user")
        text = TEMPLATES[template].replace("{statement}", messages[last]["content"].strip())
        messages[last] = {"role": "user", "content": text}
    return messages


class RowAttempts:
    """The attempts at one problem; counts that the row already has are added to."""

    def __init__(self, problem: Problem, settings: DifficultySettings, store: CallStore, decisive: object) -> None:
        """`decisive` is what decides an attempt beside problem and prompt: model, sampling, seed, verifier."""
        self.problem, self.settings, self.store = problem, settings, store
        self.prompt = asked_prompt(problem, settings)
        self.key = call_key("attempt", problem.id, problem.ground_truth, self.prompt, decisive)
        self.count = counts_of(problem).get(settings.model, PassCount(0, 0))
        earlier = (problem.notes.get(NOTE) or {}).get(settings.model) or {}
        self.other = Counter[str](earlier.get("wrong_answers") or {})
        self.marks = Counter[str]({name: earlier.get(name, 0) for name in ("truncated", "empty")})
        self.tokens: list[int] = list(earlier.get("tokens") or [])
        self.refused = ""

    def numbers(self) -> list[int]:
        """The numbers of the attempts of the next round; none when the decision needs no more."""
        settings = self.settings
        if self.refused or (settings.stop == "mixed" and 0 < self.count.num_correct < self.count.num_attempts):
            return []
        limit = settings.attempts if self.problem.ability == "math" else settings.attempts_code
        drawn = self.count.num_attempts + self.marks["unjudged"]
        return list(range(drawn, min(drawn + settings.round, limit)))

    def known(self, number: int, verifier: Verifier) -> Call:
        """An attempt that was paid before; one that the verifier could not judge then is judged now."""
        call = self.store.get(self.key, number) or Call()
        if call.text:
            return self.judged(number, Completion(call.text, False, call.num_tokens), verifier)
        return call

    def judged(self, number: int, completion: Completion, verifier: Verifier) -> Call:
        """The outcome of an attempt, kept in the store."""
        call = _outcome(completion, self.problem, verifier)
        self.store.put(self.key, number, call)
        return call

    def add(self, call: Call) -> None:
        """Count an attempt."""
        if call.num_tokens:
            self.tokens.append(call.num_tokens)
        self.marks.update({"truncated": call.truncated, "empty": call.empty})
        if call.reward is None:
            self.marks["unjudged"] += 1
            return
        right = call.reward >= self.settings.min_reward
        self.count = merge(self.count, PassCount(int(right), 1))
        if not right and self.problem.ability == "math" and call.extracted:
            self.other[call.extracted] += 1

    def noted(self) -> Problem:
        """The problem with its counts and its note."""
        note = {**(self.problem.notes.get(NOTE) or {}), self.settings.model: self._own()}
        noted = self.problem.with_note(NOTE, note)
        if self.refused and not self.count.num_attempts:
            return noted
        return replace(noted, extra_info=with_count(self.problem.extra_info, self.settings.model, self.count))

    def _own(self) -> dict[str, Any]:
        count = self.count
        own: dict[str, Any] = {"num_correct": count.num_correct, "num_attempts": count.num_attempts}
        own |= {name: number for name, number in sorted(self.marks.items()) if number}
        if self.tokens:
            own["tokens"] = self.tokens
        if self.refused:
            own["refused"] = self.refused[:_REFUSED_CHARS]
        if self.other:
            own["wrong_answers"] = dict(self.other.most_common(_MOST_COMMON))
            answer, votes = self.other.most_common(1)[0]
            if not count.num_correct and votes >= max(2, self.settings.suspect_share * count.num_attempts):
                own["suspect_gold"] = {"answer": answer, "votes": votes}
        return own


def _outcome(completion: Completion, problem: Problem, verifier: Verifier) -> Call:
    text, truncated, tokens = completion
    if truncated:  # a failure whatever it contains, as in training
        return Call(reward=0.0, truncated=True, num_tokens=tokens)
    if not text.strip():
        return Call(reward=0.0, empty=True, num_tokens=tokens)
    verdict = verifier(text, problem.ground_truth)
    if verdict.reward is None:
        return Call(reward=None, num_tokens=tokens, text=text)
    extracted = " ".join((verdict.extracted or "").split()) if problem.ability == "math" else ""
    return Call(reward=float(verdict.reward), extracted=extracted[:_EXTRACTED_CHARS], num_tokens=tokens)


def sampling_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What of a model's settings decides its answers: not where it is served, nor how it is reached."""
    return {key: settings[key] for key in ("model", "temperature", "top_p", "max_tokens") if key in settings}
