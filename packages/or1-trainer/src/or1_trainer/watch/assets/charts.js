// Charts of all runs with a common pointer and a common range of steps, and the phases of each run's steps.

import { $, color, css, el, number } from "./dom.js";
import { load, state } from "./runs.js";

const HEIGHT = 210;
const DASHES = [[], [6, 4], [2, 3]];
const isLogByTitle = {};
export let charts = [];

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
  await Promise.all(state.runs.map(load));
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
    id: plot.title, title: plot.title, caption: plot.caption, parent: "plots", isLog: Boolean(isLogByTitle[plot.title]), hasLog: true,
    series: lines.map(({ label, stroke, dash }) => ({ label, stroke, dash, width: 1.5, value: (u, value) => number(value) })),
    data: plotData(lines, isLogByTitle[plot.title]),
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

export function showCharts() {
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
    isLogByTitle[chart.id] = !chart.isLog;
    showCharts();
  } }, "log");
  const card = el("div", { class: "card", "data-chart": chart.id },
    el("header", {}, el("h3", {}, chart.title), chart.hasLog ? log : null), el("p", { class: "quiet" }, chart.caption));
  $(chart.parent).append(card);
  return new uPlot(options(chart.series, chart.isLog, Math.max(200, card.clientWidth - 28)), chart.data, card);
}

export function resize() {
  charts.forEach(({ u }) => u.setSize({ width: Math.max(200, u.root.parentElement.clientWidth - 28), height: HEIGHT }));
}
