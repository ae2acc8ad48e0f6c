// The page of `or1-eval view`. Data come as scripts, so that the page opens from a file as well as from a server.
"use strict";

const DATA = window.OR1_OVERVIEW;
const COLORS = ["#1f6feb", "#d29922", "#1a7f4b", "#b3261e", "#6639ba", "#57606a"];
const DELIMITERS = [
  { left: "$$", right: "$$", display: true },
  { left: "\\[", right: "\\]", display: true },
  { left: "\\(", right: "\\)", display: false },
  { left: "$", right: "$", display: false },
];
const state = { task: 0, problem: null, run: 0, sample: null, sort: "order", down: false, source: false };
const loaded = {};

window.OR1 = {
  add(name, problem) {
    loaded[name].resolve(problem);
  },
};

/* ---- small builders: text is always set as text, never as markup ---- */

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const $ = (id) => document.getElementById(id);
const percent = (value) => (value === null ? "-" : (100 * value).toFixed(1));
const signed = (value) => (value === null ? "-" : (value > 0 ? "+" : "") + (100 * value).toFixed(1));
const task = () => DATA.tasks[state.task];

/* ---- one problem's file, loaded when it is opened ---- */

function load(name) {
  if (!loaded[name]) {
    loaded[name] = {};
    loaded[name].promise = new Promise((resolve, reject) => {
      loaded[name].resolve = resolve;
      document.head.append(el("script", { src: `data/${name}.js` }));
      document.head.lastChild.addEventListener("error", () => reject(new Error(`data/${name}.js is missing`)));
    });
  }
  return loaded[name].promise;
}

/* ---- a text with formulas; code blocks stay as they are ---- */

const MATH_OR_BOX = /\\\$|\$\$[\s\S]*?\$\$|\\\[[\s\S]*?\\\]|\\\([\s\S]*?\\\)|\$[^$]+\$|\\(?:boxed|fbox)\s*\{/g;

function closingBrace(text, start) {
  for (let i = start, depth = 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return i;
  }
  return -1;
}

/* Models often write \boxed{...} in plain text: it becomes a formula of its own, words in it stay words. */
function withBoxesAsMath(text) {
  let out = "", done = 0;
  for (const match of text.matchAll(MATH_OR_BOX)) {
    if (!match[0].endsWith("{") || match.index < done) continue;
    const start = match.index + match[0].length, end = closingBrace(text, start);
    if (end < 0) continue;
    const content = text.slice(start, end).replace(/(?<!\\)\$/g, "");
    const shown = /^[A-Za-z][\w ,.'-]* [\w ,.'-]*$/.test(content) ? `\\text{${content}}` : content;
    out += `${text.slice(done, match.index)}\\(\\boxed{${shown}}\\)`;
    done = end + 1;
  }
  return out + text.slice(done);
}

function renderedText(text) {
  const box = el("div", { class: "text" });
  if (state.source) {
    box.append(el("div", { class: "plain" }, text));
    return box;
  }
  text.split(/(```[\s\S]*?(?:```|$))/).forEach((part) => {
    if (part.startsWith("```")) box.append(el("pre", {}, part.replace(/^```.*\n?/, "").replace(/```$/, "")));
    else if (part) box.append(el("span", {}, withBoxesAsMath(part)));
  });
  renderMathInElement(box, {
    delimiters: DELIMITERS, throwOnError: false, strict: "ignore", trust: false, maxExpand: 200, ignoredTags: ["pre", "code"],
  });
  return box;
}

function response(text) {
  const end = text.lastIndexOf("</think>");
  const isOpen = end < 0 && text.trimStart().startsWith("<think>");
  if (end < 0 && !isOpen) return el("div", { class: "box answer" }, renderedText(text));
  const reasoning = (isOpen ? text : text.slice(0, end)).replace(/^\s*<think>/, "");
  const rest = isOpen ? "" : text.slice(end + "</think>".length).trim();
  const fold = el("details", { class: "reasoning" },
    el("summary", {}, `reasoning, ${reasoning.length.toLocaleString("en")} characters${isOpen ? ", never closed" : ""}`));
  fold.addEventListener("toggle", () => {
    if (fold.open && fold.children.length === 1) fold.append(el("div", { class: "box" }, renderedText(reasoning.trim())));
  });
  return el("div", {}, fold, el("div", { class: "box answer" }, renderedText(rest)));
}

/* ---- the sample that is shown ---- */

function testRow(test, index) {
  return el("tr", {}, el("td", { class: test.status === "passed" ? "correct" : "wrong" }, `${index + 1} ${test.status}`),
    el("td", {}, test.input), el("td", {}, test.expected), el("td", {}, test.got || test.stderr || test.limit));
}

