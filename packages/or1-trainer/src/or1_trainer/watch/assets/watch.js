// The page of `or1-trainer watch`. Data come from the server's /api; /api/events says when there is more.

import { charts, resize, showCharts } from "./charts.js";
import { $ } from "./dom.js";
import { showAlarms, showMessages, showRuns } from "./overview.js";
import { filtered, scrolled, showRollouts } from "./rollouts.js";
import { load, state, take } from "./runs.js";

async function onState(news) {
  const isFirst = take(news);
  const changed = state.runs.filter((run) => run.loaded !== run.generation || run.had !== run.rows);
  await Promise.all(changed.map(async (run) => { await load(run); run.had = run.rows; }));
  if (isFirst) showRuns();
  showMessages();
  showAlarms();
  showCharts();
}

function showTab(name) {
  for (const tab of document.querySelectorAll("[data-tab]")) {
    tab.setAttribute("aria-pressed", String(tab.dataset.tab === name));
    $(tab.dataset.tab).hidden = tab.dataset.tab !== name;
  }
  if (name === "rollouts") run(showRollouts);
  else resize();
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  if (charts.length) showCharts(); // other colors, so they are built anew
}

// A request that fails is shown, not thrown away.
function run(work) {
  work().catch((error) => { $("status").textContent = error.message; });
}

// Calls in short succession are one: the first begins the wait, or with `restart` the last.
function gathered(work, wait_ms, { restart = false } = {}) {
  let waiting = null;
  return () => {
    if (waiting !== null && !restart) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => { waiting = null; run(work); }, wait_ms);
  };
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
$("filters").addEventListener("input", gathered(filtered, 150, { restart: true }));
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("scroller").addEventListener("scroll", gathered(scrolled, 30), { passive: true });
window.addEventListener("resize", resize);
