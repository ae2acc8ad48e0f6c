// The list of runs, their messages and their alarms.

import { showCharts } from "./charts.js";
import { $, el } from "./dom.js";
import { state } from "./runs.js";

export function showRuns() {
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

export function showMessages(more = []) {
  const texts = [...state.runs.flatMap((run) => run.messages), ...more];
  $("messages").replaceChildren(...texts.map((text) => el("p", { class: "note" }, text)));
}

export function showAlarms() {
  const rows = state.runs.filter((run) => run.shown).flatMap((run) => run.alarms.map((alarm) =>
    el("li", {}, `${run.name}, step ${alarm.step}: ${alarm.name}: ${alarm.text}`)));
  $("alarms").replaceChildren(...(rows.length ? rows : [el("li", { class: "quiet" }, "none")]));
}
