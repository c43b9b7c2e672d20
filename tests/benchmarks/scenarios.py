"""Declare what is measured: a registry of scenarios, each with the runs of one round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.benchmarks.tools import TOOLS, Tool
from tests.benchmarks.variants import FORMATS, VARIANTS

SMALL = 1000  # users of a small file


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The number of users in a file and in the table, and the share of faulty rows in the file."""

    users: int
    existing: int
    faulty: float
    tools: tuple[str, ...]

    @property
    def chosen(self) -> list[Tool]:
        """Return the chosen tools."""
        return [TOOLS[name] for name in self.tools]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of a tool on a file of so many users."""

    label: str
    tool: Tool
    users: int
    existing: int = 0
    faulty: float = 0.0
    variant: str = ""  # of `tests.benchmarks.variants`; otherwise NDJSON as it is generated

    @property
    def mode(self) -> str:
        """Return how the tool treats existing users."""
        return "upsert" if self.existing else "insert"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The runs of a round; all tools are compared with the floor and ours, other runs with the last one."""

    title: str
    runs: Callable[[Sizes], Sequence[Run]]
    all_tools: bool = True


def _insert(sizes: Sizes, faulty: float) -> Sequence[Run]:
    return [Run(label=tool.name, tool=tool, users=sizes.users, faulty=faulty) for tool in sizes.chosen]


def _upsert(sizes: Sizes) -> Sequence[Run]:
    return [
        Run(label=tool.name, tool=tool, users=sizes.users, existing=sizes.existing, faulty=sizes.faulty)
        for tool in sizes.chosen
    ]


def _tenfold(sizes: Sizes) -> Sequence[Run]:
    return [
        Run(label=f"{count:,} users", tool=TOOLS["ours"], users=count, faulty=sizes.faulty)
        for count in (10 * sizes.users, sizes.users)
    ]


def _small(sizes: Sizes) -> Sequence[Run]:
    return [
        Run(
            label=f"{SMALL:,} users into {sizes.existing:,}",
            tool=TOOLS["ours"],
            users=SMALL,
            existing=sizes.existing,
            faulty=sizes.faulty,
        ),
        Run(label="start-up: 1 user into none", tool=TOOLS["ours"], users=1),
    ]


def _variants(sizes: Sizes, names: Sequence[str]) -> Sequence[Run]:
    generated = Run(label="NDJSON as generated", tool=TOOLS["ours"], users=sizes.users, faulty=sizes.faulty)
    return [*(replace(generated, label=name, variant=name) for name in names), generated]


def _faulty(sizes: Sizes) -> Sequence[Run]:
    shares = (0.5, 0.05, 0.0)
    return [Run(label=f"{share:.0%} faulty", tool=TOOLS["ours"], users=sizes.users, faulty=share) for share in shares]


def _runners(sizes: Sizes) -> Sequence[Run]:
    """One process is last, with which the others are compared."""
    runners = {"2 processes": "processes:2", "1 worker process": "processes:1", "one process": "none"}
    tools = {label: replace(TOOLS["ours"], environment={"IMPORT_TASK_RUNNER": name}) for label, name in runners.items()}
    return [Run(label=label, tool=tool, users=sizes.users, faulty=sizes.faulty) for label, tool in tools.items()]


SCENARIOS = {
    "insert": Scenario(title="Insert into an empty table", runs=lambda sizes: _insert(sizes, sizes.faulty)),
    "upsert": Scenario(title="Upsert, 30 % of the users exist already", runs=_upsert),
    "clean": Scenario(title="Insert, no row faulty", runs=lambda sizes: _insert(sizes, 0)),
    "5-percent": Scenario(title="Insert, 5 % of the rows faulty", runs=lambda sizes: _insert(sizes, 0.05)),
    "half": Scenario(title="Insert, half of the rows faulty", runs=lambda sizes: _insert(sizes, 0.5)),
    "formats": Scenario(title="Formats", runs=lambda sizes: _variants(sizes, FORMATS), all_tools=False),
    "spellings": Scenario(
        title="Other ways to write the JSON",
        runs=lambda sizes: _variants(sizes, [name for name in VARIANTS if name not in FORMATS]),
        all_tools=False,
    ),
    "faulty": Scenario(title="More rows faulty", runs=_faulty, all_tools=False),
    "tenfold": Scenario(title="Ten times the users", runs=_tenfold, all_tools=False),
    "runners": Scenario(title="Loaded by worker processes", runs=_runners, all_tools=False),
    "small": Scenario(title="A small file into a large table", runs=_small, all_tools=False),
}
