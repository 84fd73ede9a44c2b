/**
 * Whatever the API says enters the page as text: nodes are made by `el` and `svg`, and nothing here reads markup.
 *
 * The key is kept in this tab's session storage and shown to the API in a header; it is never part of an address.
 */

// --- nodes -----------------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

/** Make an HTML element; functions among the attributes are listeners, children that are null are left out. */
const el = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);

/** Make an SVG element likewise. */
const svg = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const byId = (id) => document.getElementById(id);
const say = (text) => {
  byId("status").textContent = text;
};

// --- words -----------------------------------------------------------------------------------------------------------

const LOCALE = "en-GB";
const NONE = "–";
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

const orNone = (text) => (text === null || text === undefined || text === "" ? NONE : String(text));
const words = (code) => orNone(code).replaceAll("_", " ");
const count = (number) => new Intl.NumberFormat(LOCALE).format(number);
const counted = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

function percent(share) {
  return share === null
    ? NONE
    : new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 1 }).format(share);
}

function money(amount, currency) {
  if (amount === null) return NONE;
  const number = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 }).format(amount);
  return currency ? `${number} ${currency}` : number;
}

/** Write a moment as it is in a time zone; one that this browser does not know is shown in UTC and says so. */
function timeText(iso, zone, style) {
  try {
    return new Intl.DateTimeFormat(LOCALE, { ...style, timeZone: zone }).format(new Date(iso));
  } catch {
    return `${new Intl.DateTimeFormat(LOCALE, { ...style, timeZone: "UTC" }).format(new Date(iso))} UTC`;
  }
}

function moment(iso, zone = HERE, style = { dateStyle: "medium", timeStyle: "short" }) {
  return iso === null ? NONE : el("time", { datetime: iso, title: iso }, timeText(iso, zone, style));
}

function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  const parts = [
    days && counted(days, "day"),
    hours && counted(hours, "hour"),
    !days && rest && counted(rest, "minute"),
  ];
  return parts.filter(Boolean).join(" ") || "less than a minute";
}

const called = (identifier) => (identifier === null ? NONE : `${identifier.namespace} ${identifier.value}`);

// --- the API ---------------------------------------------------------------------------------------------------------

const KEY = "homing.key";
const kept = () => sessionStorage.getItem(KEY);

/** What the API answers when it does not do what was asked: its own code and message. */
class Refusal extends Error {
  constructor({ status = 0, code, message, details = null, retryAfter = null }) {
    super(message);
    Object.assign(this, { status, code, details, retryAfter });
  }
}

/** Ask the API; a body makes it a POST. Throws Refusal. */
async function call(path, { query = {}, body, keyed = true, signal, read = (answer) => answer.json() } = {}) {
  const address = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) if (value) address.searchParams.set(name, value);
  const headers = keyed ? { Authorization: `Bearer ${keyOrRefusal()}` } : {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const given = { method: body === undefined ? "GET" : "POST", body: JSON.stringify(body), headers, signal };
  const answer = await reached(address, given);
  if (!answer.ok) throw await refusalOf(answer);
  return read(answer);
}

function keyOrRefusal() {
  const key = kept();
  if (key) return key;
  const message =
    "Type in a key at the top of the page: scope read shows people and carts (read_pii: values unmasked), " +
    "scopes decide and outcome try recommendations. “homing keys create” makes one.";
  throw new Refusal({ code: "no_key", message });
}

