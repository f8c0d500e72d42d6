"""A second answer to every question about policies: brute force, site by site, written from the rules in docs/policy.md.
Makes random zones, policies, accounts and questions, asks the program beside it (policy_cases) the same, and compares.

    policy_oracle.py PROGRAM --cases 2000 [--seed N]
"""
import argparse
import calendar
import json
import random
import subprocess
import sys
import time

ACTIONS = ["terminate", "route", "process", "cache", "persist", "log-meta", "log-content", "telemetry", "admin"]
EXECUTION = ("process", "cache")
CELLS = ["AA", "BB", "CC", "AA-X", "AA-Y"]
COUNTRIES = ["AA", "BB", "CC"]
REGIMES = ["gdpr", "health", "pci"]
DATES = ["", "2026-01-10", "2026-06-30T12:00:00Z", "2027-01-01"]
ASKS = 50  # to one set of policies


# ---- the rules ----

def end_of(date):
    if not date:
        return float("inf")
    if "T" in date:
        return calendar.timegm(time.strptime(date, "%Y-%m-%dT%H:%M:%SZ"))
    return calendar.timegm(time.strptime(date, "%Y-%m-%d")) + 86400  # to the end of the day


def all3(values):
    values = list(values)
    return False if False in values else None if None in values else True


def any3(values):
    values = list(values)
    return True if True in values else None if None in values else False


def not3(value):
    return None if value is None else not value


def covers(whole, part):
    return part == whole or part.startswith(whole + "-")


def cell_in(listed, cell):
    if not cell:
        return None
    return True if covers(listed, cell) else None if covers(cell, listed) else False


def cells_in(cells, allowed):
    if not allowed:
        return True
    return all3(any3(cell_in(a, c) for a in allowed) for c in cells) if cells else None


def one_of(value, accepted):
    return True if not accepted else None if not value else value in accepted


