/**
 * The key is kept in this tab’s session storage and shown to the API in a header; it is never part of an address.
 */

const KEY = "homing.key";

export const NO_KEY =
  "Type in a key at the top of the page: scope read shows people and carts (read_pii: values unmasked), " +
  "scopes decide and outcome try recommendations. “homing keys create” makes one.";

/** Give the key in use, null if there is none. */
export const kept = () => sessionStorage.getItem(KEY);
export const keep = (key) => sessionStorage.setItem(KEY, key);
export const forget = () => sessionStorage.removeItem(KEY);

/** What the API answers when it does not do what was asked: its own code and message. */
export class Refusal extends Error {
  constructor({ status = 0, code, message, details = null, retryAfter = null }) {
    super(message);
    Object.assign(this, { status, code, details, retryAfter });
  }
}

/** Ask the API; a body makes it a POST. Throws Refusal. */
export async function call(path, { query = {}, body, keyed = true, signal, read = (answer) => answer.json() } = {}) {
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
  if (!kept()) throw new Refusal({ code: "no_key", message: NO_KEY });
  return kept();
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
