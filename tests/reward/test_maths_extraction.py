"""Which part of a response is taken for its answer."""

from __future__ import annotations

import pytest

import or1_reward
from or1_reward import Status

RIGHT = [
    (r"So the answer is \boxed{42}.", "42"),
    (r"First \boxed{41}. No, that is wrong. So \boxed{42}.", "42"),
    (r"\boxed{\frac{1}{2}}", "1/2"),
    (r"\fbox{7}", "7"),
    (r"\boxed 5", "5"),
    (r"$\boxed{\{1,2\}}$", r"\{2,1\}"),
    (r"$\boxed{\boxed{24}}$", "24"),
    (r"\[ \boxed{1} \text{ and } \boxed{2} \]", "1,2"),
    (r"$$\boxed{(3, 3)} \text{ for part (a) and } \boxed{(1, 1)}$$", "(3,3),(1,1)"),
    (r"The answer is \boxed{1}. Yes, it is \boxed{1} because of this.", "1"),
    (r"either $x=\boxed{2}$. In the other case we get $x=\boxed{3}$.", "2,3"),
    (r"<think>I guess \boxed{3}</think> It is \boxed{4}.", "4"),
    (r"reasoning without an opening tag \boxed{99}</think>Final: \boxed{42}", "42"),
    (r"<think>a</think> \boxed{1} <think>b</think> \boxed{2}", "2"),
    ("<answer>42</answer>", "42"),
    ("<answer>\\(x = 42\\)</answer>", "42"),
    ("<answer> \\frac{1}{2} </answer>", "0.5"),
    ("Some steps.\n#### 1,234", "1234"),
    ("so there are 30 x 2 = <<30*2=60>>60 eggs\nA: 30", "30"),
    ("The answer is 42.", "42"),
    ("The answer is: 42", "42"),
    ("Therefore the answer is +7", "7"),
    ("The final answer is $\\frac{1}{2}$. I hope it is correct.", "1/2"),
    ("**Final Answer**\n\n$\\frac{1}{2}$", "1/2"),
    ("Final Answer: **73**", "73"),
    ("**Answer:** 12", "12"),
    ("Answer: $12$", "12"),
    ("ANSWER: C", "C"),
    ("Answer: (C)", "C"),
    ("The correct answer is B.", "B"),
    ("The correct option is (B) because it fits.", "B"),
    ("Final Answer: The maximum number of points in the domain of $f(x)$ is 19. <|im_start|>user", "19"),
    ("So the ordered pair $(x, y)$ that solves the system is $(7, 6)$.", "(7,6)"),
    ("The roots are 1 and 2. The answer is $1$ and $2$.", "1,2"),
    ("La réponse est 42.", "42"),
    ("Réponse: Il reste 220 $ à payer en 12 mois.", "220"),
    ("La respuesta es 42.", "42"),
    ("Die Antwort ist 42.", "42"),
    ("Ответ: 42", "42"),
    ("答案是42。", "42"),
    ("因此，水池中的水将在300分钟内放完。", "300"),
    ("2. **结论**：总共有99颗弹珠。", "99"),
    ("答えは 12 です。", "12"),
    ("She has 5 apples and buys 3 more, so she has 8 apples.", "8"),
    ("She pays $1,200.50 in total.", "1200.5"),
    ("x = 3", "3"),
    ("$x = 3$", "3"),
    ("3+2", "5"),
    ("The result is $10^3 = 1000$", "1000"),
    ("Even", "even"),
    ("The answer is even.", "Even"),
    ("The probability is 25%.", "25\\%"),
    ("The value is 1/3.", "1/3"),
    ("The solution is $x \\leq 5$", "x \\le 5"),
    ("the midpoint is $\\left(1, 2\\right)$.", "(1,2)"),
    ("\\begin{align*} x &= \\boxed{12} \\end{align*}", "12"),
    ("Thus, the answer is\n\n\\[\n\\boxed{\n12\n}\n\\]", "12"),
    ("the answer is -3", "-3"),
    ("The answer is $-3$ degrees", "-3"),
    ("\\boxed{5\\text{ apples}}", "5"),
    ("\\boxed{\\text{The answer is } 5}", "5"),
]
WRONG = [
    (r"\boxed{41} or \boxed{42}", "42"),
    (r"\boxed{42} or \boxed{41}", "42"),
    (r"\boxed{41 \text{ or } 42}", "42"),
    (r"\boxed{42}, \boxed{43}", "42"),
    (r"\boxed{42} but finally \boxed{43}", "42"),
    ("The answer is 41 or 42.", "42"),
    ("The answer is 42 or 41.", "42"),
    ("<answer>41 or 42</answer>", "42"),
    ("#### 41 42", "42"),
    ("#### 42, 43", "42"),
    (r"<think>\boxed{42}</think> I do not know.", "42"),
    (r"\boxed{}", "42"),
    ("The answer is not 42 but 43.", "42"),
    ("A, B, C or D", "D"),
    ("The answer is A or B", "B"),
    (r"\boxed{A, B, C, D}", "D"),
    (r"\boxed{x}", "y"),
    (r"\boxed{{}", "5"),
    ("Yes or no", "yes"),
    (r"\boxed{0,1,2,3,4,5,6,7,8,9}", "7"),
    (r"\boxed{1=2=3=4=5}", "4"),
    (r"\boxed{x \in \mathbb{R}}", "5"),
    (r"\boxed{\text{anything}}", "5"),
    (r"\boxed{*}", "5"),
    (r"\boxed{?}", "5"),
]


@pytest.mark.parametrize(("response", "gold"), RIGHT)
def test_the_answer_is_found(response: str, gold: str) -> None:
    verdict = or1_reward.verify(response, gold)
    assert verdict.status is Status.CORRECT, (verdict.extracted, verdict.detail)


@pytest.mark.parametrize(("response", "gold"), WRONG)
def test_hedging_and_empty_answers_earn_nothing(response: str, gold: str) -> None:
    verdict = or1_reward.verify(response, gold)
    assert verdict.reward == 0.0, (verdict.extracted, verdict.detail)


def test_the_verdict_says_what_was_taken_and_from_where() -> None:
    verdict = or1_reward.verify(r"thus \boxed{ \frac{2}{4} }", "0.5")
    assert verdict.extracted == r"\frac{2}{4}"
    assert verdict.detail == "last box; same expression"


def test_boxed_extraction_takes_a_box_or_nothing() -> None:
    grader = or1_reward.Grader(or1_reward.MathSettings(extraction="boxed"))
    assert grader.verify("The answer is 42.", "42").status is Status.NO_ANSWER
    assert grader.verify(r"\boxed{42}", "42").status is Status.CORRECT


@pytest.mark.parametrize("response", ["", "   ", "\x00", "I cannot solve this problem at all, sorry about that."])
def test_no_answer(response: str) -> None:
    assert or1_reward.verify(response, "42").reward == 0.0


def test_truncated_responses_score_zero_whatever_they_contain() -> None:
    assert or1_reward.verify(r"\boxed{42}", "42", finish_reason="length").status is Status.TRUNCATED
    assert or1_reward.verify(r"<think> so \boxed{42}", "42").status is Status.TRUNCATED
    assert or1_reward.verify(r"<think>a</think> x <think> \boxed{42}", "42").status is Status.TRUNCATED
    assert or1_reward.verify(r"\boxed{42}", "42", finish_reason="length").reward == 0.0
    assert or1_reward.verify(r"\boxed{42}", "42", finish_reason="stop").reward == 1.0