class Grid:
    def __init__(self, resources):
        self.by = {}
        for r in resources:
            self.by.setdefault(r["kind"], {})[r["name"]] = r["spec"]

    def of(self, kind):
        return self.by.get(kind, {})

    def member(self, zone, site, second):
        """Is the site in the zone: True, False, or None where something unstated or expired decides."""
        z, s = self.of("Zone")[zone], self.of("Site")[site]
        cell = "" if s["country"] == "ZZ" else s.get("jurisdiction") or s["country"]
        place = any3([cell_in(j, cell) for j in z.get("jurisdictions", [])]
                     + [self.member(o, site, second) for o in z.get("include", [])])
        tests = [place]
        tests += [self.member(o, site, second) for o in z.get("intersect", [])]
        tests += [not3(self.member(o, site, second)) for o in z.get("exclude", [])]
        attributes = s.get("attributes", {})
        tests += [attributes[k] == v if k in attributes else None for k, v in z.get("require", {}).items()]
        firm = self.operator(site)
        tests.append(cells_in(self.of("Operator").get(firm, {}).get("control", []), z.get("control_within", [])))
        tests.append(cells_in(s.get("staff", []), z.get("staff_within", [])))
        tests.append(cells_in(s.get("telemetry", []), z.get("telemetry_within", [])))
        if z.get("seal_min", 0) > 0:
            tests.append(None if "seal" not in s else s["seal"] >= z["seal_min"])
        good = {c["name"] for c in s.get("certs", []) if second < end_of(c.get("until", ""))}
        tests += [True if c in good else None for c in z.get("certs", [])]
        tests.append(one_of(s.get("attest"), z.get("attest")))
        tests.append(one_of(s.get("tenancy"), z.get("tenancy")))
        tests.append(one_of(firm, z.get("operators")))
        return all3(tests)

    def operator(self, site):
        name = self.of("Site")[site]["operator"]
        return "" if name == "nobody" else name

    def cells(self, zone):
        z = self.of("Zone")[zone]
        return set(z.get("jurisdictions", [])).union(*[self.cells(o) for o in z.get("include", [])])

    def only_places(self, zone):
        z = self.of("Zone")[zone]
        return set(z) <= {"jurisdictions", "include"} and all(self.only_places(o) for o in z.get("include", []))

    def at_home_in(self, home, origin):
        """May a transfer from `origin` carry data whose home is `home`?"""
        if not home or not self.only_places(origin):
            return False
        return all(any(covers(whole, cell) for whole in self.cells(origin)) for cell in self.cells(home))

    def level(self, policy):
        if policy.get("level"):
            return policy["level"]
        if policy.get("operators"):
            return "operator"
        if not policy.get("tenants"):
            return "platform"
        return "project" if all(t not in self.of("Tenant") for t in policy["tenants"]) else "tenant"

    def binds(self, policy, ask):
        who, models = policy.get("tenants"), policy.get("models")
        if who and ask["tenant"] not in who and not (ask["project"] and ask["project"] in who):
            return False
        names = {ask["model"], *self.of("Model").get(ask["model"], {}).get("aliases", [])}
        return not models or bool(names & set(models))

    def allowed(self, ask, action, site):
        tenant = self.of("Tenant").get(ask["tenant"])
        if tenant is None:
            return False
        project = {}
        if ask["project"]:
            project = self.of("Project").get(ask["project"])
            if project is None or project["tenant"] != ask["tenant"]:
                return False
        zones = [z for z in ask["zones"] + [ask["key_zone"]] if z]
        if any(z not in self.of("Zone") for z in zones):
            return False
        level = max(ask["level"], tenant.get("data_level", 1), project.get("data_level", 0))
        regimes = {*ask["regimes"], *tenant.get("regimes", []), *project.get("regimes", [])}
        second = ask["second"]
        if action in EXECUTION:
            zones += [z for z in (tenant.get("zone"), project.get("zone"),
                                  self.of("Model").get(ask["model"], {}).get("zone")) if z]
            if any(self.member(z, site, second) is not True for z in zones):
                return False
        home = tenant.get("home") or tenant.get("zone") or ""
        return all(self.allowed_at(where, ask, action, site, level, regimes, home)
                   for where in ("platform", "operator", "tenant", "project"))

    def allowed_at(self, where, ask, action, site, level, regimes, home):
        second, firm, spoke, yes = ask["second"], self.operator(site), False, False

        def speaks(clause):
            return "*" in clause["actions"] or action in clause["actions"]

        def within(zone):
            return True if zone == "*" else self.member(zone, site, second)

        def good(clause):
            return (level <= clause.get("data_level", 1) and regimes <= set(clause.get("regimes", []))
                    and second < end_of(clause.get("until", "")) and within(clause["zone"]) is True)

        for policy in self.of("Policy").values():
            if self.level(policy) != where or not self.binds(policy, ask):
                continue
            if where == "operator" and firm and firm not in policy["operators"]:
                continue  # speaks for other sites
            if policy.get("zone") and action in EXECUTION and within(policy["zone"]) is not True:
                return False
            for clause in policy.get("forbid", []):
                hit = not clause.get("regimes") or regimes & set(clause["regimes"])
                if speaks(clause) and hit and level >= clause.get("data_level", 0) and within(clause["zone"]) is not False:
                    return False
            for clause in policy.get("permit", []):
                if speaks(clause):
                    spoke = True
                    yes = yes or (good(clause) and not (where == "operator" and not firm))
            for clause in policy.get("transfer", []):
                if speaks(clause) and self.at_home_in(home, clause["from"]):
                    yes = yes or good(clause)
        if where == "platform" and not spoke and level <= 1 and home and within(home) is True:
            yes = True
        return yes if where == "platform" or spoke else True


# ---- random grids and questions ----

