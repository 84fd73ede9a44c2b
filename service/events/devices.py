"""What kind of device an event came from, as far as its sender says; "" where it cannot be told, never a guess.

An iPad with desktop-class browsing (the default since iPadOS 13) sends a Mac's user agent and is taken for a desktop,
and so is a phone asked for "the desktop site"; only the app's own `context.device` tells them apart.
"""

from functools import lru_cache
from typing import Literal

Kind = Literal["phone", "tablet", "desktop", ""]

_BY_TYPE: dict[str, Kind] = {
    "phone": "phone",
    "mobile": "phone",
    "smartphone": "phone",
    "handset": "phone",
    "iphone": "phone",
    "tablet": "tablet",
    "ipad": "tablet",
    "ipados": "tablet",
    "desktop": "desktop",
    "laptop": "desktop",
    "pc": "desktop",
}
"""By what apps put into `context.device.type`. "ios" and "android" (Segment's SDKs) name a system, not a kind."""

_DESKTOP_SYSTEMS = frozenset({"Windows", "Mac OS X", "Linux", "Ubuntu", "Fedora", "Chrome OS", "FreeBSD", "OpenBSD"})
"""Operating systems, as ua-parser names them, that nothing but a desktop or laptop runs with a browser."""

_TABLET_MODELS = ("iPad", "SM-T", "SM-P", "SM-X", "GT-P", "Lenovo TB", "Pixel Tablet", "Pixel C", "Nexus 7", "KF")
"""How model names of tablets begin: iPad, Samsung Galaxy Tab, Lenovo Tab, Google's own, Amazon Fire (KF…). Browsers of
some say "Mobile" all the same."""

_PHONE_MODELS = ("iPhone", "iPod", "SM-A", "SM-F", "SM-G", "SM-J", "SM-M", "SM-N", "SM-S", "LM-", "Pixel", "Nexus")
"""How model names of phones begin, tablets aside: Apple's, Samsung Galaxy, LG, Google's own. An Android app's own user
agent (Dalvik) tells the model and nothing else."""

_NEITHER = ("TV", "BRAVIA", "AFT", "CrKey", "Chromecast", "SHIELD", "Xbox", "PlayStation", "Nintendo", "Watch")
"""Television sets and sticks, consoles and watches, by a word of the user agent."""


def device_kind(device_type: str, user_agent: str, model: str = "") -> Kind:
    """Tell the kind of a device from `context.device.type`, `context.userAgent` and `context.device.model`.

    Each may be "". What the app says of its device precedes the user agent. Bots, televisions, consoles and watches
    are "".
    """
    return _BY_TYPE.get(device_type.strip().lower()) or _kind_by_model(model) or _kind_by_user_agent(user_agent)


def load_user_agents() -> None:
    """Load the tables of user agents, so that the first request that needs them does not wait for it."""
    _kind_by_user_agent("Mozilla/5.0")


def _kind_by_model(model: str) -> Kind:
    if model.startswith(_TABLET_MODELS):
        return "tablet"
    return "phone" if model.startswith(_PHONE_MODELS) else ""


@lru_cache(maxsize=8_192)
def _kind_by_user_agent(user_agent: str) -> Kind:
    if not user_agent or any(word in user_agent for word in _NEITHER):
        return ""
    from ua_parser import parse  # noqa: PLC0415 - its tables take long to load, and `homing --help` never needs them

    found = parse(user_agent)
    device, system = found.device, found.os.family if found.os else ""
    if "Headless" in user_agent or (device and device.family == "Spider"):
        return ""
    if system in _DESKTOP_SYSTEMS:
        return "desktop"
    by_model = _kind_by_model((device.model or "") if device else "")
    return by_model or (_android_kind(user_agent) if system == "Android" else "")


def _android_kind(user_agent: str) -> Kind:
    """Tell phone from tablet as Google advises site owners: a phone's browser says "Mobile", a tablet's does not."""
    if user_agent.startswith("Mozilla/"):
        return "phone" if "Mobile" in user_agent else "tablet"
    return ""
