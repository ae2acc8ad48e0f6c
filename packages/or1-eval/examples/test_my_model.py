"""A model's score as a test: `OR1_EVAL_URL=http://localhost:8000 pytest test_my_model.py`.

The gate is the lower end of the interval, not the score itself, so that luck does not pass and noise does not fail.
"""

import os

import pytest

from or1_eval import endpoint, evaluate

URL = os.environ.get("OR1_EVAL_URL", "")
TASK = os.environ.get("OR1_EVAL_TASK", "aime24")


@pytest.mark.skipif(not URL, reason="set OR1_EVAL_URL to the server of your model")
def test_my_model_is_good_enough() -> None:
    report = evaluate(TASK, endpoint(URL), k=4)
    assert report.complete, report.warnings
    assert report.low > 0.25, str(report)