function testsTable(tests) {
  const failing = tests.map((test, index) => [test, index]).filter(([test]) => test.status !== "passed");
  if (!failing.length) return el("p", { class: "quiet" }, `all ${tests.length} tests passed`);
  return el("div", { class: "wide" }, el("table", { class: "tests" },
    el("tr", {}, ...["failing test", "input", "expected", "got"].map((name) => el("th", {}, name))),
    ...failing.map(([test, index]) => testRow(test, index))));
}

function sampleView(sample) {
  const facts = [sample.tokens >= 0 ? `${sample.tokens.toLocaleString("en")} tokens` : null,
    `ended by ${sample.finish}`, `seed ${sample.seed}`].filter((fact) => fact).join(", ");
  const answer = sample.extracted === null || sample.tests ? null : el("span", {}, "answer ", el("b", {}, sample.extracted));
  return el("div", { id: "sample" },
    el("div", { class: "row" }, el("b", { class: sample.status }, sample.status || "not judged"), answer,
      el("span", { class: "quiet" }, facts)),
    sample.detail ? el("p", { class: "quiet text", id: "reason" }, sample.detail) : null,
    sample.tests ? testsTable(sample.tests) : null,
    response(sample.text));
}

/* ---- one problem ---- */

function chips(problem, run) {
  const wanted = $("verdict").value;
  const shown = problem.samples[run].filter((sample) => !wanted || sample.status === wanted);
  return el("div", { class: "chips", "data-run": run }, ...shown.map((sample) =>
    el("button", { type: "button", class: sample.status, title: sample.status, "data-sample": sample.index,
      "aria-pressed": String(run === state.run && sample.index === state.sample),
      onclick: () => go({ run, sample: sample.index }) }, String(sample.index))));
}

async function showDetail() {
  const detail = $("detail");
  document.querySelector("main").classList.toggle("open", state.problem !== null);
  detail.hidden = state.problem === null;
  if (state.problem === null) return;
  const name = `t${state.task}/p${state.problem}`;
  let problem;
  try {
    problem = await load(name);
  } catch (error) {
    detail.replaceChildren(el("p", { class: "note" }, error.message));
    return;
  }
  if (name !== `t${state.task}/p${state.problem}`) return; // another one was opened meanwhile
  const of_run = problem.samples[state.run] || [];
  const sample = of_run.find((one) => one.index === state.sample);
  detail.replaceChildren(
    el("button", { type: "button", class: "close", onclick: () => go({ problem: null, sample: null }) }, "close"),
    el("h2", {}, problem.id),
    el("div", { class: "box", id: "prompt" }, renderedText(problem.prompt)),
    el("p", { class: "quiet" }, `expected ${problem.truth}`),
    ...DATA.runs.map((run, index) => el("div", {}, DATA.runs.length > 1 ? el("b", {}, run) : null, chips(problem, index))),
    el("label", { class: "quiet" }, sourceBox(), " show the source"),
    sample ? sampleView(sample) : el("p", { class: "quiet" }, "choose a sample"));
}

function sourceBox() {
  const box = el("input", { type: "checkbox", id: "source" });
  box.checked = state.source;
  box.addEventListener("change", () => { state.source = box.checked; showDetail(); });
  return box;
}

/* ---- the table of problems ---- */

function columns() {
  const runs = DATA.runs.map((run, index) => index).filter((index) => task().runs[index]);
  const found = [{ key: "order", name: "problem", value: (p, index) => index }];
  for (const run of runs) {
    found.push({ key: `acc${run}`, run, name: DATA.runs.length > 1 ? DATA.runs[run] : "right", value: (p) => p.runs[run]?.accuracy ?? -1 });
  }
  for (const run of runs.filter((index) => index > 0 && task().runs[0])) {
    found.push({ key: `diff${run}`, diff: run, name: `${DATA.runs[run]} - ${DATA.runs[0]}`, value: (p) => difference(p, run) ?? -9 });
  }
  found.push({ key: "cut", name: "cut off", value: (p) => cut(p) });
  return found;
}

function difference(problem, run) {
  const [first, other] = [problem.runs[0], problem.runs[run]];
  if (!first || !other || first.accuracy === null || other.accuracy === null) return null;
  return Math.round(1e4 * (other.accuracy - first.accuracy)) / 1e4; // equal differences sort as equal
}

const cut = (problem) => problem.runs.reduce((sum, run) => sum + (run ? run.cut : 0), 0);

