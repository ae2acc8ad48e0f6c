"""Two ways to show a run: a panel that is redrawn in place on a terminal, and lines for a file or a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from or1_trainer.live.format import duration, sparkline, trend
from or1_trainer.live.progress import Phase
from or1_trainer.live.run_progress import RunProgress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_SPARK_WIDTH = 32
_BAR_WIDTH = 24
_HEAD_WIDTH = 36


class Screen:
    """One way to show a run. This one shows nothing: outside of `with`, and on all ranks but the first."""

    every_s = float("inf")
    """The shortest time between two draws."""

    def draw(self) -> None:
        """Show the current state."""

    def say(self, text: str) -> None:
        """Show a message once."""

    def close(self) -> None:
        """Show the final state and release the terminal."""
        self.draw()


class Lines(Screen):
    """At most one line every five seconds; a state is printed only once."""

    every_s = 5.0

    def __init__(self, stream: TextIO, progress: RunProgress) -> None:
        """Print to `stream`."""
        self._stream = stream
        self._progress = progress
        self._printed = ""

    def draw(self) -> None:
        """Print the current state if it has changed since the last line."""
        line = status_line(self._progress)
        if line and line != self._printed:
            print(line, file=self._stream, flush=True)
            self._printed = line

    def say(self, text: str) -> None:
        """Print `text` on a line of its own."""
        print(text, file=self._stream, flush=True)


class Panel(Screen):
    """A few lines that are redrawn in place; other output appears above them."""

    every_s = 0.25

    def __init__(self, console: Console, progress: RunProgress) -> None:
        """Use the terminal of `console`."""
        from rich.live import Live

        self._progress = progress
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._live.start()

    def draw(self) -> None:
        """Redraw."""
        self._live.update(panel(self._progress), refresh=True)

    def say(self, text: str) -> None:
        """Print `text` above the panel."""
        self._live.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        """Leave the final state on the terminal, with the cursor below it."""
        try:
            self.draw()
        finally:
            self._live.stop()


def screen_for(stream: TextIO, progress: RunProgress) -> Screen:
    """Return a panel if `stream` is a terminal that can move its cursor, else lines."""
    if not stream.isatty():
        return Lines(stream, progress)
    from rich.console import Console

    console = Console(file=stream)
    return Lines(stream, progress) if console.is_dumb_terminal else Panel(console, progress)


def status_line(progress: RunProgress) -> str:
    """Return the current state in one line; empty before the first phase."""
    parts = [_where(progress)] if progress.step else []
    parts += [f"{label} {text}" for label, text, _ in _metrics(progress)]
    parts += _pace(progress)
    if progress.phase and (not progress.step or progress.phase.total or progress.phase.elapsed_s >= Lines.every_s):
        parts.append(phase_text(progress.phase))
    return "  ".join(parts)


def panel(progress: RunProgress) -> Text:
    """Return the current state as lines for a terminal: progress, phase, and one line per metric with its history.

    This is one `Text` of padded lines because rich's tables and bars take four times as long to draw.
    """
    from rich.text import Text

    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{_where(progress):<{_HEAD_WIDTH}}  ", style="bold")
    text.append(_bar(progress.step, progress.total_steps), style="green")
    text.append("  " + "  ".join(_pace(progress)), style="dim")
    if phase := progress.phase:
        text.append(f"\n{phase_text(phase):<{_HEAD_WIDTH}}  ", style="cyan")
        text.append(_bar(phase.done, phase.total) if phase.total else "", style="cyan")
    for label, value, key in _metrics(progress):
        text.append(f"\n{label:<11}  ", style="dim")
        text.append(f"{value:<21}  ")
        text.append(f"{sparkline(progress.history(key), _SPARK_WIDTH):<{_SPARK_WIDTH}}", style="green")
        text.append(f"  {_trend(progress, key)}")
    return text


def _bar(done: int, total: int) -> str:
    filled = round(_BAR_WIDTH * min(done / max(total, 1), 1.0))
    return "━" * filled + "─" * (_BAR_WIDTH - filled)


def _where(progress: RunProgress) -> str:
    stage = progress.number("stage/index")
    context = progress.number("stage/context_tokens")
    parts = []
    if stage is not None:
        parts.append(f"stage {stage + 1:.0f}" + (f"/{progress.num_stages}" if progress.num_stages else ""))
    if context is not None:
        parts.append(f"{context:.0f} tokens")
    return "  ".join([*parts, f"step {progress.step}/{progress.total_steps}"])


def _metrics(progress: RunProgress) -> list[tuple[str, str, str]]:
    """Label, value as text and metric key of what has been logged so far, in the order shown."""
    shown = []
    for label, key, spec in (
        ("reward", "reward/mean", ".3f"),
        ("groups kept", "group/kept_rate", ".2f"),  # 0.00: the step updates nothing
        ("accuracy", "eval/avg", ".3f"),
        ("entropy", "policy/entropy", ".3f"),
        ("coefficient", "policy/entropy_coef", ".4f"),
        ("truncated", "reward/truncated_rate", ".3f"),
        ("length", "response/length_mean", ".1f"),
    ):
        if (value := progress.number(key)) is not None:
            shown.append((label, format(value, spec) + (_interval(progress) if key == "eval/avg" else ""), key))
    return shown


def _interval(progress: RunProgress) -> str:
    low, high = progress.number("eval/low"), progress.number("eval/high")
    return "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"


def _pace(progress: RunProgress) -> list[str]:
    if progress.step_s is None or progress.left_s is None:
        return []
    pace = f"{progress.step_s:.2f} s/step" if progress.step_s < 10 else f"{duration(progress.step_s)}/step"
    return [pace, f"{duration(progress.left_s)} left"]


def phase_text(phase: Phase) -> str:
    """Return what is done, the tokens generated of those allowed, their rate, and the time that is left."""
    parts = [f"{phase.name} {phase.done}/{phase.total}" if phase.total else phase.name]
    if phase.tokens_allowed is not None:
        parts.append(f"{phase.tokens:,} of at most {phase.tokens_allowed:,} tokens")
    if phase.tokens_per_s is not None:
        parts.append(f"{phase.tokens_per_s:,.0f} tokens/s")
    times = [duration(phase.elapsed_s), phase.left] if phase.left else [duration(phase.elapsed_s)]
    return ", ".join(parts) + f" ({', '.join(times)})"


def _trend(progress: RunProgress, key: str) -> str:
    change = trend(progress.history(key))
    if change is None:
        return ""
    return f"{'↑' if change > 0 else '↓' if change < 0 else '→'} {abs(change):.3f}"
