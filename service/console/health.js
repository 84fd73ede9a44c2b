/**
 * Readiness and counters, as the process that answers tells them; no key is needed.
 */

import { call } from "./api.js";
import { el, say } from "./nodes.js";
import { listed, load, mono, note, refused } from "./parts.js";
import { count, milliseconds, moment, words } from "./words.js";

const REQUESTS = "homing_http_requests_total";

/** Show whether requests can be served, and what was counted. */
export function healthView(main) {
  const result = el("div");
  const show = () =>
    load(result, async (signal) => {
      const [ready, series] = await Promise.all([
        call("readyz", { keyed: false, signal })
          .then(() => note("good", "Ready: store, schema and a write are proven."))
          .catch(refused),
        call("metrics", { keyed: false, signal, read: async (answer) => readSeries(await answer.text()) }),
      ]);
      say("Health shown");
      return [ready, tiles(series), routes(series)];
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
  const answered = (first) => summed(series, REQUESTS, (labels) => labels.status.startsWith(first));
  const shown = [
    ["Requests", summed(series, REQUESTS), `${count(answered("4"))} refused, ${count(answered("5"))} failed`],
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
  ];
}

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
