"""Recipes: TOML over frozen settings; an unknown key is an error that names the nearest known one."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import msgspec

from or1_data.calls.servers import ServedModelSettings
from or1_data.decontaminate.match import DecontaminateSettings
from or1_data.dedup.settings import DedupSettings
from or1_data.difficulty.settings import DifficultySettings
from or1_data.errors import ConfigError
from or1_data.judge.stage import JudgeSettings
from or1_data.rules.stage import RULES
from or1_data.select.reasons import SelectSettings
from or1_data.verifying import DEFAULT_VERIFIER


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all settings: frozen, keyword-only, unknown keys refused."""


class SourceSettings(Settings, frozen=True):
    """Files or a hub set. A relative `path` that exists under `root` is local; else it is taken as a hub id."""

    path: str | tuple[str, ...]
    """A file, a folder, a pattern such as `shards/*.parquet`, several of these, or a hub id."""
    adapter: str = "auto"
    """A name of `or1_data.sources.ADAPTERS`, or package.module:function with `function(row, source) -> Problem`."""
    columns: dict[str, Any] = {}
    """In place of an adapter: problem, answer, and of solution, id, keep what there is; each names a column."""
    name: str = ""
    """Name of the source in the report; empty: its path."""
    where: dict[str, list[Any]] = {}
    """Column -> values; rows with other values are left out."""
    limit: int = 0
    """At most so many rows, from the start; 0 takes all."""


class RulesSettings(Settings, frozen=True):
    """Which rules look at the rows; what a finding means is decided under `select`."""

    rules: tuple[str, ...] = tuple(RULES)
    """Names of rules; none of the others looks at a row."""


class AnswersSettings(Settings, frozen=True):
    """The verifier, as package.module:function with `verify(response, ground_truth)`."""

    verifier: str = DEFAULT_VERIFIER
    """`package.module:function`."""


class ContaminationSettings(Settings, frozen=True):
    """Benchmark files (relative to `root`, `*` allowed) and thresholds."""

    benchmarks: tuple[str, ...]
    """Files, relative to `root`; `*` is allowed."""
    thresholds: DecontaminateSettings = DecontaminateSettings()


