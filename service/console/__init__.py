"""`/console`: the analysts' page is a client of the API like any other; nothing of it comes from anywhere else.

The page holds no data and needs no key to be loaded: the key is typed into it and shown to the API alone.
"""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from pathlib import PurePath

from fastapi import APIRouter, Response

from service.errors import ApiError

PAGE = "console.html"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""The endings of the console's files: what stands in this folder with one of them is served."""

_RULES = {
    "default-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    # Forms are read by the script; without it nothing typed in, the key least of all, ends up in an address.
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    # No text can become markup, not even by a mistake in the script: the browser itself refuses.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _RULES.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}

router = APIRouter(prefix="/console", include_in_schema=False)


@router.get("")
async def get_page() -> Response:
    """Give the page."""
    return _file(PAGE)


@router.get("/{name}")
async def get_file(name: str) -> Response:
    """Give what the page loads; ApiError 404 for anything else."""
    if name not in contents():
        raise ApiError(HTTPStatus.NOT_FOUND, "not_found", "the console has no such file; it is at /console")
    return _file(name)


@cache
def contents() -> Mapping[str, bytes]:
    """Give the console's files by name; read once."""
    return {file.name: file.read_bytes() for file in files(__name__).iterdir() if _ending(file.name) in MEDIA_TYPES}


def _file(name: str) -> Response:
    return Response(contents()[name], headers={**_HEADERS, "Content-Type": MEDIA_TYPES[_ending(name)]})


def _ending(name: str) -> str:
    return PurePath(name).suffix
