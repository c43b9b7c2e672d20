"""The names of the profiles of other systems: those of their files."""

from functools import cache
from importlib.resources import files

FOLDER = "profiles"
MAPPED = "mapping"  # the name of the profile that a mapping file or a connection gives


@cache
def vendor_profiles() -> tuple[str, ...]:
    """Return the names of the profiles in `schemas/profiles`, in order."""
    names = (path.name for path in files("schemas").joinpath(FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))
