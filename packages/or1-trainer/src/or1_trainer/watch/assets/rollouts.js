// The table of rollouts: filtered by the server. It scrolls over all that pass; only those near the view are loaded.

import { $, el, get } from "./dom.js";
import { showMessages } from "./overview.js";
import { showDetail } from "./responses.js";

const LOADED = 120;
const table = { offset: 0, total: 0, asked: "" };

// A change of the filters begins at the newest rollout.
export function filtered() {
  $("scroller").scrollTop = 0;
  return showRollouts(0);
}

// Scrolling loads others only where rows in the view are not there.
export async function scrolled() {
  const { scrollTop, clientHeight } = $("scroller");
  const [first, last] = [scrollTop, scrollTop + clientHeight].map((px) => Math.floor(px / rowHeight()));
  if (first < table.offset || Math.min(last + 1, table.total) > table.offset + LOADED) {
    await showRollouts(Math.max(0, first - Math.floor(LOADED / 3)));
  }
}

export async function showRollouts(offset = table.offset) {
  const given = [...new FormData($("filters")).entries()].filter(([, value]) => value !== "");
  const asked = JSON.stringify([given, offset]);
  table.asked = asked;
  const page = await get("rollouts", { ...Object.fromEntries(given), offset, limit: LOADED });
  if (table.asked !== asked) return; // a later question is on its way
  Object.assign(table, { offset, total: page.total });
  showMessages(page.messages);
  showStatuses(page.statuses);
  $("count").textContent = page.all === 0 ? "No rollouts are kept in this run (yet)."
    : `${page.total.toLocaleString("en")} of ${page.all.toLocaleString("en")} rollouts, the newest first`;
  showRows(page.rows);
}

function showStatuses(statuses) {
  const select = $("filters").elements.status;
  if (select.options.length === statuses.length + 1) return;
  const chosen = select.value;
  select.replaceChildren(el("option", { value: "" }, "any verdict"),
    ...statuses.map((name) => el("option", { value: name }, name.replaceAll("_", " "))));
  select.value = chosen;
}

// Empty rows above and below stand for those that are not loaded.
function showRows(rows) {
  const space = (count) => el("tr", { class: "space", style: `height: ${count * rowHeight()}px` });
  const below = table.total - table.offset - rows.length;
  $("table").tBodies[0].replaceChildren(space(table.offset), ...rows.map(rolloutRow), space(below));
}

const rowHeight = () => parseFloat(getComputedStyle($("table")).getPropertyValue("--row"));

function rolloutRow(row) {
  const cells = [row.step, row.problem_id, row.status.replaceAll("_", " "), row.advantage === null ? "–" : row.advantage.toFixed(2),
    row.num_tokens, row.finish_reason, row.beginning];
  return el("tr", { "data-at": `${row.step}:${row.number}`, onclick: (event) => {
    document.querySelectorAll("#table tr.current").forEach((other) => other.classList.remove("current"));
    event.currentTarget.classList.add("current");
    showDetail(row);
  } }, ...cells.map((cell, index) => el("td", index === 2 ? { class: row.status } : {}, String(cell))));
}
