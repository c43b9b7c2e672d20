"""The pages in a real browser, headless Chromium: with and without scripts, on a phone, in the dark, for everyone.

What only a browser shows: which headers it sends with forms, that pages load themselves again, what they look like.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from flows.settings import Settings
from tests.flows.api.conftest import MakeToken, Server
from tests.flows.importing import import_records, read_users

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")]
ADA, WRONG = {"email": "ada@example.com"}, {"email": "test@", "password_hash": "secret"}
SCRIPT = "<script>document.title = 'taken'</script>"
MILLISECONDS = 60_000.0
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 640}, "is_mobile": True},
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


def open_page(browser: Browser, server: Server, token: str, **looks: Any) -> Page:
    """Return the list of jobs as someone sees it who has just signed in."""
    page = browser.new_context(base_url=server.url, **looks).new_page()
    page.set_default_timeout(MILLISECONDS)
    page.goto("/")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    return page


def send(page: Page, path: Path) -> None:
    """Send a file as the form is set from the start: to a dry run."""
    page.get_by_role("link", name="Import a file").first.click()
    page.get_by_label("File of users").set_input_files(path)
    page.get_by_role("button", name="Send").click()


def wait_for_status(page: Page, text: str) -> None:
    """Wait until the page says so, without loading it again: it does that itself."""
    expect(page.get_by_role("status")).to_contain_text(text, timeout=MILLISECONDS)


def write_users(folder: Path) -> Path:
    path = folder / "users.ndjson"
    path.write_text(f"{json.dumps(ADA)}\n{json.dumps(WRONG)}\n")
    return path


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no scripts"])
def test_from_signing_in_to_the_undo(
    browser: Browser, server: Server, settings: Settings, make_token: MakeToken, has_scripts: bool
) -> None:
    path = write_users(settings.database.parent)
    page = open_page(browser, server, make_token(), java_script_enabled=has_scripts)
    send(page, path)
    wait_for_status(page, "Nothing was changed")
    assert read_users(settings) == []

    page.get_by_role("button", name="Carry this out").click()
    wait_for_status(page, "completed with errors")
    assert len(read_users(settings)) == 1
    fault = page.get_by_role("region", name="Errors and warnings").get_by_role("row", name="FORMAT")
    expect(fault).to_contain_text("is not an e-mail address")
    expect(fault).to_contain_text("test@")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the refused rows").click()
    assert json.loads(download.value.path().read_text())["password_hash"] == "secret"
    assert "secret" not in page.get_by_role("region", name="Errors and warnings").inner_text()

    page.get_by_role("button", name="See what an undo would do").click()
    wait_for_status(page, "1 user would be reverted")
    assert len(read_users(settings)) == 1
    page.get_by_role("button", name="Revert 1 user").click()
    wait_for_status(page, "1 user reverted")
    assert read_users(settings) == []

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_pages_are_used_by_keyboard_alone(browser: Browser, server: Server, make_token: MakeToken) -> None:
    page = browser.new_context(base_url=server.url).new_page()
    page.goto("/")
    page.keyboard.insert_text(make_token())  # the field has the focus
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    for name in ("Jobs", "Import a file"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("navigation").get_by_role("link", name=name)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Import a file")).to_be_visible()


def test_names_are_never_run(browser: Browser, server: Server, settings: Settings, make_token: MakeToken) -> None:
    job = import_records(settings, [{"email": f"{SCRIPT}@", "given_name": SCRIPT}], external_id=SCRIPT)
    page = open_page(browser, server, make_token())
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for path in ("/", f"/jobs/{job.job_id}", f"/?external_id={SCRIPT}", f"/jobs/{SCRIPT}"):
        page.goto(path)
        assert "taken" not in page.title()
        expect(page.locator("script")).to_have_count(0)
    assert [text for text in said if "Content Security Policy" in text] == []


@pytest.mark.parametrize("look", LOOKS)
def test_pages_are_accessible_and_as_wide_as_the_screen(
    browser: Browser, server: Server, settings: Settings, make_token: MakeToken, look: str
) -> None:
    """Every rule of WCAG 2 A and AA that axe can test."""
    long = "x" * 200
    job = import_records(settings, [ADA, WRONG, {"email": f"{long}@"}, {long: 1}], external_id=long)
    dry = import_records(settings, [ADA], dry_run=True)
    page = open_page(browser, server, make_token(), **LOOKS[look])
    paths = ("/", "/upload", f"/jobs/{job.job_id}", f"/jobs/{dry.job_id}", "/jobs/nothing", "/sign-in")
    for path in paths:
        page.goto(path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
