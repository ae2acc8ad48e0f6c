// The runs that the page shows, and what is loaded of each.

import { get } from "./dom.js";

export const state = { session: "", runs: [], plots: [], range: null };

export async function load(run) {
  const isMore = run.loaded === run.generation && state.range === null && run.range === null && run.seen !== null;
  const window_ = state.range ? { low: Math.floor(state.range[0]), high: Math.ceil(state.range[1]) } : {};
  const found = await get("points", { run: run.index, ...(isMore ? { low: run.seen + 1 } : window_) });
  const whole = isMore && found.generation === run.loaded ? merged(run, found) : found;
  Object.assign(run, { series: whole.series, phases: whole.phases, loaded: found.generation, range: state.range });
  if (state.range === null) run.seen = lastStep(run);
}

function merged(run, more) {
  const series = { ...run.series };
  for (const [key, [steps, values]] of Object.entries(more.series)) {
    const old = series[key] ?? [[], []];
    series[key] = [old[0].concat(steps), old[1].concat(values)];
  }
  const steps = run.phases.steps.concat(more.phases.steps);
  const seconds = {};
  for (const name of new Set([...Object.keys(run.phases.seconds), ...Object.keys(more.phases.seconds)])) {
    const zeros = (count) => new Array(count).fill(0);
    seconds[name] = (run.phases.seconds[name] ?? zeros(run.phases.steps.length))
      .concat(more.phases.seconds[name] ?? zeros(more.phases.steps.length));
  }
  return { series, phases: { steps, seconds } };
}

function lastStep(run) {
  const ends = Object.values(run.series).map(([steps]) => steps[steps.length - 1]);
  return ends.length ? Math.max(...ends) : null;
}

// Take the server's news in; true where they are of another server, so that all has to be loaded again.
export function take(news) {
  const isFirst = state.session !== news.session;
  if (isFirst) {
    const hidden = new Set(state.runs.filter((run) => !run.shown).map((run) => run.name));
    state.runs = news.runs.map((run, index) => ({ index, shown: !hidden.has(run.name), series: {},
      phases: { steps: [], seconds: {} }, loaded: -1, seen: null, range: null, had: -1 }));
    Object.assign(state, { session: news.session, plots: news.plots });
  }
  news.runs.forEach((run, index) => Object.assign(state.runs[index], run));
  return isFirst;
}
