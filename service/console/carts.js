/**
 * Carts left behind, each with the question where its message would go.
 */

import { el } from "./nodes.js";
import { card, field, form, load, mono, paged, personLink, tag } from "./parts.js";
import { tried } from "./recommendation.js";
import { called, count, moment, money, NONE, orNone, typedTime } from "./words.js";

const HOW_CARTS_COME =
  "No cart is left behind. Product Added events fill carts; one that rests for the setting abandonment.wait " +
  "without an order appears here.";

/** List the carts. */
export function cartsView(main) {
  const result = el("div");
  const since = field("Left since", { type: "datetime-local" }, "Empty: those that can still be recovered");
  const show = () => {
    result.replaceChildren(
      paged({
        title: "Carts not bought on any device",
        path: "v1/abandonments",
        query: { since: typedTime(since.value()) },
        pick: (page) => page.abandonments,
        columns: CART_COLUMNS,
        otherwise: HOW_CARTS_COME,
      }),
    );
  };
  main.append(
    el("h1", { tabindex: "-1" }, "Carts left behind"),
    card(form("Choose carts", [since], "Show", show)),
    result,
  );
  show();
}

const CART_COLUMNS = [
  ["Left", (row) => moment(row.abandoned_at)],
  ["Value", (row) => el("span", { class: "whole" }, money(row.cart_value, row.currency))],
  ["Items", (row) => items(row)],
  ["Cart", (row) => mono(row.cart_id)],
  ["Last touched on", (row) => mono(called(row.device))],
  ["Whose", (row) => personLink(row.profile_id, row.is_person ? "person" : "anonymous")],
  ["State", (row) => tag(row.state === "abandoned" ? "warn" : "muted", row.state)],
  ["Message", (row) => whereButton(row)],
];

const items = (row) =>
  row.items.length
    ? row.items.map((each) => el("div", { class: "whole" }, `${count(each.quantity)} × ${orNone(each.product)}`))
    : NONE;

function whereButton(row) {
  const cell = el("td", { class: "answer", role: "cell", colspan: String(CART_COLUMNS.length) });
  const answer = el("tr", { role: "row", hidden: true }, cell);
  const click = ({ currentTarget: button }) => {
    if (!answer.isConnected) button.closest("tr").after(answer);
    answer.hidden = !answer.hidden;
    button.setAttribute("aria-expanded", String(!answer.hidden));
    // Asked for once; from then on it is only shown and hidden.
    const asked = cell.hasAttribute("aria-busy") || cell.querySelector(".verdict");
    if (!answer.hidden && !asked) load(cell, () => tried(cartQuestion(row)));
  };
  return el("button", { click, "aria-expanded": "false" }, "Where would its message go?");
}

function cartQuestion(row) {
  return {
    recipient: { profile_id: row.profile_id },
    message: { cart_id: row.cart_id, cart_value: row.cart_value, currency: row.currency },
    abandoned_at: row.abandoned_at,
  };
}
