/**
 * A look at a recommendation leaves nothing behind that counts: its decision is taken back at once.
 */

import { call } from "./api.js";
import { el, say, svg } from "./nodes.js";
import {
  card,
  empty,
  facts,
  field,
  form,
  invitation,
  load,
  mono,
  namespaceField,
  note,
  personLink,
  refused,
  table,
} from "./parts.js";
import { duration, HERE, joined, moment, money, percent, typedTime, words } from "./words.js";

const WHAT_TO_DO =
  "Name somebody and ask: the best channel, device and time for a message comes back, with its reason. " +
  "People never seen get the population’s best.";

/** Ask for a recommendation, and show it. */
export function askView(main, profileId) {
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
  };
  const { namespace, value, profile, ...more } = fields;
  const ask = () => load(result, () => tried(questionOf(fields)));
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
  result.append(invitation(WHAT_TO_DO));
}

function questionOf({ namespace, value, profile, cart, amount, currency, abandoned, deadline, channels, purpose }) {
  const named = channels.value().split(/[\s,]+/);
  const recipient = profile.value()
    ? { profile_id: profile.value() }
    : { namespace: namespace.value(), value: value.value() };
  return {
    recipient,
    message: {
      purpose: purpose.value(),
      cart_id: cart.value() || null,
      cart_value: amount.value() === "" ? null : Number(amount.value()),
      currency: currency.value() || null,
    },
    abandoned_at: typedTime(abandoned.value()),
    deadline: typedTime(deadline.value()),
    channels: channels.value() ? named.filter(Boolean) : null,
  };
}

/**
 * Ask for the best option, without a draw, under a message id of its own; show the answer.
 *
 * The decision that this makes is reported as not sent, so that it counts towards no cap and no order is put down to
 * it. Once begun it is not broken off.
 */
export async function tried(question) {
  await mayTakeBack();
  const message = { ...question.message, id: `console-${randomName()}` };
  const answer = await call("v1/recommendations", { body: { ...question, message, explore: false } });
  const fault = answer.action === "send" ? await takeBack(answer) : null;
  say("Recommendation shown");
  return answerCard(answer, question, fault);
}

/** Prove the scope that taking a trial back needs, before there is anything to take back. */
async function mayTakeBack() {
  try {
    await call("v1/outcomes", { body: [] });
  } catch (error) {
    if (error.status === 403) error.message += "; a trial is taken back by an outcome, not_sent";
    throw error;
  }
}

/** Take a trial back; give what is to be shown if that fails. */
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
  [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const ACTIONS = { hold: "Hold the message back", suppress: "Never send it" };

function answerCard(answer, question, fault) {
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
    fault,
    sent || answer.alternatives.length ? [el("h3", null, "Chance of a purchase"), bars(answer)] : null,
    answer.excluded.length
      ? [el("h3", null, "Left out"), table("Left out", EXCLUDED_COLUMNS, answer.excluded).node]
      : null,
    el("h3", null, "The decision"),
    answerFacts(answer, question),
    el(
      "p",
      { class: "hint" },
      fault ? null : "A trial: it is in the decision log, counts towards no cap, teaches nothing.",
    ),
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
    ["Policy", mono(answer.policy_version)],
    ["Model", mono(answer.model_version)],
    ["Decision id", mono(answer.decision_id)],
  ]);
}

/** The option chosen, with its interval (95 % credible) as a line, and the others beneath, all to one scale. */
function bars(answer) {
  const chosen = answer.action === "send" ? [{ ...answer, chosen: true }] : [];
  const rated = [...chosen, ...answer.alternatives].filter((each) => each.conversion_probability !== null);
  if (!rated.length) return empty("None is known for this decision.");
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
      joined(words(option.channel), option.device_id),
      option.chosen ? " (chosen)" : "",
      el("small", null, moment(option.send_at, timezone)),
    ),
    svg(
      "svg",
      { "aria-hidden": "true" },
      svg("rect", { class: "track", width: "100%", height: "100%", rx: 4 }),
      svg("rect", { class: "bar", width: at(option.conversion_probability), height: "65%", rx: 4 }),
      spread ? svg("line", { class: "spread", x1: at(spread[0]), x2: at(spread[1]), y1: "83%", y2: "83%" }) : null,
    ),
    el(
      "span",
      null,
      percent(option.conversion_probability),
      spread ? el("small", null, `95%: ${percent(spread[0])} to ${percent(spread[1])}`) : null,
    ),
  );
}
