"""Early warnings: signs, while a run goes on, that its number will not mean what it says."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import median

from or1_eval.samples import Sample
from or1_reward.types import Status

MIN_SAMPLES = 8
"""No share is judged on fewer samples."""

TURN_MARKS = (
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|start_header_id|>", "</s>",
    "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "\nHuman:", "\nUser:",
)  # fmt: skip
"""What a model writes as text when its chat template or its end token is not the one that the engine uses."""

CUT_SHARE = 0.10
NEAR_LIMIT = 0.9
MARK_SHARE = 0.05
ON_SHARE = 0.05
OPEN_SHARE = 0.10
NO_ANSWER_SHARE = 0.25


class Watch:
    """Counts signs over the samples, in any order; `warnings()` says what they amount to so far."""

    def __init__(self, *, max_new_tokens: int, temperature: float, expects_thinking: bool = False) -> None:
        """Say how was sampled, and whether the model is one that closes its reasoning with </think>."""
        self._max_new_tokens = max_new_tokens
        self._temperature = temperature
        self._expects_thinking = expects_thinking
        self._counts: Counter[str] = Counter()
        self._first_error = ""
        self._texts: dict[str, list[int]] = defaultdict(list)
        self._cut_lengths: list[int] = []

    def see(self, sample: Sample) -> None:
        """Count one sample, its text still there."""
        text, counts = sample.text, self._counts
        status = None if sample.verdict is None else sample.verdict.status
        opened, closed = "<think>" in text, "</think>" in text
        cut = sample.finish_reason == "length"
        counts["all"] += 1
        counts["cut"] += cut
        if cut and sample.num_tokens >= 0:
            self._cut_lengths.append(sample.num_tokens)
        counts["went on"] += cut and "\\boxed{" in text[: len(text) // 2].rpartition("</think>")[2]
        counts["marks"] += any(mark in text for mark in TURN_MARKS)
        counts["closed"] += closed
        counts["open"] += opened and not closed and not cut
        counts["ended"] += not cut
        counts["empty"] += not text.strip()
        counts["no answer"] += status is Status.NO_ANSWER
        self._texts[sample.problem_id].append(hash(text))
        if status is Status.VERIFIER_ERROR and sample.verdict is not None:
            counts["verifier errors"] += 1
            self._first_error = min(filter(None, (self._first_error, sample.verdict.detail)), default="")

    def warnings(self) -> dict[str, str]:
        """Kind of sign -> what it means and what to do."""
        found: dict[str, str] = {}
        counts, total = self._counts, self._counts["all"]
        if counts["verifier errors"]:
            found["verifier"] = (
                f"{counts['verifier errors']} samples have no verdict because the verifier failed; they count neither "
                f"way. `or1-eval regrade` tries them again. One of them: {self._first_error.strip()[-300:]}"
            )
        if total < MIN_SAMPLES:
            return found
        found |= self._about_length(counts, total)
        found |= self._about_template(counts, total)
        if (share := counts["empty"] / total) >= CUT_SHARE:
            found["empty"] = f"{share:.0%} of the responses are empty"
        if (share := counts["no answer"] / total) >= NO_ANSWER_SHARE:
            found["no answer"] = f"{share:.0%} of the responses hold no answer that could be found: another template?"
        if self._temperature > 0 and self._repeats():
            found["repeats"] = (
                "most problems got the same text in every sample: is the seed ignored, or an answer cached?"
            )
        return found

    def _about_length(self, counts: Counter[str], total: int) -> dict[str, str]:
        found = {}
        if (share := counts["cut"] / total) >= CUT_SHARE:
            found["cut"] = self._about_the_limit(share)
        if (share := counts["went on"] / total) >= ON_SHARE:
            found["went on"] = (
                f"{share:.0%} of the responses gave their answer and went on to the limit: the end token is missing; "
                "is it the right chat template, and are its stop tokens set?"
            )
        return found

    def _about_the_limit(self, share: float) -> str:
        typical = median(self._cut_lengths) if self._cut_lengths else self._max_new_tokens
        if typical < NEAR_LIMIT * self._max_new_tokens:
            return (
                f"{share:.0%} of the responses were cut off after about {typical:.0f} tokens and score 0, far below "
                f"the limit of {self._max_new_tokens} that was asked for: the server's context length is the limit; "
                "start it with a longer one"
            )
        return (
            f"{share:.0%} of the responses were cut off at {self._max_new_tokens} tokens and score 0; "
            "with a longer limit the number may be higher"
        )

    def _about_template(self, counts: Counter[str], total: int) -> dict[str, str]:
        found = {}
        if (share := counts["marks"] / total) >= MARK_SHARE:
            found["marks"] = (
                f"{share:.0%} of the responses hold marks of a chat format as text: the template or the end token is "
                "wrong"
            )
        if (share := counts["open"] / total) >= OPEN_SHARE:
            found["open"] = f"{share:.0%} of the responses that ended opened <think> and never wrote </think>"
        if self._expects_thinking and counts["ended"] >= MIN_SAMPLES and counts["closed"] < counts["ended"] / 2:
            found["no think"] = (
                f"only {counts['closed']} of {counts['ended']} ended responses hold </think>, "
                "for a model that reasons: "
                "is it asked through its own chat template?"
            )
        return found

    def _repeats(self) -> bool:
        several = [texts for texts in self._texts.values() if len(texts) > 1]
        return len(several) >= 2 and sum(len(set(texts)) == 1 for texts in several) > len(several) / 2
