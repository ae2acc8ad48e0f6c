"""Which part of a response is taken for its answer."""

from __future__ import annotations

import pytest

import or1_reward
from or1_reward import Status
from or1_reward.maths.extract import phrases

RIGHT = [
    ("It's not 5 but 42.", "42"),
    ("The answer is not 5 but 42.", "42"),
    ("The answer is 42, not 5.", "42"),
    ("The answer is not 5. The answer is 42.", "42"),
    ("The answer is for sure D, it can't be A or B", "D"),
    ("It's not A because it does not fit, therefore I think it's B", "B"),
    ("I think it's (D).", "D"),
    (r"So \boxed{255}. Final Answer: The final answer is $10,455$. I hope it is correct.", "10455"),
    (r"So \boxed{42}. The final answer is as stated.", "42"),
    (r"\frac{4A}{3}e^{it}", r"\frac{4 A}{3} e^{i t}"),
    (r"x^{2}_{good}", r"x_{good}^2"),
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
    ("So he has 5 + 3 = 8 apples.\n#### 8", "8"),
    ("...\n#### 1,200", "1200"),
    ("#### $45", "45"),
    ("#### 12.00", "12"),
    ("#### 8 apples", "8"),
    ("The answer is 42.", "42"),
    ("The final answer is: $42$", "42"),
    ("Therefore, the final answer is $\\frac{1}{2}$.", "0.5"),
    ("Final Answer: The final answer is $12$. I hope it is correct.", "12"),
    ("**Final Answer**\n\n42", "42"),
    ("**Answer:** 42", "42"),
    ("Answer: \\(42\\)", "42"),
    ("Answer: 42 apples", "42"),
    ("A: 42", "42"),
    ("ANSWER: 7", "7"),
    ("She earns $18 per day, so she makes $18.", "18"),
    ("It takes 3 hours and costs $20.", "20"),
    ("so the total is 5 * 4 = 20 dollars.", "20"),
    ("He needs 12 eggs. So the answer is 12 eggs.", "12"),
    ("The probability is 25%.", "25"),
    ("The result is 3.5.", "3.5"),
    ("Thus $x = 5$.", "5"),
    ("We get $x=2$ or $x=3$.", "2,3"),
    ("the solutions are $x = 1$ and $x = 2$.", "1,2"),
    ("So the answer is (B).", "B"),
    ("The correct answer is B", "B"),
    ("Answer: B) 12", "B"),
    ("The answer is option C.", "C"),
    ("\\boxed{\\text{(C)}}", "C"),
    ("\\boxed{C}", "(C)"),
    ("Therefore, the correct choice is D.", "D"),
    ("<think>maybe \\boxed{3}</think> The answer is \\boxed{4}", "4"),
    ("<think>a</think> x </think> \\boxed{5}", "5"),
    ("\\boxed{3} ... wait, \\boxed{4}", "4"),
    ("<answer>5</answer>", "5"),
    ("<answer> \\boxed{5} </answer>", "5"),
    ("<answer>The answer is 5</answer>", "5"),
    ("<answer>x = 5</answer>", "5"),
    ("$\\boxed{x=1}$ and $\\boxed{x=2}$", "1,2"),
    ("\\boxed{1}, \\boxed{2}", "\\{1,2\\}"),
    ("\\boxed{\\frac{639}{40}} or \\boxed{15.975}", "15\\frac{39}{40}"),
    ("\\[ \\boxed{\n42\n} \\]", "42"),
    ("\\fbox{42}", "42"),
    ("\\boxed 42", "42"),
    ("$\\boxed{42}$.", "42"),
    ("\\boxed{\\boxed{42}}", "42"),
    ("\\\\boxed{42}", "42"),
    ("The area is 12 square meters.", "12"),
    ("The area is \\boxed{12\\text{ m}^2}.", "12"),
    ("\\boxed{12 \\text{ square meters}}", "12"),
    ("\\boxed{\\$12}", "12"),
    ("\\boxed{12\\%}", "12"),
    ("答案是42。", "42"),
    ("因此，答案为 $\\frac{3}{4}$。", "3/4"),
    ("所以答案是：B", "B"),
    ("La respuesta es 42.", "42"),
    ("La réponse est 42.", "42"),
    ("Die Antwort ist 42.", "42"),
    ("Ответ: 42", "42"),
    ("答えは42です。", "42"),
    ("Let x be 5. Then y = 3. Therefore y is 3.", "3"),
    ("2 + 2 = 4", "4"),
    ("$2+2=4$", "4"),
    ("The value of $f(2)$ is $4$.", "4"),
    ("We have $f(2)=4$, hence the answer is 4", "4"),
    ("Hence, $\\angle ABC = 60^\\circ$.", "60"),
    ("So there are $\\binom{5}{2}=10$ ways.", "10"),
    ("The number is 1,234,567.", "1234567"),
    ("The train leaves at 6:30 p.m.", "6:30"),
    ("The answer is $\\$15$", "15"),
    ("Total: $1,234.50", "1234.5"),
    ("= 3/4", "3/4"),
    ("So the fraction is 3/4.", "0.75"),
    ("x is -5.", "-5"),
    ("the temperature is −5 degrees", "-5"),
    ("The sum is $1+2+3=6$. There are 3 terms.", "3"),
    ("The answer is **12**", "12"),
    ("The answer is __12__", "12"),
    ('the answer is "12"', "12"),
    ("The answer is: \n\n$$\\frac{1}{3}$$", "1/3"),
    ("The answer is:\n\\begin{align*} x &= 5 \\end{align*}", "5"),
    ("Thus the matrix is $$\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}$$", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}"),
    ("the interval is $[0,1)$.", "[0,1)"),
    ("so $x\\in(-\\infty,2)$.", "x<2"),
    ("The ordered pair is $(1,2)$.", "(1,2)"),
    ("The solution set is $\\{1,2\\}$", "\\{2,1\\}"),
    ("so $(x,y)=(1,2)$", "(1,2)"),
    ("The answer is 10 cm.", "10"),
    ("He bought 3 apples, 4 pears. In total 7 fruits.", "7"),
    ("Thus 50% of 30 is 15", "15"),
    ("in 2024 the answer is 7.", "7"),
    ("The answer is $12$ (since $3\\cdot4=12$).", "12"),
    ("Step 1: 3\nStep 2: 4\nAnswer: 7\n", "7"),
    ("Final answer: $\\boxed{7}$<|im_end|>", "7"),
    ("The answer is 7<|endoftext|>", "7"),
    ("The answer is 7</s>", "7"),
    ("**Final Answer: 73**", "73"),
    ("Final Answer: \\( 2\\sqrt{3} \\)", "2\\sqrt3"),
    ("The answer is approximately 3.14", "3.14"),
    ("so the answer is x^2+1", "x^2+1"),
    ("The answer is $x^2 + 1$, as required.", "x^2+1"),
    ("the answer is 1/2 cup", "1/2"),
    ("It will take 1 1/2 hours", "1.5"),
    ("it is 2.50 dollars", "2.5"),
    ("So, John is 15 years old.", "15"),
    ("5.", "5"),
    ("five", "5"),
    ("The answer is five.", "5"),
    ("\\boxed{\\text{No solution}}", "\\text{no solution}"),
    ("\\boxed{\\text{Yes}}", "Yes"),
    ("Yes, it is.", "Yes"),
    ("No, it is not possible.", "No"),
]
WRONG = [
    ("The answer is \\boxed{5", "5"),  # cut off: it may be the beginning of 50
    ("\\boxed{\\frac{1}{2", "1/2"),
    ("The answer is not 5", "5"),
    ("The answer is not $5$.", "5"),
    ("The answer isn't 5.", "5"),
    ("The answer is definitely not 5.", "5"),
    ("The answer is not x=5.", "5"),
    ("It cannot be 5.", "5"),
    ("#### not 5", "5"),
    ("The answer is not 5 but 6.", "5"),
    ("The answer is 6, not 5.", "5"),
    ("The answer is not A.", "A"),
    (r"\boxed{\text{not } 5}", "5"),
    (r"\boxed{x \ne 5}", "5"),
    (r"\boxed{6}. The final answer is not 5.", "5"),
    (r"\boxed{5 \approx 6}", "6"),
    ("\\boxed{3} ... wait, \\boxed{4}", "3"),
    ("The roots are \\boxed{1} and \\boxed{2}.", "1"),
    ("\\boxed{5} or \\boxed{6}", "5"),
    ("I don't know.", "5"),
    ("", "5"),
    ("The answer is 41 or 42.", "42"),
    ("It could be 41, 42, or 43.", "42"),
    ("\\boxed{ }", "5"),
    ("\\boxed{}", "5"),
    ("Yes or no.", "Yes"),
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


PHRASES = (
    "the answer is 4", "FINAL ANSWER: 4", "correct solution is 4", "final result 4", "Option B", "choice is (C)",
    "A: 4", "x\nA：4", "答案4", "the value is 4", "result is 4", "la RESPUESTA es 4", "RÉPONSE : 4", "reponse 4",
    "Antwort: 4", "risposta 4", "resposta 4", "ОТВЕТ: 4", "故选 B", "so 4", "x = 4", "\\frac{1}{2}", "A 4",
)  # fmt: skip


@pytest.mark.parametrize("text", PHRASES)
def test_whatever_the_phrases_match_holds_a_cue(text):
    """The search is skipped without one."""
    for shown in (text, text.upper(), text.lower(), text.title()):
        has_cue = any(cue in shown.casefold() for cue in phrases.CUES)
        assert has_cue or phrases.PHRASE.search(shown) is None


def test_every_alternative_is_among_them():
    """So that a word added to the phrases alone is noticed: each match above goes missing without its cue."""
    matched = [text for text in PHRASES if phrases.PHRASE.search(text)]
    assert len(matched) == 19
    for cue in phrases.CUES:
        assert any(cue in text.casefold() for text in matched), cue
