"""Settings: precedence, strictness, and errors that name the near key."""

import math
import re
import subprocess
import sys

import msgspec
import pytest

from or1_trainer.cli import main
from or1_trainer.config.check import check
from or1_trainer.config.load import parse_overrides, read_recipe, recipe_names, resolve
from or1_trainer.errors import ConfigError

STAGE = {"steps": 2, "context_tokens": 8, "prompts": 4, "group": 2}
TREE = {"name": "test", "stages": [STAGE], "loss": {"clip_high": 0.25}}


def test_command_line_beats_file_beats_default():
    config = resolve(TREE, parse_overrides(["--loss.clip_low", "0.1", "--stages.0.group=8", "--seed", "7"]))
    assert (config.loss.clip_low, config.loss.clip_high, config.stages[0].group, config.seed) == (0.1, 0.25, 8, 7)
    assert config.loss.reuse == 1 and TREE["stages"][0]["group"] == 2


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["--optimiser.lr", "1"], ["optimiser", "optimizer"]),
        (["--optimizer.rl", "1"], ["optimizer.rl", "lr"]),
        (["--stages.0.contxt_tokens", "1"], ["stages.0.contxt_tokens", "context_tokens"]),
        (["--stages.4.steps", "1"], ["no item '4'", "counted from 0"]),
        (["--loss.reuse", "many"], ["loss.reuse", "int"]),
        (
            ["--entropy.mode", "constnt"],
            ["entropy.mode = 'constnt'", "adaptive, constant, off (did you mean constant?)"],
        ),
        (["--stages.0.advance.rule", "7"], ["stages.0.advance.rule", "count, auto"]),
        (["--watch.sinks", '["wandb", "tensorbord"]'], ["watch.sinks.1", "did you mean tensorboard?"]),
        (["--stages", "[{ steps = 3 }]"], ["stages.0", "context_tokens"]),
        (["--loss.clip_low"], ["needs a value"]),
        (["7"], ["--section.key"]),
    ],
)
def test_bad_settings_say_what_where_and_the_near_key(overrides, words):
    with pytest.raises(ConfigError) as caught:
        resolve(TREE, parse_overrides(overrides))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("change", "world", "words"),
    [
        (["--stages.0.mini_prompts", "3"], 1, ["does not divide", "divisor of 4"]),
        (["--parallel.tensor", "2"], 3, ["--nproc 2"]),
        (["--parallel.tensor", "2", "--parallel.data", "2"], 2, ["--nproc 4"]),
        (["--rollout.engine", "vllm", "--rollout.top_p", "0.9"], 1, ["top_p = 0.9", "mismatch.correction"]),
        (["--warm_start.heads", "3"], 1, ["warm_start.hidden = 128", "heads = 3"]),
        (["--warm_start.kv_heads", "3"], 1, ["kv_heads = 3", "heads = 4"]),
        (["--warm_start.guess_share", "0.9"], 1, ["add up to at most 1"]),
        (["--data.arithmetic.min_terms", "6"], 1, ["data.arithmetic", "min_terms = 6", "max_terms = 5"]),
        (["--stages", "[]"], 1, ["stages is empty"]),
    ],
)
def test_arithmetic_that_cannot_work_is_refused_before_anything_starts(change, world, words):
    with pytest.raises(ConfigError) as caught:
        check(resolve(TREE, parse_overrides(change)), world)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("warm_start.lr", "-1", "warm_start.lr must be > 0, got -1"),
        ("optimizer.beta2", "1", "optimizer.beta2 must be < 1, got 1"),
        ("warm_start.habits.slip_share", "1.5", "warm_start.habits.slip_share must be <= 1, got 1.5"),
        ("seed", "-1", "seed must be >= 0, got -1"),
        ("stages.0.advance.gain", "-0.1", "stages.0.advance.gain must be >= 0, got -0.1"),
        ("stages.0.group", "1", "stages.0.group must be >= 2, got 1"),
        ("rollout.temperature", "0", "rollout.temperature must be > 0, got 0"),
        ("rollout.top_p", "1.5", "rollout.top_p must be <= 1, got 1.5"),
        ("watch.rollout_share", "25", "watch.rollout_share must be <= 1, got 25"),
        ("loss.clip_low", "1.5", "loss.clip_low must be < 1, got 1.5"),
        ("data.lettered.max_terms", "13", "data.lettered.max_terms must be <= 12, got 13"),
        (
            "warm_start.arithmetic.operators",
            "-^",
            "warm_start.arithmetic.operators = '-^' does not match the pattern ^[-+*]*[+][-+*]*$",
        ),
        ("mismatch.tis_cap", "inf", "mismatch.tis_cap must be a finite number, got inf"),
        ("loss.kl_beta", "nan", "loss.kl_beta must be a finite number, got nan"),
    ],
)
def test_a_number_outside_of_its_range_is_refused_with_what_was_given(key, value, said):
    with pytest.raises(ConfigError) as caught:
        resolve(TREE, parse_overrides([f"--{key}", value]))
    assert str(caught.value) == said


def test_a_number_of_a_file_that_is_not_finite_is_named():
    tree = {**TREE, "stages": [{**TREE["stages"][0], "advance": {"gain": math.inf}}]}
    with pytest.raises(ConfigError, match=r"^stages\.0\.advance\.gain must be a finite number, got inf$"):
        resolve(tree)


def _numbers(settings, where=""):
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            name, value = f"{name}.0", value[0]
        if isinstance(value, msgspec.Struct):
            yield from _numbers(value, f"{where}{name}.")
        elif type(value) in (int, float):
            yield where + name


@pytest.mark.parametrize("key", sorted(_numbers(resolve(read_recipe("tiny")))))
def test_no_number_may_be_negative(key):
    with pytest.raises(ConfigError, match=rf"^{re.escape(key)} must be >=? \d, got -1$"):
        resolve(read_recipe("tiny"), parse_overrides([f"--{key}", "-1"]))


def test_settings_import_nothing_else_of_the_project():
    code = "import sys; from or1_trainer.config import load, check; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {name for name in done.stdout.split() if name.startswith("or1_")}
    assert {name for name in ours if not name.startswith("or1_trainer.config")} == {"or1_trainer", "or1_trainer.errors"}


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean tiny"):
        read_recipe("tinny")


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_resolves_and_checks(name):
    config = resolve(read_recipe(name))
    check(config, max(1, config.parallel.tensor) * max(1, config.parallel.data))


def test_missing_files_of_problems_are_named_before_a_run_folder_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "held.jsonl").touch()
    recipe = ["train", "tiny", "--data.train", '["books.jsonl"]', "--data.heldout", '["held.jsonl"]']
    assert main(recipe) == 2
    said = capsys.readouterr().err
    assert "books.jsonl: no such file here" in said and "held.jsonl" not in said and not (tmp_path / "runs").exists()
    (tmp_path / "b[1].jsonl").touch()
    hub = ["train", "tiny", "--data.sources", '[{path="AI-MO/NuminaMath-1.5#train"},{path="b[1].jsonl"}]']
    assert main([*hub, "--data.heldout", '["h*.jsonl"]', "--dry-run"]) == 0
    assert capsys.readouterr().err == "", "a hub set, a name that looks like a pattern, and a pattern that matches"
    assert main([*recipe, "--dry-run"]) == 0
    assert capsys.readouterr().err == "not here yet: books.jsonl\n"