function isShown(problem) {
  const [words, verdict, solved] = [$("search").value.toLowerCase(), $("verdict").value, $("solved").value];
  const runs = problem.runs.filter((run) => run && run.graded);
  if (words && !`${problem.id} ${problem.text}`.toLowerCase().includes(words)) return false;
  if (verdict && !runs.some((run) => run.statuses[verdict])) return false;
  if (solved === "none") return runs.every((run) => run.correct === 0);
  if (solved === "all") return runs.every((run) => run.correct === run.graded);
  if (solved === "some") return runs.some((run) => run.correct > 0 && run.correct < run.graded);
  if (solved === "differs") return new Set(runs.map((run) => run.accuracy)).size > 1;
  return true;
}

function cell(column, problem) {
  if (column.key === "order") return el("td", { class: "name" }, problem.id, el("small", {}, problem.text));
  if (column.diff !== undefined) return el("td", {}, signed(difference(problem, column.diff)));
  if (column.key === "cut") return el("td", {}, String(cut(problem) || ""));
  const run = problem.runs[column.run];
  if (!run) return el("td", {}, "-");
  const bar = el("i");
  bar.style.width = `${100 * (run.accuracy || 0)}%`;
  return el("td", {}, el("span", { class: "bar" }, bar), `${run.correct}/${run.graded}`);
}

function showProblems() {
  const all = columns();
  const by = all.find((column) => column.key === state.sort) || all[0];
  const rows = task().problems.map((problem, index) => ({ problem, index })).filter((row) => isShown(row.problem));
  rows.sort((a, b) => (by.value(a.problem, a.index) - by.value(b.problem, b.index)) * (state.down ? -1 : 1) || a.index - b.index);
  $("count").textContent = `${rows.length} of ${task().problems.length} problems`;
  $("problems").tHead.replaceChildren(el("tr", {}, ...all.map((column) =>
    el("th", { "aria-sort": by !== column ? "none" : state.down ? "descending" : "ascending" },
      el("button", { type: "button", "data-sort": column.key, onclick: () => sortBy(column.key) },
        column.name + (by !== column ? "" : state.down ? " ↓" : " ↑"))))));
  $("problems").tBodies[0].replaceChildren(...rows.map(({ problem, index }) =>
    el("tr", { tabindex: 0, "data-problem": problem.id, class: index === state.problem ? "current" : null,
      onclick: () => openProblem(index) }, ...all.map((column) => cell(column, problem)))));
}

function sortBy(key) {
  state.down = state.sort === key ? !state.down : false;
  state.sort = key;
  showProblems();
}

function openProblem(index) {
  const run = task().problems[index].runs.findIndex((one) => one);
  const wanted = $("verdict").value;
  go({ problem: index, run: Math.max(run, 0), sample: null });
  load(`t${state.task}/p${index}`).then((problem) => {
    for (const [number, samples] of problem.samples.entries()) {
      const first = samples.find((sample) => !wanted || sample.status === wanted);
      if (first && state.problem === index && state.sample === null) go({ run: number, sample: first.index });
    }
  }, () => {});
}

/* ---- the numbers of a task ---- */

function curve() {
  const runs = task().runs.map((run, index) => ({ run, index })).filter(({ run }) => run && run.pass.length > 1);
  if (!runs.length) return null;
  const [W, H, L, B] = [420, 160, 36, 24];
  const most = Math.max(...runs.map(({ run }) => run.pass[run.pass.length - 1][0]));
  const x = (j) => L + (W - L - 12) * (most > 1 ? Math.log2(j) / Math.log2(most) : 0);
  const y = (value) => 6 + (H - B - 6) * (1 - value);
  const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, width: W, id: "pass-curve", role: "img", "aria-label": "pass@k" });
  for (const level of [0, 0.5, 1]) {
    picture.append(svg("line", { x1: L, x2: W - 12, y1: y(level), y2: y(level), stroke: "var(--line)" }),
      svg("text", { x: L - 5, y: y(level) + 4, "text-anchor": "end" }, `${100 * level}%`));
  }
  for (const j of [...new Set(runs.flatMap(({ run }) => run.pass.map(([k]) => k)))]) {
    picture.append(svg("text", { x: x(j), y: H - 6, "text-anchor": "middle" }, String(j)));
  }
  for (const { run, index } of runs) {
    const points = run.pass.map(([j, value]) => `${x(j)},${y(value)}`).join(" ");
    picture.append(svg("polyline", { points, fill: "none", stroke: COLORS[index % COLORS.length], "stroke-width": 2 }));
    for (const [j, value, low, high] of run.pass) {
      const title = `${DATA.runs[index]}: pass@${j} ${percent(value)} [${percent(low)}, ${percent(high)}]`;
      picture.append(svg("circle", { cx: x(j), cy: y(value), r: 3.5, fill: COLORS[index % COLORS.length] }, svg("title", {}, title)));
    }
  }
  return el("figure", { style: "margin: .6rem 0" }, picture, el("figcaption", { class: "quiet" }, "pass@k over k"));
}