class Maker:
    def __init__(self, rng):
        self.rng = rng

    def some(self, most, least=0):
        return self.rng.randint(least, most)

    def pick(self, things, most, least=0):
        return self.rng.sample(things, min(len(things), self.some(most, least)))

    def maybe(self, out, chance, **fields):
        for name, value in fields.items():
            if self.rng.random() < chance and value not in (None, [], "", {}):
                out[name] = value

    def site(self):
        s = {"kind": "metro", "operator": self.rng.choice(["op0", "op1", "op2"] * 2 + ["nobody"]), "lat": 1, "lon": 2,
             "country": self.rng.choice(COUNTRIES * 3 + ["ZZ"])}
        if s["country"] == "AA" and self.some(1):
            s["jurisdiction"] = self.rng.choice(["AA-X", "AA-Y"])
        self.maybe(s, 0.6, staff=self.pick(CELLS, 2), telemetry=self.pick(CELLS, 2), seal=self.some(4),
                   attest=self.rng.choice(["none", "tpm"]), tenancy=self.rng.choice(["shared", "dedicated"]),
                   attributes={"x": self.rng.choice("01")},
                   certs=[{"name": n, **({"until": d} if d else {})}
                          for n in self.pick(["c1", "c2"], 2) for d in [self.rng.choice(DATES)]])
        return s

    def zone(self, earlier):
        z = {"jurisdictions": self.pick(CELLS, 4, 1)}
        self.maybe(z, 0.35, include=self.pick(earlier, 2))
        self.maybe(z, 0.15, exclude=self.pick(earlier, 1), intersect=self.pick(earlier, 1))
        self.maybe(z, 0.1, require={"x": self.rng.choice("01")}, control_within=self.pick(COUNTRIES, 2, 1),
                   staff_within=self.pick(CELLS, 3, 1), telemetry_within=self.pick(CELLS, 3, 1),
                   seal_min=self.some(4, 1), certs=self.pick(["c1", "c2"], 2, 1), attest=["tpm"], tenancy=["dedicated"],
                   operators=self.pick(["op0", "op1"], 2, 1))
        return z

    def clause(self, part, zones, platform):
        c = {"actions": self.pick(ACTIONS, 5, 1), "zone": self.rng.choice(zones)}
        if self.some(1):
            c["actions"] = sorted({*c["actions"], "process"})
        if platform and part != "transfer" and not self.some(4):
            c["zone"] = "*"
        if platform and not self.some(4):
            c["actions"] = ["*"]
        self.maybe(c, 0.5, regimes=self.pick(REGIMES, 3))
        if self.some(1):
            c["data_level"] = self.some(4, 0 if part != "forbid" else 1)
        if part != "forbid":
            self.maybe(c, 0.3, until=self.rng.choice(DATES))
        if part == "transfer":
            c.update({"from": self.rng.choice(zones), "mechanism": self.rng.choice(["adequacy", "scc", "consent"])})
        return c

    def policy(self, zones, tenants, projects, models):
        p, level = {}, self.rng.choice(["platform", "platform", "operator", "tenant", "tenant", "project"])
        platform = level == "platform"
        if level == "operator":
            p["operators"] = self.pick(["op0", "op1", "op2"], 2, 1)
        if level == "project":
            p["tenants"] = self.pick(projects, 2, 1)
        elif level == "tenant" or not self.some(3):
            p["tenants"] = self.pick(tenants, 2, 1)
        if platform and p.get("tenants") or self.some(1):
            p["level"] = level
        self.maybe(p, 0.25, models=self.pick(models, 2))
        self.maybe(p, 0.2, zone=self.rng.choice(zones))
        p["permit"] = [self.clause("permit", zones, platform) for _ in range(self.some(2, 1))]
        if self.some(1):
            p["forbid"] = [self.clause("forbid", zones, platform)]
        if platform and self.some(1):
            p["transfer"] = [self.clause("transfer", zones, platform)]
        return p

    def account(self, zones, most=2):
        a = {}
        self.maybe(a, 0.3, zone=self.rng.choice(zones), regimes=self.pick(REGIMES, 1), data_level=self.some(most))
        return a

    def resources(self):
        out = [("Operator", f"op{n}", {"control": self.pick(COUNTRIES, 2)}) for n in range(3)]
        out += [("Site", f"site{n}", self.site()) for n in range(self.some(6, 1))]
        zones = []
        for n in range(self.some(6, 2)):
            out.append(("Zone", f"zone{n}", self.zone(list(zones))))
            zones.append(f"zone{n}")
        tenants, projects, models = ["t0", "t1"], ["p0", "p1"], ["m0", "m1", "alias"]
        for name in tenants:
            spec = self.account(zones)
            self.maybe(spec, 0.8, home=self.rng.choice(zones))
            out.append(("Tenant", name, spec))
        out += [("Project", p, {"tenant": t, **self.account(zones)}) for p, t in zip(projects, tenants)]
        out.append(("Model", "m0", {"context_tokens": 1, "aliases": ["alias"]}))
        m1 = {"context_tokens": 1}
        self.maybe(m1, 0.5, zone=self.rng.choice(zones))
        out.append(("Model", "m1", m1))
        out += [("Policy", f"policy{n}", self.policy(zones, tenants, projects, models)) for n in range(self.some(5))]
        self.rng.shuffle(out)
        return [{"kind": k, "name": n, "spec": s} for k, n, s in out], zones

    def ask(self, zones):
        moments = [end_of(d) + step for d in DATES[1:] for step in (-1, 0)] + [1]
        tenant = self.some(1)
        return {"tenant": f"t{tenant}" if self.some(30) else "t9", "model": self.rng.choice(["", "m0", "m1"]),
                "project": self.rng.choice(["", f"p{tenant}", f"p{tenant}"] if self.some(20) else ["p9", "p0"]),
                "action": self.rng.choice(ACTIONS + ["process"] * 4), "level": self.rng.choice([0, 0, 0, 1, 1, 1, 2, 3, 4]),
                "regimes": self.pick(REGIMES + ["other"], 2) if not self.some(3) else [],
                "key_zone": self.rng.choice(zones) if not self.some(5) else "",
                "zones": self.pick(zones + (["nowhere"] if not self.some(9) else []), 1) if not self.some(3) else [],
                "second": self.rng.choice(moments)}


