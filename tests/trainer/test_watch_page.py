"""`or1-trainer watch` in a real browser, as a process that is killed, and its answers to whoever asks."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from or1_trainer.errors import RunFolderError
from or1_trainer.watch.runs import watched_runs
from or1_trainer.watch.server import new_token

sys.path.append(str(Path(__file__).parent))
from watched_run import ODD, new_run, write_steps

BROWSER = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="needs Debian's chromium and chromium-driver",
)


class Server:
    """The command in a process of its own; `address` is what it printed."""

    def __init__(self, *arguments: object) -> None:
        script = str(Path(sys.executable).parent / "or1-trainer")
        self.process = subprocess.Popen([script, "watch", *map(str, arguments)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()

    def get(self, path: str, **headers: str) -> Any:
        base, _, query = self.address.partition("?")
        with urlopen(
            Request(f"{base}{path}{'&' if '?' in path else '?'}{query}", headers=headers), timeout=20
        ) as answer:
            return json.load(answer)

    def stop(self, number: int = signal.SIGKILL) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


def code_of(address: str, **headers: str) -> int:
    try:
        with urlopen(Request(address, headers=headers), timeout=20) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], object]) -> Any:
    deadline_s = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < deadline_s, "it never came to hold"
        time.sleep(0.05)
    return found


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def legend(browser: Any, chart: str) -> dict[str, str]:
    """Label -> value under the pointer."""
    script = """return [...document.querySelectorAll(`[data-chart="${arguments[0]}"] .u-series`)]
        .map((row) => [row.querySelector(".u-label").textContent, row.querySelector(".u-value").textContent])"""
    return dict(browser.execute_script(script, chart))


def in_charts(browser: Any, expression: str) -> Any:
    """What an expression over the page's charts is; the module is the one that the page runs."""
    return browser.execute_script(f"return import('/assets/charts.js').then(({{ charts }}) => {expression})")


def steps_of(browser: Any) -> list[int]:
    """The steps on the axis of the first chart."""
    return list(in_charts(browser, "charts.length ? [...charts[0].u.data[0]] : []"))


def ranges(browser: Any) -> list[list[float]]:
    """The first and last step that each chart shows."""
    return list(in_charts(browser, "charts.map(({ u }) => [u.scales.x.min, u.scales.x.max])"))


def colors(browser: Any) -> dict[str, str]:
    """Number -> color of the tokens of the first run's response."""
    tokens = browser.find_elements("css selector", "[data-side='0'] .token")
    return {token.get_attribute("data-value"): token.value_of_css_property("background-color") for token in tokens}


def table(browser: Any) -> list[str]:
    script = "return [...document.querySelectorAll('#table tbody tr[data-at]')].map((row) => row.dataset.at)"
    return list(browser.execute_script(script))


