"""Settings of the sources of training problems and of the order in which they are drawn (docs/mixtures.md)."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import field

from or1_trainer.config.base import AtLeastOne, AtLeastZero, Fraction, Positive, Settings
from or1_trainer.config.rewards import RewardName

GymValue = int | float | str | bool | list[int | str]


class SourceSettings(Settings, frozen=True, kw_only=True):
    """One source of training problems: a `path`, or a task of reasoning-gym."""

    name: RewardName = ""
    """Name in metrics and messages; empty: the file's or the task's name."""
    path: str = ""
    """A file (.jsonl, .parquet and others), a folder or pattern of files, or a hub set `owner/name[:config][#split]`
    (extra `or1-data[hub]`)."""
    adapter: str = "or1"
    """How rows are read: in or1-data's row format, or by another of its adapters; auto: by their columns."""
    gym: str = ""
    """A task of reasoning-gym (extra `or1-trainer[gym]`), such as `leg_counting`: problems are generated, and judged by
    its own scorer."""
    gym_settings: dict[str, GymValue] = field(default_factory=dict)
    """Settings of the task, such as `{ min_animals = 2 }`; `seed` and `size` are set by `seed` and `max_problems`."""
    seed: AtLeastZero = 0
    """Seed of the reasoning-gym task."""
    weight: Positive = 1.0
    """Share of the prompts that come from this source, relative to the weights of the others."""
    template: str = ""
    """Prompt template put around each statement; empty: the prompts of the rows."""
    rewards: tuple[str, ...] = ()
    """Names of the `[[rewards]]` that count for problems of this source; empty: all."""
    max_problems: AtLeastZero = 0
    """Take only the first so many problems; 0: all, or 1024 of a task."""
    max_prompt_tokens: AtLeastZero = 0
    """Leave out problems with longer prompts; 0: leave out none."""
    max_response_tokens: AtLeastZero = 0
    """Longest response to a problem of this source, where less than the stage's `context_tokens`; 0: no own limit."""

    @property
    def label(self) -> str:
        """The name in metrics and messages."""
        if self.name or self.gym:
            return self.name or self.gym
        last = self.path.rstrip("/").rpartition("/")[2].partition(".")[0].partition("#")[0]
        return re.sub(r"[^a-z0-9_@-]+", "-", last.lower()).strip("-_@") or "source"


class SamplerSettings(Settings, frozen=True, kw_only=True):
    """Which problems are drawn next, within each source."""

    kind: Literal["uniform", "drop_solved", "difficulty", "adaptive"] = "uniform"
    """`uniform`: passes in a random order, as in Skywork-OR1. `drop_solved`: the same without problems whose last
    `visits` groups were all right. `difficulty`: by the expected signal p (1 - p) of the solve rate p that
    `extra_info.model_difficulty` gives. `adaptive`: by that of a solve rate estimated during training."""
    visits: AtLeastOne = 1
    """For `drop_solved`: how many groups in a row have to be all right."""
    model: str = ""
    """For `difficulty`: the model whose attempts give the solve rate; empty: the first one that a row has."""
    least: Fraction = 0.0
    """For `difficulty`: leave out problems with a lower solve rate."""
    most: Fraction = 1.0
    """For `difficulty`: leave out problems with a higher solve rate."""
    floor: Fraction = 0.1
    """For `difficulty` and `adaptive`: smallest weight of a problem, relative to the highest possible one (that of
    solve rate 1/2), so that each is drawn at times."""
    memory: Fraction = 0.8
    """For `adaptive`: factor on the counts of earlier responses at each visit of a problem; 1: nothing is forgotten."""
    prior: Positive = 2.0
    """For `adaptive`: number of responses that the prior of a solve rate counts for."""
    share: Literal["none", "data_source"] = "data_source"
    """For `adaptive`: `none`: the prior's solve rate is 0.5; `data_source`: that of all problems with the same
    `data_source`."""
