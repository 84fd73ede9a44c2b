"""A body is read as JSON whatever its headers claim, within the limits, and described in the document as it is read."""

import gzip
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.app import bare_app
from service.keys import Scope
from service.web.payload import BODY_BYTES
from tests.service.harness import Api

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
CURLS = re.findall(r"curl (?:-X (\w+) )?http://127\.0\.0\.1:8080(\S+) [^\n]*-d '(.*?)'\n", README, re.DOTALL)

ASK = {"recipient": {"namespace": "user_id", "value": "wonjun"}, "message": {"id": "m1"}}
CONSENT = {"identifiers": [ASK["recipient"]], "channel": "email", "state": "granted"}
ROUTES: dict[str, tuple[str, Any]] = {
    "/v1/recommendations": ("POST", ASK),
    "/v1/recommendations:batch": ("POST", [ASK]),
    "/v1/consents": ("PUT", CONSENT),
    "/v1/outcomes": ("POST", {"decision_id": "d1", "type": "clicked"}),
}
TYPES = [
    None,
    "application/x-www-form-urlencoded",
    "text/plain",
    "application/json",
    "application/json; charset=x",
    "?",
]


def send(api: Api, path: str, data: bytes, content_type: str | None = None, **headers: str) -> tuple[int, Any]:
    """Send a body under a content type (None: none) and give status and answer."""
    given = headers if content_type is None else headers | {"Content-Type": content_type}
    answer = api.request(ROUTES[path][0], path, key=api.key(), content=data, headers=given)
    return answer.status_code, answer.json()


def test_readmes_curls_work_as_curl_sends_them(api: Api) -> None:
    """`curl -d` announces a form; what README shows is answered all the same."""
    assert [path for _, path, _ in CURLS] == ["/v1/consents", "/v1/recommendations"]
    for method, path, body in CURLS:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
        answer = api.request(method or "POST", path, key=api.key(), content=body.encode(), headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json().get("status", "accepted") == "accepted"


@pytest.mark.parametrize("path", ROUTES)
def test_the_content_type_says_nothing(api: Api, path: str) -> None:
    """The same body is taken under any content type and none, gzipped or not, with a byte-order mark or without."""
    body = orjson.dumps(ROUTES[path][1])
    for content_type in TYPES:
        assert send(api, path, body, content_type)[0] == 200, content_type
    assert send(api, path, gzip.compress(body))[0] == 200
    assert send(api, path, gzip.compress(body), "application/json", **{"Content-Encoding": "gzip"})[0] == 200
    assert send(api, path, b"\xef\xbb\xbf" + body)[0] == 200


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"recipient=wonjun", 400, "invalid_json"),
        (gzip.compress(b"{}", mtime=0)[:-4], 400, "invalid_gzip"),
        (gzip.compress(b" " * (BODY_BYTES + 1), mtime=0), 413, "body_too_large"),
        (b'"text"', 422, "invalid_request"),
        (b'{"unknown": 1}', 422, "invalid_request"),
    ],
)
def test_a_body_that_is_none_is_refused_in_one_shape(api: Api, path: str, data: bytes, status: int, code: str) -> None:
    """Unreadable 400, too large 413, wrong fields 422, each told as everywhere."""
    told, answer = send(api, path, data, "application/x-www-form-urlencoded")
    assert (told, answer["code"]) == (status, code)
    assert set(answer) <= {"code", "message", "details"}


@pytest.mark.parametrize("path", ["/v1/recommendations", "/v1/consents"])
def test_what_json_lacks_and_half_a_character_are_faults_of_their_field(api: Api, path: str) -> None:
    """NaN and half a surrogate pair spoil the field they stand in, which is named; nothing of it is repeated."""
    wrong = {
        "/v1/recommendations": b'{"recipient":{"namespace":"p","value":"\\ud800"},"message":{"id":"m","margin":NaN}}',
        "/v1/consents": b'{"identifiers":[{"namespace":"email","value":"\\ud800"}],"channel":null,"state":NaN}',
    }[path]
    status, answer = send(api, path, wrong)
    assert status == 422
    fields = {fault["field"].split(".")[0] for fault in answer["details"]}
    assert fields == ({"recipient", "message"} if path == "/v1/recommendations" else {"identifiers", "state"})


def test_no_key_is_told_before_the_body_is_read(api: Api) -> None:
    """Who may not ask learns nothing of how to ask."""
    key = api.key(Scope.READ)
    for path, (method, _) in ROUTES.items():
        assert api.request(method, path, content=b"{").status_code == 401
        assert api.request(method, path, key=key, content=b"{").status_code == 403


def test_the_document_describes_every_body() -> None:
    """Each body has its schema, and whatever it refers to is there: for the first app made and for every other."""
    app = bare_app()
    for document in (app.openapi(), app.openapi(), bare_app().openapi()):
        text = orjson.dumps(document).decode()
        assert "$defs" not in text
        named = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
        assert named <= set(document["components"]["schemas"])
        assert {"RecommendationAsked", "MessageGiven", "ConsentGiven", "OutcomeGiven", "BatchAsked"} <= named
        for path, (method, _) in ROUTES.items():
            body = document["paths"][path][method.lower()]["requestBody"]
            assert body["required"] is True
            assert body["content"]["application/json"]["schema"]
