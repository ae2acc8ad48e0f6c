"""Verification goes on while the engine does: proved by the order of events."""

import json
import threading
from types import SimpleNamespace

import pytest

from or1_reward import parse_ground_truth, verify_many
from or1_reward.serve import Server, ServerConfig
from or1_reward.types import Status
from or1_rollout.types import Completion, FinishReason
from or1_trainer.config.schema import DataSettings, LossSettings, RewardSettings, StageSettings
from or1_trainer.errors import ConfigError, TrainingError
from or1_trainer.live.view import LiveView
from or1_trainer.rewards.scoring import Scoring
from or1_trainer.train.evaluate import judge_of
from or1_trainer.train.exchange import Exchange
from or1_trainer.train.fleet import Fleet
from or1_trainer.train.judging import truth_of
from or1_trainer.train.rollout_batch import rollout_round
from or1_trainer.train.state import RunState
from or1_trainer.train.step_times import StepTimes
from or1_trainer.train.verify import Verifier, cores_per_rank, verdicts_of, verifier_of

ECHO = json.dumps({"inputs": ["7"], "outputs": ["7"]})
SLOW = "```python\nimport time\ntime.sleep(0.3)\nprint(input())\n```"
WRONG = "```python\nprint(8)\n```"
PATIENCE_S = 60


def completion(text, reason=FinishReason.STOP):
    return Completion(token_ids=[1, 2], logprobs=[-1.0, -1.0], text=text, finish_reason=reason)


class Events:
    """What happened, in order; `judge` is the real one, and says when it begins and ends."""

    def __init__(self):
        self.seen, self._changed = [], threading.Condition()

    def add(self, event):
        with self._changed:
            self.seen.append(event)
            self._changed.notify_all()

    def wait_for(self, event):
        with self._changed:
            assert self._changed.wait_for(lambda: event in self.seen, PATIENCE_S), f"{event}: not in {self.seen}"

    def judge(self, items):
        self.add(("begins", items[0]["response"]))
        verdicts = verify_many(items)
        self.add(("ends", items[0]["response"]))
        return verdicts


class EngineThatWaits:
    """Ends a prompt with code first, and the last one only when the verdict on that code has been begun."""

    def __init__(self, events):
        self._events = events

    def generate(self, prompts, params, *, seeds=None, on_group=None, on_sample=None):
        groups = [[completion(SLOW), completion(WRONG)], [completion("\\boxed{4}"), completion("\\boxed{5}")]]
        assert len(prompts) == len(groups)
        on_group(0, groups[0])
        self._events.wait_for(("begins", SLOW))
        on_group(1, groups[1])
        self._events.add("engine ends")
        return groups


def job_of(engine, verifier, runtime):
    return SimpleNamespace(
        config=SimpleNamespace(
            seed=0,
            loss=LossSettings(),
            reward=RewardSettings(),
            data=DataSettings(),
            rollout=SimpleNamespace(temperature=1.0, top_p=1.0),
        ),
        dataset=SimpleNamespace(has_limits=False, limit_of=lambda problem_id, most: most),
        prompts=SimpleNamespace(all_ids=lambda problems: [[1]] * len(problems)),
        fleet=Fleet(engine, Exchange(runtime)),
        verifier=verifier,
        scoring=Scoring(),
        teacher=None,
    )


def test_a_slow_program_is_judged_while_the_engine_goes_on(runtime, monkeypatch):
    problems = [SimpleNamespace(id="code", ground_truth=ECHO), SimpleNamespace(id="maths", ground_truth="4")]
    for problem in problems:
        problem.extra_info = {}
    monkeypatch.setattr(
        "or1_trainer.train.rollout_batch.draw_round", lambda config, dataset, state, *_, **__: (problems, state)
    )
    events = Events()
    verifier = Verifier(2, events.judge)
    stage = StageSettings(steps=1, context_tokens=8, prompts=2, group=2)
    times = StepTimes(LiveView(1, enabled=False))
    job = job_of(EngineThatWaits(events), verifier, runtime)
    batch, _ = rollout_round(job, stage, 0, 0, RunState(entropy_coefficient=0.0), times)
    verifier.close()
    assert events.seen.index(("begins", SLOW)) < events.seen.index("engine ends")
    assert ("ends", SLOW) in events.seen, "the step waits for every verdict"
    assert batch.groups.outcomes.statuses_PG.tolist() == [[Status.CORRECT, Status.WRONG]] * 2
    assert {"time/rollout_s", "time/verify_s"} <= times.metrics().keys()