function summaryRow(run, index) {
  const compared = task().comparisons[index];
  const name = el("td", {}, el("span", { style: `color:${COLORS[index % COLORS.length]}` }, "● "), DATA.runs[index]);
  if (!run) return el("tr", {}, name, el("td", { colspan: 6 }, "not in this run"));
  return el("tr", {}, name, el("td", {}, run.label), el("td", {}, el("b", {}, percent(run.avg))),
    el("td", {}, `${percent(run.low)} to ${percent(run.high)}`), el("td", {}, percent(run.truncated)),
    el("td", {}, run.tokens === null ? "-" : Math.round(run.tokens).toLocaleString("en")),
    el("td", {}, compared ? `${signed(compared.difference)} [${signed(compared.low)}, ${signed(compared.high)}], p ${compared.p.toFixed(3)}` : ""));
}

function showSummary() {
  const names = ["run", "", "avg@k", "95% interval", "cut off %", "tokens", DATA.runs.length > 1 ? "against the first, paired" : ""];
  const notes = task().runs.flatMap((run, index) => (run ? [...run.notes, ...(task().comparisons[index]?.cautions || [])].map((note) =>
    el("p", { class: "note" }, DATA.runs.length > 1 ? `${DATA.runs[index]}: ${note}` : note)) : []));
  const facts = task().runs.map((run, index) => (run ? el("details", {}, el("summary", {}, `what ${DATA.runs[index]} rests on`),
    el("table", {}, ...run.facts.map(([name, text]) => el("tr", {}, el("td", {}, name), el("td", { class: "name" }, text))))) : null));
  $("summary").replaceChildren(
    el("div", { class: "wide" }, el("table", {}, el("tr", {}, ...names.map((name) => el("th", {}, name))), ...task().runs.map(summaryRow))),
    ...[curve(), ...notes, ...facts].filter((node) => node));
}

function showTask() {
  $("tasks").replaceChildren(...DATA.tasks.map((one, index) => el("button", { type: "button",
    "aria-pressed": String(index === state.task), onclick: () => go({ task: index, problem: null, sample: null }) }, one.name)));
  const statuses = new Set(task().problems.flatMap((p) => p.runs.flatMap((run) => (run ? Object.keys(run.statuses) : []))));
  const before = $("verdict").value;
  $("verdict").replaceChildren(el("option", { value: "" }, "any verdict"),
    ...[...statuses].sort().map((status) => el("option", { value: status }, status)));
  $("verdict").value = statuses.has(before) ? before : "";
  showSummary();
}

/* ---- what is shown is in the address, so that it can be sent to somebody ---- */

function go(change) {
  Object.assign(state, change);
  const parts = [task().name];
  if (state.problem !== null) parts.push(task().problems[state.problem].id);
  if (state.problem !== null && state.sample !== null) parts.push(DATA.runs[state.run], String(state.sample));
  const address = "#" + parts.map(encodeURIComponent).join("/");
  if (location.hash !== address) history.pushState(null, "", address);
  show(change);
}

function readAddress() {
  const [name, id, run, sample] = location.hash.slice(1).split("/").map(decodeURIComponent);
  state.task = Math.max(DATA.tasks.findIndex((one) => one.name === name), 0);
  const problem = task().problems.findIndex((one) => one.id === id);
  state.problem = problem < 0 ? null : problem;
  state.run = Math.max(DATA.runs.indexOf(run), 0);
  state.sample = sample === undefined ? null : Number(sample);
}

function show(change = { task: 0 }) {
  if ("task" in change) showTask();
  showProblems();
  showDetail();
}

function nextSample(step) {
  const buttons = [...document.querySelectorAll(".chips button")];
  const current = buttons.findIndex((button) => button.getAttribute("aria-pressed") === "true");
  buttons[current + step]?.click();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

$("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
$("filters").addEventListener("submit", (event) => event.preventDefault());
for (const event of ["input", "change"]) $("filters").addEventListener(event, () => { showProblems(); showDetail(); });
addEventListener("keydown", (event) => {
  if (["INPUT", "SELECT"].includes(event.target.tagName)) return;
  if (event.key === "ArrowRight") nextSample(1);
  if (event.key === "ArrowLeft") nextSample(-1);
  if (event.key === "Escape") go({ problem: null, sample: null });
  if (event.key === "Enter" && event.target.dataset.problem !== undefined) event.target.click();
});
addEventListener("popstate", () => { readAddress(); show(); });
readAddress();
show();
