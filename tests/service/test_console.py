"""The console: served whole and strictly; it shows what the API says as text, and leaves nothing behind that counts."""

import json
import os
import re
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from service.app import create_app
from service.console import MEDIA_TYPES, contents
from service.keys import Scope
from service.store import decisions
from service.web.serving import address, bind
from service.wiring import Homing
from tests.service.harness import Api, make_key

SVG_NAMESPACE = "http://www.w3.org/2000/svg"
"""A name, not an address: nothing is ever loaded from it."""

NASTY = "<img src=x onerror=window.hit=1>"


class Markup(HTMLParser):
    """The elements of a page with their attributes, and the text inside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Take note of what stands in a script or style."""
        if self.cdata_elem is not None:
            self.inline += data.strip()

    def loaded(self) -> list[str]:
        """Give the addresses of everything the page loads."""
        names = {"script": "src", "img": "src", "link": "href"}
        return [str(given[names[tag]]) for tag, given in self.elements if tag in names]


def page() -> Markup:
    """Read the page's markup."""
    return Markup(contents()["console.html"].decode())


def scripts() -> dict[str, str]:
    """Give the console's scripts by name."""
    return {name: text.decode() for name, text in contents().items() if name.endswith(".js")}


# --- what is served -------------------------------------------------------------------------------------------------


def test_the_page_needs_no_key_and_is_under_a_strict_policy(api: Api) -> None:
    """The page is public, may load from its own address alone, may not be framed, sends no form and no referrer."""
    answer = api.get("/console")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    rules = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'self'"
    assert {rules[name] for name in ("object-src", "base-uri", "form-action", "frame-ancestors")} == {"'none'"}
    assert rules["require-trusted-types-for"] == "'script'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_whatever_the_page_loads_is_served(api: Api) -> None:
    """The page's own files, and what its scripts import, are there with their media types and the same policy."""
    imported = {name for text in scripts().values() for name in re.findall(r'from "\./([^"]+)"', text)}
    assert len(imported) > 3
    for path in {*page().loaded(), *(f"console/{name}" for name in imported)}:
        answer = api.get(f"/{path}")
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == MEDIA_TYPES[Path(path).suffix]
        assert answer.headers["content-security-policy"] == api.get("/console").headers["content-security-policy"]


