"""Browser clients fetch their settings before they send anything: where to, and that nothing else is to be loaded.

Both answers hold nothing of the deployment, so the key in them is not judged here; it is when events come with it.
"""

from typing import Any

from fastapi import APIRouter, Request

from service.keys import shown_key

SEGMENT_PATH = "/v1/projects/{key}/settings"
RUDDER_PATHS = ("/sourceConfig/", "/sourceConfig")

_NO_KEY: dict[str, Any] = {"security": []}

router = APIRouter(tags=["collector"])


@router.get(SEGMENT_PATH, summary="Let Segment's browser client start", openapi_extra=_NO_KEY)
async def segment_settings(request: Request, key: str) -> dict[str, Any]:
    """Name this host as the only integration of `@segment/analytics-next`."""
    host = request.url.netloc + request.scope.get("root_path", "")
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": key,
                "apiHost": f"{host}/v1",
                "protocol": request.url.scheme,
                "unbundledIntegrations": [],
                "addBundledMetadata": True,
            }
        },
        "plan": {"track": {"__default": {"enabled": True}}},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


async def rudder_settings(request: Request) -> dict[str, Any]:
    """Describe one enabled source without destinations to `@rudderstack/analytics-js`."""
    silent = {"enabled": False}
    return {
        "source": {
            "id": "homing",
            "name": "Homing",
            "writeKey": request.query_params.get("writeKey") or shown_key(request) or "",
            "enabled": True,
            "workspaceId": "homing",
            "config": {"statsCollection": {"errors": silent, "metrics": silent}},
            "connections": [],
            "destinations": [],
            "dataplanes": {},
        },
        "updatedAt": "2026-01-01T00:00:00Z",
        "isHosted": True,
    }


for _path in RUDDER_PATHS:
    router.add_api_route(
        _path,
        rudder_settings,
        methods=["GET"],
        summary="Let RudderStack's browser client start",
        include_in_schema=_path == RUDDER_PATHS[0],
        openapi_extra=_NO_KEY,
    )
