"""Policies before they are applied: their own examples, and what a change would open. No grid is needed."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("AIGRID_BIN", str(ROOT / "build/dev/bin/aigrid"))
TEMPLATES = sorted((ROOT / "examples/compliance").glob("*.yaml"))


def aigrid(*arguments):
    return subprocess.run([BIN, *map(str, arguments)], capture_output=True, text=True, timeout=30)


def test_there_are_five_templates():
    assert [t.stem for t in TEMPLATES] == ["de-c5", "eu-gdpr", "finance", "fr-sovereign", "health"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: t.stem)
def test_the_examples_of_a_template_hold(template):
    done = aigrid("policy", "test", template)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Claims:" in template.read_text() and "Does not claim:" in template.read_text()


def test_an_example_that_does_not_hold_fails(tmp_path):
    weaker = tmp_path / "weaker.yaml"
    weaker.write_text((ROOT / "examples/compliance/fr-sovereign.yaml").read_text().replace("  control_within: [FR]\n", ""))
    done = aigrid("policy", "test", weaker)
    assert done.returncode == 1
    assert "✗ fr-sovereign: standing in France is not enough" in done.stdout
    assert "expected denied, but it is allowed" in done.stdout


def test_a_diff_says_who_gains_what(tmp_path):
    europe = ROOT / "examples/europe"
    wider = tmp_path / "wider"
    wider.mkdir()
    for file in europe.glob("*.yaml"):
        (wider / file.name).write_text(file.read_text().replace("jurisdictions: [FR]\n", "jurisdictions: [FR, ES]\n"))
    done = aigrid("policy", "diff", europe, wider)
    assert done.returncode == 0, done.stderr
    assert re.search(r'makes 1 more site eligible for tenant "mairie", actions .*process.*, data level 0 to 1: madrid', done.stdout)
    assert "acme" not in done.stdout and "this change widens" in done.stderr
    back = aigrid("policy", "diff", wider, europe)
    assert "makes 1 fewer site" in back.stdout and "only narrows" in back.stderr
    same = aigrid("policy", "diff", europe, europe)
    assert same.stdout == "" and "no account may go anywhere else" in same.stderr
