"""In training, the question copied as the answer earns nothing (the setting `unevaluated`)."""

import pytest

from or1_reward import Grader
from or1_reward.maths import TRAINING, MathSettings

COPIED = [
    ("10 + 13", "23"),
    (r"\boxed{10 + 13}", "23"),
    ("The answer is 15 - 6.", "9"),
    (r"\boxed{7 \cdot 8}", "56"),
    (r"\boxed{3(4)}", "12"),
    (r"\boxed{2^{10}}", "1024"),
    (r"\boxed{5!}", "120"),
    (r"\boxed{\binom{6}{2}}", "15"),
    (r"\boxed{10/2}", "5"),
    (r"\boxed{\frac{10}{2}}", "5"),
    (r"\boxed{\gcd(12, 18)}", "6"),
    (r"\boxed{x = 10 + 13}", "23"),
    (r"\boxed{\frac12 + \frac13}", r"\frac56"),
    (r"\boxed{\sum_{k=1}^{10} k}", "55"),
    (r"\boxed{\sqrt{16}}", "4"),
]
WORKED_OUT = [
    ("10 + 13 = 23", "23"),
    ("Ben has 5 + 14 = 19 apples", "19"),
    (r"\boxed{10 + 13 = 23}", "23"),
    (r"\boxed{x = 23}", "23"),
    (r"\boxed{\frac34}", "0.75"),
    (r"\boxed{10/2 = 5}", "5"),
    (r"\boxed{3 \times 10^8}", "300000000"),
    (r"\boxed{3\frac12}", "3.5"),
    (r"\boxed{25\%}", "25"),
    (r"\boxed{-7}", "-7"),
    (r"\boxed{5\text{ cm}}", "5"),
    (r"\boxed{2\sqrt{3}}", r"\sqrt{12}"),
    (r"\boxed{2^{10} - 1}", "2^{10}-1"),
    (r"\boxed{1 + \sqrt{2}}", r"\sqrt{2} + 1"),
    (r"\boxed{x^2 + 2x}", "x(x+2)"),
]


@pytest.mark.parametrize(("response", "gold"), COPIED)
def test_a_copied_question_is_wrong_in_training_and_right_by_value(response, gold):
    assert Grader(TRAINING).verify(response, gold).reward == 0.0
    assert Grader(MathSettings()).verify(response, gold).reward == 1.0


@pytest.mark.parametrize(("response", "gold"), WORKED_OUT)
def test_a_worked_out_answer_is_right_in_training(response, gold):
    assert Grader(TRAINING).verify(response, gold).reward == 1.0