@BROWSER
def test_a_page_over_two_runs_while_one_grows_and_its_server_is_killed(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains

    first, second = new_run(tmp_path / "first", 6), new_run(tmp_path / "second", 6, shift=0.5)
    port = free_port()
    server = Server(first, second, "--port", port)
    try:
        browser.get(server.address)
        wait_for(lambda: steps_of(browser) == [1, 2, 3, 4, 5, 6])
        browser.execute_script("window.notReloaded = true")

        # Values under the pointer, of both runs, in all charts.
        over = find(browser, "[data-chart=Reward] .u-over")
        ActionChains(browser).move_to_element_with_offset(over, 0, 10).perform()
        shown = wait_for(lambda: (found := legend(browser, "Reward"))["step"].isdecimal() and found)
        step = int(shown["step"])
        assert shown == {
            "step": str(step),
            "first · reward": f"{step / 100:g}",
            "second · reward": f"{step / 100 + 0.5:g}",
        }
        assert legend(browser, "Entropy")["step"] == legend(browser, "phases of first")["step"] == str(step)
        assert legend(browser, "phases of first") == {"step": str(step), "rollout": "2 s", "update": "1 s"}

        # Zoom is common to all charts; log scale is each chart's own.
        ActionChains(browser).move_to_element_with_offset(over, -80, 0).click_and_hold().move_by_offset(160, 0).release().perform()  # noqa: E501  # fmt: skip
        wait_for(lambda: all(1 < low < high < 6 for low, high in ranges(browser)) and len(set(map(tuple, ranges(browser)))) == 1)  # noqa: E501  # fmt: skip
        ActionChains(browser).double_click(over).perform()
        wait_for(lambda: ranges(browser)[0] == [1, 6])
        find(browser, "[data-chart='Response length'] button").click()
        wait_for(lambda: in_charts(browser, "charts.map(({ u }) => u.scales.y.distr)") == [1, 1, 3, 1, 1])

        # A new step arrives by itself, with its alarm.
        write_steps(first, 7, 8)
        wait_for(lambda: steps_of(browser)[-1] == 8)
        assert "first, step 7: verifier errors" in find(browser, "#alarms").text

        # One run alone has its metrics as labels.
        find(browser, "[data-run='1']").click()
        wait_for(lambda: set(legend(browser, "Reward")) == {"step", "reward"})

        # The server is killed; the page goes on with the next one.
        server.stop()
        wait_for(lambda: "no connection" in find(browser, "#status").text)
        write_steps(first, 9, 9)
        server = Server(first, second, "--port", port)
        wait_for(lambda: steps_of(browser) and steps_of(browser)[-1] == 9)
        assert set(legend(browser, "Reward")) == {"step", "reward"}, "what was hidden stays hidden"
        assert browser.execute_script("return window.notReloaded")

        # Rollouts: filtered, opened, token by token, beside the other run's.
        find(browser, "[data-tab=rollouts]").click()
        wait_for(lambda: len(table(browser)) == 72 and table(browser)[0] == "9:0")
        find(browser, "[name=problem]").send_keys("p0")
        find(browser, "[name=text]").send_keys("sample 2")
        find(browser, "[name=advantage_low]").send_keys("1")
        find(browser, "[name=step_high]").send_keys("6")
        wait_for(lambda: table(browser) == [f"{step}:2" for step in (6, 5, 4, 3, 2, 1)])
        find(browser, "tr[data-at='4:2']").click()
        sides = [find(browser, f"[data-side='{side}']").text for side in (0, 1)]
        assert f"step 4 group 0 sample 2 {ODD}" in sides[0] and "step 4 group 0 sample 0" in sides[1]
        assert colors(browser) == {"-0.25": "rgba(220, 40, 40, 0.04)", "-7": "rgba(220, 40, 40, 0.75)"}
        find(browser, "[data-coloring=policy]").click()
        assert colors(browser) == {"-0.5": "rgba(220, 40, 40, 0.075)", "-6.5": "rgba(220, 40, 40, 0.75)"}
        find(browser, "[data-coloring=entropy]").click()
        assert colors(browser) == {"1.5": "rgba(40, 90, 220, 0.376)", "0": "rgba(40, 90, 220, 0)"}
        find(browser, "[data-coloring=ratio]").click()
        assert colors(browser) == {"0.7788": "rgba(220, 40, 40, 0.27)", "1.6487": "rgba(40, 90, 220, 0.54)"}
        (clipped,) = browser.find_elements("css selector", "[data-side='0'] .clipped")
        assert clipped.get_attribute("data-value") == "1.6487"
        assert "engine's log-prob -7 · policy's log-prob -6.5" in clipped.get_attribute("title")
        find(browser, "[data-coloring=both]").click()
        texts = browser.find_elements("css selector", "[data-side='0'] .sides pre")
        values = [[token.get_attribute("data-value") for token in text.find_elements("css selector", ".token")] for text in texts]  # noqa: E501  # fmt: skip
        assert values == [["-0.25", "-7"], ["-0.5", "-6.5"]], "the engine's policy beside the trained one"
        assert browser.execute_script("return window.hacked === undefined")

        dark = find(browser, "body").value_of_css_property("background-color")
        find(browser, "#theme").click()
        assert find(browser, "body").value_of_css_property("background-color") != dark
        severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert all("api/events" in message for message in severe), "nothing but the killed server"
    finally:
        server.stop()


@BROWSER
def test_the_table_scrolls_over_all_rollouts_and_loads_those_in_view(browser: Any, tmp_path: Path) -> None:
    server = Server(new_run(tmp_path / "long", 100), "--port", 0)
    try:
        browser.get(server.address)
        find(browser, "[data-tab=rollouts]").click()
        wait_for(lambda: table(browser) and table(browser)[0] == "100:0")
        assert "800 of 800 rollouts" in find(browser, "#count").text and len(table(browser)) < 200
        scroll = "const box = document.getElementById('scroller'); box.scrollTop = arguments[0] * box.scrollHeight"
        browser.execute_script(scroll, 1)
        wait_for(lambda: table(browser)[-1] == "1:7")
        browser.execute_script(scroll, 0.5)
        wait_for(lambda: {"50:7", "50:0"} <= set(table(browser)))
        assert len(table(browser)) < 200
        find(browser, "[name=problem]").send_keys("p1")
        wait_for(lambda: table(browser)[0] == "100:4")
        assert "400 of 800" in find(browser, "#count").text
    finally:
        server.stop()


def test_it_serves_damage_as_messages_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    run, bare = new_run(tmp_path / "run", 3), tmp_path / "bare"
    bare.mkdir()
    (bare / "config.toml").touch()
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(b"\xff\n")
    (run / "rollouts" / "step_000002.jsonl").write_bytes(b"\x00\n")
    server = Server(run, bare, "--port", 0)
    try:
        state = server.get("api/state")
        assert [found["rows"] for found in state["runs"]] == [3, 0]
        assert "metrics.jsonl:4" in state["runs"][0]["messages"][0]
        assert server.get("api/points?run=1")["series"] == {}
        assert server.get("api/points?run=0&low=2")["series"]["reward/mean"] == [[2, 3], [0.02, 0.03]]
        page = server.get("api/rollouts?run=0&status=correct")
        assert page["total"] == 4 and "step_000002.jsonl:1" in page["messages"][0]
        assert server.get("api/rollouts?run=1") == {"all": 0, "total": 0, "statuses": [], "messages": [], "rows": []}
        codes = {path: code_of(server.address + path) for path in ("api/points?run=2", "api/rollout?step=9", "api/rollouts?tokens_low=x", "api/rollouts?colour=red", "assets/../server.py")}  # noqa: E501  # fmt: skip
        assert list(codes.values()) == [404, 404, 400, 400, 404]
        assert code_of(server.address, Host="elsewhere.example") == 400, "a page from elsewhere gets no answer"
    finally:
        assert server.stop(signal.SIGINT) == 0


def test_from_other_machines_only_with_the_token(tmp_path: Path) -> None:
    server = Server(new_run(tmp_path / "run", 2), "--host", "0.0.0.0", "--port", 0)
    try:
        name, token = server.address.split("?token=")
        assert f"//{socket.gethostname()}:" in name
        base = name.replace(socket.gethostname(), "127.0.0.1")
        assert len(token) >= 32
        for path in ("", "api/state", "assets/watch.js", "api/rollouts"):
            assert code_of(base + path) == code_of(f"{base}{path}?token={token[:-1]}") == 403
            assert code_of(base + path, Cookie="or1_watch=wrong") == 403
            assert code_of(f"{base}{path}?token={token}") == 200
            assert code_of(base + path, Cookie=f"a=b; or1_watch={token}") == 200
        with urlopen(f"{base}?token={token}", timeout=20) as answer:
            cookie = answer.headers["Set-Cookie"]
        assert token in cookie and "HttpOnly" in cookie and "SameSite=strict" in cookie
    finally:
        server.stop()


def test_tokens_are_random_and_local_pages_need_none() -> None:
    assert new_token("127.0.0.1") is None is new_token("localhost")
    assert new_token("0.0.0.0") != new_token("0.0.0.0") is not None


def test_a_folder_that_is_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is not a run folder"):
        watched_runs([tmp_path])
