"""A device's kind is what its sender says, and nothing where it says nothing."""

import pytest

from service.events.devices import device_kind

SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"

PHONES = [
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {SAFARI} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 KAKAOTALK",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14; SM-S928N) AppleWebKit/537.36 SamsungBrowser/26.0 {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 13; SM-G991N Build/TP1A; wv) {CHROME} Mobile Safari/537.36 NAVER(inapp)",
    "Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0",
    "ShopApp/3.2 (iPhone15,3; iOS 18.1; Scale/3.00)",
    "Dalvik/2.1.0 (Linux; U; Android 14; SM-S918N Build/UP1A.231005.007)",
    "Dalvik/2.1.0 (Linux; U; Android 15; Pixel 9 Pro Build/AP3A.241005.015)",
]
TABLETS = [
    "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/300 Mobile/15E148",
    f"Mozilla/5.0 (Linux; Android 14; SM-X906B) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 9; SM-T290) AppleWebKit/537.36 SamsungBrowser/20.0 {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 11; KFTRWI) AppleWebKit/537.36 Silk/118.2.7 like {CHROME} Safari/537.36",
    "Mozilla/5.0 (Android 13; Tablet; rv:132.0) Gecko/132.0 Firefox/132.0",
    "Dalvik/2.1.0 (Linux; U; Android 14; SM-X700 Build/UP1A.231005.007)",
]
DESKTOPS = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/131.0.0.0",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI} Safari/605.1.15",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
]
NEITHER = [
    "",
    "okhttp/4.12.0",
    "python-requests/2.34.2",
    "ShopApp/5.1 CFNetwork/1490.0.4 Darwin/23.0.0",
    "Dalvik/2.1.0 (Linux; U; Android 14; 23106RN0DA Build/UP1A.231005.007)",
    f"Mozilla/5.0 (Linux; Android 12; BRAVIA 4K UR2 Build/SPT1) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7273; wv) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 11; Chromecast Build/RTT2) {CHROME} Safari/537.36 CrKey/1.56",
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/76.0 TV Safari/537.36",
    "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0 Safari/537.36",
    "AppleTV11,1/11.1",
    "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {CHROME} Safari/537.36 Edge/44.18363",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) {CHROME} Mobile Safari/537.36 (compatible; Googlebot/2.1)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0 Safari/537.36",
    "\x00\x1f" * 50,
    "Mozilla/5.0 (" + "A" * 20_000,
]


@pytest.mark.parametrize("user_agent", PHONES)
def test_phones(user_agent: str) -> None:
    """Browsers, web views and apps of phones."""
    assert device_kind("", user_agent) == "phone"


@pytest.mark.parametrize("user_agent", TABLETS)
def test_tablets(user_agent: str) -> None:
    """Tablets say no "Mobile", or their model says what they are."""
    assert device_kind("", user_agent) == "tablet"


@pytest.mark.parametrize("user_agent", DESKTOPS)
def test_desktops(user_agent: str) -> None:
    """Windows, macOS, ChromeOS and Linux."""
    assert device_kind("", user_agent) == "desktop"


@pytest.mark.parametrize("user_agent", NEITHER, ids=lambda text: repr(text[:30]))
def test_what_cannot_be_told_is_not_guessed(user_agent: str) -> None:
    """Televisions, consoles, bots, libraries and noise have no kind."""
    assert device_kind("", user_agent) == ""


def test_an_ipad_that_says_it_is_a_mac_is_told_by_its_app_alone() -> None:
    """Desktop-class browsing hides the tablet; `context.device.type` shows it."""
    mac = DESKTOPS[3]
    assert device_kind("", mac) == "desktop"
    assert device_kind("tablet", mac) == "tablet"


@pytest.mark.parametrize(
    ("device_type", "kind"),
    [("phone", "phone"), ("Mobile", "phone"), (" iPad ", "tablet"), ("TABLET", "tablet"), ("desktop", "desktop")],
)
def test_the_apps_word_precedes_the_user_agent(device_type: str, kind: str) -> None:
    """Whatever the case it is written in."""
    assert device_kind(device_type, DESKTOPS[0] if kind != "desktop" else PHONES[0]) == kind


@pytest.mark.parametrize("device_type", ["ios", "android", "", "toaster"])
def test_a_system_is_no_kind(device_type: str) -> None:
    """Segment's iOS SDK sends "ios" for phones and tablets alike."""
    assert device_kind(device_type, "") == ""
    assert device_kind(device_type, TABLETS[0]) == "tablet"


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("iPhone17,3", "phone"),
        ("iPad13,4", "tablet"),
        ("SM-S928N", "phone"),
        ("SM-X906B", "tablet"),
        ("Pixel Tablet", "tablet"),
        ("Pixel 9", "phone"),
        ("AppleTV11,1", ""),
        ("23106RN0DA", ""),
    ],
)
def test_the_model_tells_where_the_type_does_not(model: str, kind: str) -> None:
    """Segment's mobile clients send `context.device.model`."""
    assert device_kind("ios" if model.startswith("i") else "android", "", model) == kind
