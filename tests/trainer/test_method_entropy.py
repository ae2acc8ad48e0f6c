"""The controller against the trajectory of PAPER eq. 3.2 worked out by hand."""

import pytest

from or1_trainer.config.schema import EntropySettings
from or1_trainer.method.entropy import EntropyController


def run(entropies, **settings):
    controller = EntropyController.start(EntropySettings(**{"target": 0.2, "delta": 0.005, **settings}))
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
