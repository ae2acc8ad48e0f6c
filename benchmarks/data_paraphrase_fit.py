"""Fit what or1-data knows about paraphrases: the table of common words, and the coefficients of the score.

    uv run benchmarks/data_paraphrase_fit.py ../shared/data --frequencies     writes text/frequencies.txt
    uv run benchmarks/data_paraphrase_fit.py ../shared/data                   prints the coefficients for math
    uv run benchmarks/data_paraphrase_fit.py ../shared/data --functions       prints those for functions to complete

Positives are `tests/data/rephrased.jsonl` with its items; negatives are the two nearest items of every row of sets
that were written apart. For functions they are `rephrased_code.jsonl` with HumanEval, and LeetCode, CodeContests and
Codeforces. Each is a ridge logistic regression, positives counting 20-fold.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from data_common import print_machine
from data_rephrased import NEGATIVES, load_items, load_rephrased, problems, texts

from or1_data.decontaminate import paraphrase, program
from or1_data.decontaminate.features import features
from or1_data.decontaminate.index import build_index
from or1_data.decontaminate.match import Matcher
from or1_data.text import frequencies
from or1_data.text.canonical import canonical_tokens
from or1_data.text.core import core_text
from or1_data.text.words import content_words, numbers

COMMON_SETS = (
    ("gsm8k/grade_school_math__data__train.jsonl",),
    ("deepscaler/data__train__math.json", "deepscaler/data__train__aime.json"),
    (
        "leetcode_dataset/data__LeetCodeDataset-v0.2.0-train.jsonl.gz",
        "rllm_code/test__code__code_contests.json",
    ),
)


def write_frequencies(folder: Path) -> None:
    """Shares of problems that contain a word or number, in the kind of problem where it is most common."""
    shares: tuple[dict[str, float], dict[str, float]] = {}, {}
    for files in COMMON_SETS:
        rows = [canonical_tokens(core_text(text)) for file in files for text in texts(folder / file)]
        for found, kind in ((shares[0], content_words), (shares[1], numbers)):
            counts = Counter(token for row in rows for token in set(kind(row)))
            for token, count in counts.items():
                if count > 1 and not token.startswith("#"):
                    found[token] = max(found.get(token, 0.0), count / len(rows))
    target = Path(frequencies.__file__).with_name("frequencies.txt")
    target.write_text("\n".join(frequencies.lines_of(*shares)) + "\n", encoding="utf-8")
    print(f"{target}: {target.stat().st_size:,} bytes")


def evidence_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Evidence [P, K] of the positives and [N, K] of the negatives; positives have the answers of their items."""
    positives, negatives = [], []
    for group in ("gsm8k_test", "aime", "math500"):
        items = load_items(folder, group)
        index = build_index(items)
        place = {(item.benchmark, item.reference): number for number, item in enumerate(items)}
        rephrased = [row for row in load_rephrased() if (row.benchmark, row.reference) in place]
        own = [place[row.benchmark, row.reference] for row in rephrased]
        rows = features([row.text for row in rephrased], [items[item].truth for item in own])
        positives += [paraphrase.evidence(rows, number, index.features, item) for number, item in enumerate(own)]
        matcher = Matcher(index)
        for file in NEGATIVES[group]:
            for start in range(0, len(lines := problems(folder / file)), 500):
                chunk = lines[start : start + 500]
                rows = features([p.statement for p in chunk], [p.ground_truth for p in chunk])
                for number, cosine in enumerate(matcher.cosines(rows)):
                    for item in np.argsort(-cosine)[:2]:
                        if cosine[item] >= 0.12:
                            negatives.append(paraphrase.evidence(rows, number, index.features, int(item)))
    return np.array(positives), np.array(negatives)


def function_evidence_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The same for functions to complete."""
    items = load_items(folder, "humaneval")
    index = build_index(items)
    rephrased = load_rephrased("rephrased_code.jsonl")
    rows = features([row.text for row in rephrased], code=True)
    positives = [
        program.function_evidence(rows, number, index.features, int(row.reference))
        for number, row in enumerate(rephrased)
    ]
    negatives = []
    matcher, literals = Matcher(index), program.Literals(index.features)
    for file in NEGATIVES["humaneval"]:
        for start in range(0, len(lines := texts(folder / file)), 300):
            rows = features(lines[start : start + 300], code=True)
            for number, cosine in enumerate(matcher.cosines(rows)):
                for item in {*np.argsort(-cosine)[:2], *literals.candidates(rows, number, 2)}:
                    negatives.append(program.function_evidence(rows, number, index.features, int(item)))
    return np.array(positives), np.array(negatives)


def fit(positives: np.ndarray, negatives: np.ndarray, ridge: float = 1.0) -> np.ndarray:
    """Intercept and coefficients [1 + K], by Newton's method."""
    x = np.hstack([np.ones((len(positives) + len(negatives), 1)), np.vstack([positives, negatives])])
    y = np.r_[np.ones(len(positives)), np.zeros(len(negatives))]
    weight = np.r_[np.full(len(positives), 20.0), np.ones(len(negatives))]
    b = np.zeros(x.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(x @ b, -30, 30)))
        gradient = x.T @ (weight * (y - p)) - ridge * np.r_[0, b[1:]]
        b += np.linalg.solve((x * (weight * p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(b)), gradient)
    return b


def fit_answers(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """As `fit`, but first without answers, which a row may lack, and then for the last column, the answer, alone."""
    b = fit(positives[:, :-1], negatives[:, :-1])
    x = np.r_[positives[:, -1], negatives[:, -1]]
    rest = np.r_[positives[:, :-1] @ b[1:], negatives[:, :-1] @ b[1:]] + b[0]
    y = np.r_[np.ones(len(positives)), np.zeros(len(negatives))]
    weight = np.r_[np.full(len(positives), 20.0), np.ones(len(negatives))]
    answer = 0.0
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(rest + answer * x, -30, 30)))
        answer += (x @ (weight * (y - p)) - answer) / (x * x @ (weight * p * (1 - p)) + 1)
    return np.r_[b, answer]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frequencies", action="store_true")
    parser.add_argument("--functions", action="store_true")
    arguments = parser.parse_args()
    print_machine("or1-data", "numpy")
    if arguments.frequencies:
        write_frequencies(arguments.folder)
        return
    positives, negatives = (function_evidence_of if arguments.functions else evidence_of)(arguments.folder)
    b = fit(positives, negatives, ridge=3.0) if arguments.functions else fit_answers(positives, negatives)
    print(f"{len(positives)} positives, {len(negatives)} negatives; intercept {b[0]:.1f}")
    names = program.FunctionEvidence._fields if arguments.functions else paraphrase.Evidence._fields
    for name, value in zip(names, b[1:], strict=True):
        print(f"{name:16} {value:6.1f}")


if __name__ == "__main__":
    main()
