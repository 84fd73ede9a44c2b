/**
 * What views are put together from: notes, facts, tables, lists by the page, forms.
 *
 * A refusal is shown in the API’s own words, and where there is nothing to show, it is said what to do.
 */

import { call, kept, NO_KEY, Refusal } from "./api.js";
import { el, say } from "./nodes.js";
import { count, counted, orNone } from "./words.js";

/** Show why something failed. */
export function refused(error) {
  if (!(error instanceof Refusal)) {
    console.error(error);
    return el("div", { class: "note bad", role: "alert" }, `The console itself failed: ${error.message}`);
  }
  if (error.code === "no_key") return note("warn", error.message);
  const details = Array.isArray(error.details) ? error.details : error.details === null ? [] : [error.details];
  return el(
    "div",
    { class: "note bad", role: "alert" },
    el("strong", null, error.code, error.status ? ` (${error.status})` : ""),
    el("p", null, error.message),
    details.length > 1
      ? el(
          "ul",
          null,
          details.map((each) => el("li", null, detail(each))),
        )
      : null,
    error.retryAfter === null ? null : el("p", null, `Try again in ${counted(Number(error.retryAfter), "second")}.`),
  );
}

const detail = (each) => (each?.field && each?.message ? `${each.field}: ${each.message}` : JSON.stringify(each));

const running = new WeakMap();

/** Show in `place` what `work` gives; a newer load of the same place takes over from an older one. */
export async function load(place, work) {
  running.get(place)?.abort();
  const control = new AbortController();
  running.set(place, control);
  place.setAttribute("aria-busy", "true");
  place.replaceChildren(empty("Loading…"));
  const shown = await work(control.signal).catch((error) => (control.signal.aborted ? [] : refused(error)));
  if (control.signal.aborted) return;
  place.removeAttribute("aria-busy");
  place.replaceChildren(...[shown].flat(2));
}

/** Say what can be done where nothing is shown. */
export const empty = (text) => el("p", { class: "empty" }, text);

/** Say what can be done in a view in which nothing was asked for yet. */
export const invitation = (text) => (kept() ? empty(text) : note("warn", NO_KEY));

export const card = (...children) => el("section", { class: "card" }, ...children);
export const note = (kind, ...children) => el("div", { class: `note ${kind}` }, ...children);
export const tag = (kind, text) => el("span", { class: `tag ${kind}` }, text);
export const muted = (text) => el("span", { class: "muted" }, text);
export const mono = (text) => el("span", { class: "mono" }, orNone(text));
export const personLink = (profileId, text = profileId) =>
  el("a", { href: `#/person/${encodeURIComponent(profileId)}` }, text);

/** Show names and what they stand for. */
export function facts(pairs) {
  return el(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value))),
  );
}

/** Make a table; `columns` are [heading, row => content]. Roles are named because on phones its rows become cards. */
export function table(label, columns, rows) {
  const head = columns.map(([heading]) => el("th", { role: "columnheader", scope: "col" }, heading));
  const body = el(
    "tbody",
    { role: "rowgroup" },
    rows.map((row) => tableRow(columns, row)),
  );
  const made = el(
    "table",
    { role: "table", "aria-label": label },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
    body,
  );
  return { body, node: el("div", { class: "scroll" }, made) };
}

function tableRow(columns, row) {
  const cells = columns.map(([heading, content]) =>
    el("td", { role: "cell", "data-label": heading }, el("div", null, content(row))),
  );
  return el("tr", { role: "row", tabindex: "-1" }, cells);
}

/** A titled table; where there is nothing, `otherwise` says what to do. */
export function listed(title, columns, rows, otherwise) {
  return card(el("h2", null, title), rows.length ? table(title, columns, rows).node : empty(otherwise));
}

/** A list that the API gives a page at a time; `pick` takes the entries out of a page. */
export function paged({ title, path, query = {}, pick, columns, otherwise }) {
  const place = el("div");
  const made = table(title, columns, []);
  const more = el("div", { class: "more" });
  const next = async (cursor, signal) => {
    const answer = await call(path, { query: { ...query, limit: "20", cursor }, signal });
    const rows = pick(answer).map((row) => tableRow(columns, row));
    made.body.append(...rows);
    more.replaceChildren(
      ...(answer.next_cursor ? [el("button", { click: () => further(answer.next_cursor) }, "Show more")] : []),
    );
    say(`${title}: ${counted(made.body.rows.length, "row")}`);
    return rows;
  };
  const further = async (cursor) => {
    more.firstChild.disabled = true;
    try {
      (await next(cursor))[0]?.focus();
    } catch (error) {
      more.firstChild.disabled = false;
      more.replaceChildren(more.firstChild, refused(error));
    }
  };
  load(place, async (signal) => ((await next(null, signal)).length ? [made.node, more] : empty(otherwise)));
  return card(el("h2", null, title), place);
}

let fieldCount = 0;

/** A labelled field: {node, value()}. */
export function field(label, attributes = {}, hint = null) {
  const id = `field-${(fieldCount += 1)}`;
  const described = hint ? { "aria-describedby": `${id}-hint` } : {};
  const input = el(
    attributes.options ? "select" : "input",
    { id, autocomplete: "off", spellcheck: "false", ...described, ...attributes, options: null },
    (attributes.options ?? []).map((option) => el("option", null, option)),
  );
  const hinted = hint ? el("span", { class: "hint", id: `${id}-hint` }, hint) : null;
  return {
    node: el("div", null, el("label", { for: id }, label), hinted, input),
    value: () => input.value.trim(),
    input,
  };
}

/** A form that is read by the script and never sent: its button, or Enter, calls `submitted`. */
export function form(label, fields, button, submitted) {
  const submit = (event) => {
    event.preventDefault();
    submitted();
  };
  return el(
    "form",
    { class: "fields", "aria-label": label, autocomplete: "off", submit },
    fields.map((each) => each.node ?? each),
    el("button", { class: "main" }, button),
  );
}

export const NAMESPACES = el(
  "datalist",
  { id: "namespaces" },
  ["user_id", "email", "phone", "anonymous_id", "device_id", "push_token"].map((name) => el("option", { value: name })),
);

export const namespaceField = (given = {}) =>
  field("Namespace", { list: "namespaces", placeholder: "e.g. user_id", ...given });
