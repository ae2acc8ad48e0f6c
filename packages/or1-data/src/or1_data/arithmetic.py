r"""Generated arithmetic with visible reasoning: the problems of the tiny recipe.

    12+7-3=?    terse:   12+7=19;19-3=16;\boxed{16}
                verbose: 12+7=19;19-7=12;19-3=16;16+3=19;12+7=19;19-3=16;\boxed{16}

Training and held-out parts cannot overlap, whatever the seeds: which part an expression belongs to is a hash of its
canonical form, in which the order of commuting operands does not count.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from or1_data.errors import ConfigError
from or1_data.schema import Problem, make_problem

ALPHABET: Final = "0123456789+-*=;? \n\\boxed{}"
"""Every character that prompts and solutions may contain, each once."""

Split = Literal["train", "heldout"]
Style = Literal["guess", "terse", "verbose"]
HELDOUT_SHARE: Final = 8
"""One expression in this many belongs to the held-out part."""
GUESS_SPREAD: Final = 5
"""How far a guess is off at most."""
_REDRAWS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Which expressions are drawn: every number of terms, and every number of digits, is as likely as any other.

    `*` multiplies two numbers of one digit. Running totals are never negative.
    """

    min_terms: int = 2
    max_terms: int = 5
    max_digits: int = 2
    operators: str = "+-"

    def __post_init__(self) -> None:
        """Refuse families without expressions."""
        if not 2 <= self.min_terms <= self.max_terms or self.max_digits < 1:
            raise ConfigError(f"need 2 <= min_terms <= max_terms and max_digits >= 1, got {self}")
        if "+" not in self.operators or set(self.operators) - set("+-*"):
            raise ConfigError(f"operators must be '+' and any of '-*', not {self.operators!r}")


@dataclass(frozen=True, slots=True)
class Term:
    """One signed term: a number, or a product of two."""

    sign: int
    factors: tuple[int, ...]

    @property
    def value(self) -> int:
        """The term without its sign."""
        return self.factors[0] if len(self.factors) == 1 else self.factors[0] * self.factors[1]


