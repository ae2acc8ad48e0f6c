"""The controller against a trajectory of arXiv 2505.22312, eq. 3.2, worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_trainer.algorithm.entropy import EntropyController
from or1_trainer.config.schema import EntropySettings


def run(entropies, **settings):
    chosen = EntropySettings(**{"target": 0.2, "delta": 0.005, **settings})
    controller = EntropyController(settings=chosen, coefficient=chosen.initial)
    alphas, coefficients = [], []
    for entropy in entropies:
        alphas.append(controller.alpha(entropy))
        controller = controller.advanced(entropy)
        coefficients.append(controller.coefficient)
    return alphas, coefficients


def test_follows_the_paper_step_by_step():
    alphas, coefficients = run([0.5, 0.1, 0.1, 0.2, 0.3, 0.1])
    # c: 0 -> stays at 0 (lower bound) -> .005 -> .010 -> unchanged at equality -> .005 -> .010
    assert coefficients == pytest.approx([0.0, 0.005, 0.010, 0.010, 0.005, 0.010])
    # alpha_k = c_k * 1[e_k <= target], with c_k from BEFORE the step's own change, and open at equality
    assert alphas == pytest.approx([0.0, 0.0, 0.005, 0.010, 0.0, 0.005])


def test_stays_between_zero_and_the_maximum():
    _, falling = run([0.9] * 5, initial=0.007)
    _, rising = run([0.0] * 5, maximum=0.012)
    assert falling == pytest.approx([0.002, 0, 0, 0, 0]) and min(falling) >= 0
    assert rising == pytest.approx([0.005, 0.010, 0.012, 0.012, 0.012])


def test_constant_is_always_on_and_never_moves():
    alphas, coefficients = run([0.0, 5.0], mode="constant", initial=0.003)
    assert alphas == [0.003, 0.003] and coefficients == [0.003, 0.003]


def test_off_is_zero():
    assert run([0.0, 5.0], mode="off", initial=0.003)[0] == [0.0, 0.0]


def test_the_released_codes_gate_looks_one_batch_back_and_starts_open():
    settings = EntropySettings(mode="adaptive", target=0.2, delta=0.01, initial=0.05, gate="previous_step")
    controller = EntropyController(settings=settings, coefficient=settings.initial)
    assert controller.alpha(9.0) == 0.05, "open at the start, whatever this batch's entropy is"
    high = controller.advanced(9.0)
    assert high.alpha(0.1) == 0.0 and high.coefficient == pytest.approx(0.04)
    equal = high.advanced(0.2)
    assert equal.coefficient == pytest.approx(0.03), "equality lowers the coefficient there"
    assert equal.alpha(0.1) == 0.0, "and does not open the gate"
    assert equal.advanced(0.19).alpha(9.0) == pytest.approx(0.04)


@given(
    st.sampled_from(["off", "constant", "adaptive"]),
    st.sampled_from(["same_step", "previous_step"]),
    st.sampled_from([0.0, 0.003]),
    st.sampled_from([None, 0.1, 0.2, 0.3]),
)
def test_a_coefficient_known_beforehand_is_that_of_any_entropy(mode, gate, coefficient, previous):
    settings = EntropySettings(mode=mode, gate=gate, initial=coefficient, target=0.2)
    controller = EntropyController(settings=settings, coefficient=coefficient, previous=previous)
    possible = {controller.alpha(entropy) for entropy in (0.1, 0.2, 0.3)}
    assert (controller.known_alpha is None) == (len(possible) > 1)
    assert controller.known_alpha in {None, *possible}