@pytest.mark.parametrize("name", ["__init__.py", "other.js", "..%2Fapp.py", "%2e%2e%2fsettings.py"])
def test_nothing_else_is_served(api: Api, name: str) -> None:
    """Only the console's files are given out; the rest is refused as everywhere in the API."""
    answer = api.get(f"/console/{name}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_a_slash_too_many_leads_to_the_page(api: Api) -> None:
    """/console/ is redirected, so that the page's relative addresses hold."""
    answer = api.get("/console/")
    assert (answer.status_code, answer.headers["location"].endswith("/console")) == (307, True)


# --- what stands in the files ---------------------------------------------------------------------------------------


def test_no_file_names_another_address() -> None:
    """Nothing is loaded from, or told to, anywhere else: no absolute address, no import, no url() in any file."""
    for name, text in contents().items():
        plain = text.decode().replace(SVG_NAMESPACE, "")
        for loads in ("http:", "https:", "ws:", "wss:", "data:", '"//', "'//", "url(", "@import", "import("):
            assert loads not in plain, f"{loads} in {name}"


def test_the_page_has_nothing_inline() -> None:
    """No script, style or handler stands in the markup: the policy would refuse it."""
    read = page()
    assert read.inline == ""
    for tag, given in read.elements:
        assert tag != "style"
        assert not [name for name in given if name == "style" or name.startswith("on")]


def test_every_field_of_the_page_has_a_label() -> None:
    """Who hears the page instead of seeing it knows what to type; the fields of the views are tested in a browser."""
    labelled = {given["for"] for tag, given in page().elements if tag == "label"}
    assert {given["id"] for tag, given in page().elements if tag == "input"} <= labelled


def test_no_script_reads_markup_or_keeps_the_key_elsewhere() -> None:
    """Text stays text: no script uses what parses markup or code, nor any store that outlives the tab."""
    forbidden = (
        "innerHTML outerHTML insertAdjacentHTML document.write DOMParser eval( Function( srcdoc localStorage cookie"
    )
    for name, text in scripts().items():
        assert not [word for word in forbidden.split() if word in text], name


# --- in a browser ---------------------------------------------------------------------------------------------------

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SECONDS = 30.0

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")


class Browser:
    """A headless Chromium with one tab, told what to do over a pipe by its own DevTools protocol."""

    def __init__(self, profile: Path) -> None:
        ask_read, self._ask = os.pipe()
        self._answers, answer_write = os.pipe()
        options = f"--headless=new --no-sandbox --disable-gpu --remote-debugging-pipe --user-data-dir={profile}"
        # Chromium reads its orders from descriptor 3 and answers on 4.
        become = (
            f"import os, sys; os.dup2({ask_read}, 3); os.dup2({answer_write}, 4); os.execv(sys.argv[1], sys.argv[1:])"
        )
        self._process = subprocess.Popen(  # noqa: S603 - the browser, as found on the path
            [sys.executable, "-c", become, str(CHROMIUM), *options.split()],
            pass_fds=(ask_read, answer_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ask_read)
        os.close(answer_write)
        self._rest = b""
        self._count = 0
        self._tab: str | None = None

    def start(self) -> None:
        """Open the tab, as large as a phone."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._tab = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Emulation.setDeviceMetricsOverride", width=375, height=800, deviceScaleFactor=1, mobile=True)

    def open(self, url: str) -> None:
        """Go to an address, and wait until the console has drawn itself."""
        self._call("Page.navigate", url=url)
        self.wait(f"location.href === {json.dumps(url)} && document.querySelector('h1') !== null")

    def do(self, script: str) -> Any:
        """Run a script in the tab and give what it gives."""
        told = self._call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until a condition holds in the tab."""
        deadline = time.monotonic() + SECONDS
        while not self.do(condition):
            assert time.monotonic() < deadline, f"never came true: {condition}\n{self.do('document.body.innerText')}"
            time.sleep(0.02)

    def type(self, selector: str, text: str) -> None:
        """Type a text into a field, key by key as the browser sees it."""
        self.do(f"document.querySelector({json.dumps(selector)}).focus()")
        self._call("Input.insertText", text=text)

    def press_enter(self) -> None:
        """Press Enter where the cursor is."""
        for kind in ("keyDown", "keyUp"):
            self._call(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
            )

    def close(self) -> None:
        """End the browser: it ends by itself once nobody asks any more."""
        os.close(self._ask)
        os.close(self._answers)
        try:
            self._process.wait(SECONDS)
        finally:
            self._process.kill()

    def _call(self, method: str, **given: Any) -> dict[str, Any]:
        self._count += 1
        told: dict[str, Any] = {"id": self._count, "method": method, "params": given}
        os.write(
            self._ask, json.dumps(told if self._tab is None else {**told, "sessionId": self._tab}).encode() + b"\0"
        )
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], SECONDS)
            assert ready, "the browser does not answer"
            part = os.read(self._answers, 65_536)
            assert part, "the browser has ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start one browser for all tests."""
    begun = Browser(tmp_path_factory.mktemp("browser"))
    try:
        begun.start()
        yield begun
    finally:
        begun.close()


@pytest.fixture
def url(homing: Homing) -> Iterator[str]:
    """Serve the deployment over a real socket and give the console's address."""
    taken = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(homing), log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    deadline = time.monotonic() + SECONDS
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield f"{address(taken)}/console"
    server.should_exit = True
    thread.join(SECONDS)


def a_cart_left_behind(api: Api) -> None:
    """Let somebody with a nasty name, reachable by a push token, leave a cart three hours ago."""
    device = {"id": "phone-1", "type": "ios", "token": NASTY}
    event = {
        "type": "track",
        "event": "Product Added",
        "messageId": "left-1",
        "userId": NASTY,
        "timestamp": "2026-11-16T09:00:00Z",
        "context": {"device": device, "timezone": "Asia/Seoul", "traits": {"name": NASTY}},
        "properties": {"cart_id": NASTY, "product_id": NASTY, "quantity": 1, "price": 9.5, "currency": "EUR"},
    }
    answer = api.post("/v1/track", key=api.key(Scope.INGEST), json=event)
    assert answer.json()["accepted"] == 1, answer.json()


def use_key(browser: Browser, url: str, key: str) -> None:
    """Open the console and type a key in; each test has a port, and so a storage, of its own."""
    browser.open(url)
    browser.type("#key", key)
    browser.press_enter()
    browser.wait("document.getElementById('key-form').hidden")


IDLE = "document.querySelector('[aria-busy]') === null"