async function reached(address, given) {
  try {
    return await fetch(address, { ...given, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal({ code: "unreachable", message: "The service does not answer. Does it run, at this address?" });
  }
}

async function refusalOf(answer) {
  const said = await answer.json().catch(() => ({}));
  const { code = `http_${answer.status}`, message = answer.statusText, details = null } = said;
  return new Refusal({ status: answer.status, code, message, details, retryAfter: answer.headers.get("Retry-After") });
}

// --- parts of every view ---------------------------------------------------------------------------------------------

function refused(error) {
  if (!(error instanceof Refusal)) {
    console.error(error);
    return el("div", { class: "note bad", role: "alert" }, `The console itself failed: ${error.message}`);
  }
  if (error.code === "no_key") return el("div", { class: "note warn" }, error.message);
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
async function load(place, work) {
  running.get(place)?.abort();
  const control = new AbortController();
  running.set(place, control);
  place.setAttribute("aria-busy", "true");
  place.replaceChildren(el("p", { class: "empty" }, "Loading…"));
  let shown;
  try {
    shown = await work(control.signal);
  } catch (error) {
    shown = refused(error);
  }
  if (control.signal.aborted) return;
  place.removeAttribute("aria-busy");
  place.replaceChildren(...[shown].flat());
}

const card = (...children) => el("section", { class: "card" }, ...children);
const note = (kind, ...children) => el("div", { class: `note ${kind}` }, ...children);
const tag = (kind, text) => el("span", { class: `tag ${kind}` }, text);
const mono = (text) => el("span", { class: "mono" }, orNone(text));
const personLink = (profileId, text = profileId) =>
  el("a", { href: `#/person/${encodeURIComponent(profileId)}` }, text);

function facts(pairs) {
  return el(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value))),
  );
}