@pytest.mark.parametrize("workers", [1, 3])
def test_as_many_programs_are_judged_at_a_time_as_there_are_workers(workers):
    """Each judge waits until all workers are at it; with fewer the barrier would break."""
    together = threading.Barrier(workers)
    inside, most, lock = 0, 0, threading.Lock()

    def judge(items):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        together.wait(PATIENCE_S)
        verdicts = verify_many(items)
        with lock:
            inside -= 1
        return verdicts

    verifier = Verifier(workers, judge)
    pending = verifier.submit([completion(WRONG)] * (2 * workers), parse_ground_truth(ECHO))
    assert [verdict.status for verdict in verdicts_of(pending)] == [Status.WRONG] * (2 * workers)
    assert most == workers
    verifier.close()


def test_what_the_verifier_raises_is_raised_where_the_verdict_is_needed():
    def judge(items):
        raise OSError("the sandbox is gone")

    verifier = Verifier(1, judge)
    pending = verifier.submit([completion("\\boxed{1}")], parse_ground_truth("1"))
    with pytest.raises(OSError, match="sandbox"):
        verdicts_of(pending)
    verifier.close()


def test_a_truncated_response_scores_nothing_whatever_it_contains():
    verifier = Verifier(1)
    group = [completion("\\boxed{4}", FinishReason.LENGTH), completion("\\boxed{4}")]
    verdicts = verdicts_of(verifier.submit(group, parse_ground_truth("4")))
    verifier.close()
    assert [verdict.status for verdict in verdicts] == [Status.TRUNCATED, Status.CORRECT]


def test_the_question_copied_into_the_box_earns_nothing():
    verifier = Verifier(1)
    group = [completion("\\boxed{\\sum_{k=1}^{10} k}"), completion("\\boxed{55}")]
    verdicts = verdicts_of(verifier.submit(group, parse_ground_truth("55")))
    verifier.close()
    assert [verdict.reward for verdict in verdicts] == [0.0, 1.0]


def test_closing_does_not_wait_for_a_program_that_runs_on():
    """An interrupted run ends at once: the judge here never returns before `close` does."""
    begun, closed = threading.Event(), threading.Event()

    def judge(items):
        begun.set()
        assert closed.wait(PATIENCE_S)
        return verify_many(items)

    verifier = Verifier(1, judge)
    verifier.submit([completion(WRONG)], parse_ground_truth(ECHO))
    assert begun.wait(PATIENCE_S)
    verifier.close()
    closed.set()


def test_the_ranks_of_a_machine_share_its_cores(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(12)))
    assert cores_per_rank() == 12
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "8")
    assert cores_per_rank() == 1
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "64")
    assert cores_per_rank() == 1


def test_a_problem_that_cannot_be_graded_is_named():
    problem = SimpleNamespace(id="row-7", ground_truth=json.dumps({"inputs": ["1"]}), extra_info={})
    with pytest.raises(TrainingError, match=r"row-7.*or1-data validate"):
        truth_of(problem)


@pytest.fixture
def servers():
    started = [Server(ServerConfig(port=0, workers=1, queue=8, shutdown_s=0.1)) for _ in range(2)]
    for server in started:
        server.start()
    yield started
    for server in started:
        server.close()


def url_of(server):
    return "http://{}:{}".format(*server.address)


def test_grading_servers_judge_as_this_machine_does(servers):
    """Programs and maths on both servers; the question copied into the box earns nothing there either."""
    verifier = verifier_of(RewardSettings(urls=tuple(map(url_of, servers))))
    copied = [completion("\\boxed{\\sum_{k=1}^{10} k}"), completion("\\boxed{55}")]
    maths = verifier.submit(copied, parse_ground_truth("55"), "55")
    cut = completion(SLOW, FinishReason.LENGTH)
    code = verifier.submit([completion(SLOW), completion(WRONG), cut], parse_ground_truth(ECHO), ECHO)
    assert [verdict.reward for verdict in verdicts_of(maths)] == [0.0, 1.0]
    assert [verdict.status for verdict in verdicts_of(code)] == [Status.CORRECT, Status.WRONG, Status.TRUNCATED]
    assert all(server.counts["judged"] for server in servers)
    servers[0].close()
    after = verifier.submit([completion(SLOW)] * 4, parse_ground_truth(ECHO), ECHO)
    assert [verdict.status for verdict in verdicts_of(after)] == [Status.CORRECT] * 4
    verifier.close()


def test_a_run_says_that_no_grading_server_answers(servers):
    urls = tuple(map(url_of, servers))
    for server in servers:
        server.close()
    with pytest.raises(ConfigError, match="or1-reward serve"):
        verifier_of(RewardSettings(urls=urls))
    with pytest.raises(ConfigError, match=r"reward\.urls"):
        verifier_of(RewardSettings(urls=("grader:8711",)))


def test_an_evaluation_begins_though_the_graders_are_away_for_the_moment():
    urls = ("http://127.0.0.1:9",)
    with pytest.raises(ConfigError, match="no grading server answers"):
        verifier_of(RewardSettings(urls=urls))
    assert callable(judge_of(SimpleNamespace(config=SimpleNamespace(reward=RewardSettings(urls=urls)))))
