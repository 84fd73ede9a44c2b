/**
 * Whatever is shown enters the page as text: nodes are made here, and nothing reads markup.
 */

const SVG = "http://www.w3.org/2000/svg";

/** Make an HTML element; functions among the attributes are listeners, children that are null are left out. */
export const el = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);

/** Make an SVG element likewise. */
export const svg = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export const byId = (id) => document.getElementById(id);
export const say = (text) => {
  byId("status").textContent = text;
};
