"""Rates records again, from the rules and with Python's decimal, and holds the result against what core/ledger said.

    rating_oracle.py RATING_CASES COUNT [SEED]

The rules are written down in src/core/ledger/README.md; nothing here was taken from the C++. Prints the first difference
and ends with 1, or the number of records that agree.
"""
import json
import subprocess
import sys
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal, getcontext

getcontext().prec = 60
MOST = Decimal(2**63 - 1)


def money(amount):
    return min(amount, MOST)


class Rated:
    """Tokens by (attempt, bucket, bearer), as a bill is kept by hand."""

    def __init__(self, record):
        self.record = record
        self.terms = record.get("terms", {})
        self.tokens = defaultdict(lambda: [0, 0])
        self.suspect = False
        self.prompt_paid = 0
        self.delivered = 0  # of earlier attempts: read again where an answer goes on
        attempts = sorted(record["attempts"], key=lambda a: a.get("number", 0))
        answered = record["outcome"] in ("finished", "client_gone")
        # A later attempt may have been asked in vain.
        ended = [i for i, a in enumerate(attempts) if a.get("result") == "ok"]
        heard = [i for i, a in enumerate(attempts) if a.get("heard_tokens", 0) and not a.get("hedge", False)]
        answer = (ended or heard or [len(attempts) - 1])[-1]
        for i, attempt in enumerate(attempts):
            continued = attempt.get("heard_tokens", 0) > 0 and any(a.get("resumes", False) for a in attempts[i + 1:])
            continued = continued and not attempt.get("hedge", False)
            if not answered:
                self.lost(attempt)
            elif i == answer or continued:
                self.answer(attempt, i == answer)
            elif attempt.get("hedge", False):
                self.put(attempt, "hedge_loser", "seller", attempt["usage"]["prompt_tokens"], self.made(attempt))
            else:
                self.put(attempt, "retry", "site", attempt["usage"]["prompt_tokens"], self.made(attempt))

    @staticmethod
    def made(attempt):
        return max(attempt["usage"]["completion_tokens"], attempt.get("heard_tokens", 0))

    def put(self, attempt, bucket, bearer, prompt, completion):
        if prompt or completion:
            line = self.tokens[attempt.get("number", 0), bucket, bearer]
            line[0] += prompt
            line[1] += completion

    def pay(self, attempt, prompt, completion):
        if self.terms.get("price_book"):
            self.put(attempt, "billed", "tenant", prompt, completion)
        else:
            self.put(attempt, "free_tier", "seller", prompt, completion)

    def lost(self, attempt):
        if self.record.get("code") == "policy_cut":
            bucket, bearer = "policy_cut", "seller"
        elif self.record.get("code") in ("probe", "cancel_tail", "retry"):  # work that no request claims
            bucket, bearer = self.record["code"], "site"
        else:
            bucket, bearer = "platform_error", "site" if self.record["outcome"] == "failed" else "seller"
        self.put(attempt, bucket, bearer, attempt["usage"]["prompt_tokens"], self.made(attempt))

    def answer(self, attempt, last):
        prompt = attempt["usage"]["prompt_tokens"]
        most = self.terms.get("prompt_most", 0)
        if most and attempt.get("resumes", False):
            most += self.delivered
        if most and prompt > most:
            self.suspect = True
            self.put(attempt, "platform_error", "site", prompt - most, 0)
            prompt = most
        if attempt.get("resumes", False) and self.prompt_paid:
            self.put(attempt, "resume_prefill", "seller", prompt, 0)
        else:
            self.prompt_paid += prompt
            self.pay(attempt, prompt, 0)
        made, heard = self.made(attempt), attempt.get("heard_tokens", 0)
        self.delivered += heard
        finished = last and self.record["outcome"] == "finished"
        allowed = heard + heard // 64 + 4
        paid = made if finished and made <= allowed else min(made, heard)
        self.suspect |= finished and paid < made
        self.pay(attempt, 0, paid)
        excess = "platform_error" if finished else "cancel_tail" if last else "retry"
        self.put(attempt, excess, "site", 0, made - paid)

    def lines(self):
        attempts = {a.get("number", 0): a for a in self.record["attempts"]}
        for (number, bucket, bearer), (prompt, completion) in sorted(self.tokens.items()):
            cost = Decimal(attempts[number].get("cost_nano", 0)) * (prompt + completion)
            price = Decimal(0)
            if bucket == "billed":
                price = Decimal(self.terms.get("input_nano", 0)) * prompt
                price += Decimal(self.terms.get("output_nano", 0)) * completion
            yield {"attempt": number, "bucket": bucket, "bearer": bearer, "prompt": prompt, "completion": completion,
                   "price_nano": int(money(price)), "cost_nano": int(money(cost))}

    def debts(self):
        attempts = {a.get("number", 0): a for a in self.record["attempts"]}
        debtor = self.terms.get("operator", "")
        for line in self.lines():
            creditor = attempts[line["attempt"]].get("operator", "")
            if debtor and creditor and debtor != creditor and line["bearer"] != "site":
                exact = Decimal(line["cost_nano"]) * (1_000_000 + attempts[line["attempt"]].get("margin_ppm", 0)) / 1_000_000
                owed = money(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
                yield {"debtor": debtor, "creditor": creditor, "cost_nano": line["cost_nano"], "owed_nano": int(owed)}


def key(value):
    return json.dumps(value, sort_keys=True)


def difference(case):
    mine = Rated(case["record"])
    lines = list(mine.lines())
    if sorted(map(key, lines)) != sorted(map(key, case["lines"])):
        return f"lines: {lines}"
    if sorted(map(key, mine.debts())) != sorted(map(key, case["debts"])):
        return f"debts: {list(mine.debts())}"
    for name in ("price_nano", "cost_nano"):
        total = int(money(sum((Decimal(l[name]) for l in lines), Decimal(0))))
        if total != case[name]:
            return f"{name}: {total}"
    if mine.suspect != case["suspect"]:
        return f"suspect: {mine.suspect}"
    made = sum(a["usage"]["prompt_tokens"] + Rated.made(a) for a in case["record"]["attempts"])
    if made != sum(l["prompt"] + l["completion"] for l in case["lines"]):
        return f"tokens made: {made}"
    return None


def main():
    program, count, seed = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "1"
    agreed = 0
    with subprocess.Popen([program, count, seed], stdout=subprocess.PIPE, text=True) as cases:
        for text in cases.stdout:
            case = json.loads(text)
            wrong = difference(case)
            if wrong:
                cases.kill()
                print(f"case {agreed + 1} of seed {seed}: the oracle says {wrong}\n{text}")
                return 1
            agreed += 1
    if cases.returncode != 0 or agreed != int(count):
        print(f"{agreed} of {count} cases; {program} ended with {cases.returncode}")
        return 1
    print(f"{agreed} records rated alike")
    return 0


if __name__ == "__main__":
    sys.exit(main())
