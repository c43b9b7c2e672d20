"""Read the mapping file of a job; every fault of it is named before a source is read."""

from pathlib import Path
from typing import TYPE_CHECKING

from flows.pipeline.path_checks import require_source_in_roots
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.faults import JobFault

if TYPE_CHECKING:  # which loads Pydantic
    from schemas.mapping.language import Mapping

MOST_BYTES = 1 << 20
MOST_PROBLEMS = 20


def read_mapping_text(name: str, *, settings: Settings) -> tuple[str, str]:
    """Return the text of a mapping file and its name for messages; raise `Fault` if it cannot be read."""
    path = Path(name)
    require_source_in_roots(path, settings)
    return _read_text(path), path.name


def parse_mapping_text(text: str, *, name: str) -> "Mapping":
    """Return the mapping that a text says; raise `JobFault` with all that is wrong with it, by line."""
    from schemas.mapping.parse import MappingError, parse_mapping  # noqa: PLC0415 - most jobs have no mapping
    from transforms.mapping.profiles import hash_schemes  # noqa: PLC0415

    try:
        return parse_mapping(text, schemes=hash_schemes())
    except MappingError as error:
        problems = [f"line {problem.line}: {problem.sentence}" for problem in error.problems]
        more = f"; and {len(problems) - MOST_PROBLEMS} more" if len(problems) > MOST_PROBLEMS else ""
        message = f"{name} cannot be used; {'; '.join(problems[:MOST_PROBLEMS])}{more}"
        hint = "the guide of mappings is schemas/profiles/README.md; `user-import profiles suggest FILE` writes one"
        raise JobFault(ErrorCode.MAPPING_INVALID, message, hint) from None


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise JobFault(ErrorCode.MAPPING_INVALID, f"{path.name} is larger than a mapping may be", "check the name")
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise JobFault(ErrorCode.FILE_NOT_FOUND, f"{path} does not exist", "check the name of the mapping") from None
    except UnicodeDecodeError:
        raise JobFault(ErrorCode.MAPPING_INVALID, f"{path.name} is not UTF-8, as TOML is", "save it as UTF-8") from None
    except OSError as error:
        raise JobFault(ErrorCode.FILE_UNREADABLE, f"{path} cannot be read: {error.strerror}", "check it") from None
