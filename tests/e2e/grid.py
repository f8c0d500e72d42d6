"""One running grid for the tests: started by `aigrid up --detach --json`, stopped by `aigrid down`, spoken to as a user would."""
import json
import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

import processes
import wire
from deadline import until

ROOT = Path(__file__).resolve().parents[2]
FULL = os.environ.get("AIGRID_FULL") == "1"  # the long forms of the figures
FRENCH = ("paris", "lyon")


def binary():
    return os.environ.get("AIGRID_BIN") or str(ROOT / "build/dev/bin/aigrid")


def environment(extra=None):
    """What ./dev sets: where the engines' Python and the models are."""
    env = dict(os.environ)
    state = Path(env.get("AIGRID_DEV_STATE", ROOT / ".dev"))
    env.setdefault("AIGRID_PYTHON", str(state / "venv/bin/python"))
    env.setdefault("AIGRID_MODELS", str(state / "models"))
    env.update(extra or {})
    return env


def run(*args, env=None, within=60, check=True, stdin=None):
    """Runs the binary; its output is part of the failure."""
    done = subprocess.run([binary(), *map(str, args)], env=environment(env), input=stdin, capture_output=True, text=True,
                          timeout=within)
    assert not check or done.returncode == 0, f"aigrid {' '.join(map(str, args))} ended with {done.returncode}:\n{done.stderr}{done.stdout}"
    return done