Expression = tuple[Term, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """A problem with a right solution written out, for the warm start."""

    problem: Problem
    prompt: str
    response: str
    style: Style


def arithmetic_problems(
    split: Split, count: int, seed: int, *, family: Family | None = None, template: str = "bare"
) -> Iterator[Problem]:
    """`count` different problems of one part; a longer run starts with the problems of a shorter one.

    Raises:
        ConfigError: the family has fewer different expressions than asked for.
    """
    seen: set[str] = set()
    rng = _rng(seed, split)
    for index in range(count):
        expression = _fresh(rng, split, family or Family(), seen)
        yield _problem(expression, split, index, template)


def demonstrations(
    count: int,
    seed: int,
    *,
    verbose_share: float = 0.5,
    guess_share: float = 0.0,
    family: Family | None = None,
    template: str = "bare",
) -> Iterator[Demonstration]:
    """Problems of the training part (repeats are possible) answered in a mix of styles; the rest is terse.

    A guess is a number near the answer, right in about one of ten: the habit that reinforcement learning has to break.
    """
    if verbose_share < 0 or guess_share < 0 or verbose_share + guess_share > 1:
        raise ConfigError(f"shares of styles must add up to at most 1, got {verbose_share} and {guess_share}")
    rng = _rng(seed, "demonstrations")
    for index in range(count):
        expression = _fresh(rng, "train", family or Family(), None)
        style = _style(rng.random(), verbose_share, guess_share)
        problem = _problem(expression, "train", index, template)
        text = problem.prompt[-1]["content"]
        response = _guess(expression, rng) if style == "guess" else solution(expression, style)
        yield Demonstration(problem=problem, prompt=text, response=response, style=style)


def _style(draw: float, verbose_share: float, guess_share: float) -> Style:
    if draw < verbose_share:
        return "verbose"
    return "guess" if draw < verbose_share + guess_share else "terse"


def _guess(expression: Expression, rng: random.Random) -> str:
    return f"\\boxed{{{max(0, value_of(expression) + rng.randint(-GUESS_SPREAD, GUESS_SPREAD))}}}"


def text_of(expression: Expression) -> str:
    """The expression as it is typed: `12+7-3`."""
    parts = [("-" if term.sign < 0 else "+") + "*".join(map(str, term.factors)) for term in expression]
    return "".join(parts).removeprefix("+")


def value_of(expression: Expression) -> int:
    """Its value."""
    return sum(term.sign * term.value for term in expression)


def canonical_key(expression: Expression) -> str:
    """One text for all orders of the terms and of the factors: `7+12-3`, `12-3+7` and `12+7-3` are one problem."""
    return " ".join(sorted(("-" if t.sign < 0 else "+") + "*".join(map(str, sorted(t.factors))) for t in expression))


def split_of(expression: Expression) -> Split:
    """Which part an expression belongs to: a function of its canonical key alone."""
    digest = hashlib.sha256(canonical_key(expression).encode()).digest()
    return "heldout" if int.from_bytes(digest[:8], "big") % HELDOUT_SHARE == 0 else "train"


def solution(expression: Expression, style: Style = "terse") -> str:
    """Steps and boxed answer.

    Terse: products, then sums from left to right; verbose: with checks, and all over again.
    """
    lines = [step for step, _ in _steps(expression)]
    if style == "verbose":
        lines = [line for step, check in _steps(expression) for line in (step, check)] + lines
    return "".join(f"{line};" for line in lines) + f"\\boxed{{{value_of(expression)}}}"


def _steps(expression: Expression) -> Iterator[tuple[str, str]]:
    """(step, its check by the inverse operation)."""
    for term in expression:
        if len(term.factors) == 2:
            one, other = term.factors
            yield f"{one}*{other}={term.value}", f"{other}*{one}={term.value}"
    total = expression[0].value
    for term in expression[1:]:
        before, total = total, total + term.sign * term.value
        sign, inverse = ("+", "-") if term.sign > 0 else ("-", "+")
        yield f"{before}{sign}{term.value}={total}", f"{total}{inverse}{term.value}={before}"


def _problem(expression: Expression, split: Split, index: int, template: str) -> Problem:
    terms = len(expression)
    digits = max(len(str(factor)) for term in expression for factor in term.factors)
    return make_problem(
        f"{text_of(expression)}=?",
        value_of(expression),
        ability="math",
        data_source=f"arithmetic-{terms}-terms-{digits}-digits",
        template=template,
        extra_info={"index": index, "split": split, "terms": terms, "digits": digits},
    )


def _rng(seed: int, stream: str) -> random.Random:
    return random.Random(f"or1-arithmetic:{stream}:{seed}")  # a text seed is hashed with SHA-512: the same everywhere


def _fresh(rng: random.Random, split: Split, family: Family, seen: set[str] | None) -> Expression:
    for _ in range(_REDRAWS):
        expression = _draw(rng, family)
        key = canonical_key(expression)
        if split_of(expression) == split and (seen is None or key not in seen):
            if seen is not None:
                seen.add(key)
            return expression
    raise ConfigError(
        f"after {_REDRAWS} draws no new {split} problem in {family}; ask for fewer, or raise max_terms or max_digits"
    )


def _draw(rng: random.Random, family: Family) -> Expression:
    terms: list[Term] = []
    total = 0
    digits = rng.randint(1, family.max_digits)
    for index in range(rng.randint(family.min_terms, family.max_terms)):
        factors = _factors(rng, family, digits)
        value = factors[0] if len(factors) == 1 else factors[0] * factors[1]
        signs = [1] if index == 0 else [s for s, name in ((1, "+"), (-1, "-")) if name in family.operators]
        signs = [sign for sign in signs if total + sign * value >= 0] or [1]
        terms.append(Term(rng.choice(signs), factors))
        total += terms[-1].sign * value
    return tuple(terms)


def _factors(rng: random.Random, family: Family, digits: int) -> tuple[int, ...]:
    if "*" in family.operators and rng.random() < 0.25:
        return rng.randint(2, 9), rng.randint(2, 9)
    low = 1 if digits == 1 else 10 ** (digits - 1)
    return (rng.randint(low, 10**digits - 1),)
