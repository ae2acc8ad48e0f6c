"""A study as data: one TOML file in `studies/` holds the claim, its arms, and the tests that decide."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from or1_trainer.config.near import did_you_mean
from or1_trainer.errors import ConfigError

STUDIES = resources.files("or1_trainer.study") / "studies"

Quantity = Literal[
    "accuracy",
    "accuracy_gain",
    "accuracy_mean",
    "entropy_last",
    "entropy_mean",
    "entropy_least",
    "entropy_most",
    "entropy_start",
    "entropy_change",
    "truncated_last",
    "length_last",
    "reward_last",
    "kl_last",
    "bonus_ratio",
    "rollout_share",
    "update_share",
    "tokens",
]


class Arm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One setting of the experiment: dotted settings that differ from the study's own."""

    name: str
    settings: dict[str, Any] = {}


class Expect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One test: the effect is `quantity` of `arm` minus that of `reference` (or the quantity itself without one).

    `sign` "+" or "-": the effect lies on that side of 0; "0": it is smaller than `margin`; ">" or "<": the quantity
    of `arm` alone lies above or below `bound`. `margin` is the smallest effect that matters.
    """

    quantity: Quantity
    arm: str
    sign: Literal["+", "-", "0", ">", "<"]
    reference: str = ""
    margin: float = 0.0
    bound: float = 0.0
    says: str = ""


class Study(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A claim, where it comes from, how it was tested there and here, and what decides."""

    name: str
    letter: str
    claim: str
    source: str
    paper_setup: str
    setup: str
    arms: tuple[Arm, ...]
    expect: tuple[Expect, ...]
    recipe: str = "lab"
    settings: dict[str, Any] = {}
    smoke: dict[str, Any] = {}
    note: str = ""
    """Why the verdict may not carry over; printed below it."""

    def __post_init__(self) -> None:
        """Refuse tests that name arms which do not exist, and signs without what they need."""
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names):
            raise ValueError(f"study {self.name}: two arms have one name")
        for expect in self.expect:
            self._check(expect, names)

    def _check(self, expect: Expect, names: list[str]) -> None:
        for arm in filter(None, (expect.arm, expect.reference)):
            if arm not in names:
                raise ValueError(f"study {self.name}: no arm {arm!r}{did_you_mean(arm, names)}")
        if (expect.sign in "+-0") != bool(expect.reference):
            raise ValueError(f"study {self.name}: signs + - 0 compare with a reference arm, < and > with a bound")
        if expect.sign == "0" and expect.margin <= 0:
            raise ValueError(f"study {self.name}: sign 0 needs a margin above 0")


def study_names() -> list[str]:
    """Names of the studies that ship with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in STUDIES.iterdir() if entry.name.endswith(".toml"))


def read_study(name: str) -> Study:
    """Read a shipped study by name, or a TOML file by path; what is wrong in it is named."""
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text()
        except OSError as error:
            raise ConfigError(f"study file {name} cannot be read: {error.strerror}") from error
    elif name in study_names():
        text = (STUDIES / f"{name}.toml").read_text()
    else:
        raise ConfigError(
            f"there is no study {name!r}{did_you_mean(name, study_names())}; see `or1-trainer study list`"
        )
    try:
        return msgspec.convert(tomllib.loads(text), Study)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"study {name}: {error}") from error