@in_a_browser
def test_a_nasty_person_is_shown_as_text(browser: Browser, api: Api, url: str) -> None:
    """Markup in identifiers, traits and events is shown letter by letter; the key is in this tab alone."""
    a_cart_left_behind(api)
    key = api.key(Scope.READ, Scope.READ_PII)
    use_key(browser, url, key)
    browser.type("form[aria-label='Look up by identifier'] input[list]", "user_id")
    browser.type("form[aria-label='Look up by identifier'] div:nth-child(2) input", NASTY)
    browser.press_enter()
    browser.wait(f"{IDLE} && document.querySelector('.picture svg text') !== null")
    shown = browser.do("document.getElementById('view').innerText")
    assert shown.count(NASTY) >= 3  # heading, identifier, token
    assert browser.do("document.querySelectorAll('main img, main script').length") == 0
    assert browser.do("window.hit === undefined")
    assert key not in browser.do("location.href + document.documentElement.outerHTML")
    assert browser.do("[Object.values(sessionStorage), localStorage.length]") == [[key], 0]
    assert browser.do("location.hash").startswith("#/person/")
    assert browser.do("[...document.querySelectorAll('main input, main select')].every((each) => each.labels.length)")
    assert browser.do("document.documentElement.scrollWidth <= innerWidth"), "wider than a phone"


@in_a_browser
def test_the_browser_itself_refuses_markup(browser: Browser, url: str) -> None:
    """Were a script to parse markup by mistake, the policy stops it; an inline script does not run either."""
    browser.open(url)
    refused = "(() => { try { document.body.innerHTML = '<b>x</b>'; return false } catch { return true } })()"
    assert browser.do(refused)
    browser.do("{ const s = document.createElement('script'); s.append('window.ran = 1'); document.head.append(s) }")
    assert browser.do("window.ran === undefined && document.head.querySelector('script:not([src])') !== null")


@in_a_browser
def test_a_look_at_a_cart_leaves_nothing_behind_that_counts(browser: Browser, api: Api, url: str) -> None:
    """The table tells where a cart's message would go; the decision it took is in the log as not sent, once."""
    a_cart_left_behind(api)
    use_key(browser, f"{url}#/carts", api.key(Scope.READ, Scope.DECIDE, Scope.OUTCOME))
    browser.wait(f"{IDLE} && document.querySelector('main tbody button') !== null")
    for times in (1, 2, 3):  # opened, closed, opened again
        browser.do("document.querySelector('main tbody button').click()")
        browser.wait(f"{IDLE} && document.querySelector('.verdict') !== null")
        assert browser.do("document.querySelector('tr:has(.answer)').hidden") is (times == 2)
    told = browser.do("document.querySelector('td.answer').innerText")
    assert "Send by app push" in told
    assert "Asia/Seoul" in told
    assert browser.do("document.documentElement.scrollWidth <= innerWidth"), "wider than a phone"
    with api.homing.database.transaction(reads=True) as conn:
        entries = [logged.entry for logged in decisions.scan(conn)]
    assert [entry.kind.value for entry in entries] == ["decision", "outcome"]
    assert json.loads(entries[1].body)["kind"] == "not_sent"
    assert entries[0].decision_id == entries[1].decision_id


@in_a_browser
@pytest.mark.parametrize(
    ("scopes", "told"),
    [
        ((Scope.READ,), "this key lacks the scope outcome"),
        ((Scope.OUTCOME,), "this key lacks the scope decide"),
    ],
)
def test_a_refusal_is_told_in_the_apis_words(
    browser: Browser, api: Api, url: str, scopes: tuple[Scope, ...], told: str
) -> None:
    """Without the scopes it takes, nothing is decided, and the page says what the API said."""
    use_key(browser, f"{url}#/ask", make_key(api.homing, scopes))
    browser.type("form[aria-label='Ask for a recommendation'] input[list]", "user_id")
    browser.type("form[aria-label='Ask for a recommendation'] > div:nth-child(2) input", "wonjun")
    browser.press_enter()
    browser.wait("document.querySelector('[role=alert]') !== null")
    shown = browser.do("document.querySelector('[role=alert]').innerText")
    assert shown.startswith("forbidden (403)")
    assert told in shown
    with api.homing.database.transaction(reads=True) as conn:
        assert list(decisions.scan(conn)) == []


@in_a_browser
def test_health_needs_no_key(browser: Browser, url: str, homing: Homing) -> None:
    """Health shows readiness and counters without a key, and the reason where the service is not ready."""
    browser.open(f"{url}#/health")
    browser.wait(f"{IDLE} && document.querySelector('.note.good') !== null")
    assert "Requests" in browser.do("document.querySelector('.tiles').innerText")
    assert "/console" in browser.do("document.querySelector('main table').innerText")
    homing.readiness.stop()
    browser.do("[...document.querySelectorAll('main button')].at(-1).click()")
    browser.wait("document.querySelector('[role=alert]') !== null")
    assert browser.do("document.querySelector('[role=alert]').innerText").startswith("stopping (503)")
