"""Named admins. Once there are any, opening takes two people for ever: so these tests have a control plane of their own."""
import json

import pytest

from by_hand import Process
from grid import run
from test_tls import listening

ROOT_KEY = "the-root-key-of-this-test"
PLACES = """
{apiVersion: aigrid/v1, kind: Operator, metadata: {name: op}, spec: {legal_name: Op SA, control: [FR]}}
---
{apiVersion: aigrid/v1, kind: Site, metadata: {name: lyon}, spec: {kind: metro, operator: op, country: FR, jurisdiction: FR, lat: 45.8, lon: 4.8}}
---
{apiVersion: aigrid/v1, kind: Policy, metadata: {name: anywhere}, spec: {level: platform, permit: [{actions: ["*"], zone: "*"}]}}
"""
TENANT = "{apiVersion: aigrid/v1, kind: Tenant, metadata: {name: NAME}, spec: {}}"


@pytest.fixture(scope="module")
def management(tmp_path_factory):
    folder = tmp_path_factory.mktemp("admins")
    control = Process(folder / "control.log", "control", "--state", folder / "control", "--management", "127.0.0.1:0", "--inner",
                      "127.0.0.1:0", env={"AIGRID_ADMIN_KEY": ROOT_KEY})
    try:
        yield "http://" + next(e["address"] for e in listening(control, 2) if e["listener"] == "management")
    finally:
        control.stop()


def cli(management, *args, key=ROOT_KEY, check=True):
    return run(*args, env={"AIGRID_MANAGEMENT": management, "AIGRID_ADMIN_KEY": key}, check=check)


def apply(management, folder, text, *args, **how):
    (folder / "it.yaml").write_text(text)
    return cli(management, "apply", "-f", folder / "it.yaml", *args, **how)


def test_an_admin_has_a_key_of_his_own_and_opening_takes_two(management, tmp_path):
    """Made, used, named at what he changed, asked to approve, revoked, refused."""
    apply(management, tmp_path, PLACES)
    made = cli(management, "admin", "create", "anna")
    key = made.stdout.strip()
    assert key.startswith("agadmin_") and "shown once" in made.stderr
    second = cli(management, "admin", "create", "bert", check=False)
    assert second.returncode == 1 and "making an admin takes two" in second.stderr
    # Root has seen her key: until she has renewed it, the two are one person.
    apply_it = (management, tmp_path, TENANT.replace("NAME", "first"))
    alone = apply(*apply_it, check=False)
    assert alone.returncode != 0 and "only root wants it" in alone.stderr, alone
    assert apply(*apply_it, "--approve-with", key, check=False).returncode != 0
    key = cli(management, "admin", "renew", key=key).stdout.strip()
    apply(*apply_it, "--approve-with", key)
    zone = "{apiVersion: aigrid/v1, kind: Zone, metadata: {name: of-anna}, spec: {jurisdictions: [FR]}}"
    apply(management, tmp_path, zone, key=key)
    said = json.loads(cli(management, "get", "zones", "of-anna", "--json").stdout)
    assert said["metadata"]["changedBy"] == "anna"
    cli(management, "admin", "revoke", "anna")
    assert "anna, made by root, revoked by root" in cli(management, "admin", "list").stdout
    assert cli(management, "get", "zones", key=key, check=False).returncode != 0
    # The rule outlives her.
    assert apply(management, tmp_path, TENANT.replace("NAME", "second"), check=False).returncode != 0
