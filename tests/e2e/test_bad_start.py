"""Processes that cannot start, and engines that cannot run: the message says what, which value, and what to do."""
import itertools
import json
import socket

import pytest

from by_hand import Process
from deadline import until
from grid import ROOT, run
from test_bad_join import gateway_of, token


NUMBERS = itertools.count()


@pytest.fixture
def taken():
    """An address that somebody else listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield f"127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture
def start(tmp_path):
    started = []
    def begin(*args, env=None):
        started.append(Process(tmp_path / f"log-{len(started)}", *args, env=env))
        return started[-1]
    yield begin
    for process in started:
        process.stop()


@pytest.mark.parametrize("which", ["management", "inner", "ops"])
def test_control_says_which_port_is_taken(start, taken, tmp_path, which):
    ports = {"management": "127.0.0.1:0", "inner": "127.0.0.1:0", "ops": "127.0.0.1:0", which: taken}
    said = start("control", "--state", tmp_path / "c", *[x for k, v in ports.items() for x in (f"--{k}", v)]).ends(1)
    assert taken in said and "another process has this address" in said


def test_a_gateway_says_which_port_is_taken(start, taken, tmp_path):
    said = start("gateway", "--state", tmp_path / "g", "--name", "g", "--control", "127.0.0.1:1", "--public-address", taken).ends(1)
    assert taken in said and "another process has this address" in said


def test_a_state_directory_that_is_a_file(start, tmp_path):
    (tmp_path / "file").write_text("")
    said = start("control", "--state", tmp_path / "file", "--management", "127.0.0.1:0", "--inner", "127.0.0.1:0").ends(1)
    assert str(tmp_path / "file") in said


def test_an_address_that_is_none(start, tmp_path):
    said = start("control", "--state", tmp_path / "c", "--management", "localhost", "--inner", "127.0.0.1:0").ends(1)
    assert "localhost" in said


def test_up_with_a_configuration_that_is_wrong_or_missing(tmp_path):
    done = run("up", "--config", tmp_path / "none", "--state", tmp_path / "s", "--detach", "--json", check=False)
    assert done.returncode == 1 and str(tmp_path / "none") in done.stderr
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "a.yaml").write_text("apiVersion: aigrid/v1\nkind: Site\nmetadata:\n  name: x\nspec:\n  kind: mtro\n")
    done = run("up", "--config", folder, "--state", tmp_path / "s", "--detach", "--json", check=False)
    assert done.returncode == 1 and "a.yaml:6" in done.stderr and "mtro" in done.stderr


def test_up_twice_over_one_state_is_refused(grid):
    done = run("up", "--config", grid.config, "--state", grid.state, "--detach", "--json", check=False)
    assert done.returncode == 1 and str(grid.state) in done.stderr and "down" in done.stderr


def test_down_where_nothing_runs(tmp_path):
    done = run("down", "--state", tmp_path / "none", check=False)
    assert str(tmp_path / "none") in done.stderr + done.stdout


@pytest.fixture
def broken_node(grid, start, tmp_path):
    """A node by hand in Madrid with one deployment whose engine cannot run; gives the engine's reason as control shows it."""
    used = []
    def resource(kind, name, **spec):
        return {"apiVersion": "aigrid/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    def reason(source, sha256="", python=None, task="chat"):
        name = f"broken-{next(NUMBERS)}"
        used.append(name)
        grid.apply(resource("Node", name, site="madrid"),
                   resource("Model", name, source=str(source), task=task, context_tokens=4096, **({"sha256": sha256} if sha256 else {})),
                   resource("Deployment", name, model=name, driver="llama.cpp", placement="explicit", nodes=[name]))
        inner = grid.api(f"/api/v1/gateways/{gateway_of(grid, 'madrid')}").json["spec"]["inner_address"]
        start("agent", "--state", tmp_path / name, "--name", name, "--gateway", inner, "--engines-folder", ROOT / "engines",
              "--token", token(grid, site="madrid", name=name), *(["--python", python] if python else []))
        def failed():
            replica = grid.api(f"/api/v1/deployments/{name}").json["status"]["replicas"][0]
            return replica["reason"] if replica["state"] == "failed" else None
        why = until(failed, 20, "the engine's failure at control")
        return why, name
    yield reason
    for name in used:
        for kind in ("deployments", "models", "nodes"):
            grid.delete(kind, name)


def test_an_engine_whose_program_is_missing(broken_node):
    why, _ = broken_node("SmolLM2-135M-Instruct.Q4_1.gguf", python="/no/such/python")
    assert "/no/such/python" in why and "--python" in why


def test_a_model_file_that_is_missing(broken_node):
    why, _ = broken_node("no-such-model.gguf")
    assert "no-such-model.gguf" in why and "put it there" in why


def test_a_model_file_that_does_not_match_its_hash(broken_node, tmp_path):
    (tmp_path / "corrupt.gguf").write_bytes(b"GGUF" + bytes(5000))
    why, _ = broken_node(tmp_path / "corrupt.gguf", sha256="0" * 64)
    assert "corrupt" in why and "0" * 64 in why and "fetch it again" in why


def test_an_engine_that_dies_at_once(broken_node, grid, tmp_path):
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(5000))
    why, name = broken_node(tmp_path / "broken.gguf")
    assert "exited with code 1" in why
    asked = grid.post("madrid", "/v1/chat/completions", {**grid.chat_body(), "model": name})
    assert asked.status == 503 and asked.error["code"] == "no_capacity" and asked.headers["retry-after"], asked
    assert json.loads(grid.cli("status", "--json").stdout)["version"] > 0
