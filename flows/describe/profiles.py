"""List the profiles of other systems, show one, suggest a mapping; parse and print only."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.import_users.arguments import command_group, parse_path
from flows.import_users.cli import COMMON, Common, Json
from flows.report.command_line import UsageError
from flows.report.printing import print_json

Name = Annotated[str, Parameter(metavar="NAME", help="The profile's name, as --profile takes it.")]
File = Annotated[Path, Parameter(metavar="FILE", help="A file of users.", converter=parse_path)]
Output = Annotated[
    Path | None,
    Parameter(name=("--output", "-o"), metavar="FILE.toml", help="Where to write it.", converter=parse_path),
]

app = command_group("profiles", "Whose exports are read as they are, and mappings for all others.")


@app.command(name="list")
def list_profiles(*, json: Json = False) -> None:
    """List the profiles: name, what it reads, formats."""
    from schemas.mapping.names import vendor_profiles
    from transforms.mapping.profiles import get_profile

    profiles = {name: get_profile(name) for name in vendor_profiles()}
    if json:
        keys = ("title", "formats", "documentation")
        print_json(
            [{"name": name, **{key: getattr(profile, key) for key in keys}} for name, profile in profiles.items()]
        )
        return
    width = max(map(len, profiles))
    lines = (f"{name:{width}}  {profile.title} ({', '.join(profile.formats)})\n" for name, profile in profiles.items())
    sys.stdout.write("".join(lines))


@app.command
def show(name: Name, /) -> None:
    """Print a profile, which is a mapping to start from."""
    from schemas.mapping.names import vendor_profiles
    from transforms.field_names import suggest as find_similar
    from transforms.mapping.profiles import read_profile

    if name not in vendor_profiles():
        similar = find_similar(name, vendor_profiles())
        hint = f"did you mean {similar}?" if similar else f"known are {', '.join(vendor_profiles())}"
        raise UsageError(f"{name} isn't a profile; {hint}")
    sys.stdout.write(read_profile(name))


@app.command
def suggest(source: File, /, *, output: Output = None, common: Common = COMMON) -> None:
    """Write a mapping for a file from the names and values in it, with a comment where it is a guess."""
    from flows.readers.mapping.suggest import suggest_for

    text = suggest_for(source, settings=common.settings)
    if output is None:
        sys.stdout.write(text)
        return
    from flows.pipeline.path_checks import require_output

    require_output(output, common.settings)
    output.write_text(text, encoding="utf-8")
    sys.stderr.write(f"{output} is written; look at every line that says guessed\n")
