"""A study as data: each TOML file of `studies/` has a claim, arms to compare, and the expectations that decide."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from or1_trainer.config.near import did_you_mean
from or1_trainer.errors import ConfigError
from or1_trainer.study.measure import QUANTITIES

STUDIES = resources.files("or1_trainer.study") / "studies"


class Arm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One variant of the experiment: settings (dotted keys) in which it differs from the others."""

    name: str
    settings: dict[str, Any] = {}


class Expect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One expectation: the sign of `quantity` (of `measure.QUANTITIES`) of `arm` minus that of `reference`.

    `sign` "+" or "-": the difference is above or below 0; "0": it is smaller than `margin`; ">" or "<", without a
    reference: the quantity itself is above or below `bound`. `margin` is the smallest difference that matters.
    """

    quantity: str
    arm: str
    sign: Literal["+", "-", "0", ">", "<"]
    reference: str = ""
    margin: float = 0.0
    bound: float = 0.0
    says: str = ""


class Study(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A claim, its source, how it was tested there and is tested here, and what decides."""

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
    """Remark on the verdict, printed after it."""

    def __post_init__(self) -> None:
        """Reject duplicate arms, unknown arms and quantities in expectations, and signs without what they need."""
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names):
            raise ValueError(f"study {self.name}: two arms have the same name")
        for expect in self.expect:
            self._check(expect, names)

    def _check(self, expect: Expect, names: list[str]) -> None:
        if expect.quantity not in QUANTITIES:
            near = did_you_mean(expect.quantity, QUANTITIES)
            raise ValueError(f"study {self.name}: no quantity {expect.quantity!r}{near}")
        for arm in filter(None, (expect.arm, expect.reference)):
            if arm not in names:
                raise ValueError(f"study {self.name}: no arm {arm!r}{did_you_mean(arm, names)}")
        if (expect.sign in "+-0") != bool(expect.reference):
            raise ValueError(f"study {self.name}: signs + - 0 compare with a reference arm, < and > with a bound")
        if expect.sign == "0" and expect.margin <= 0:
            raise ValueError(f"study {self.name}: sign 0 needs a margin above 0")


def study_names() -> list[str]:
    """Return the names of the studies of the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in STUDIES.iterdir() if entry.name.endswith(".toml"))


def read_study(name: str) -> Study:
    """Read a study of the package (by name) or a TOML file (by path); raise `ConfigError` if there is no valid one."""
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