/** Make a table; `columns` are [heading, row => content]. Roles are named because on phones its rows become cards. */
function table(label, columns, rows) {
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

function listed(title, columns, rows, empty) {
  return card(
    el("h2", null, title),
    rows.length ? table(title, columns, rows).node : el("p", { class: "empty" }, empty),
  );
}

/** A list that the API gives a page at a time; `pick` takes the entries out of a page. */
function paged({ title, path, query = {}, pick, columns, empty }) {
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
  load(place, async (signal) =>
    (await next(null, signal)).length ? [made.node, more] : el("p", { class: "empty" }, empty),
  );
  return card(el("h2", null, title), place);
}

let fieldCount = 0;

/** A labelled field: {node, value()}. */
function field(label, attributes = {}, hint = null) {
  const id = `field-${(fieldCount += 1)}`;
  const described = hint ? { "aria-describedby": `${id}-hint` } : {};
  const input = el(
    attributes.options ? "select" : "input",
    { id, autocomplete: "off", spellcheck: "false", ...described, ...attributes, options: null },
    (attributes.options ?? []).map((option) => el("option", null, option)),
  );
  const hinted = hint ? el("span", { class: "hint", id: `${id}-hint` }, hint) : null;
  return {
    node: el("div", null, el("label", { for: id }, label), input, hinted),
    value: () => input.value.trim(),
    input,
  };
}

function form(label, fields, button, submitted) {
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

const NAMESPACES = el(
  "datalist",
  { id: "namespaces" },
  ["user_id", "email", "phone", "anonymous_id", "device_id", "push_token"].map((name) => el("option", { value: name })),
);

const namespaceField = (given = {}) =>
  field("Namespace", { list: "namespaces", placeholder: "e.g. user_id", ...given });

// --- view: a person --------------------------------------------------------------------------------------------------

function personView(main, profileId) {
  const result = el("div");
  const [namespace, value] = [namespaceField({ required: true }), field("Value", { required: true })];
  const id = field("Profile id", { required: true, value: profileId ?? "" });
  const find = () =>
    load(result, async (signal) => {
      const profile = await call("v1/profiles", {
        query: { namespace: namespace.value(), value: value.value() },
        signal,
      });
      // The address names the profile, never the identifier: histories are read by others too.
      history.pushState(null, "", `#/person/${encodeURIComponent(profile.profile_id)}`);
      id.input.value = profile.profile_id;
      return profilePage(profile);
    });
  const open = (asked) =>
    load(result, async (signal) => profilePage(await call(`v1/profiles/${encodeURIComponent(asked)}`, { signal })));
  const go = (asked) => {
    const address = `#/person/${encodeURIComponent(asked)}`;
    if (location.hash === address) open(asked);
    else location.hash = address;
  };
  main.append(
    el("h1", { tabindex: "-1" }, "Person"),
    el(
      "div",
      { class: "pair" },
      card(form("Look up by identifier", [namespace, value], "Look up", find)),
      card(form("Open a profile by its id", [id], "Open", () => go(id.value()))),
    ),
    result,
  );
  if (profileId) open(profileId);
  else
    result.append(
      kept()
        ? el(
            "p",
            { class: "empty" },
            "Look somebody up: by what they are known by, a contact, a device " +
              "or a browser of theirs; or open a profile by its id, as events, carts and answers give it.",
          )
        : refused(noKey()),
    );
}

function noKey() {
  try {
    keyOrRefusal();
  } catch (error) {
    return error;
  }
  return null;
}

function profilePage(profile) {
  const id = profile.profile_id;
  const name = profile.identifiers.find((each) => each.class === "person");
  say("Profile shown");
  return [
    profile.redirected_from === null
      ? null
      : note(
          "warn",
          "The profile ",
          mono(profile.redirected_from),
          " was absorbed by this one: both are the same person.",
        ),
    ...profile.warnings.map((warning) =>
      note("warn", el("strong", null, words(warning.code)), el("p", null, warning.message)),
    ),
    card(
      el("h2", null, name ? name.value : "Somebody not known by name"),
      summary(profile),
      picture(profile),
      el("p", null, el("a", { href: `#/ask/${encodeURIComponent(id)}` }, "Where would a message go?")),
    ),
    listed("Identifiers", IDENTIFIER_COLUMNS, profile.identifiers, "This profile holds none."),
    listed("Devices", DEVICE_COLUMNS, profile.devices, "No event has named a device or browser yet."),
    listed(
      "Endpoints",
      ENDPOINT_COLUMNS,
      profile.endpoints,
      "There is no way to reach this person yet: no push token, e-mail address or number was seen.",
    ),
    listed(
      "Consents",
      CONSENT_COLUMNS,
      profile.consents,
      "Nothing was said. Marketing needs a granted consent: send it with events, or by PUT /v1/consents.",
    ),
    listed("Traits", TRAIT_COLUMNS, Object.entries(profile.traits), "None. An identify event brings them."),
    profile.shared.length ? listed("Shared identifiers, in no profile", SHARED_COLUMNS, profile.shared, "") : null,
    paged({
      title: "Decisions",
      path: `v1/profiles/${encodeURIComponent(id)}/decisions`,
      pick: (page) => page.decisions,
      columns: DECISION_COLUMNS,
      empty: "No message was decided on yet.",
    }),
    paged({
      title: "Events",
      path: `v1/profiles/${encodeURIComponent(id)}/events`,
      pick: (page) => page.events,
      columns: eventColumns(id),
      empty: "No events.",
    }),
  ].filter((part) => part !== null);
}

function summary(profile) {
  return facts([
    ["Profile id", mono(profile.profile_id)],
    ["Kind", profile.is_person ? "person" : "anonymous: no login yet"],
    ["Confidence", percent(profile.confidence)],
    ["First seen", moment(profile.first_seen)],
    ["Last seen", moment(profile.last_seen)],
    ["Time zone", profile.timezone ?? "not told by any event"],
    ["State", words(profile.state)],
  ]);
}

const IDENTIFIER_COLUMNS = [
  ["Class", (row) => row.class],
  ["Namespace", (row) => row.namespace],
  ["Value", (row) => mono(row.value)],
  ["Trust", (row) => row.trust],
  ["Source", (row) => orNone(row.source)],
  ["First seen", (row) => moment(row.first_seen)],
  ["Last seen", (row) => moment(row.last_seen)],
  ["Seen", (row) => counted(row.observations, "time")],
];

const DEVICE_COLUMNS = [
  ["Device", (row) => mono(row.device_id)],
  ["Namespace", (row) => row.namespace],
  ["Kind", (row) => orNone(row.kind)],
  ["What it is", (row) => orNone([row.type, row.model, row.system, row.app].filter(Boolean).join(" · "))],
  ["Time zone", (row) => orNone(row.timezone)],
  ["First seen", (row) => moment(row.first_seen)],
  ["Last seen", (row) => moment(row.last_seen)],
];

const ENDPOINT_COLUMNS = [
  ["Channel", (row) => words(row.channel)],
  ["Deliverable", (row) => (row.deliverable ? tag("good", "yes") : tag("bad", "no"))],
  ["Why not", (row) => words(row.reason)],
  ["Status", (row) => words(row.status)],
  ["Device", (row) => orNone([row.device_kind, row.device_id].filter(Boolean).join(" "))],
  ["Last seen", (row) => moment(row.last_seen)],
  ["Endpoint id", (row) => mono(row.endpoint_id)],
];

const CONSENT_COLUMNS = [
  ["Channel", (row) => (row.channel === null ? "all" : words(row.channel))],
  ["Purpose", (row) => words(row.purpose)],
  ["State", (row) => tag(row.state === "granted" ? "good" : "bad", row.state)],
  ["Said", (row) => moment(row.at)],
  ["Source", (row) => orNone(row.source)],
];

const TRAIT_COLUMNS = [
  ["Trait", ([name]) => name],
  ["Value", ([, value]) => mono(typeof value === "string" ? value : JSON.stringify(value))],
];

const SHARED_COLUMNS = [
  ["Namespace", (row) => row.namespace],
  ["Value", (row) => mono(row.value)],
];

const DECISION_COLUMNS = [
  ["Decided", (row) => moment(row.at)],
  ["Message", (row) => mono(row.message_id)],
  ["What", (row) => decided(row)],
  ["To be sent", (row) => moment(row.send_at)],
  ["Chance", (row) => percent(row.conversion_probability)],
  ["Why", (row) => (row.held === null ? row.reason : words(row.held))],
  ["Outcomes", (row) => outcomesOf(row)],
];

function decided(row) {
  const how = [row.assignment === "learned" ? null : words(row.assignment), row.fallback ? "fallback" : null].filter(
    Boolean,
  );
  const what =
    row.held === null ? [words(row.channel), row.device_kind].filter(Boolean).join(" · ") : tag("warn", "held back");
  return el("span", null, what, how.length ? el("span", { class: "muted" }, ` (${how.join(", ")})`) : null);
}

function outcomesOf(row) {
  return row.outcomes.length ? row.outcomes.map((each) => el("div", { title: each.at }, words(each.type))) : NONE;
}

function eventColumns(profileId) {
  return [
    ["When", (row) => moment(row.at)],
    [
      "Event",
      (row) => el("span", null, row.name ?? row.type, row.name ? el("span", { class: "muted" }, ` ${row.type}`) : null),
    ],
    ["Device", (row) => mono(called(row.device))],
    ["Trust", (row) => row.trust],
    ["Source", (row) => orNone(row.source)],
    ["Whose", (row) => whose(row.profile_id, profileId)],
    [
      "Content",
      (row) => (row.content === null ? el("span", { class: "muted" }, "needs scope read_pii") : content(row)),
    ],
  ];
}

function whose(owner, profileId) {
  if (owner === null) return "nobody’s";
  return owner === profileId ? "this person’s" : personLink(owner, "another profile’s");
}

const content = (row) =>
  el(
    "details",
    null,
    el("summary", { "aria-label": `Content of ${row.name ?? row.type}` }, "show"),
    el("pre", null, JSON.stringify(row.content, null, 2)),
  );

// --- the picture of a profile ----------------------------------------------------------------------------------------

const BOX = { height: 46, gap: 12, most: 8 };
const WIDE = 620;
const LEFT = new Set(["person", "contact"]);

function picture(profile) {
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
      text: [device?.kind, each.namespace, each.trust].filter(Boolean).join(" · "),
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
    return {
      ...box,
      x,
      y,
      width: boxWidth,
      line: `M${edge} ${from}C${bend} ${from} ${bend} ${middle.y} ${rim} ${middle.y}`,
    };
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
    return {
      ...box,
      x,
      y,
      width: boxWidth,
      line: `M${middle.x} 112L${middle.x} ${at - 8}Q${middle.x} ${at} ${edge} ${at}`,
    };
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
    svg("text", { x: 12, y: 20 }, cut(box.title, (box.width - 20) / 7)),
    svg("text", { x: 12, y: 36, class: "small" }, cut(box.text, (box.width - 20) / 6)),
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

// --- view: carts left behind -----------------------------------------------------------------------------------------

function cartsView(main) {
  const result = el("div");
  const since = field("Left since", { type: "datetime-local" }, "Empty: those that can still be recovered");
  const show = () => {
    const moment = since.value() ? new Date(since.value()).toISOString() : null;
    const empty =
      "No cart is left behind. Product Added events fill carts; one that rests for the setting abandonment.wait " +
      "without an order appears here.";
    result.replaceChildren(
      paged({
        title: "Carts not bought on any device",
        path: "v1/abandonments",
        query: { since: moment },
        pick: (page) => page.abandonments,
        columns: CART_COLUMNS,
        empty,
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
  ["Value", (row) => money(row.cart_value, row.currency)],
  ["Items", (row) => items(row)],
  ["Cart", (row) => mono(row.cart_id)],
  ["Last touched on", (row) => mono(called(row.device))],
  ["Whose", (row) => personLink(row.profile_id, row.is_person ? "person" : "anonymous")],
  ["State", (row) => tag(row.state === "abandoned" ? "warn" : "muted", row.state)],
  ["Message", (row) => whereButton(row)],
];

const items = (row) =>
  row.items.length
    ? row.items.map((each) => el("div", null, `${count(each.quantity)} × ${orNone(each.product)}`))
    : NONE;

function whereButton(row) {
  const click = (event) => {
    const own = event.currentTarget.closest("tr");
    const open = own.nextElementSibling?.querySelector("td.answer");
    if (open) {
      own.nextElementSibling.remove();
      event.currentTarget.setAttribute("aria-expanded", "false");
      return;
    }
    const cell = el("td", { class: "answer", role: "cell", colspan: String(CART_COLUMNS.length) });
    own.after(el("tr", { role: "row" }, cell));
    event.currentTarget.setAttribute("aria-expanded", "true");
    load(cell, () => recommend(cartQuestion(row)));
  };
  return el("button", { click, "aria-expanded": "false" }, "Where would its message go?");
}

function cartQuestion(row) {
  return {
    recipient: { profile_id: row.profile_id },
    message: { id: "", cart_id: row.cart_id, cart_value: row.cart_value, currency: row.currency },
    abandoned_at: row.abandoned_at,
  };
}

// --- view: a recommendation ------------------------------------------------------------------------------------------

function askView(main, profileId) {
  const result = el("div");
  const fields = {
    namespace: namespaceField(),
    value: field("Value"),
    profile: field("or profile id", { value: profileId ?? "" }),
    cart: field("Cart id"),
    amount: field("Cart value", { type: "number", min: "0", step: "any" }),
    currency: field("Currency", { maxlength: "3", placeholder: "e.g. KRW" }),
    abandoned: field("Cart left at", { type: "datetime-local" }),
    deadline: field("Deadline", { type: "datetime-local" }, "Empty: in 48 hours"),
    channels: field("Channels", { placeholder: "e.g. app_push, email" }, "Empty: all that are known"),
    purpose: field("Purpose", { options: ["marketing", "transactional"] }),
    message: field(
      "Message id",
      {},
      "Empty: a trial, taken back at once. Filled in: the decision on that message, which then stands.",
    ),
  };
  const { namespace, value, profile, ...more } = fields;
  const ask = () => load(result, () => recommend(questionOf(fields)));
  const details = el(
    "details",
    null,
    el("summary", null, "The message and its cart"),
    el(
      "div",
      null,
      Object.values(more).map((each) => each.node),
    ),
  );
  main.append(
    el("h1", { tabindex: "-1" }, "Recommendation"),
    card(form("Ask for a recommendation", [namespace, value, profile, details], "Ask", ask)),
    result,
  );
  result.append(
    kept()
      ? el(
          "p",
          { class: "empty" },
          "Name somebody and ask: the best channel, device and time for a message comes " +
            "back, with its reason. People never seen get the population’s best.",
        )
      : refused(noKey()),
  );
}

function questionOf({
  namespace,
  value,
  profile,
  cart,
  amount,
  currency,
  abandoned,
  deadline,
  channels,
  purpose,
  message,
}) {
  const time = (each) => (each.value() ? new Date(each.value()).toISOString() : null);
  const named = channels
    .value()
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean);
  return {
    recipient: profile.value()
      ? { profile_id: profile.value() }
      : { namespace: namespace.value(), value: value.value() },
    message: {
      id: message.value(),
      purpose: purpose.value(),
      cart_id: cart.value() || null,
      cart_value: amount.value() === "" ? null : Number(amount.value()),
      currency: currency.value() || null,
    },
    abandoned_at: time(abandoned),
    deadline: time(deadline),
    channels: named.length ? named : null,
  };
}

/**
 * Ask for the best option, without a draw. Without a message id it is a trial: its decision is reported as not sent, so
 * that it counts towards no cap and no order is put down to it. Once begun it is not broken off.
 */
async function recommend(question) {
  const trial = question.message.id === "";
  if (trial) await mayTakeBack();
  const message = { ...question.message, id: trial ? `console-${randomName()}` : question.message.id };
  const answer = await call("v1/recommendations", { body: { ...question, message, explore: false } });
  const taken = trial && answer.action === "send" ? await takeBack(answer) : null;
  say("Recommendation shown");
  return answerCard(answer, question, trial, taken);
}

/** Prove the scope that taking a trial back needs, before there is anything to take back. */
async function mayTakeBack() {
  try {
    await call("v1/outcomes", { body: [] });
  } catch (error) {
    if (error instanceof Refusal && error.status === 403)
      error.message += "; a trial is taken back by an outcome, not_sent";
    throw error;
  }
}

async function takeBack(answer) {
  try {
    await call("v1/outcomes", { body: { decision_id: answer.decision_id, type: "not_sent" } });
    return null;
  } catch (error) {
    return [
      note("warn", "This trial could not be taken back: it counts as a planned message of this person."),
      refused(error),
    ];
  }
}

const randomName = () =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const ACTIONS = { hold: "Hold the message back", suppress: "Never send it" };

function answerCard(answer, question, trial, taken) {
  const sent = answer.action === "send";
  const verdict = sent
    ? `Send by ${words(answer.channel)}${answer.device_id ? ` to ${answer.device_id}` : ""}`
    : `${ACTIONS[answer.action] ?? words(answer.action)}: ${words(answer.reason_code)}`;
  return card(
    el("h2", { class: "verdict" }, verdict),
    sent ? sendTime(answer) : null,
    el("p", null, answer.reason),
    answer.fallback ? note("warn", "Nothing is known to reach this person by: this is the population’s best.") : null,
    answer.holdout ? note("warn", "This person is in the holdout: business as usual decides.") : null,
    taken,
    sent || answer.alternatives.length ? [el("h3", null, "Chance of a purchase"), bars(answer)] : null,
    answer.excluded.length
      ? [el("h3", null, "Left out"), table("Left out", EXCLUDED_COLUMNS, answer.excluded).node]
      : null,
    el("h3", null, "The decision"),
    answerFacts(answer, question),
    trial
      ? el("p", { class: "hint" }, "A trial: it is in the decision log, counts towards no cap, teaches nothing.")
      : null,
  );
}

function sendTime(answer) {
  const style = { dateStyle: "full", timeStyle: "short" };
  const here =
    answer.timezone === HERE ? null : el("span", { class: "muted" }, "; here ", moment(answer.send_at), ` (${HERE})`);
  return el(
    "p",
    { class: "when" },
    moment(answer.send_at, answer.timezone, style),
    ` in ${answer.timezone}, `,
    answer.send_in_seconds ? `in ${duration(answer.send_in_seconds)}` : "now",
    here,
  );
}

const EXCLUDED_COLUMNS = [
  ["Channel", (row) => words(row.channel)],
  ["Reason", (row) => words(row.reason_code)],
];

function answerFacts(answer, question) {
  return facts([
    ["Expected value", money(answer.expected_value, question.message.currency)],
    ["Person", answer.profile_id === null ? "never seen" : personLink(answer.profile_id, answer.user_id ?? "profile")],
    ["Sure of who it is", percent(answer.identity_confidence)],
    ["Reason code", words(answer.reason_code)],
    ["Stands until", moment(answer.expires_at)],
    ["Policy", mono(answer.policy_version)],
    ["Model", mono(answer.model_version)],
    ["Decision id", mono(answer.decision_id)],
  ]);
}

/** The option chosen, with its interval, and the others beneath, all to one scale. */
function bars(answer) {
  const chosen = answer.action === "send" ? [{ ...answer, chosen: true }] : [];
  const rated = [...chosen, ...answer.alternatives].filter((each) => each.conversion_probability !== null);
  if (!rated.length) return el("p", { class: "empty" }, "None is known for this decision.");
  const most = Math.max(...rated.map((each) => Math.max(each.conversion_probability, each.interval?.[1] ?? 0)), 1e-9);
  return el(
    "ul",
    { class: "bars" },
    rated.map((each) => bar(each, most, answer.timezone)),
  );
}

function bar(option, most, timezone) {
  const at = (share) => `${(100 * share) / most}%`;
  const spread = option.interval ?? null;
  return el(
    "li",
    { class: option.chosen ? "chosen" : null },
    el(
      "span",
      null,
      [words(option.channel), option.device_id].filter(Boolean).join(" · "),
      option.chosen ? " (chosen)" : "",
      el("small", null, moment(option.send_at, timezone)),
    ),
    svg(
      "svg",
      { "aria-hidden": "true" },
      svg("rect", { class: "track", width: "100%", height: "100%", rx: 4 }),
      svg("rect", { class: "bar", width: at(option.conversion_probability), height: "100%", rx: 4 }),
      spread ? svg("line", { class: "spread", x1: at(spread[0]), x2: at(spread[1]), y1: "50%", y2: "50%" }) : null,
    ),
    el(
      "span",
      null,
      percent(option.conversion_probability),
      spread ? el("small", null, `${percent(spread[0])} to ${percent(spread[1])}`) : null,
    ),
  );
}

// --- view: health ----------------------------------------------------------------------------------------------------

function healthView(main) {
  const result = el("div");
  const show = () =>
    load(result, async (signal) => {
      const [ready, series] = await Promise.all([
        call("readyz", { keyed: false, signal }).then(
          () => null,
          (error) => error,
        ),
        call("metrics", { keyed: false, signal, read: async (answer) => readSeries(await answer.text()) }),
      ]);
      if (signal.aborted) return [];
      say(ready === null ? "Ready" : "Not ready");
      return [
        ready === null ? note("good", "Ready: store, schema and a write are proven.") : refused(ready),
        tiles(series),
        routes(series),
      ];
    });
  main.append(
    el("h1", { tabindex: "-1" }, "Health"),
    result,
    el("p", null, el("button", { click: show }, "Look again")),
  );
  show();
}

/** Read Prometheus' text format: [{name, labels, value}]. */
function readSeries(text) {
  const lines = [...text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm)];
  return lines.map(([, name, labels, value]) => ({
    name,
    value: Number(value),
    labels: Object.fromEntries(
      [...(labels ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, said]) => [label, said]),
    ),
  }));
}

const summed = (series, name, having = () => true) =>
  series.filter((each) => each.name === name && having(each.labels)).reduce((total, each) => total + each.value, 0);

function tiles(series) {
  const told = (name, label) =>
    series
      .filter((each) => each.name === name && each.value > 0)
      .map((each) => `${count(each.value)} ${words(each.labels[label])}`)
      .join(", ");
  const commits = summed(series, "homing_commit_seconds_count");
  const failed = (first) => summed(series, "homing_http_requests_total", (labels) => labels.status.startsWith(first));
  const shown = [
    [
      "Requests",
      summed(series, "homing_http_requests_total"),
      `${count(failed("4"))} refused, ${count(failed("5"))} failed`,
    ],
    ["Events", summed(series, "homing_events_total"), told("homing_events_total", "verdict")],
    ["Recommendations", summed(series, "homing_decisions_total"), told("homing_decisions_total", "action")],
    ["Outcomes", summed(series, "homing_outcomes_total"), told("homing_outcomes_total", "verdict")],
    ["Commits", commits, commits ? `${milliseconds(summed(series, "homing_commit_seconds_sum") / commits)} each` : ""],
    ["Jobs waiting for the store", summed(series, "homing_writer_waiting"), ""],
  ];
  const started = summed(series, "process_start_time_seconds");
  return [
    el(
      "dl",
      { class: "tiles" },
      shown.map(([name, value, more]) =>
        el("div", null, el("dt", null, name), el("dd", null, count(value), el("small", null, more || " "))),
      ),
    ),
    el(
      "p",
      { class: "muted" },
      "Counted by the process that answered",
      started ? [", since ", moment(new Date(started * 1000).toISOString())] : "",
      ".",
    ),
  ].flat();
}

const milliseconds = (seconds) =>
  `${new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 3 }).format(seconds * 1000)} ms`;

function routes(series) {
  const rows = series
    .filter((each) => each.name === "homing_http_request_seconds_count")
    .map((each) => ({
      route: each.labels.route,
      requests: each.value,
      mean:
        summed(series, "homing_http_request_seconds_sum", (labels) => labels.route === each.labels.route) / each.value,
    }));
  rows.sort((left, right) => right.requests - left.requests);
  return listed(
    "Routes",
    [
      ["Route", (row) => mono(row.route)],
      ["Requests", (row) => count(row.requests)],
      ["Mean time", (row) => milliseconds(row.mean)],
    ],
    rows,
    "Nothing was asked for yet.",
  );
}

// --- the page --------------------------------------------------------------------------------------------------------

const VIEWS = { person: personView, carts: cartsView, ask: askView, health: healthView };

/** Show the view that the address names: #/view or #/view/profile-id. */
function route({ focus = true } = {}) {
  const [, name, argument] = location.hash.split("/");
  const view = name in VIEWS ? name : "person";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#/${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const main = byId("view");
  main.replaceChildren();
  VIEWS[view](main, argument ? decoded(argument) : null);
  document.title = `${main.querySelector("h1").textContent} – Homing console`;
  if (focus) main.querySelector("h1").focus();
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function showKey() {
  byId("key-form").hidden = Boolean(kept());
  byId("key-kept").hidden = !kept();
}

function useKey(event) {
  event.preventDefault();
  const text = byId("key").value.trim();
  byId("key").value = "";
  // A header takes no other letters; a key has none.
  const plain = /^[\x21-\x7e]+$/.test(text);
  byId("key").setCustomValidity(plain ? "" : "This is no key: a key is of letters, digits and signs, without blanks.");
  if (!plain) {
    byId("key").reportValidity();
    return;
  }
  sessionStorage.setItem(KEY, text);
  showKey();
  say("Key in use");
  route();
}

function forgetKey() {
  sessionStorage.removeItem(KEY);
  showKey();
  say("Key forgotten");
  route({ focus: false });
  byId("key").focus();
}

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("view").focus();
});
byId("key-form").addEventListener("submit", useKey);
byId("key").addEventListener("input", (event) => event.currentTarget.setCustomValidity(""));
byId("key-forget").addEventListener("click", forgetKey);
byId("zone").textContent = `Times are in this browser’s time zone, ${HERE}, unless another is named.`;
document.body.append(NAMESPACES);
addEventListener("hashchange", route);
showKey();
route({ focus: false });
