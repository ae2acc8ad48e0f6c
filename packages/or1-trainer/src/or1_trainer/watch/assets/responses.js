// The responses to one problem, each run's beside the other's, token by token where that is kept.

import { $, el, get } from "./dom.js";
import { COLORINGS, tokensOf } from "./tokens.js";

let coloring = "engine";

export async function showDetail(row) {
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
  ...responseOf(response, () => show(response))] : [el("p", { class: "quiet" }, "No response to this problem is kept.")]));
  show(chosen);
  return box;
}

function responseOf(response, again) {
  const advantage = response.advantage === null ? "not trained on" : `advantage ${response.advantage.toFixed(2)}`;
  const caption = el("p", {}, el("b", { class: response.status }, response.status.replaceAll("_", " ")),
    el("span", { class: "quiet" }, ` ${advantage} · ${response.num_tokens} tokens · ${response.finish_reason}`));
  if (!response.tokens) {
    return [caption, el("p", { class: "quiet" }, "Not kept token by token (watch.token_groups)."), el("pre", {}, response.response)];
  }
  const possible = Object.keys(COLORINGS).filter((name) => name === "engine" || response.policy);
  const current = possible.includes(coloring) ? coloring : "engine";
  const buttons = possible.map((name) => el("button", { type: "button", "data-coloring": name,
    "aria-pressed": String(name === current), onclick: () => { coloring = name; again(); } }, COLORINGS[name].label));
  const note = response.policy ? "" : " The policy's numbers are kept of responses that are trained on.";
  return [caption, el("div", { class: "chips" }, ...buttons), el("p", { class: "quiet" }, COLORINGS[current].caption + note),
    ...tokensOf(response, current)];
}
