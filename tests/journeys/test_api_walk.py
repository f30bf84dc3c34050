"""The examples of docs/api.md, run in a shell as a reader runs them, in their order."""

import re
import subprocess

import pytest

from tests.support.stack import ROOT, Running, environment

pytestmark = [pytest.mark.slow]

# A refusal ends the walk; what was answered goes to the other stream, a line for each call.
CURL = """
set -e -o pipefail
curl() { command curl --fail-with-body -w '%{stderr}answered %{http_code}\\n' "$@"; }
"""


def test_the_page_is_a_walk_that_works(stack: Running) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    steps = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    walk = CURL + "".join(steps).replace("http://127.0.0.1:8000", stack.address)
    done = subprocess.run(
        ["bash", "-c", walk],
        cwd=ROOT,
        env=environment(stack.var, 0),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    answered = re.findall(r"^answered (\d+)", done.stderr, re.MULTILINE)
    # A customer, a case and a grant are made, a request is taken; all else is read or repeatable.
    assert [code for code in answered if code != "200"] == ["201", "201", "201", "202"]
    assert len(answered) == 14