def compare(program, cases, seed):
    rng, questions = random.Random(seed), []
    for _ in range((cases + ASKS - 1) // ASKS):
        maker = Maker(rng)
        resources, zones = maker.resources()
        asks = [maker.ask(zones) for _ in range(ASKS)]
        compiled = rng.choice([0, min(a["second"] for a in asks)])
        questions.append({"resources": resources, "compiled": compiled, "asks": asks})
    lines = "".join(json.dumps(q) + "\n" for q in questions)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(questions), f"{len(answers)} answers to {len(questions)} sets of questions"
    asked = differ = permitted = 0
    for question, answer in zip(questions, answers):
        grid = Grid(question["resources"])
        for ask, got in zip(question["asks"], answer, strict=True):
            want = [s for s in sorted(grid.of("Site")) if grid.allowed(ask, ask["action"], s)]
            asked, permitted = asked + 1, permitted + len(want)
            if want != got:
                differ += 1
                if differ <= 3:
                    print(f"differs: {json.dumps(ask)}\n  oracle {want}\n  program {got}\n  of {json.dumps(question)}")
    return asked, permitted, differ


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    started = time.monotonic()
    asked, permitted, differ = compare(options.program, options.cases, options.seed)
    print(f"{asked} questions, {permitted} sites permitted, {differ} differences, {time.monotonic() - started:.1f} s")
    # It is no proof if everything was denied.
    sys.exit(0 if differ == 0 and permitted > asked / 20 else 1)


if __name__ == "__main__":
    main()
