"""Effects, intervals and verdicts, on runs made up here; a claim with its arms swapped must turn around."""

import xml.etree.ElementTree as ET

import msgspec
import numpy as np
import pytest

from or1_trainer.errors import ConfigError
from or1_trainer.study.claim import Study, read_study, study_names
from or1_trainer.study.effect import bootstrap, effect_of
from or1_trainer.study.figure import study_figure
from or1_trainer.study.page import study_page
from or1_trainer.study.run_summary import RunSummary
from or1_trainer.study.verdict import Verdict, judge


def made_run(entropy, right, *, k=8, steps=20):
    rng = np.random.default_rng(abs(hash((round(entropy, 4), tuple(right)))) % 2**32)
    return RunSummary(
        settings={},
        series={
            name: [float(v) for v in entropy + 0.001 * rng.standard_normal(steps)] for name in ("entropy", "truncated")
        }
        | {"length": [10.0] * steps},
        totals={"tokens": 100.0},
        eval_steps=[0, steps],
        eval_truncated=[0.0, 0.0],
        eval_length=[10.0, 10.0],
        problems=[str(i) for i in range(len(right))],
        right=[[1] * len(right), list(right)],
        graded=[[k] * len(right)] * 2,
    )


def study(sign, quantity="entropy_last", margin=0.02, arm="control", reference="none"):
    return msgspec.convert(
        {
            "name": "made-up", "letter": "Z", "claim": "Control helps.", "source": "here", "paper_setup": "-",
            "setup": "-", "arms": [{"name": "none"}, {"name": "control", "settings": {"entropy.mode": "adaptive"}}],
            "expect": [
                {"quantity": quantity, "arm": arm, "reference": reference, "sign": sign, "margin": margin}
            ],
        },
        Study,
    )  # fmt: skip


RUNS = {
    "none": [made_run(0.10 + 0.002 * seed, [1, 2, 1, 2, 1, 1, 2, 1]) for seed in range(3)],
    "control": [made_run(0.30 + 0.002 * seed, [6, 7, 6, 7, 6, 6, 7, 7]) for seed in range(3)],
}
SWAPPED = {"none": RUNS["control"], "control": RUNS["none"]}


@pytest.mark.parametrize("quantity", ["entropy_last", "accuracy"])
def test_a_planted_effect_is_found_and_with_the_arms_swapped_the_verdict_turns(quantity):
    assert judge(study("+", quantity), RUNS)[0] is Verdict.REPRODUCED
    assert judge(study("+", quantity), SWAPPED)[0] is Verdict.NOT_REPRODUCED
    assert judge(study("-", quantity), SWAPPED)[0] is Verdict.REPRODUCED
    assert judge(study("+", quantity, arm="none", reference="control"), RUNS)[0] is Verdict.NOT_REPRODUCED


def test_equal_arms_confirm_no_difference_and_refute_one_that_matters():
    same = {"none": RUNS["none"], "control": RUNS["none"]}
    assert judge(study("0"), same)[0] is Verdict.REPRODUCED
    assert judge(study("+"), same)[0] is Verdict.NOT_REPRODUCED
    assert judge(study("0"), RUNS)[0] is Verdict.NOT_REPRODUCED


def test_seeds_that_disagree_decide_nothing():
    torn = {
        "none": [made_run(0.2, [4] * 8) for _ in range(3)],
        "control": [made_run(e, [4] * 8) for e in (0.1, 0.2, 0.3)],
    }
    assert judge(study("+"), torn)[0] is Verdict.NOT_DECIDABLE
    assert judge(study("0"), torn)[0] is Verdict.NOT_DECIDABLE


def test_an_effect_too_small_to_matter_does_not_confirm():
    small = {"none": RUNS["none"], "control": [made_run(0.11 + 0.002 * seed, [4] * 8) for seed in range(3)]}
    assert judge(study("+", margin=0.05), small)[0] is Verdict.NOT_REPRODUCED
    assert judge(study("+", margin=0.001), small)[0] is Verdict.REPRODUCED


def test_fewer_than_three_seeds_decide_nothing():
    assert judge(study("+"), {arm: runs[:2] for arm, runs in RUNS.items()})[0] is Verdict.NOT_DECIDABLE


def test_the_bootstrap_is_that_of_a_slow_loop():
    rng = np.random.default_rng(7)
    differences_SN = rng.normal(0.1, 0.3, (3, 40)) + rng.normal(0, 0.1, (3, 1))
    effect = bootstrap(differences_SN)
    slow = []
    for _ in range(4000):
        seeds, problems = rng.integers(3, size=3), rng.integers(40, size=40)
        slow.append(np.mean([[differences_SN[s, n] for n in problems] for s in seeds]))
    assert effect.value == pytest.approx(differences_SN.mean())
    assert [effect.low, effect.high] == pytest.approx(np.quantile(slow, [0.025, 0.975]), abs=0.012)
    assert effect.by_seed == pytest.approx(differences_SN.mean(axis=1))


def test_an_effect_of_exactly_nothing_is_on_no_side():
    same = {"none": [made_run(0.2, [4] * 8)] * 3, "control": [made_run(0.2, [4] * 8)] * 3}
    for sign in "+-":
        assert judge(study(sign, margin=0.0), same)[0] is not Verdict.REPRODUCED


@pytest.mark.parametrize("quantity", ["accuracy", "entropy_last"])
def test_arms_with_another_number_of_runs_are_not_paired(quantity):
    expect = study("+", quantity).expect[0]
    with pytest.raises(ValueError, match="3 runs cannot be paired with 1"):
        effect_of(expect, RUNS["control"], RUNS["none"][:1])


@pytest.mark.parametrize("problems", [1, 3])
def test_accuracies_on_other_problems_are_not_paired(problems):
    one, other = made_run(0.2, [4] * problems), made_run(0.2, [4] * 3)
    other = msgspec.structs.replace(other, problems=["a", "b", "c"])
    with pytest.raises(ValueError, match="different problems"):
        effect_of(study("+", "accuracy").expect[0], [one], [other])
    assert effect_of(study("+").expect[0], [one], [other]).value == pytest.approx(0, abs=0.01), (
        "entropy has no problems"
    )


def is_data(path):
    style = path.get("style", "")
    return "stroke: #1f77b4" in style or "stroke: #ff7f0e" in style


def test_figure_and_page_show_every_seed_and_are_the_same_each_time():
    verdict, outcomes = judge(study("+"), RUNS)
    figure, page = study_figure(RUNS), study_page(study("+"), [1, 2, 3], RUNS, verdict, outcomes)
    lines = [path for path in ET.fromstring(figure).iter("{http://www.w3.org/2000/svg}path") if is_data(path)]
    assert figure == study_figure(RUNS) and len(lines) == 2 * 3 * len(RUNS) + len(RUNS), "and the legend"
    assert "Verdict: reproduced." in page and "entropy_last: control − none" in page


@pytest.mark.parametrize("name", study_names())
def test_every_shipped_study_reads(name):
    assert read_study(name).name == name


def test_what_is_wrong_in_a_study_is_named(tmp_path):
    with pytest.raises(ConfigError, match="off-policy-steps"):
        read_study("off-policy-step")
    path = tmp_path / "s.toml"
    path.write_text('name = "s"\n')
    with pytest.raises(ConfigError, match="letter"):
        read_study(str(path))
    with pytest.raises(msgspec.ValidationError, match="did you mean control"):
        study("+", arm="controll")
