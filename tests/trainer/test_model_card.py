"""The model card of an export, and `--push` where there is no hub."""

import json

import pytest
import yaml

from or1_trainer.errors import ConfigError
from or1_trainer.metrics.log import MetricsLog
from or1_trainer.report.model_card import push_model, write_model_card


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    (folder / "model").mkdir(parents=True)
    (folder / "config.toml").write_text(
        'name = "mine"\nseed = 7\n[model]\npath = "models/Base-1B"\n[eval]\nk = 4\n[[stages]]\nsteps = 3\n'
        "context_tokens = 99\nprompts = 5\ngroup = 2\n"
    )
    (folder / "versions.json").write_text(json.dumps({"or1-trainer": "9.8.7", "torch": "2.13.0"}))
    (folder / "data.json").write_text(json.dumps({"train": {"problems": 11, "sha256": "abcd"}}))
    log = MetricsLog(folder)
    for step, average in ((0, 0.25), (3, 0.5), (6, 0.75)):
        log.append({"step": step, "eval/avg": average, "eval/low": average - 0.1, "eval/high": average + 0.1,
                    "eval/truncated_rate": 0.0})  # fmt: skip
    log.close()
    return folder


def test_the_card_says_what_was_trained_on_what_and_how_well(run):
    write_model_card(run, run / "model", step=3)
    card = (run / "model" / "README.md").read_text()
    head = yaml.safe_load(card.split("---")[1])
    assert head["base_model"] == "Base-1B" and "grpo" in head["tags"]
    parts = (
        "mine, seed 7", "| steps | 3 |", "| train problems | 11, sha256 abcd |", "| 3 | 0.500 | 0.400 to 0.600",
        "| 1 | 3 | 99 | 5 x 2 |", "torch 2.13.0", "9.8.7",
    )  # fmt: skip
    for part in parts:
        assert part in card, part
    assert "0.750" not in card, "an evaluation after the exported step"
    assert (run / "model" / "or1_config.toml").read_text() == (run / "config.toml").read_text()


def test_a_warm_start_is_no_base_model_of_a_hub(run):
    (run / "config.toml").write_text((run / "config.toml").read_text().replace("models/Base-1B", ""))
    write_model_card(run, run / "model", step=3)
    card = (run / "model" / "README.md").read_text()
    assert "base_model" not in yaml.safe_load(card.split("---")[1]) and "| base model | a model that" in card


@pytest.mark.parametrize("repository", ["someone/model", "not a name/at all"])
def test_a_hub_that_refuses_is_an_error_that_says_where_the_model_is(run, monkeypatch, repository):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match="--push"):
        push_model(run / "model", repository)
