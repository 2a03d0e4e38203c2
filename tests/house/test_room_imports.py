"""Which room may import which, and that the pure rooms touch nothing of the world.

What belongs here: the walk over all imports.  What does not: the modules' behaviour.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.house.checkout import CHECKOUT, ROOMS, needs_sources
from tests.house.imported_modules import imported_modules, refold_modules_behind
from tests.house.installed_files import package_folders

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_sources

MAY_IMPORT: Final = {
    "actions": (),
    "reducers": ("actions",),
    "selectors": ("actions", "reducers"),
    "store": ("actions", "reducers", "selectors"),
    "replay": ("actions", "reducers", "store"),
    "middleware": ("actions", "reducers", "selectors", "store", "replay"),
    "testing": ("actions", "reducers", "selectors", "store", "replay", "middleware"),
    "commands": ("actions", "reducers", "selectors", "store", "replay", "middleware", "testing"),
}
"""The other rooms that each may import; all may import `refold.errors` and themselves."""

PURE_ROOMS: Final = ("actions", "reducers", "selectors")

WORLD: Final = {"aiohttp", "asyncio", "os", "random", "time", "uuid"}
"""What a pure room may not import: the loop, the network, the clock, chance and the machine."""


def modules() -> dict[str, set[str]]:
    """Return every module of refold with the names of all modules that it imports."""
    found: dict[str, set[str]] = {}
    for package, folder in package_folders(CHECKOUT).items():
        for path in sorted((CHECKOUT / folder).glob("*.py")):
            name = package if path.stem == "__init__" else f"{package}.{path.stem}"
            found[name] = imported_modules(path)
    return found


def room_of(module: str) -> str:
    """Return the room of a module of refold; empty for the facade."""
    name = module.split(".")[1:2]
    return name[0] if name and name[0] in ROOMS else ""


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    """A room imports itself, `refold.errors` and the rooms that the design lists for it."""
    allowed = {room, *MAY_IMPORT[room]}
    wrong = [
        f"{module} imports {imported}"
        for module, imports in modules().items()
        if room_of(module) == room
        for imported in sorted(imports)
        if imported == "refold"
        or imported.startswith(".")
        or (imported.startswith("refold.") and room_of(imported) not in allowed)
        if not imported.startswith("refold.errors")
    ]
    assert wrong == []


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_a_pure_room_imports_nothing_of_the_world(room: str) -> None:
    """No clock, no chance, no loop and no socket, in the room or behind what it imports."""
    known = modules()
    wrong = {
        f"{behind} imports {imported}, behind {module}"
        for module in known
        if room_of(module) == room
        for behind in refold_modules_behind(module, known)
        for imported in known[behind]
        if imported.split(".")[0] in WORLD
    }
    assert sorted(wrong) == []


def test_the_pure_rooms_load_neither_a_loop_nor_a_network() -> None:
    """Importing all of the pure rooms leaves asyncio and aiohttp unloaded."""
    names = sorted(name for name in modules() if room_of(name) in PURE_ROOMS)
    program = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(sorted({'asyncio', 'aiohttp'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_the_walk_sees_an_import_wherever_it_stands(tmp_path: Path) -> None:
    """Imports inside functions and type-checking blocks count, and so do renamed ones."""
    path = tmp_path / "module.py"
    path.write_text("if x:\n    import a.b as c\ndef f():\n    from d.e import g\n", "utf-8")
    assert imported_modules(path) == {"a.b", "d.e", "d.e.g"}


def test_the_walk_goes_through_other_modules() -> None:
    """What stands behind an import counts as imported; a circle ends."""
    imports = {"refold.a": {"refold.b"}, "refold.b": {"refold.a", "time"}}
    assert refold_modules_behind("refold.a", imports) == {"refold.a", "refold.b"}
