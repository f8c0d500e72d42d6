"""The stock `openai` package for Node, run by node/conformance.mjs; each of its checks is a test here."""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "node"
SCRIPT = FOLDER / "conformance.mjs"
CHECKS = re.findall(r"^  async (\w+)\(\) \{$", SCRIPT.read_text(), re.M)


@pytest.fixture(scope="module")
def results(grid, down_model):
    if not (FOLDER / "node_modules/openai").is_dir():  # ./dev test has done this already
        subprocess.run(["npm", "ci", "--prefix", FOLDER, "--no-audit", "--no-fund"], check=True, timeout=120)
    done = subprocess.run([shutil.which("node") or "node", SCRIPT], capture_output=True, text=True, timeout=180, env={
        **os.environ, "AIGRID_URL": grid.url("paris"), "AIGRID_KEY": grid.key("acme"), "AIGRID_FR_KEY": grid.key("mairie"),
        "AIGRID_CHAT": grid.chat_model, "AIGRID_EMBEDDING": grid.embedding_model, "AIGRID_DOWN_MODEL": down_model})
    assert done.returncode == 0, done.stderr
    return {said["name"]: said for said in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("check", CHECKS)
def test_node(results, check):
    assert check in results, f"the script ended before it: {list(results)}"
    assert results[check]["ok"], results[check]["why"]


def test_there_are_checks():
    assert len(CHECKS) >= 12
