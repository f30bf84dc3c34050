"""The commands between an empty database and a product that can be used, and when to skip them.

They run in this order: translations, migrations and the running role's rights as the owner, the
demo company. What was done is remembered for the embedded database alone; with a database of the
person's own every command runs each time, and each is safe to run again.
"""

import hashlib
import json
import sys

from .environment import ROOT, Decisions, Place

Step = tuple[str, list[str]]  # what is said, and the arguments of manage.py


def fingerprint() -> str:
    """Changes whenever a migration, a right or the pinned packages do."""
    digest = hashlib.sha256()
    paths = sorted(ROOT.glob("*/migrations/*.py"))
    paths += [ROOT / "requirements.txt"]
    paths += sorted(ROOT.glob("recovery/management/commands/*.py"))
    for path in paths:
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def remembered(where: Place, system: str) -> dict[str, str]:
    """What was done to this very database; nothing when it is another one."""
    try:
        note: dict[str, str] = json.loads(where.prepared.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if note.get("system") == system else {}


def remember(where: Place, note: dict[str, str]) -> None:
    """Write down what was done, all of it or nothing."""
    scratch = where.prepared.with_suffix(".new")
    scratch.write_text(json.dumps(note), encoding="utf-8")
    scratch.replace(where.prepared)


def schema_steps(decisions: Decisions) -> list[Step]:
    """Migrations, then rights."""
    steps: list[Step] = [("Migrating the database", ["migrate", "--no-input"])]
    if decisions.two_roles:
        steps.append(("Giving the running role its rights", ["grant_running_role"]))
    return steps


DEMO: Step = (
    "Making the demo company, once; this takes a while",
    ["seed_demo", "--if-empty"],
)


def command(arguments: list[str]) -> list[str]:
    """manage.py with our own Python."""
    return [sys.executable, str(ROOT / "manage.py"), *arguments]
