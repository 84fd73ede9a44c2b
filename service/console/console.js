/**
 * The address names a view, and at most a profile id: never an identifier, never the key.
 */

import { forget, keep, kept } from "./api.js";
import { cartsView } from "./carts.js";
import { healthView } from "./health.js";
import { byId, say } from "./nodes.js";
import { NAMESPACES } from "./parts.js";
import { personView } from "./person.js";
import { askView } from "./recommendation.js";
import { HERE } from "./words.js";

const VIEWS = { person: personView, carts: cartsView, ask: askView, health: healthView };

/** Show the view that the address names: #/view or #/view/profile-id. */
function route({ focus = true } = {}) {
  const [, name, argument] = location.hash.split("/");
  const view = Object.hasOwn(VIEWS, name) ? name : "person";
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
  keep(text);
  showKey();
  say("Key in use");
  route();
}

function forgetKey() {
  forget();
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
