"""What a new import is asked for: a form with files, or JSON that names sources; and the key by which one is repeated.

The options are exactly the fields of `JobOptions`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from flows.api.jobs import Draft, JobService
from flows.api.problems import Problem, too_large
from flows.api.tokens import Token
from flows.api.uploads import receive_form
from flows.store.job_folder import folders_in
from flows.store.job_status import KnownJob
from flows.store.requests.request import JobRequest, read_request
from schemas.job import JobStatus
from schemas.options import JobOptions

FACE = "own"
FILES = ("file", "files")  # the names of parts
MOST_JSON_BYTES = 1_000_000
MOST_CHARACTERS_OF_KEY = 255
PIECE_BYTES = 1 << 20
OVER = (JobStatus.FAILED, JobStatus.CANCELED)


@dataclass(frozen=True)
class Asked:
    """What a body asks for: named sources, and options by name."""

    sources: Sequence[str]
    options: Mapping[str, object]

    @property
    def connection(self) -> str | None:
        """The connection that the options name."""
        named = self.options.get("connection")
        return None if named is None else str(named)


async def receive_import(request: Request, draft: Draft) -> Asked:
    """Write the files of a form to the draft, or read JSON, and return what is asked for. Raise `Problem` (400)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _asked(await _read_json(request))
    if kind != "multipart/form-data":
        raise Problem(415, "unsupported_media_type", "the body must be a form (multipart/form-data) or JSON")

    def open_file(name: str, _fields: Mapping[str, str]) -> AbstractContextManager[BinaryIO]:
        return draft.add_file(name)

    sent = await receive_form(request, open_file, files=FILES)
    if unknown := sent.fields.keys() - {"options"}:
        raise Problem(400, "invalid_body", f"{min(unknown)} is not a part; there are {', '.join(FILES)} and options")
    if not sent.file_bytes:
        raise Problem(400, "required_field", "file: a form needs a file")
    return _asked({"options": _parse(sent.fields.get("options", "{}"))})


def submit(jobs: JobService, draft: Draft, token: Token, *, asked: Asked, key: str | None) -> tuple[KnownJob, bool]:
    """Submit the import and return it, or the one that the same key has requested before, and whether it is new.
    Raise `Problem`: 400 and 403 for what cannot be used, 409 for a key that another import has."""
    options = {name: value for name, value in asked.options.items() if name not in ("connection", "sources")}
    if key is not None:
        named = {"external_id": key, "unique_external_id": True}
        if options.get("external_id") not in (None, key):
            raise Problem(400, "invalid_option", "external_id: must be left out with Idempotency-Key, which is one")
        options |= named
    for source in asked.sources:
        draft.add_path(source)
    draft.update(connection=asked.connection, options=options)
    if key is None:
        return draft.submit(), True
    fingerprint = _fingerprint(draft, asked)
    draft.update(details={"fingerprint": fingerprint})
    with jobs.one_at_a_time(FACE):
        if earlier := _find_keyed(jobs, key, token=token):
            if earlier.details.get("fingerprint") != fingerprint:
                reason = "the Idempotency-Key is that of another import; nothing was requested"
                raise Problem(409, "external_id_reused", reason)
            return jobs.find(earlier.job_id, token=token), False
        return draft.submit(), True


def options_schema() -> dict[str, object]:
    """Return the JSON Schema of the options, from their model, without references."""
    schema = JobOptions.model_json_schema()
    kinds = schema.get("$defs", {})

    def resolve(part: object) -> object:
        if isinstance(part, dict):
            if name := part.get("$ref"):
                return {**kinds[str(name).rpartition("/")[2]], **{k: v for k, v in part.items() if k != "$ref"}}
            return {key: resolve(value) for key, value in part.items()}
        return [resolve(value) for value in part] if isinstance(part, list) else part

    properties = {name: resolve(part) for name, part in schema["properties"].items() if name != "sources"}
    return {"type": "object", "additionalProperties": False, "properties": properties}


async def _read_json(request: Request) -> object:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_JSON_BYTES:
            raise too_large(MOST_JSON_BYTES)
    return await run_in_threadpool(_parse, body.decode(errors="replace"))


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Problem(400, "invalid_body", "it is not JSON") from None


def _asked(document: object) -> Asked:
    """Return what a document asks for; raise `Problem` (400) unless it has the form of one."""
    if not isinstance(document, dict) or document.keys() - {"sources", "options"}:
        raise Problem(400, "invalid_body", "the body must be an object with sources and options")
    sources, options = document.get("sources", []), document.get("options", {})
    if not isinstance(options, dict):
        raise Problem(400, "invalid_field", "options: must be an object")
    if not isinstance(sources, list) or not all(isinstance(name, str) and name for name in sources):
        raise Problem(400, "invalid_field", "sources: must be an array of paths or URLs")
    if "sources" in options:
        raise Problem(400, "invalid_option", "sources: must stand beside the options")
    return Asked(cast("list[str]", sources), cast("dict[str, object]", options))


def _find_keyed(jobs: JobService, key: str, *, token: Token) -> JobRequest | None:
    """Return the latest request with the key that is not over in vain, as far as its folder is kept; later, the job
    itself finds the one that has its external id."""
    found = [
        request
        for folder in folders_in(jobs.settings.jobs_folder)
        if folder.is_requested and (request := read_request(folder)) and "fingerprint" in request.details
        if request.options.get("external_id") == key and folder.read_status().get("status") not in OVER
    ]
    usable = [request for request in found if token.may_use(request.connection)]
    if len(usable) < len(found):
        raise Problem(409, "external_id_reused", "the Idempotency-Key is that of another import")
    return max(usable, key=lambda request: request.created_at, default=None)


def _fingerprint(draft: Draft, asked: Asked) -> str:
    """Return a hash of what is asked for: the files, the sources and the options."""
    digest = hashlib.blake2b(json.dumps([asked.sources, asked.options], sort_keys=True).encode())
    for path in draft.files:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        _update(digest, path)
    return digest.hexdigest()


def _update(digest: "hashlib.blake2b", path: Path) -> None:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
