/**
 * A person is shown as the API tells it: what it is known by, where it can be reached, what happened.
 */

import { call } from "./api.js";
import { el, say } from "./nodes.js";
import {
  card,
  facts,
  field,
  form,
  invitation,
  listed,
  load,
  mono,
  muted,
  namespaceField,
  note,
  paged,
  personLink,
  tag,
} from "./parts.js";
import { picture } from "./picture.js";
import { called, counted, joined, moment, NONE, orNone, percent, words } from "./words.js";

const WHAT_TO_DO =
  "Look somebody up: by what they are known by, a contact, a device or a browser of theirs; or open a profile by its " +
  "id, as events, carts and answers give it.";

/** Look a person up, and show the profile. */
export function personView(main, profileId) {
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
  else result.append(invitation(WHAT_TO_DO));
}

function profilePage(profile) {
  const id = profile.profile_id;
  const name = profile.identifiers.find((each) => each.class === "person");
  say("Profile shown");
  return [
    profile.redirected_from === null ? null : redirected(profile.redirected_from),
    ...profile.warnings.map((warning) => note("warn", warning.message)),
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
      otherwise: "No message was decided on yet.",
    }),
    paged({
      title: "Events",
      path: `v1/profiles/${encodeURIComponent(id)}/events`,
      pick: (page) => page.events,
      columns: eventColumns(id),
      otherwise: "No events.",
    }),
    paged({
      title: "History",
      path: `v1/profiles/${encodeURIComponent(id)}/history`,
      pick: (page) => page.entries,
      columns: historyColumns(id),
      otherwise: "Nothing has happened yet.",
    }),
  ].filter((part) => part !== null);
}

const redirected = (from) => note("warn", "The profile ", mono(from), " was absorbed by this one: they are one.");

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
  ["What it is", (row) => joined(row.type, row.model, row.system, row.app)],
  ["Time zone", (row) => orNone(row.timezone)],
  ["First seen", (row) => moment(row.first_seen)],
  ["Last seen", (row) => moment(row.last_seen)],
];

const ENDPOINT_COLUMNS = [
  ["Channel", (row) => words(row.channel)],
  ["Deliverable", (row) => (row.deliverable ? tag("good", "yes") : tag("bad", "no"))],
  ["Why not", (row) => words(row.reason)],
  ["Status", (row) => words(row.status)],
  ["Device", (row) => joined(row.device_kind, row.device_id)],
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
  const how = [row.assignment === "learned" ? "" : words(row.assignment), row.fallback ? "fallback" : ""].filter(
    Boolean,
  );
  const what = row.held === null ? joined(words(row.channel), row.device_kind) : tag("warn", "held back");
  return el("span", null, what, how.length ? muted(` (${how.join(", ")})`) : null);
}

function outcomesOf(row) {
  return row.outcomes.length ? row.outcomes.map((each) => words(each.type)).join(", ") : NONE;
}

function eventColumns(profileId) {
  return [
    ["When", (row) => moment(row.at)],
    ["Event", (row) => [row.name ?? row.type, row.name ? muted(` ${row.type}`) : null]],
    ["Device", (row) => mono(called(row.device))],
    ["Trust", (row) => row.trust],
    ["Source", (row) => orNone(row.source)],
    ["Whose", (row) => whose(row.profile_id, profileId)],
    ["Content", (row) => (row.content === null ? muted("needs scope read_pii") : content(row))],
  ];
}

function historyColumns(profileId) {
  return [
    ["When", (row) => moment(row.at)],
    ["What happened", (row) => happened(row)],
    ["Whose", (row) => (row.event === null ? NONE : whose(row.event.profile_id, profileId))],
    ["Why", (row) => words(row.why ?? row.change?.because ?? null)],
    ["Decided by", (row) => (row.decided_by === null ? NONE : mono(row.decided_by))],
  ];
}

function happened({ kind, event, change, judgement }) {
  if (event !== null) return [event.name ?? event.type, muted(` ${event.identifiers.map(called).join(", ")}`)];
  if (judgement !== null) {
    const sides = `${judgement.left.join(", ")} – ${judgement.right.join(", ")}`;
    return [kind === "undo" ? "undone: " : "", words(judgement.kind), muted(` ${sides} ${judgement.reason}`)];
  }
  const others = [...change.absorbed, ...change.into].flatMap((other) => [" ", mono(other)]);
  return [`${words(change.change)} `, personLink(change.profile_id, mono(change.profile_id)), ...others];
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
