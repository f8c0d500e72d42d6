"""Receipts and the audit logs on the real grid, as a tenant and an auditor use them: a stock client gets a receipt, its
proof verifies alone, an export verifies as a whole, and one flipped byte is found and named."""
import json
import shutil

import openai
import pytest

import wire
from deadline import until
from grid import run


@pytest.fixture
def answered(grid):
    """A chat through the stock client, its raw response."""
    client = openai.OpenAI(base_url=grid.url("paris") + "/v1", api_key=grid.key("mairie"))
    raw = client.chat.completions.with_raw_response.create(
        model=grid.chat_model, max_tokens=4, messages=[{"role": "user", "content": "Say hello."}])
    return raw


def ask(grid, site, target, tenant="mairie"):
    return wire.ask(grid.url(site), target, headers=wire.bearer(grid.key(tenant)))


def test_a_stock_client_gets_a_receipt_whose_proof_verifies(grid, answered, tmp_path):
    request_id, receipt = answered.headers["x-request-id"], answered.headers["x-aigrid-receipt"]
    shown = ask(grid, "paris", f"/v1/grid/requests/{request_id}").json
    assert shown["receipt"] == receipt and shown["outcome"] == "finished" and shown["tenant"] == "mairie"
    assert shown["decision"]["route"][1]["site"] in ("paris", "lyon")
    assert shown["usage"]["completion_tokens"] == answered.parse().usage.completion_tokens
    proof = ask(grid, "paris", f"/v1/grid/requests/{request_id}/proof")
    assert proof.status == 200, proof
    file = tmp_path / "proof.json"
    file.write_bytes(proof.body)
    said = json.loads(run("audit", "verify", file, "--key", proof.json["key"], "--json").stdout)
    assert said["ok"] and said["request"]["id"] == request_id
    # The salted hashes are those of the very bytes that went over the wire.
    sent, got = tmp_path / "sent", tmp_path / "got"
    sent.write_bytes(answered.http_response.request.content)
    got.write_bytes(answered.http_response.content.rpartition(b',"grid":')[0])
    run("audit", "verify", file, "--request", sent, "--answer", got)
    got.write_bytes(got.read_bytes()[:-1] + b"?")
    assert run("audit", "verify", file, "--answer", got, check=False).returncode == 1
    # Another's key, another's eyes, another's gateway.
    assert ask(grid, "paris", f"/v1/grid/requests/{request_id}", "acme").status == 404
    assert ask(grid, "zurich", f"/v1/grid/requests/{request_id}").status == 421
    changed = {**proof.json, "index": proof.json["index"] + 1}
    file.write_text(json.dumps(changed))
    assert run("audit", "verify", file, check=False).returncode == 1


def test_an_export_verifies_and_one_flipped_byte_is_named(grid, answered, tmp_path):
    denied = grid.chat("paris", tenant="mairie", grid={"zone": "no-such-zone"})
    assert denied.status == 403 and denied.headers["x-aigrid-receipt"]
    folder = tmp_path / "export"
    exported = grid.cli("audit", "export", folder)
    assert "gateway" in exported.stderr or "paris" in exported.stderr
    keys = folder / "keys"
    said = json.loads(run("audit", "verify", folder, "--key", keys, "--json").stdout)
    assert said["ok"] and not said["problems"]
    logs = {log["log"]: log for log in said["logs"]}
    log = answered.headers["x-aigrid-receipt"].partition("/")[0]
    assert log.startswith("FR.") and logs[log]["requests"] >= 2 and logs[log]["unjudged"] == 0
    assert logs["control"]["leaves"] > 10  # the configuration was applied by somebody
    # A byte in the middle of the leaves.
    entries = sorted((folder / "log" / log / "tile" / "entries").rglob("*"))
    victim = next(path for path in entries if path.is_file())
    whole = victim.read_bytes()
    victim.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    found = run("audit", "verify", folder, "--key", keys, check=False)
    assert found.returncode == 1 and f"✗ {log} leaf 0: the leaf is not the one that was hashed" in found.stdout, found.stdout
    victim.write_bytes(whole)
    assert run("audit", "verify", folder, "--key", keys).returncode == 0
    # A folder of another's making.
    shutil.copytree(folder, tmp_path / "forged")
    (tmp_path / "forged" / "keys").write_text(keys.read_text().replace("control+", "kontrol+"))
    assert run("audit", "verify", tmp_path / "forged", "--key", keys, check=False).returncode == 1


def test_admins_changes_are_leaves_and_logs_are_witnessed(grid, answered, tmp_path):
    zone = {"apiVersion": "aigrid/v1", "kind": "Zone", "metadata": {"name": "audit-test-zone"}, "spec": {"jurisdictions": ["FR"]}}
    assert grid.api("/api/v1/zones", zone).status == 201
    grid.delete("zones", "audit-test-zone")

    def witnessed():
        given = grid.api("/api/v1/audit/pass", {}, method="POST").json
        return all(g.get("checkpoint") for g in given["gateways"] if "paris" in g["name"])
    until(witnessed, 15, "control has seen the log of Paris")
    folder = tmp_path / "export"
    grid.cli("audit", "export", folder)
    leaves = b"".join(path.read_bytes() for path in (folder / "log" / "control").rglob("*") if path.is_file())
    assert b"audit-test-zone" in leaves and b"audit pass" in leaves
    checkpoints = [json.loads(path.read_text()) for path in (folder / "log").rglob("checkpoints.json")]
    assert any("/control " in note for notes in checkpoints for note in notes)  # signed by control as well


def test_only_a_pass_opens_whole_logs(grid):
    for credential in ("", grid.key("mairie"), "agp1_AAAA", grid.said["admin_key"]):
        headers = wire.bearer(credential) if credential else {}
        assert wire.ask(grid.url("paris"), "/v1/grid/audit/log", headers=headers).status == 401
