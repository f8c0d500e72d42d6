"""A second opinion on where requests went: makes random grids whose law changes under way, lets the simulator
(dispatch_cases) run requests over them, and works out by brute force, from the rules of policy_oracle.py alone, whether
each place that touched a request's data was permitted to, and which places were.

    dispatch_oracle.py PROGRAM --requests 10000 --registries 20 --judged 1000 [--seed N]
"""
import argparse
import copy
import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from policy_oracle import ACTIONS, CELLS, DATES, Grid, Maker, end_of

HOST = ("route", "process", "cache", "log-meta")
DOOR = ("terminate", "route", "log-meta")
ASKERS = 40


class GridMaker(Maker):
    """Grids with nodes that serve, and laws that leave most requests some places and not others: what is refused where it comes in
    proves little about where the rest goes."""

    def zone(self, earlier):
        z = super().zone(earlier)
        if self.some(3):
            z["jurisdictions"] = self.pick(CELLS, 5, 3)
        asked_of_sites = [name for name in z if name not in ("jurisdictions", "include")]
        for name in asked_of_sites if self.some(3) else []:
            del z[name]
        return z

    def account(self, zones, most=1):
        return super().account(zones, most) if not self.some(2) else {}

    def clause(self, part, zones, platform):
        c = super().clause(part, zones, platform)
        if part == "permit" and self.some(3):
            c.update(actions=["*"] if platform else list(ACTIONS), data_level=self.some(4, 3), regimes=["gdpr", "health", "pci", "other"])
        if part == "forbid" and self.some(2):
            c["data_level"] = self.some(4, 2)
        return c

    def ask(self, zones):
        ask = super().ask(zones)
        if self.some(3):
            ask.update(level=self.some(1), regimes=[r for r in ask["regimes"] if r != "other"][:1])
        if self.some(3):
            ask["key_zone"] = ""
        if self.some(2):
            ask["zones"] = []
        return ask

    def version(self, resources, zones):
        """The same places under another law."""
        out = copy.deepcopy(resources)
        for r in out:
            kind, spec = r["kind"], r["spec"]
            if kind == "Policy" and not self.some(2):
                platform = spec.get("level") == "platform" or not (spec.get("tenants") or spec.get("operators"))
                spec["permit"] = [self.clause("permit", zones, platform) for _ in range(self.some(2, 1))]
                spec.pop("forbid", None)
                if self.some(1):
                    spec["forbid"] = [self.clause("forbid", zones, platform)]
            if kind == "Tenant" and not self.some(3):
                spec["home"] = self.rng.choice(zones)
            if kind == "Zone" and not self.some(3):
                spec["jurisdictions"] = self.pick(["AA", "BB", "CC", "AA-X", "AA-Y"], 4, 1)
            if kind in ("Site", "Node"):
                spec.pop("drain", None)
                if not self.some(7):
                    spec["drain"] = True
        return out

    def registry(self):
        resources, zones = self.resources()
        # Few laws of accounts and operators: where each narrows, nothing is left to run.
        resources = [r for r in resources if r["kind"] != "Policy" or not self.some(3) or not (
            r["spec"].get("tenants") or r["spec"].get("operators"))]
        sites = [r for r in resources if r["kind"] == "Site"]
        while len(sites) < 4 or (len(sites) < 12 and self.some(5)):
            spec = self.site()
            sites.append({"kind": "Site", "name": f"site{len(sites)}", "spec": spec})
            resources.append(sites[-1])
        for s in sites:
            s["spec"]["operator"] = s["spec"]["operator"].replace("nobody", "op0")
            s["spec"].update(lat=self.rng.uniform(36, 60), lon=self.rng.uniform(-9, 25))
        nodes = [{"kind": "Node", "name": f"{s['name']}-{n}", "spec": {"site": s["name"]}}
                 for s in sites for n in range(self.some(3, 1))]
        names = [n["name"] for n in nodes]
        resources += nodes
        resources += [{"kind": "Deployment", "name": f"d{m}",
                       "spec": {"model": m, "driver": "openai", "placement": "explicit", "slots": self.some(3, 1),
                                "nodes": self.rng.sample(names, max(1, len(names) * self.some(4, 2) // 4))}}
                      for m in ("m0", "m1")]
        for r in resources:
            if r["kind"] == "Model":
                r["spec"]["context_tokens"] = 4096
        if self.some(9):
            resources.append({"kind": "Policy", "name": "open", "spec": {
                "level": "platform", "permit": [{"actions": ["*"], "zone": "*", "data_level": self.some(4, 3),
                                                 "regimes": ["gdpr", "health", "pci", "other"]}]}})
        resources.append({"kind": "Zone", "name": "narrow", "spec": {"jurisdictions": [self.rng.choice(CELLS)]}})
        resources.append({"kind": "Policy", "name": "closed", "spec": {
            "level": "platform", "forbid": [{"actions": ["process", "cache"], "zone": "narrow", "data_level": self.some(2)}]}})
        versions = [resources]
        while len(versions) < 3:
            versions.append(self.version(versions[-1], zones))
        asks = []
        for _ in range(ASKERS):
            ask = self.ask(zones)
            ask["model"] = self.rng.choice(["m0", "m0", "m1"])
            asks.append(ask)
        second = self.rng.choice([1] + [end_of(d) + step for d in DATES[1:] for step in (-1, 0)])
        for ask in asks:
            ask["second"] = second
        return {"second": second, "versions": versions, "asks": asks}


def judge(work):
    """Of the trails over one grid: steps that were forbidden, and sets of places that the program sees otherwise."""
    registry, trails = work
    grids = [Grid(resources) for resources in registry["versions"]]
    known = {}

    def may(asker, version, site, actions):
        at = (asker, version, site, actions)
        if at not in known:
            known[at] = all(grids[version].allowed(registry["asks"][asker], a, site) for a in actions)
        return known[at]

    steps = forbidden = differ = 0
    for trail in trails:
        who = trail["asker"]
        for part, site, version in trail["steps"]:
            steps += 1
            forbidden += not may(who, version, site, DOOR if part == "ingress" else HOST)
        for version, sites in trail["permitted"].items():
            want = [s for s in sorted(grids[0].of("Site")) if may(who, int(version), s, HOST)]
            if want != sites:
                differ += 1
                if differ <= 3:
                    print(f"differs: {json.dumps(registry['asks'][who])} version {version}: oracle {want}, program {sites}")
    return steps, forbidden, differ


def run(options):
    rng = random.Random(options.seed)
    registries = []
    while len(registries) < options.registries:
        registries.append(GridMaker(rng).registry())
    lines = "".join(json.dumps(r) + "\n" for r in registries)
    every = max(1, options.requests // options.judged // 2)  # some are refused where they come in, and go nowhere
    started = time.monotonic()
    done = subprocess.run([options.program, str(options.requests), str(options.registries), str(options.seed), str(every)],
                          input=lines, capture_output=True, text=True)
    took = time.monotonic() - started
    if done.returncode not in (0, 1):
        sys.exit(f"{options.program} ended with {done.returncode}: {done.stderr[-2000:]}")
    trails = {}
    totals = {}
    for line in done.stdout.splitlines():
        one = json.loads(line)
        if "totals" in one:
            totals = one["totals"]
        else:
            trails.setdefault(one["registry"], []).append(one)
    work = [(registries[n], list_) for n, list_ in sorted(trails.items())]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        judged = list(pool.map(judge, work, chunksize=4))
    return totals, sum(len(t) for t in trails.values()), [sum(column) for column in zip(*judged)], took


def table(shards):
    """Markdown, and 1 where a limit is missed."""
    total = {k: sum(s[k] for s in shards) for k, v in shards[0].items() if isinstance(v, int)}
    wrong = [w for s in shards for w in s["wrong"]]
    missed = 0
    print("| figure | measured | limit | |\n|---|---|---|---|")
    for text, value in (
            (f"{total['requests']:,} requests, {total['steps']:,} times a component touched their data: outside of what its law permitted",
             total["forbidden"]),
            (f"{total['judged']:,} of them, {total['judged_steps']:,} such times, worked out again by brute force: forbidden",
             total["judged_forbidden"]),
            ("sets of permitted places that the brute force sees otherwise", total["judged_differ"]),
            ("requests that ended twice or never, answers that went on from elsewhere, slots given twice", len(wrong))):
        missed |= value > 0
        print(f"| {text} | {value:,} | 0 | {'**missed**' if value else ''} |")
    print(f"| meanwhile: finished {total['finished']:,}, refused where they came in {total['refused_at_the_door']:,}, refused later "
          f"{total['refused']:,}, client gone {total['client_gone']:,}, failed {total['failed']:,} | | | |")
    print(f"| attempts {total['attempts']:,}: refused {total['attempts_refused']:,}, lost {total['attempts_lost']:,}; asked twice "
          f"{total['hedges']:,}, moved {total['moves']:,}, resumed {total['resumes']:,}; laws that came to a site "
          f"{total['laws_adopted']:,} | | | |")
    for text in wrong[:3]:
        print(text, file=sys.stderr)
    return missed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", nargs="?")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--registries", type=int, default=20)
    parser.add_argument("--judged", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sum", nargs="+", metavar="FILE", help="only adds up what --json has written, as a table")
    options = parser.parse_args()
    if options.sum:
        sys.exit(table([json.load(open(name, encoding="utf-8")) for name in options.sum]))
    print(f"seed {options.seed}", file=sys.stderr)
    totals, judged, (steps, forbidden, differ), took = run(options)
    said = dict(totals, seed=options.seed, judged=judged, judged_steps=steps, judged_forbidden=forbidden, judged_differ=differ,
                seconds=round(took, 1))
    print(json.dumps(said) if options.json else "\n".join(f"{k}: {v}" for k, v in said.items()))
    # It is no proof if nothing ran, or nothing happened to it.
    lively = totals["finished"] > totals["requests"] / 20 and judged >= options.judged / 4
    rare = ("hedges",) if options.requests >= 100_000 else ()
    lively = lively and all(totals[k] > 0 for k in ("moves", "resumes", "attempts_lost", "attempts_refused", *rare))
    if not lively:
        print("too little happened to prove anything", file=sys.stderr)
    sys.exit(0 if lively and not (totals["forbidden"] or totals["wrong"] or forbidden or differ) else 1)


if __name__ == "__main__":
    main()
