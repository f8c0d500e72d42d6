"""TLS of the two listeners that people reach: the management API with our CLI, the public one with a stock client."""
import json
import ssl
import subprocess

import openai
import pytest

from by_hand import Process
from deadline import until
from grid import run

ADMIN = "the-admin-key-of-this-test"
GRID = """
{apiVersion: aigrid/v1, kind: Operator, metadata: {name: op}, spec: {legal_name: Op SA, control: [FR]}}
---
{apiVersion: aigrid/v1, kind: Site, metadata: {name: lyon}, spec: {kind: metro, operator: op, country: FR, jurisdiction: FR, lat: 45.8, lon: 4.8}}
---
{apiVersion: aigrid/v1, kind: Tenant, metadata: {name: mairie}, spec: {}}
"""


def certificate(folder, name):
    """A self-signed one for 127.0.0.1: (its file, its key's file)."""
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", chain], check=True, capture_output=True)
    return chain, key


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """A control plane and a gateway, both with certificates: (management URL, public URL, folder)."""
    folder = tmp_path_factory.mktemp("tls")
    chain, key = certificate(folder, "grid")
    control = Process(folder / "control.log", "control", "--state", folder / "control", "--management", "127.0.0.1:0", "--inner",
                      "127.0.0.1:0", "--management-certificate", chain, "--management-key", key, env={"AIGRID_ADMIN_KEY": ADMIN})
    gateway = None
    try:
        at = {e["listener"]: e["address"] for e in listening(control, 2)}
        url = f"https://{at['management']}"
        (folder / "grid.yaml").write_text(GRID)
        cli(url, chain, "apply", "-f", folder / "grid.yaml")
        token = json.loads(cli(url, chain, "token", "create", "--role", "gateway", "--site", "lyon", "--json"))["token"]
        gateway = Process(folder / "gateway.log", "gateway", "--state", folder / "gateway", "--name", "lyon-gw", "--control", at["inner"],
                          "--token", token, "--public-address", "127.0.0.1:0", "--public-certificate", chain, "--public-key", key)
        gateway.waits_for('"bundle_applied"')
        public = next(e for e in gateway.events() if e.get("event") == "gateway_started")["public"]
        yield url, f"https://{public}", folder
    finally:
        for process in (control, gateway):
            if process:
                process.stop()


def listening(process, count):
    until(lambda: sum(e.get("event") == "listening" for e in process.events()) >= count, 15, "the listeners of " + process.said())
    return [e for e in process.events() if e.get("event") == "listening"]


def cli(url, ca, *args, check=True):
    env = {"AIGRID_MANAGEMENT": url, "AIGRID_ADMIN_KEY": ADMIN, **({"AIGRID_CA": str(ca)} if ca else {})}
    done = run(*args, env=env, check=check)
    return done.stdout if check else done


def test_the_management_api_speaks_tls(secured):
    url, _, folder = secured
    assert "lyon" in cli(url, folder / "grid.pem", "get", "sites")
    # Whom nobody vouches for is not told the admin's key.
    stranger = cli(url, None, "get", "sites", check=False)
    assert stranger.returncode == 1 and "certificate" in stranger.stderr, stranger.stderr
    other, _ = certificate(folder, "other")
    assert cli(url, other, "get", "sites", check=False).returncode == 1
    # In clear, nothing is there.
    assert cli(url.replace("https", "http"), None, "get", "sites", check=False).returncode == 1


def test_a_stock_client_over_tls(secured):
    url, public, folder = secured
    key = json.loads(cli(url, folder / "grid.pem", "key", "create", "--tenant", "mairie", "--json"))["key"]
    http = openai.DefaultHttpxClient(verify=ssl.create_default_context(cafile=folder / "grid.pem"))
    client = openai.OpenAI(base_url=f"{public}/v1", api_key=key, http_client=http, max_retries=0)
    until(lambda: known(client), 15, "the new key known at the gateway")
    assert client.models.list().data == []
    distrustful = openai.OpenAI(base_url=f"{public}/v1", api_key=key, max_retries=0)
    with pytest.raises(openai.APIConnectionError):
        distrustful.models.list()


def known(client):
    try:
        client.models.list()
        return True
    except openai.AuthenticationError:
        return False


@pytest.mark.parametrize("which", ["management", "public"])
def test_off_loopback_needs_a_certificate(tmp_path, which):
    command = {"management": ["control", "--management", "0.0.0.0:0", "--inner", "127.0.0.1:0"],
               "public": ["gateway", "--name", "g", "--control", "127.0.0.1:1", "--public-address", "0.0.0.0:0"]}[which]
    process = Process(tmp_path / "log", *command, "--state", tmp_path / "state")
    try:
        said = process.ends(1)
        assert "0.0.0.0:0" in said and "not loopback" in said and "certificate" in said
    finally:
        process.stop()


def test_half_a_certificate(tmp_path):
    process = Process(tmp_path / "log", "control", "--management", "127.0.0.1:0", "--inner", "127.0.0.1:0", "--state", tmp_path / "state",
                      "--management-certificate", tmp_path / "grid.pem")
    try:
        assert "go together" in process.ends(1)
    finally:
        process.stop()


def test_an_address_that_is_none(tmp_path):
    done = run("get", "sites", "--management", "ftp://127.0.0.1:1", "--admin-key", "x", check=False)
    assert done.returncode == 1 and "ftp://127.0.0.1:1" in done.stderr and "https://IP:PORT" in done.stderr
