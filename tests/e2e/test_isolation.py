"""Every process keeps to its own state directory: none writes elsewhere, none opens what is another's."""
import os
from pathlib import Path

import pytest

from load import Load, mixed
from opened import Opened, family


def homes(grid):
    """pid → (name, its state directory), of every process with its children (engines)."""
    return {pid: (p.name, p.state) for p in grid.processes().values() for pid in family(p.pid)}


@pytest.fixture(scope="module")
def watched(grid):
    """What the grid's processes opened while it served and changed its configuration."""
    owners = homes(grid)
    with Opened(grid.state, set(owners)) as opened:
        with Load(grid, ["paris", "lyon", "stockholm"], mixed(grid)) as load:
            grid.apply({"apiVersion": "aigrid/v1", "kind": "Tenant", "metadata": {"name": "watched"}, "spec": {}})
            grid.delete("tenants", "watched")
            while load.count() < 30:
                load.threads[0].join(0.1)
    return owners, opened


def test_the_watch_sees_something(watched):
    owners, opened = watched
    wrote = {owners[pid][0] for pid, path, w in opened.seen if w and path.startswith(str(owners[pid][1]))}
    assert "control" in wrote and any("gateway" in name for name in wrote), opened.seen


def test_no_process_opens_anything_of_another(grid, watched):
    owners, opened = watched
    state = str(grid.state.resolve())
    strangers = [(owners[pid][0], path) for pid, path, _ in opened.seen
                 if path.startswith(state) and not path.startswith(str(owners[pid][1]) + "/") and path != str(owners[pid][1])
                 and not is_own_log(grid, owners[pid][0], path)]
    assert not strangers, strangers


def test_no_process_writes_outside_its_own_directory(grid, watched):
    owners, opened = watched
    strays = [(owners[pid][0], path) for pid, path, wrote in opened.seen
              if wrote and not path.startswith(str(owners[pid][1]) + "/") and not path.startswith(("/dev/", "/proc/", "/sys/"))
              and not is_own_log(grid, owners[pid][0], path) and "(deleted)" not in path]
    assert not strays, strays


def is_own_log(grid, name, path):
    """`up` gives each process a file as its standard error: the one thing it holds that lies beside its directory."""
    return Path(path).parent == (grid.state / "log").resolve() and Path(path).stem == name


def test_secrets_are_for_their_owner_only(grid):
    for folder in {home for _, home in homes(grid).values()}:
        for file in ("identity.json", "authority.json", "admin_key"):
            if (folder / file).exists():
                assert (folder / file).stat().st_mode & 0o077 == 0, folder / file


def test_no_secret_is_on_a_command_line_of_an_engine_or_in_a_log(grid):
    secrets = [f.read_text().strip() for f in grid.state.glob("*/engines/*.secret")]
    assert secrets
    secrets += [grid.said["admin_key"], *grid.keys.values()]
    for pid in homes(grid):
        try:
            said = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except FileNotFoundError:
            continue
        assert not [s for s in secrets if s in said], said.replace("\0", " ")
    for log in grid.state.rglob("*.log"):
        text = log.read_text(errors="replace")
        assert not [s for s in secrets if s in text], log


def test_an_agent_knows_no_key_of_a_tenant(grid):
    """Keys are not in an agent's scope: neither their hash nor their tenant's id is in what it keeps."""
    kids = [r["metadata"]["name"] for r in grid.api("/api/v1/api-keys").json["items"]]
    assert kids
    for _, home in {(n, h) for n, h in homes(grid).values() if n.startswith("agent-")}:
        bundle = (home / "bundle").read_bytes()
        assert len(bundle) > 100 and not [k for k in kids if k.encode() in bundle], home


def test_the_gateway_of_a_site_holds_the_hashes_of_keys_only(grid):
    _, home = next((n, h) for n, h in homes(grid).values() if n == "gateway-paris")
    everything = b"".join(p.read_bytes() for p in home.rglob("*") if p.is_file() and os.access(p, os.R_OK))
    assert not [k for k in grid.keys.values() if k.encode() in everything]
