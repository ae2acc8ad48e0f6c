// The page of `or1-trainer watch`. Data come from the server's /api; /api/events says when there is more.
"use strict";

const HEIGHT = 210;
const LIMIT = 50;
const DASHES = [[], [6, 4], [2, 3]];
const state = { session: "", runs: [], plots: [], range: null, log: {}, offset: 0, current: null };
let charts = [];

/* ---- small builders: text is always set as text, never as markup ---- */

const $ = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const color = (index) => css(`--c${index % 8}`);
const number = (value) => (value === null || value === undefined ? "–" : Number(value.toPrecision(5)).toString());

async function get(path, parameters = {}) {
  const answer = await fetch(`api/${path}?${new URLSearchParams(parameters)}`);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/* ---- runs: what is loaded of each ---- */

async function load(index) {
  const run = state.runs[index];
  const isMore = run.loaded === run.generation && state.range === null && run.range === null && run.seen !== null;
  const window_ = state.range ? { low: Math.floor(state.range[0]), high: Math.ceil(state.range[1]) } : {};
  const found = await get("points", { run: index, ...(isMore ? { low: run.seen + 1 } : window_) });
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

async function onState(news) {
  const isFirst = state.session !== news.session;
  if (isFirst) {
    const hidden = new Set(state.runs.filter((run) => !run.shown).map((run) => run.name));
    state.runs = news.runs.map((run) => ({ shown: !hidden.has(run.name), series: {}, phases: { steps: [], seconds: {} },
      loaded: -1, seen: null, range: null, had: -1 }));
    Object.assign(state, { session: news.session, plots: news.plots });
  }
  news.runs.forEach((run, index) => Object.assign(state.runs[index], run));
  const changed = state.runs.map((run, index) => index).filter((index) => {
    const run = state.runs[index];
    return run.loaded !== run.generation || run.had !== run.rows;
  });
  await Promise.all(changed.map(async (index) => { await load(index); state.runs[index].had = state.runs[index].rows; }));
  if (isFirst) showRuns();
  showMessages();
  showAlarms();
  showCharts();
}

/* ---- charts ---- */

function lines(plot) {
  const isSingle = state.runs.filter((run) => run.shown).length === 1;
  return state.runs.flatMap((run, r) => plot.lines.map(([key, label], l) => ({ run, r, l, key, label })))
    .filter((line) => line.run.shown && line.run.series[line.key])
    .map((line) => ({ table: line.run.series[line.key], dash: DASHES[isSingle ? 0 : line.l % 3],
      stroke: color(isSingle ? line.r + line.l : line.r), label: isSingle ? line.label : `${line.run.name} · ${line.label}` }));
}

function plotData(found, isLog) {
  const tables = found.map(({ table: [steps, values] }) =>
    [steps, isLog ? values.map((value) => (value > 0 ? value : null)) : values]);
  return uPlot.join(tables);
}

function axis(extra) {
  return { stroke: css("--quiet"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 },
    font: "11px system-ui", ...extra };
}

function options(series, isLog, width) {
  const passed = (type) => ["mousemove", "mouseenter", "mouseleave"].includes(type);
  return {
    width, height: HEIGHT, series: [{ label: "step" }, ...series],
    scales: { x: { time: false, range: (u, low, high) => state.range ?? (low === high ? [low - 1, high + 1] : [low, high]) },
      y: { distr: isLog ? 3 : 1 } },
    axes: [axis({ size: 30 }), axis({ size: 62, values: (u, splits) => splits.map((value) => (value === null ? "" : number(value))) })],
    cursor: { sync: { key: "steps", filters: { pub: passed, sub: passed } }, drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => () => zoom(null) }, points: { size: 6 } },
    hooks: { draw: [drawAlarms], setSelect: [onSelect] },
  };
}

function onSelect(u) {
  const { left, width } = u.select;
  u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  if (width > 4) zoom([u.posToVal(left, "x"), u.posToVal(left + width, "x")]);
}

async function zoom(range) {
  state.range = range;
  await Promise.all(state.runs.map((run, index) => load(index)));
  showCharts();
}

function drawAlarms(u) {
  const context = u.ctx;
  context.save();
  context.strokeStyle = context.fillStyle = css("--bad");
  context.setLineDash([3, 3]);
  for (const { step } of state.runs.filter((run) => run.shown).flatMap((run) => run.alarms)) {
    if (step < u.scales.x.min || step > u.scales.x.max) continue;
    const x = u.valToPos(step, "x", true);
    context.beginPath();
    context.moveTo(x, u.bbox.top);
    context.lineTo(x, u.bbox.top + u.bbox.height);
    context.stroke();
    context.fillText("▲", x - 4, u.bbox.top + u.bbox.height);
  }
  context.restore();
}

// A chart: where it is, its lines as [label, ...] to see whether it must be built anew, its series and its data.
function wantedCharts() {
  const found = state.plots.map((plot) => ({ plot, lines: lines(plot) })).filter(({ lines }) => lines.length);
  const plots = found.map(({ plot, lines }) => ({
    id: plot.title, title: plot.title, caption: plot.caption, parent: "plots", isLog: Boolean(state.log[plot.title]), hasLog: true,
    series: lines.map(({ label, stroke, dash }) => ({ label, stroke, dash, width: 1.5, value: (u, value) => number(value) })),
    data: plotData(lines, state.log[plot.title]),
  }));
  return [...plots, ...state.runs.filter((run) => run.shown && run.phases.steps.length).map(phaseChart)];
}

function phaseChart(run) {
  const names = Object.keys(run.phases.seconds).filter((name) => run.phases.seconds[name].some((value) => value > 0));
  const tops = names.map((name, first) => run.phases.steps.map((step, index) =>
    names.slice(first).reduce((sum, other) => sum + run.phases.seconds[other][index], 0)));
  const series = names.map((name, index) => ({ label: name, stroke: color(index), fill: color(index), width: 0,
    points: { show: run.phases.steps.length === 1 }, paths: uPlot.paths.stepped({ align: 1 }),
    value: (u, value, position, at) => (at === null || at === undefined ? "–" : `${number(run.phases.seconds[name][at])} s`) }));
  return { id: `phases of ${run.name}`, title: run.name, caption: "Seconds per step, stacked by phase.", parent: "phases",
    isLog: false, hasLog: false, series, data: [run.phases.steps, ...tops] };
}

function showCharts() {
  const wanted = wantedCharts();
  const signature = (chart) => JSON.stringify([chart.id, chart.isLog, chart.series.map(({ label, stroke }) => [label, stroke])]);
  const isSame = wanted.length === charts.length && wanted.every((chart, index) => signature(chart) === charts[index].signature);
  if (!isSame) {
    charts.forEach(({ u }) => u.destroy());
    $("plots").replaceChildren();
    $("phases").replaceChildren();
    charts = wanted.map((chart) => ({ signature: signature(chart), u: built(chart) }));
  } else {
    wanted.forEach((chart, index) => {
      const { u } = charts[index];
      chart.series.forEach((series, s) => { u.series[s + 1].value = series.value; });
      u.setData(chart.data);
    });
  }
  if (!wanted.length) $("plots").replaceChildren(el("p", { class: "quiet" }, "No steps yet; they will appear here."));
}

function built(chart) {
  const log = el("button", { type: "button", "aria-pressed": String(chart.isLog), onclick: () => {
    state.log[chart.id] = !chart.isLog;
    showCharts();
  } }, "log");
  const card = el("div", { class: "card", "data-chart": chart.id },
    el("header", {}, el("h3", {}, chart.title), chart.hasLog ? log : null), el("p", { class: "quiet" }, chart.caption));
  $(chart.parent).append(card);
  return new uPlot(options(chart.series, chart.isLog, Math.max(200, card.clientWidth - 28)), chart.data, card);
}

/* ---- runs, messages, alarms ---- */

function showRuns() {
  $("runs").replaceChildren(...state.runs.map((run, index) => el("label", {},
    el("input", { type: "checkbox", checked: run.shown, "data-run": index, onchange: (event) => {
      run.shown = event.target.checked;
      showAlarms();
      showCharts();
    } }), el("i", { class: "swatch", style: `background: var(--c${index % 8})` }), run.name)));
  const select = $("filters").elements.run;
  select.replaceChildren(...state.runs.map((run, index) => el("option", { value: index }, run.name)));
  document.title = `OR1 · ${state.runs.map((run) => run.name).join(", ")}`;
}

function showMessages(more = []) {
  const texts = [...state.runs.flatMap((run) => run.messages), ...more];
  $("messages").replaceChildren(...texts.map((text) => el("p", { class: "note" }, text)));
}

function showAlarms() {
  const rows = state.runs.filter((run) => run.shown).flatMap((run) => run.alarms.map((alarm) =>
    el("li", {}, `${run.name}, step ${alarm.step}: ${alarm.name}: ${alarm.text}`)));
  $("alarms").replaceChildren(...(rows.length ? rows : [el("li", { class: "quiet" }, "none")]));
}

/* ---- rollouts ---- */

async function showRollouts() {
  const form = new FormData($("filters"));
  const given = [...form.entries()].filter(([, value]) => value !== "");
  const asked = JSON.stringify([given, state.offset]);
  state.asked = asked;
  const page = await get("rollouts", { ...Object.fromEntries(given), offset: state.offset, limit: LIMIT });
  if (state.asked !== asked) return; // a later question is on its way
  showMessages(page.messages);
  const status = $("filters").elements.status;
  if (status.options.length !== page.statuses.length + 1) {
    const chosen = status.value;
    status.replaceChildren(el("option", { value: "" }, "any verdict"),
      ...page.statuses.map((name) => el("option", { value: name }, name.replaceAll("_", " "))));
    status.value = chosen;
  }
  const last = Math.min(state.offset + LIMIT, page.total);
  $("count").textContent = page.all === 0 ? "No rollouts are kept in this run (yet)."
    : `${page.total ? state.offset + 1 : 0} to ${last} of ${page.total.toLocaleString("en")}`;
  $("previous").disabled = state.offset === 0;
  $("next").disabled = last >= page.total;
  $("table").tBodies[0].replaceChildren(...page.rows.map(rolloutRow));
}

function rolloutRow(row) {
  const cells = [row.step, row.problem_id, row.status.replaceAll("_", " "), row.advantage === null ? "–" : row.advantage.toFixed(2),
    row.num_tokens, row.finish_reason, row.beginning];
  return el("tr", { "data-at": `${row.step}:${row.number}`, onclick: (event) => {
    document.querySelectorAll("#table tr.current").forEach((other) => other.classList.remove("current"));
    event.currentTarget.classList.add("current");
    showDetail(row);
  } }, ...cells.map((cell, index) => el("td", index === 2 ? { class: row.status } : {}, String(cell))));
}

async function showDetail(row) {
  const own = Number($("filters").elements.run.value);
  const sides = await get("problem", { problem: row.problem_id, near: row.step });
  const shown = sides[own].responses.find((response) => response.step === row.step && response.number === row.number);
  $("detail").replaceChildren(el("h2", {}, `Problem ${row.problem_id}`),
    el("pre", { class: "card", id: "prompt" }, shown ? shown.prompt : ""),
    el("div", { class: "sides" }, ...sides.map((side, index) => sideOf(side, index === own ? shown : side.responses[0], index))));
  $("detail").scrollIntoView({ block: "nearest" });
}

function sideOf(side, chosen, index) {
  const box = el("div", { class: "card", "data-side": index });
  const show = (response) => box.replaceChildren(el("h3", {}, el("i", { class: "swatch", style: `background: var(--c${index % 8})` }),
    side.name, response ? `, step ${response.step}` : ""),
  ...(response ? [el("div", { class: "chips" }, ...side.responses.map((other, place) => el("button", { type: "button",
    class: other.status, "aria-pressed": String(other === response), onclick: () => show(other) }, `${place + 1}`))),
  ...responseOf(response)] : [el("p", { class: "quiet" }, "No response to this problem is kept.")]));
  show(chosen);
  return box;
}

function responseOf(response) {
  const advantage = response.advantage === null ? "not trained on" : `advantage ${response.advantage.toFixed(2)}`;
  const caption = el("p", {}, el("b", { class: response.status }, response.status.replaceAll("_", " ")),
    el("span", { class: "quiet" }, ` ${advantage} · ${response.num_tokens} tokens · ${response.finish_reason}`));
  if (!response.tokens) {
    return [caption, el("p", { class: "quiet" }, "Not kept token by token (watch.token_groups)."), el("pre", {}, response.response)];
  }
  const logprobs = response.logprobs ?? [];
  return [caption, el("p", { class: "quiet" }, "The redder, the less probable the token was to the engine; 5 nats and more are full red."),
    el("pre", {}, ...response.tokens.map((token, index) => tokenOf(token, logprobs[index])))];
}

function tokenOf(token, logprob) {
  if (logprob === null || logprob === undefined) return el("span", { class: "token", title: "no log-prob" }, token);
  const share = Math.min(1, -logprob / 5);
  return el("span", { class: "token", style: `background: rgb(220 40 40 / ${(0.75 * share).toFixed(3)})`, "data-logprob": logprob,
    title: `log-prob ${logprob} · probability ${number(Math.exp(logprob))}` }, token);
}

/* ---- start ---- */

function showTab(name) {
  for (const tab of document.querySelectorAll("[data-tab]")) {
    tab.setAttribute("aria-pressed", String(tab.dataset.tab === name));
    $(tab.dataset.tab).hidden = tab.dataset.tab !== name;
  }
  if (name === "rollouts") run(showRollouts);
  else resize();
}

function resize() {
  charts.forEach(({ u }) => u.setSize({ width: Math.max(200, u.root.parentElement.clientWidth - 28), height: HEIGHT }));
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  if (charts.length) showCharts(); // other colors, so they are built anew
}

// A request that fails is shown, not thrown away.
function run(work) {
  work().catch((error) => { $("status").textContent = error.message; });
}

let pending = Promise.resolve();
const events = new EventSource("api/events");
events.onmessage = (event) => {
  const news = JSON.parse(event.data);
  pending = pending.then(() => onState(news)).then(() => { $("status").textContent = "live"; },
    (error) => { $("status").textContent = error.message; });
};
events.onerror = () => { $("status").textContent = "no connection to the server; trying again"; };

const dark = window.matchMedia("(prefers-color-scheme: dark)");
setTheme(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
$("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
document.querySelectorAll("[data-tab]").forEach((tab) => tab.addEventListener("click", () => showTab(tab.dataset.tab)));
let waiting = 0;
$("filters").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { state.offset = 0; run(showRollouts); }, 150);
});
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("previous").addEventListener("click", () => { state.offset = Math.max(0, state.offset - LIMIT); run(showRollouts); });
$("next").addEventListener("click", () => { state.offset += LIMIT; run(showRollouts); });
window.addEventListener("resize", resize);
