"""What share of a gateway's CPU the audit log takes: .dev/venv/bin/python bench/audit_share.py MICROSECONDS [REQUESTS]

MICROSECONDS: what `audit_bench cost` prints for a request. The example grid runs with its real engines; short texts are embedded
through one gateway by four clients, and its CPU time is read from /proc before and after. AIGRID_BIN names the binary (release, for figures)."""
import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/e2e"))
from grid import Grid  # noqa: E402

CLIENTS = 4


def cpu_us(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000 / os.sysconf("SC_CLK_TCK")


def ask(grid, count):
    """How many were answered."""
    answered = [0] * CLIENTS

    def client(mine):
        for _ in range(count // CLIENTS):
            answered[mine] += grid.embed("paris", text="the capital of France").status == 200
    threads = [threading.Thread(target=client, args=(mine,)) for mine in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(answered)


def main():
    audit, count = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    grid = Grid()
    try:
        grid.start()
        grid.ready()
        ask(grid, CLIENTS * 4)
        pid = grid.processes()["gateway-paris"].pid
        before, began = cpu_us(pid), time.monotonic()
        time.sleep(5)  # what it does without requests counts for nobody
        idle = (cpu_us(pid) - before) / (time.monotonic() - began)
        before, began = cpu_us(pid), time.monotonic()
        answered = ask(grid, count)
        each = (cpu_us(pid) - before - idle * (time.monotonic() - began)) / answered
    finally:
        grid.stop()
    share = 100 * audit / each
    missed = "" if share <= 10 else "**missed**"
    print(f"| CPU of a gateway per embedding, of {answered}, above its idle {idle / 1e4:.1f} % of a core | {each:.0f} us | | |")
    print(f"| of that leaf, receipt, grant, spool and signed log: {audit:.1f} us | {share:.1f} % | 10 % | {missed} |")


if __name__ == "__main__":
    main()
