"""Read what a job needs for the hashes of its files, before any of them: its options and the file that they name."""

import stat
from pathlib import Path

from flows.pipeline.path_checks import refuse_database, require_in_roots
from flows.readers.sources import printable
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.hashing import NO_PARAMETERS, Hashing, HashParameters
from schemas.options import FileOptions

MOST_BYTES = 65_536
HINT = "write the hash_config that the Firebase console shows into it (Authentication, Users, Password hash parameters)"


def read_hashing(options: FileOptions, *, settings: Settings) -> Hashing:
    """Return how the job treats hashes; raise `FileFault` with all that is wrong with the file of parameters."""
    parameters = NO_PARAMETERS
    if options.hash_parameters is not None:
        parameters = _read_parameters(Path(options.hash_parameters), settings)
    return Hashing(parameters, hashes_plain=options.hash_passwords)


def _read_parameters(path: Path, settings: Settings) -> HashParameters:
    from transforms.hashes.parameters import ParametersError, parse_parameters  # noqa: PLC0415 - few jobs have them

    require_in_roots(path, settings)
    refuse_database(path, settings)
    shown = printable(str(path))
    try:
        return parse_parameters(_read_text(path))
    except ParametersError as error:
        raise FileFault(ErrorCode.FILE_SYNTAX, f"{shown} cannot be used; {error}", HINT) from None
    except FileNotFoundError:
        raise FileFault(ErrorCode.FILE_NOT_FOUND, f"{shown} does not exist", "check its name") from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise FileFault(ErrorCode.FILE_UNREADABLE, f"{shown} cannot be read: {reason}", "check the file") from None
    except ValueError:  # not UTF-8, or a null character in the name
        raise FileFault(ErrorCode.FILE_FORMAT, f"{shown} is not a text in UTF-8", HINT) from None


def _read_text(path: Path) -> str:
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "it is not a file")
    with path.open("rb") as file:
        return file.read(MOST_BYTES).decode("utf-8-sig")
