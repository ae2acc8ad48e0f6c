// Small builders: text is always set as text, never as markup.

export const $ = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const color = (index) => css(`--c${index % 8}`);
export const number = (value) => (value === null || value === undefined ? "–" : Number(value.toPrecision(5)).toString());

export async function get(path, parameters = {}) {
  const answer = await fetch(`api/${path}?${new URLSearchParams(parameters)}`);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}
