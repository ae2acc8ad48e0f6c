// A response token by token, in colors of a number: of the engine that sampled it, or of the policy that learned from it.

import { el, number } from "./dom.js";

const RED = "220 40 40";
const BLUE = "40 90 220";

// A coloring: its numbers of a response, and for each number the color and its strength from 0 to 1.
const byLogprob = (value) => [RED, -value / 5];
const around = (value, width) => [value > 0 ? BLUE : RED, Math.abs(value) / width];
const engine = (response) => response.logprobs ?? [];
const policy = (response) => response.policy.logprobs;

export const COLORINGS = {
  engine: { label: "engine", of: engine, color: byLogprob,
    caption: "The redder, the less probable the token was to the engine; 5 nats and more are full red." },
  policy: { label: "policy", of: policy, color: byLogprob,
    caption: "The redder, the less probable the token was to the policy at the update; 5 nats and more are full red." },
  both: { label: "both policies", of: engine, color: byLogprob,
    caption: "Log-prob of the engine's policy, which sampled, on the left, and of the trained policy on the right." },
  entropy: { label: "entropy", of: (response) => response.policy.entropies, color: (value) => [BLUE, value / 3],
    caption: "The bluer, the more open the policy's choice was; 3 nats and more are full blue." },
  ratio: { label: "ratio", of: (response) => response.policy.ratios, color: (value) => around(Math.log(value), Math.LN2),
    caption: "Ratio of the loss: blue above 1, red below; twice and half are full. Clipped tokens are underlined." },
};

export function tokensOf(response, name) {
  if (name !== "both") return [text(response, COLORINGS[name])];
  return [el("div", { class: "sides" }, text(response, COLORINGS.engine), text(response, COLORINGS.policy))];
}

function text(response, coloring) {
  const values = coloring.of(response);
  const clipped = new Set(response.policy ? response.policy.clipped : []);
  return el("pre", {}, ...response.tokens.map((token, index) => {
    const value = values[index] ?? null;
    const [rgb, strength] = value === null ? [RED, 0] : coloring.color(value);
    return el("span", { class: clipped.has(index) ? "token clipped" : "token", "data-value": value,
      style: `background: rgb(${rgb} / ${(0.75 * Math.max(0, Math.min(1, strength))).toFixed(3)})`,
      title: titleOf(response, index, clipped.has(index)) }, token);
  }));
}

function titleOf(response, index, isClipped) {
  const { logprobs, policy: own } = response;
  const told = (name, values) => (values && values[index] !== null && values[index] !== undefined ? [`${name} ${number(values[index])}`] : []);
  const parts = [...told("engine's log-prob", logprobs), ...told("policy's log-prob", own?.logprobs),
    ...told("entropy", own?.entropies), ...told("ratio", own?.ratios), ...(isClipped ? ["clipped"] : [])];
  return parts.join(" · ") || "no log-prob";
}