class SamplingSettings(DifficultySettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Difficulty by an endpoint, or by any object with `sample(...)` named in `sampler` (package.module:factory)."""

    endpoint: ServedModelSettings | None = None
    sampler: str = ""
    """`package.module:factory`, in place of `endpoint`."""
    verifier: str = DEFAULT_VERIFIER
    """What judges the attempts, as `package.module:function`."""


class ScaleSettings(Settings, frozen=True):
    """How many attempts stand behind `model_difficulty` counts that came without a number.

    The smallest of the given numbers that no count exceeds is taken, per ability and model, and written to the
    manifest; a count above all of them is an error. The released set's card says 16; whether its code rows were counted
    out of 8, as the report's text has it, is seen in the data.
    """

    math: tuple[int, ...] = (16,)
    """Attempts behind the counts of math rows."""
    code: tuple[int, ...] = (8, 16)
    """Attempts behind the counts of code rows."""


class GuardSettings(Settings, frozen=True):
    """Stops a stage that would take away more than `max_share` of a source of at least `min_rows` rows."""

    max_share: float = 0.95
    """Largest share of a source that a stage may drop."""
    min_rows: int = 20
    """Smaller sources are not guarded."""
    allow: tuple[str, ...] = ()
    """Sources that may be wiped out."""


class OutputSettings(Settings, frozen=True):
    """What is written beside the manifest and the report."""

    formats: tuple[str, ...] = ("jsonl", "parquet")
    """`jsonl`, `parquet`, or both."""
    template: str = ""
    """A prompt template for all rows; empty keeps each row's prompt."""
    solutions: bool = False
    """Write the solutions of rows that have one."""
    notes: bool = True
    """Write what the stages noted about each row."""
    report_rows: Annotated[int, msgspec.Meta(ge=1)] = 500
    """Rows that the report shows of each reason, on pages of their own; more than a reason has shows all of them."""


class Recipe(Settings, frozen=True):
    """A whole run. A stage whose table is absent does not run; rules and dedup run unless `enabled` leaves them out."""

    name: str = "run"
    """Name of the run."""
    root: str = "."
    """Folder that relative paths start from."""
    seed: int = 0
    """Seed of the mix, of the split, and of attempts and votes."""
    chunk_rows: int = 2000
    """Rows that are worked on, and kept, at a time."""
    workers: int = 1
    """Processes."""
    engine: Literal["processes", "ray"] = "processes"
    """`ray`: the machines of a Ray cluster, which share the file system that the run's folder is on."""
    store: str = ""
    """Folder of the paid attempts and votes, which runs may share; by default `model_calls` beside the run's folder."""
    stages: tuple[str, ...] = ("rules", "answers", "dedup", "decontaminate", "difficulty", "judge")
    """Stages that may run; order is fixed."""
    source: tuple[SourceSettings, ...] = ()
    rules: RulesSettings = RulesSettings()
    answers: AnswersSettings | None = None
    dedup: DedupSettings = DedupSettings()
    decontaminate: ContaminationSettings | None = None
    difficulty: SamplingSettings | None = None
    judge: JudgeSettings | None = None
    scale: ScaleSettings | None = None
    select: SelectSettings = SelectSettings()
    mix: dict[str, float] = {}
    """Source -> weight from 0 to 1, the share of its problems that is kept; `name*` covers several sources."""
    split: dict[str, float] = {}
    """Part -> share of the rows, for example `{ train = 0.95, heldout = 0.05 }`; none: one set."""
    guard: GuardSettings = GuardSettings()
    output: OutputSettings = OutputSettings()

    def __post_init__(self) -> None:
        """Refuse recipes that cannot run."""
        if not self.source:
            raise ConfigError("the recipe has no [[source]]; give at least one with a path")
        if self.chunk_rows < 1 or self.workers < 1:
            raise ConfigError("chunk_rows and workers must be at least 1")
        unknown = sorted(set(self.stages) - set(STAGES))
        if unknown:
            raise ConfigError(f"stages: unknown {unknown}; known: {', '.join(STAGES)}")


STAGES: Final = ("rules", "answers", "dedup", "decontaminate", "difficulty", "judge")
_SHIPPED: Final = files("or1_data.recipes")
_UNKNOWN: Final = re.compile(r"unknown field `(?P<key>[^`]+)`(?: - at `\$(?P<path>[^`]*)`)?")


def shipped_recipes() -> list[str]:
    """Names of the recipes in the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in _SHIPPED.iterdir() if entry.name.endswith(".toml"))


def recipe_text(name: str) -> str:
    """The TOML text of a shipped recipe."""
    return _SHIPPED.joinpath(f"{name}.toml").read_text(encoding="utf-8")


def load_recipe(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe from a TOML file, or a shipped one by name; `overrides` are dotted keys, e.g. `{"select.min_votes": 9}`.

    Raises:
        ConfigError: no such recipe, no valid TOML, or a key or value that is not one.
    """
    data = _toml(path)
    for key, value in (overrides or {}).items():
        _set(data, key, value)
    return recipe_from(data, str(path))


def recipe_from(data: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """A recipe from parsed TOML."""
    try:
        return msgspec.convert(data, Recipe)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {_explained(str(error))}") from error


def _toml(path: str | Path) -> dict[str, Any]:
    file = Path(path)
    try:
        if file.suffix != ".toml" and not file.exists() and str(path) in shipped_recipes():
            return tomllib.loads(recipe_text(str(path)))
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        near = difflib.get_close_matches(str(path), shipped_recipes(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"shipped recipes: {', '.join(shipped_recipes())}"
        raise ConfigError(f"no recipe {str(path)!r}; {hint}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: not a readable TOML file ({error})") from error


def _set(data: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise ConfigError(f"--set {key}: {parent} is not a table")
    data[last] = value


def _explained(message: str) -> str:
    """Msgspec's message with the nearest known key."""
    found = re.search(r"unknown field `([^`]+)`", message)
    if not found:
        return message
    near = difflib.get_close_matches(found.group(1), sorted(_known_keys(Recipe)), n=1)
    return message + (f"; did you mean {near[0]!r}?" if near else "")


def _known_keys(kind: type[Any]) -> set[str]:
    keys: set[str] = set()
    for field in msgspec.structs.fields(kind):
        keys.add(field.name)
        for inner in _structs(field.type):
            keys |= _known_keys(inner)
    return keys


def _structs(kind: Any) -> Sequence[type[Any]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [struct for argument in get_args(kind) for struct in _structs(argument)]
