/**
 * The picture shows what the tables say, never more: the person in the middle, what is one with it around.
 */

import { el, svg } from "./nodes.js";
import { count, counted, joined, percent } from "./words.js";

const BOX = { height: 46, gap: 12, most: 8 };
const WIDE = 620;
const LEFT = new Set(["person", "contact"]);

/** Draw a profile. */
export function picture(profile) {
  const holder = el("div");
  let drawn = 0;
  // Drawn for the width there is, in real pixels, so that its letters are as large on a phone.
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width > 0 && width !== drawn) holder.replaceChildren(drawing(profile, width));
    drawn = width;
  }).observe(holder);
  return el("figure", { class: "picture" }, el("h3", null, "What is known to be one"), holder, legend());
}

function drawing(profile, width) {
  const [name] = profile.identifiers.filter((each) => each.class === "person");
  const others = profile.identifiers.filter((each) => each !== name);
  const sides = [others.filter((each) => LEFT.has(each.class)), others.filter((each) => !LEFT.has(each.class))];
  const columns = sides.map((side) => boxes(side, profile.devices));
  const rows = Math.max(...columns.map((column) => column.length), 1);
  const lay = width < WIDE ? narrow(width, rows) : wide(width, rows);
  const placed = columns.flatMap((column, side) =>
    column.map((box, index) => lay.place(box, side, index, column.length)),
  );
  const label =
    `Picture of the profile: ${name ? name.value : "somebody not known by name"} in the middle, with ` +
    `${counted(sides[0].length, "contact or further name", "contacts and further names")} and ` +
    `${counted(sides[1].length, "identifier")} of devices and browsers. The tables below say the same.`;
  return svg(
    "svg",
    { width, height: lay.height, viewBox: `0 0 ${width} ${lay.height}`, role: "img", "aria-label": label },
    placed.map((box) => svg("path", { class: `trust-${box.trust}`, d: box.line })),
    placed.map((box) => boxDrawn(box)),
    middleDrawn(lay.middle, name, profile),
  );
}

/** What is said of one side: its identifiers, and a last box for those that do not fit. */
function boxes(identifiers, devices) {
  const fit = identifiers.length > BOX.most ? BOX.most - 1 : BOX.most;
  const made = identifiers.slice(0, fit).map((each) => {
    const device = devices.find((one) => one.namespace === each.namespace && one.device_id === each.value);
    return {
      class: each.class,
      trust: each.trust,
      title: each.value,
      text: joined(device?.kind || each.namespace, each.trust),
    };
  });
  const rest = identifiers.length - made.length;
  return rest
    ? [...made, { class: "rest", trust: "rest", title: `and ${count(rest)} more`, text: "in the table below" }]
    : made;
}

/** Person in the middle, one column at each hand. */
function wide(width, rows) {
  const boxWidth = Math.min(250, (width - 220) / 2);
  const height = Math.max(rows * (BOX.height + BOX.gap), 130) + 8;
  const middle = { x: width / 2, y: height / 2, radius: 54 };
  const place = (box, side, index, length) => {
    const across = length < 2 ? 0 : (index / (length - 1)) * 2 - 1;
    const inset = 30 * across * across;
    const x = side ? width - boxWidth - inset - 2 : inset + 2;
    const y = middle.y + (index - (length - 1) / 2) * (BOX.height + BOX.gap) - BOX.height / 2;
    const [edge, rim] = side ? [x, middle.x + middle.radius] : [x + boxWidth, middle.x - middle.radius];
    const [bend, from] = [(edge + rim) / 2, y + BOX.height / 2];
    const line = `M${edge} ${from}C${bend} ${from} ${bend} ${middle.y} ${rim} ${middle.y}`;
    return { ...box, x, y, width: boxWidth, line };
  };
  return { height, middle, place };
}

/** Person at the top, two columns beneath. */
function narrow(width, rows) {
  const gutter = 24;
  const boxWidth = (width - gutter) / 2 - 2;
  const middle = { x: width / 2, y: 58, radius: 54 };
  const top = 136;
  const place = (box, side, index) => {
    const y = top + index * (BOX.height + BOX.gap);
    const x = side ? width - boxWidth - 2 : 2;
    const [edge, at] = [side ? x : x + boxWidth, y + BOX.height / 2];
    const line = `M${middle.x} 112L${middle.x} ${at - 8}Q${middle.x} ${at} ${edge} ${at}`;
    return { ...box, x, y, width: boxWidth, line };
  };
  return { height: top + rows * (BOX.height + BOX.gap), middle, place };
}

function boxDrawn(box) {
  // An inner svg cuts off what does not fit; the whole value is its title.
  return svg(
    "svg",
    { x: box.x, y: box.y, width: box.width, height: BOX.height, class: `class-${box.class} trust-${box.trust}` },
    svg("title", null, box.title),
    svg("rect", { class: "shape", x: 2, y: 2, width: box.width - 4, height: BOX.height - 4, rx: 8 }),
    svg("text", { x: 12, y: 20 }, cut(box.title, (box.width - 20) / 7.4)),
    svg("text", { x: 12, y: 36, class: "small" }, cut(box.text, (box.width - 20) / 6.4)),
  );
}

function middleDrawn({ x, y, radius }, name, profile) {
  return svg(
    "g",
    { class: `class-person trust-${name?.trust ?? "none"}` },
    svg("title", null, name?.value ?? "not known by name"),
    svg("circle", { class: "shape", cx: x, cy: y, r: radius }),
    svg("text", { x, y: y + 1, class: "middle strong" }, cut(name?.value ?? "anonymous", 12)),
    svg("text", { x, y: y + 20, class: "middle small" }, `sure to ${percent(profile.confidence)}`),
  );
}

const cut = (text, length) =>
  [...text].length > length ? `${[...text].slice(0, Math.max(1, Math.floor(length) - 1)).join("")}…` : text;

function legend() {
  const swatch = (kind, inner) => svg("svg", { viewBox: "0 0 28 16", class: kind, "aria-hidden": "true" }, inner);
  const box = (name) =>
    el(
      "span",
      null,
      swatch(`class-${name}`, svg("rect", { class: "shape", x: 2, y: 2, width: 24, height: 12, rx: 3 })),
      name,
    );
  const line = (name) =>
    el("span", null, swatch("", svg("path", { class: `trust-${name}`, d: "M0 8H28" })), `trust: ${name}`);
  return el(
    "figcaption",
    { class: "legend" },
    ["person", "contact", "device", "browser"].map(box),
    ["verified", "server", "asserted", "probable"].map(line),
  );
}
