"""The pages for people: signing in, what they show, and that nothing of a user or a file becomes markup."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.testclient import TestClient

from flows.api.own import pages
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from schemas.job import JobStatus
from tests.flows.api.faces import add_token, requested, serving, serving_without_starting, wait_for
from tests.flows.importing import import_file, import_records, new_id, read_users

ADA, BOB = {"email": "ada@example.com"}, {"email": "bob@example.com"}
SCRIPT = "<script>alert(1)</script>"
HTML = {"Accept": "text/html"}


def sign_in(client: TestClient, **more: Any) -> TestClient:
    """Sign in with a new token, as a browser that follows no redirects."""
    client.headers.update(HTML)
    client.follow_redirects = False
    answer = client.post("/sign-in", data={"token": add_token(client, **more)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return client


@pytest.fixture
def browser(store: Store) -> Iterator[TestClient]:
    with serving(replace(store.settings, wait_seconds=5.0)) as client:
        yield sign_in(client)


@pytest.fixture
def waiting(store: Store) -> Iterator[TestClient]:
    """A browser of a server whose jobs do not begin."""
    with serving_without_starting(store.settings) as client:
        yield sign_in(client)


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def form_token(browser: TestClient) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', browser.get("/upload").text)
    assert found
    return found[1]


def upload(browser: TestClient, *users: Mapping[str, object], name: str = "users.ndjson", **fields: str) -> Any:
    text = "".join(json.dumps(user) + "\n" for user in users)
    data = {"form_token": form_token(browser), **fields}
    return browser.post("/upload", data=data, files={"file": (name, text)})


def upload_and_wait(browser: TestClient, *users: Mapping[str, object], **more: str) -> str:
    """Return the path of the page of a job that has ended."""
    path = str(upload(browser, *users, **more).headers["location"])
    wait(browser, path)
    return path


def wait(browser: TestClient, path: str) -> str:
    def find() -> str | None:
        text: str = browser.get(path).text
        return None if "http-equiv" in text else text

    return wait_for(find)


def press(browser: TestClient, path: str, **fields: str) -> Any:
    return browser.post(path, data={"form_token": form_token(browser), **fields})


def test_a_token_is_kept_in_a_cookie_that_scripts_and_other_sites_cannot_use(store: Store) -> None:
    with serving(store.settings) as client:
        text = add_token(client)
        answer = client.post("/sign-in", data={"token": f" {text}\n"}, follow_redirects=False)
        cookie = answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
    with serving(store.settings) as client:
        secure = client.post("https://testserver/sign-in", data={"token": text}, follow_redirects=False)
        assert "Secure" in secure.headers["set-cookie"]


@pytest.mark.parametrize("text", ["", "uit_wrong", SCRIPT])
def test_a_wrong_token_does_not_sign_in(store: Store, text: str) -> None:
    with serving(store.settings) as client:
        answer = client.post("/sign-in", data={"token": text}, headers=HTML)
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
        assert "not known" in answer.text
        assert SCRIPT not in answer.text


def test_pages_lead_to_signing_in_until_then_and_after_signing_out(browser: TestClient, store: Store) -> None:
    with serving(store.settings) as stranger:
        for path in ("/", "/upload", f"/jobs/{new_id()}"):
            answer = stranger.get(path, headers=HTML, follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert press(browser, "/sign-out").headers["location"] == "/sign-in"
    assert browser.get("/").headers["location"] == "/sign-in"


def test_a_dry_run_then_the_import_then_its_undo(browser: TestClient, settings: Settings) -> None:
    planned = browser.get(upload_and_wait(browser, ADA, {"email": "test@"}, dry_run="on")).text
    assert "Nothing was changed" in planned
    assert "What the first rows would do" in planned
    assert read_users(settings) == []
    path = upload_and_wait(browser, ADA, {"email": "test@"})
    page = browser.get(path).text
    assert "completed with errors" in page
    assert "FORMAT" in page
    assert len(read_users(settings)) == 1
    first = press(browser, f"{path}/undo").headers["location"]
    assert "1 user would be reverted" in wait(browser, first)
    assert len(read_users(settings)) == 1
    second = press(browser, f"{path}/undo", confirm="true").headers["location"]
    assert "1 user reverted" in wait(browser, second)
    assert read_users(settings) == []
    assert "Undone by" in browser.get(path).text


def test_a_dry_run_is_carried_out(browser: TestClient, settings: Settings) -> None:
    path = upload_and_wait(browser, ADA, dry_run="on")
    assert f'action="{path}/apply"' in browser.get(path).text
    applied = press(browser, f"{path}/apply").headers["location"]
    page = wait(browser, applied)
    assert "Carries out" in page
    assert len(read_users(settings)) == 1
    assert press(browser, f"{path}/apply").headers["location"] == applied


def test_refused_rows_are_downloaded(browser: TestClient) -> None:
    path = upload_and_wait(browser, ADA, {"email": "test@", "password_hash": "secret"})
    assert f'href="{path}/rejects"' in browser.get(path).text
    answer = browser.get(f"{path}/rejects")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert json.loads(answer.text)["password_hash"] == "secret"
    assert ">secret<" not in browser.get(path).text


def test_a_job_that_runs_shows_its_progress_and_loads_itself_again(waiting: TestClient, store: Store) -> None:
    path = upload(waiting, ADA).headers["location"]
    page = waiting.get(path).text
    assert '<meta http-equiv="refresh" content="2">' in page
    assert "waits for its turn" in page
    folder = JobFolder(store.settings.jobs_folder / path.rpartition("/")[2])
    with folder.locked():
        status = {
            **folder.read_status(),
            "status": JobStatus.LOADING,
            "percent": 40.0,
            "rows": 1234,
            "seconds_left": 9.7,
        }
        folder.write_status(status)
        page = waiting.get(path).text
    assert 'value="40.0"' in page
    assert "1,234 rows, 10 s left" in page


def test_a_job_is_canceled(waiting: TestClient) -> None:
    path = upload(waiting, ADA).headers["location"]
    assert press(waiting, f"{path}/cancel").headers["location"] == path
    page = waiting.get(path).text
    assert "canceled" in page
    assert "http-equiv" not in page


def test_errors_are_paged_and_filtered_by_code(browser: TestClient) -> None:
    path = upload_and_wait(browser, *[{"email": f"{number}@"} for number in range(60)], {"nonsense": 1})
    page = browser.get(path).text
    assert page.count('<tr class="error">') == 50
    assert 'rel="next"' in page
    assert browser.get(f"{path}?page=1").text.count('<tr class="error">') > 10
    filtered = browser.get(f"{path}?code=FORMAT&page=1").text
    assert "code=FORMAT" in filtered
    assert filtered.count('<tr class="error">') == 10


def test_jobs_are_filtered_and_paged(browser: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "JOBS_PER_PAGE", 3)
    for number in range(5):
        import_records(settings, [], external_id=f"no-{number}")
    assert browser.get("/").text.count('<th scope="row">') == 3
    assert browser.get("/?page=1").text.count('<th scope="row">') == 2
    assert browser.get("/?external_id=no-3").text.count('<th scope="row">') == 1
    assert "There are no such jobs" in browser.get("/?status=pending&since=24h&connection=other").text
    assert browser.get("/?status=lost").status_code == 400
    assert browser.get("/?since=yesterday").status_code == 400


def test_names_do_not_become_markup(browser: TestClient, settings: Settings) -> None:
    """Neither of files, nor of users, nor external ids, nor what a client asks for."""
    hostile = {"email": f"{SCRIPT}@", "given_name": SCRIPT * 20, f"{SCRIPT}": SCRIPT}
    path = upload_and_wait(browser, hostile, ADA, name=f"{SCRIPT}.ndjson", external_id=f'"><b>{SCRIPT}')
    (file,) = [settings.database.parent / f"{SCRIPT.replace('/', '-')}.ndjson"]
    file.write_text('{"email": "x@"}\n')
    job = import_file(settings, file, external_id=SCRIPT)
    paths = [path, f"/jobs/{job.job_id}", "/", f"/?external_id={SCRIPT}", f"/?connection={SCRIPT}&page=1"]
    for page in [browser.get(one).text for one in (*paths, f"{path}?code={SCRIPT}", f"/jobs/{SCRIPT}")]:
        elements = Elements(page)
        assert elements.named("script") == []
        assert elements.named("b") == [] or SCRIPT not in page
    assert "&lt;script&gt;" in browser.get(path).text


def test_only_what_the_token_may_see_is_shown(waiting: TestClient, store: Store) -> None:
    path = upload(waiting, ADA).headers["location"]
    with serving(store.settings) as client:  # the queue is that of the other
        other = sign_in(client, connections=("other",))
        assert path not in other.get("/").text
        for page in (path, f"{path}/rejects"):
            assert other.get(page).status_code == 404
        for act in ("cancel", "undo", "apply"):
            assert press(other, f"{path}/{act}").status_code == 404
        refused = upload(other, ADA, connection="default")
        assert refused.status_code == 403
    assert "pending" in waiting.get(path).text


def test_who_may_only_read_is_not_offered_more(browser: TestClient, store: Store) -> None:
    path = upload_and_wait(browser, ADA, {"email": "test@"})
    with serving(store.settings) as client:
        reader = sign_in(client, scopes=("read:users",))
        page = reader.get(path).text
        assert "What to do next" not in page
        assert 'href="/upload"' not in page
        assert reader.get("/upload").status_code == 403
        assert reader.get(f"{path}/rejects").status_code == 403
        assert reader.post(f"{path}/undo", data={"form_token": "x"}).status_code == 403
    assert len(read_users(store.settings)) == 1


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
def test_forms_of_other_sites_are_refused(waiting: TestClient, headers: dict[str, str], settings: Settings) -> None:
    path = upload(waiting, ADA).headers["location"]
    before, token = requested(settings), form_token(waiting)
    for act in ("cancel", "undo", "apply"):
        assert waiting.post(f"{path}/{act}", data={"form_token": token}, headers=headers).status_code == 403
    files = {"file": ("users.ndjson", "{}")}
    assert waiting.post("/upload", data={"form_token": token}, files=files, headers=headers).status_code == 403
    assert waiting.post("/sign-in", data={"token": "x"}, headers=headers).status_code == 403
    assert waiting.post("/sign-out", data={"form_token": token}, headers=headers).status_code == 403
    assert requested(settings) == before
    assert "pending" in waiting.get(path).text


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "ü"])
def test_forms_without_their_token_are_refused(waiting: TestClient, token: str, settings: Settings) -> None:
    path = upload(waiting, ADA).headers["location"]
    before = requested(settings)
    for act in ("cancel", "undo", "apply"):
        assert waiting.post(f"{path}/{act}", data={"form_token": token}).status_code == 403
    files = {"file": ("users.ndjson", "{}")}
    assert waiting.post("/upload", data={"form_token": token}, files=files).status_code == 403
    assert waiting.post("/upload", files=files).status_code == 403
    assert requested(settings) == before


def test_an_upload_without_a_file_is_refused(waiting: TestClient, settings: Settings) -> None:
    data = {"form_token": form_token(waiting)}
    for files in ({"file": ("", "")}, {"file": ("users.csv", "")}, {"other": ("users.csv", "email\n")}):
        assert waiting.post("/upload", data=data, files=files).status_code == 400
    assert requested(settings) == []


def test_wrong_options_are_explained_on_a_page(waiting: TestClient, settings: Settings) -> None:
    answer = upload(waiting, ADA, external_id="x" * 300)
    assert (answer.status_code, "at most 255" in answer.text) == (400, True)
    assert upload(waiting, ADA, mode="delete").status_code == 400
    assert requested(settings) == []


@pytest.mark.parametrize("path", ["/", "/upload", "/sign-in", "/jobs/nothing", "/nothing"])
def test_every_page_is_labelled_and_uses_nothing_of_others(waiting: TestClient, path: str) -> None:
    answer = waiting.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    elements = Elements(answer.text)
    assert elements.named("html")[0]["lang"] == "en"
    assert len(elements.named("h1")) == len(elements.named("main")) == len(elements.named("title")) == 1
    labelled = {label.get("for") for label in elements.named("label")}
    for tag in ("input", "select"):
        for field in elements.named(tag):
            assert field.get("type") in ("hidden", "radio", "checkbox") or field["id"] in labelled
    named = re.findall(r'(?:src|href|action)="([^"]*)"', answer.text)
    assert [one for one in named if not one.startswith(("/", "#", "data:,"))] == []
    assert not re.search(r"<script|\son\w+=|style=", answer.text)


def test_style_is_served_to_everyone(waiting: TestClient) -> None:
    answer = waiting.get("/style.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in answer.text


def test_programs_get_json_where_browsers_get_pages(waiting: TestClient) -> None:
    assert waiting.get(f"/v1/imports/{new_id()}").json()["fault"]["code"] == "UNAUTHORIZED"
    assert waiting.get("/nothing", headers={"Accept": "application/json"}).json()["fault"]