class Grid:
    def __init__(self, config=ROOT / "examples/europe", state=None, more=()):
        self._folder = None if state else tempfile.TemporaryDirectory(prefix="aigrid-e2e-")
        self.state = Path(state or self._folder.name + "/state")
        self.config, self.more = config, more  # `more`: arguments of `up`
        self.said = {}

    # --- life -------------------------------------------------------------------------------------------------------------
    def start(self, within=120):
        done = run("up", "--config", self.config, "--state", self.state, "--engines", ROOT / "engines", "--detach", "--json",
                   *self.more, within=within)
        return self.take(json.loads(done.stdout))

    def take(self, said):
        """`said`: what `up --detach --json` printed."""
        self.said = said
        self.sites = {site["name"]: site for site in self.said["sites"]}
        self.nodes = {node["name"]: node for node in self.said["nodes"]}
        self.keys = {tenant["name"]: tenant["key"] for tenant in self.said["tenants"]}
        self.chat_model, self.embedding_model = self.said["models"]["chat"], self.said["models"]["embedding"]
        return self

    def stop(self):
        try:
            run("down", "--state", self.state, check=False)
        finally:
            self.kill(*self.processes())  # whatever `down` left
            if self._folder:
                self._folder.cleanup()

    def processes(self):
        """name → Running: control, gateway-SITE, agent-NODE."""
        return processes.running(self.state)

    def kill(self, *names):
        """kill -9 of processes by name; an agent takes its engines with it."""
        found = self.processes()
        for name in names:
            os.kill(found[name].pid, signal.SIGKILL)

    def of_site(self, site):
        """The names of a site's processes."""
        return [f"gateway-{site}", *(f"agent-{node}" for node in self.nodes_at(site))]

    def restart(self, *names):
        """Started again, like a machine that comes back: same state, same address."""
        for name in names:  # `up` may not have noticed the death yet
            until(lambda name=name: self.cli("up", "restart", name, "--state", self.state, check=False).returncode == 0, 10,
                  f"{name} started again")

    # --- asking -----------------------------------------------------------------------------------------------------------
    def url(self, site):
        return self.sites[site]["gateway"]

    def key(self, tenant):
        return self.keys[tenant]

    def chat_body(self, text="Say hello.", max_tokens=4, **more):
        return {"model": self.chat_model, "max_tokens": max_tokens, "messages": [{"role": "user", "content": text}], **more}

    def post(self, site, target, body, tenant="acme", headers=None, timeout=60):
        return wire.ask(self.url(site), target, body, {**wire.bearer(self.key(tenant)), **(headers or {})}, timeout=timeout)

    def chat(self, site, tenant="acme", headers=None, **body):
        return self.post(site, "/v1/chat/completions", self.chat_body(**body), tenant, headers)

    def embed(self, site, tenant="acme", text="hello", headers=None, **more):
        return self.post(site, "/v1/embeddings", {"model": self.embedding_model, "input": text, **more}, tenant, headers)

    def stream(self, site, tenant="acme", **body):
        return wire.Stream(self.url(site), "/v1/chat/completions", self.chat_body(stream=True, **body),
                           wire.bearer(self.key(tenant)))

    # --- the admin's side -------------------------------------------------------------------------------------------------
    def cli(self, *args, check=True, stdin=None, within=60):
        env = {"AIGRID_MANAGEMENT": self.said["management"], "AIGRID_ADMIN_KEY": self.said["admin_key"], **self.said["env"]}
        return run(*args, env=env, check=check, stdin=stdin, within=within)

    def api(self, target, body=None, method=None, headers=None):
        return wire.ask(self.said["management"], target, body, {**wire.bearer(self.said["admin_key"]), **(headers or {})}, method)

    def status(self):
        return self.api("/api/v1/status").json

    def apply(self, *resources):
        answer = self.api("/api/v1/apply", {"resources": list(resources)})
        assert answer.status == 200, answer
        return answer.json

    def delete(self, kind, name):
        version = self.api(f"/api/v1/{kind}/{name}").headers["etag"]
        answer = self.api(f"/api/v1/{kind}/{name}", method="DELETE", headers={"if-match": version})
        assert answer.status in (200, 204), answer

    def link(self, a, b, *how):
        self.cli("up", "link", a, b, *how, "--state", self.state)

    def ready(self, within=30):
        """Every gateway connected to control, every engine of every node ready."""
        def whole():
            status = self.status()
            engines = [e["state"] for n in status["nodes"] for e in (n.get("report") or {}).get("engines", [])]
            return (sum(bool(g["connected"]) for g in status["gateways"]) >= len(self.sites)
                    and sum(bool(n["connected"]) for n in status["nodes"]) >= len(self.nodes)
                    and engines and all(state == "ready" for state in engines))
        until(whole, within, "the whole grid ready", every=0.05)

    def settled(self, within=15):
        """No request is under way anywhere, and every record has arrived at control."""
        def quiet():
            texts = [wire.ask(p.ops, "/metrics").body.decode() for p in self.processes().values() if p.command == "gateway"]
            return all(re.search(rf"^{name} 0$", text, re.M) for text in texts
                       for name in ("aigrid_requests_open", "aigrid_spool_backlog"))
        until(quiet, within, "no request open and no record waiting")

    # --- the engines' own counters ----------------------------------------------------------------------------------------
    def engine_counters(self, node):
        """(prompt tokens with cached ones, generated tokens) since the engines of this node started, from their /metrics."""
        prompt = generated = 0
        for engine in self.engines(node):
            answer = wire.ask(engine["url"], "/metrics", headers=self.secret(node, engine["deployment"]))
            assert answer.status == 200, (node, engine, answer)
            for name, value in re.findall(r"^\w+:(\w+)(?:\{[^}]*\})? ([0-9.e+]+)$", answer.body.decode(), re.M):
                prompt += int(float(value)) if name in ("prompt_tokens_total", "prompt_tokens_cached_total") else 0
                generated += int(float(value)) if name == "tokens_predicted_total" else 0
        return prompt, generated

    def engines(self, node):
        """The engines of a node as they run now: deployment, state, pid, url."""
        report = next(n for n in self.status()["nodes"] if n["name"] == node)["report"]
        return report["engines"]

    def secret(self, node, deployment):
        """The header that opens an engine. Its secret lies in its agent's own state; only a test may look there."""
        file = self.state / f"agent-{node}" / "engines" / f"{deployment}.secret"
        return wire.bearer(file.read_text().strip()) if file.exists() else {}

    def counters(self, nodes=None):
        return {node: self.engine_counters(node) for node in (nodes or self.nodes)}

    def nodes_at(self, *sites):
        return [n["name"] for n in self.nodes.values() if n["site"] in sites]

    def nodes_outside(self, *sites):
        return [n["name"] for n in self.nodes.values() if n["site"] not in sites]


def tokens_between(before, after):
    """What each node's engines counted between two readings."""
    return {node: tuple(b - a for a, b in zip(before[node], after[node])) for node in before}
