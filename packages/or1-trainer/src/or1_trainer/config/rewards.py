"""Settings of `[reward]`, and of the `[[rewards]]` tables, told apart by their `kind` (docs/rewards.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from or1_trainer.config.base import AtLeastOne, AtLeastZero, NonNegative, Positive, Settings

RewardName = Annotated[str, Meta(pattern=r"^([a-z0-9][a-z0-9_.@-]*)?$")]


class RewardSettings(Settings, frozen=True, kw_only=True):
    """How responses are judged; they are judged while the engine still generates others."""

    workers: AtLeastZero = 0
    """Responses judged at a time, per rank; 0: the machine's cores divided by its ranks, and with `urls` 8 per URL."""
    urls: tuple[str, ...] = ()
    """Machines that run `or1-reward serve`; responses are judged there instead of here."""
    normalization: Literal["sum", "each"] = "sum"
    """With several `[[rewards]]`: advantages of their weighted sum; or the weighted sum of each one's own advantages,
    divided by its deviation over the batch (GDPO, arXiv 2601.05242)."""


class RewardBase(Settings, frozen=True, kw_only=True, tag_field="kind"):
    """What every reward has."""

    name: RewardName = ""
    """Of its metrics; empty: its kind."""
    weight: float = 1.0
    """Its factor in the sum; may be negative. 0: measured and logged only."""

    @property
    def kind(self) -> str:
        """The value of `kind` in the recipe."""
        return str(self.__struct_config__.tag)

    @property
    def label(self) -> str:
        """The name in metrics, rollouts and messages."""
        return self.name or self.kind


class VerifierReward(RewardBase, frozen=True, kw_only=True, tag="verifier"):
    """1 for a right answer, else 0: what is trained on where a recipe has no `[[rewards]]`."""


class TestsPassedReward(RewardBase, frozen=True, kw_only=True, tag="tests_passed"):
    """The part of a program's tests that pass; for maths the same as `verifier`."""

    __test__ = False  # pytest: not a test class


class FormatReward(RewardBase, frozen=True, kw_only=True, tag="format"):
    """1 where the response has a form, else 0."""

    pattern: str = ""
    """Regular expression, `.` matching line breaks too. Empty: the form that `data.template` asks for."""
    whole: bool = False
    """The whole response has to match, not a part of it."""


class LengthReward(RewardBase, frozen=True, kw_only=True, tag="length"):
    """A function of the number of response tokens."""

    shape: Literal["overlong", "cosine", "group"] = "overlong"
    """`overlong`: 0, falling to -1 over the last `buffer_tokens` before the limit (DAPO, arXiv 2503.14476,
    eq. 13). `cosine`: from `right_short` to `right_long`, or from `wrong_short` to `wrong_long`, over the limit
    (arXiv 2502.03373). `group`: 0.5 for the shortest response of the group to -0.5 for the longest; at most
    0 for wrong ones (Kimi k1.5, arXiv 2501.12599)."""
    buffer_tokens: AtLeastOne = 4096
    """Of `overlong`."""
    right_short: float = 1.0
    """Of `cosine`: value of a right response of no length."""
    right_long: float = 0.5
    """Of `cosine`: value of a right response as long as the limit."""
    wrong_short: float = -1.0
    """Of `cosine`: value of a wrong response of no length."""
    wrong_long: float = -0.5
    """Of `cosine`: value of a wrong response as long as the limit."""


class RepetitionReward(RewardBase, frozen=True, kw_only=True, tag="repetition"):
    """0 where no sequence of `ngram_tokens` tokens comes twice, falling to -1 where they are all the same."""

    ngram_tokens: AtLeastOne = 16
    """Length of the sequences that are looked for."""


class FailableReward(RewardBase, frozen=True, kw_only=True):
    """What a reward has whose computation may fail."""

    on_error: Literal["stop", "skip"] = "stop"
    """Where it fails: stop the run with its name and the row, or go on without the response."""
    timeout_s: Positive = 600.0
    """How long a step waits for its values of one group, once the engine has ended."""


class PythonReward(FailableReward, frozen=True, kw_only=True, tag="python"):
    """A function with the signature of TRL's reward functions."""

    function: Annotated[str, Meta(pattern=r"^[\w.]+:\w+$")]
    """`package.module:function`; modules are also looked for in the current folder."""
    none: Literal["failed", "zero"] = "failed"
    """What None means: the response leaves the baseline; or it counts 0, as in TRL's sum."""
    prompts: Literal["auto", "text", "messages"] = "auto"
    """How prompts and completions are given: as text, or as lists of messages. Auto: messages where the tokenizer has a
    chat template."""


class ModelReward(FailableReward, frozen=True, kw_only=True, tag="model"):
    """A reward model in Hugging Face format, with a head for sequence classification."""

    path: str
    """Hugging Face folder of the reward model."""
    output: AtLeastZero = 0
    """Which of the model's outputs is the score."""
    squash: Literal["none", "sigmoid"] = "none"
    """`sigmoid` brings the score between 0 and 1."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of its weights."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Auto: that of the policy."""
    batch: AtLeastOne = 16
    """Responses per forward pass."""
    max_tokens: AtLeastOne = 8192
    """Prompt and response of more tokens are cut at the end."""


class JudgeReward(FailableReward, frozen=True, kw_only=True, tag="judge"):
    """A language model behind an OpenAI-compatible server, which scores responses by a rubric."""

    url: str
    """For example http://127.0.0.1:8000/v1 ."""
    model: str
    """Name of the model, as the server knows it."""
    rubric: str
    """What earns which score."""
    template: str = ""
    """The judge's prompt, with any of {rubric}, {prompt}, {response}, {ground_truth}, {lowest} and {highest}. Empty:
    that of `rewards/judge.py`."""
    score: str = r"(?i)score\W{0,4}(-?\d+(?:\.\d+)?)"
    """Regular expression whose first group is the score; the last match counts."""
    lowest: float = 0.0
    """Worst score."""
    highest: float = 10.0
    """Scores from `lowest` to `highest` become rewards from 0 to 1; others are no vote."""
    votes: AtLeastOne = 1
    """How often the judge is asked; the reward is the mean."""
    temperature: NonNegative = 0.0
    """Temperature of its answers; above 0 for several votes."""
    max_tokens: AtLeastOne = 1024
    """Longest answer of the judge."""
    concurrency: AtLeastOne = 32
    """Requests that are open at a time, per rank."""
    retries: AtLeastZero = 6
    """How often a failing request is tried again."""
    key_env: str = ""
    """Environment variable that holds the key."""
    cache: str = ""
    """Folder of answers, shared between runs; empty: `judged` in the run folder."""


Reward = (
    VerifierReward
    | TestsPassedReward
    | FormatReward
    | LengthReward
    | RepetitionReward
    | PythonReward
    | ModelReward
    | JudgeReward
)


def needs_verdict(reward: RewardBase) -> bool:
    """Whether a reward looks at what the problem's verifier says: it is the verdict, or depends on right and wrong."""
    if isinstance(reward, LengthReward):
        return reward.shape != "overlong"
    return isinstance(reward, VerifierReward | TestsPassedReward)
