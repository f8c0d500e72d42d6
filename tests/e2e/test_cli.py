"""The commands a person types."""
import json
import re

import pytest

import wire
from deadline import until
from grid import run


def test_version_and_help():
    assert re.search(r"\d+\.\d+", run("version").stdout)
    said = run("--help").stdout
    for command in ("up", "down", "control", "gateway", "agent", "apply", "get", "token", "key", "admin", "chat", "usage", "status"):
        assert re.search(rf"^\s*{command}\b", said, re.M), command


def test_an_unknown_command_or_option_is_refused_with_a_hint():
    done = run("staus", check=False)
    assert done.returncode != 0 and "staus" in done.stderr + done.stdout
    done = run("gateway", "--no-such-option", check=False)
    assert done.returncode != 0 and "no-such-option" in done.stderr


def test_get_lists_and_shows_one(grid):
    said = grid.cli("get", "sites").stdout
    assert all(site in said for site in grid.sites)
    one = json.loads(grid.cli("get", "sites", "lyon", "--json").stdout)
    assert one["kind"] == "Site" and one["metadata"]["name"] == "lyon" and one["spec"]["country"] == "FR"
    wrong = grid.cli("get", "sites", "lyonn", check=False)
    assert wrong.returncode != 0 and "lyonn" in wrong.stderr


def test_status_names_every_site(grid):
    said = grid.cli("status").stdout
    assert all(site in said for site in grid.sites)
    assert json.loads(grid.cli("status", "--json").stdout)["version"] > 0


def test_a_key_is_made_listed_used_and_revoked(grid):
    made = json.loads(grid.cli("key", "create", "--tenant", "mairie", "--json").stdout)
    key, kid = made["key"], made["kid"]
    assert key.startswith("agk1_")
    listed = grid.cli("key", "list").stdout
    assert kid in listed and key not in listed
    def status():
        return wire.ask(grid.url("lyon"), "/v1/models", headers=wire.bearer(key)).status
    until(lambda: status() == 200, 2, "the new key accepted")
    grid.cli("key", "revoke", kid)
    until(lambda: status() == 401, 2, "the revoked key refused")


def test_chat_prints_the_answer_and_one_line_of_where_and_why(grid):
    done = run("chat", "What is the capital of France?", "--gateway", grid.url("lyon"), "--key", grid.key("mairie"), "--model", grid.chat_model)
    assert done.stdout.strip()
    assert any(site in done.stdout + done.stderr for site in ("paris answered", "lyon answered")), done
    wrong = run("chat", "Hi", "--gateway", grid.url("lyon"), "--key", grid.key("mairie")[:-1] + "x",
                "--model", grid.chat_model, check=False)
    assert wrong.returncode != 0 and "key" in wrong.stderr


def test_chat_without_a_model_finds_one_that_chats(grid):
    """With a gateway and a key alone, as on another machine than the grid's: embedding models come first in the list."""
    listed = wire.ask(grid.url("lyon"), "/v1/models", headers=wire.bearer(grid.key("mairie"))).json["data"]
    assert [m["grid"]["task"] for m in listed if m["id"] == grid.chat_model] == ["chat"]
    assert listed[0]["grid"]["task"] == "embedding"
    done = run("chat", "Say hello.", "--gateway", grid.url("lyon"), "--key", grid.key("mairie"), "--max-tokens", "4", "--json")
    assert json.loads(done.stdout)["model"] == grid.chat_model


def test_the_admin_key_is_needed(grid):
    for headers in ({}, wire.bearer("wrong"), wire.bearer(grid.key("acme"))):
        answer = wire.ask(grid.said["management"], "/api/v1/sites", headers=headers)
        assert answer.status == 401 and "problem+json" in answer.headers["content-type"], answer


def test_writes_need_the_version_they_were_read_at(grid):
    grid.apply({"apiVersion": "aigrid/v1", "kind": "Tenant", "metadata": {"name": "etag"}, "spec": {}})
    read = grid.api("/api/v1/tenants/etag").json
    version = read["metadata"]["resourceVersion"]
    read["spec"]["display_name"] = "first"
    assert grid.api("/api/v1/tenants/etag", read, "PUT", {"if-match": f'"{version}"'}).status == 200
    stale = grid.api("/api/v1/tenants/etag", read, "PUT", {"if-match": f'"{version}"'})
    assert stale.status in (409, 412) and str(version) in stale.body.decode(), stale
    assert grid.api("/api/v1/tenants/etag", read, "PUT").status == 428
    grid.delete("tenants", "etag")
    assert grid.api("/api/v1/tenants/etag").status == 404


def test_a_watch_says_what_changes(grid):
    connection, answer = wire.send(grid.said["management"], "/api/v1/tenants?watch=1",
                                   headers={**wire.bearer(grid.said["admin_key"]), "accept": "application/jsonl"}, timeout=10)
    try:
        assert answer.status == 200
        grid.apply({"apiVersion": "aigrid/v1", "kind": "Tenant", "metadata": {"name": "seen"}, "spec": {}})
        for line in answer:
            if line.strip() and b'"seen"' in line:
                break
        else:
            pytest.fail("the watch ended without the change")
        assert json.loads(line)["type"] == "ADDED"
    finally:
        connection.close()
        grid.delete("tenants", "seen")


def test_apply_is_idempotent_and_dry_runs_write_nothing(grid, tmp_path):
    files = [part for file in sorted(grid.config.glob("*.yaml")) for part in ("-f", file)]
    done = grid.cli("apply", *files)
    assert "unchanged" in done.stdout
    document = "apiVersion: aigrid/v1\nkind: Tenant\nmetadata: {name: never}\nspec: {}\n"
    (tmp_path / "never.yaml").write_text(document)
    grid.cli("apply", "-f", tmp_path, "--dry-run")
    assert grid.api("/api/v1/tenants/never").status == 404
