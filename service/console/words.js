/**
 * Numbers, moments and codes are put into words here, alike in every view.
 */

import { el } from "./nodes.js";

const LOCALE = "en-GB";
export const NONE = "–";
export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const orNone = (text) => (text === null || text === undefined || text === "" ? NONE : String(text));
export const words = (code) => orNone(code).replaceAll("_", " ");
export const count = (number) => new Intl.NumberFormat(LOCALE).format(number);
/** Write what there is of some texts. */
export const joined = (...texts) => orNone(texts.filter(Boolean).join(" · "));
export const counted = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export function percent(share) {
  return share === null
    ? NONE
    : new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 1 }).format(share);
}

export function money(amount, currency) {
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

export function moment(iso, zone = HERE, style = { dateStyle: "medium", timeStyle: "short" }) {
  return iso === null ? NONE : el("time", { datetime: iso, title: iso }, timeText(iso, zone, style));
}

export function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  const parts = [
    days && counted(days, "day"),
    hours && counted(hours, "hour"),
    !days && rest && counted(rest, "minute"),
  ];
  return parts.filter(Boolean).join(" ") || "less than a minute";
}

export const called = (identifier) => (identifier === null ? NONE : `${identifier.namespace} ${identifier.value}`);

/** Write a span of seconds in milliseconds. */
export const milliseconds = (seconds) =>
  `${new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 3 }).format(seconds * 1000)} ms`;

/** Read what a datetime-local field holds, in this browser's time zone: ISO 8601, or null. */
export const typedTime = (text) => (text ? new Date(text).toISOString() : null);
