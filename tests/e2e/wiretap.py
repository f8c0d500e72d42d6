"""Taps every byte between the processes of a grid, decrypts it, and looks for prompts: AIGRID_BIN=build/keylog/bin/aigrid … wiretap.py

The binary is one that writes its TLS secrets (preset keylog). Captures the loopback ports of gateways' inner listeners and of the
relays between sites with tcpdump, decrypts with tshark, and prints a Markdown table. Three texts go out: one in prompts of the tenant
bound to France that come in inside France, one in such that come in abroad, one in a prompt that may run anywhere: the last two must be
found where they passed, or the tap is deaf."""
import json
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from deadline import until
from grid import FRENCH, ROOT, Grid, run
from leaks import Finder

KEYS = ROOT / "build/keylog/keys.log"
HOME, PASSING, FREE = (f"canary-{name}-{secrets.token_hex(12)}" for name in ("home", "passing", "free"))


def inner_ports(grid):
    """port → what listens there: "paris.inner", "relay.lyon-paris", "control.inner"."""
    ports = json.loads(next((grid.state / "up").glob("remembered*")).read_text())["ports"]
    return {port: name for name, port in ports.items() if name.endswith(".inner") or name.startswith("relay.")}


class Tap:
    """As a context: a capture of these ports."""

    def __init__(self, ports, file):
        self.ports, self.file = ports, file

    def __enter__(self):
        which = " or ".join(f"tcp port {port}" for port in self.ports)
        self.child = subprocess.Popen(["tcpdump", "-i", "lo", "-s", "0", "-B", "65536", "-U", "-w", self.file, which],
                                      stderr=subprocess.PIPE, text=True)
        until(lambda: "listening on" in self.child.stderr.readline(), 10, "tcpdump listening")
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGINT)
        said = self.child.communicate(timeout=30)[1]
        self.dropped = int(re.search(r"(\d+) packets dropped by kernel", said)[1])


def tshark(*args):
    return subprocess.run(["tshark", "-n", "-o", f"tls.keylog_file:{KEYS}", *args], capture_output=True, text=True, check=True,
                          timeout=300).stdout


def streams(file, ports):
    """(what listens at its far end, its decrypted bytes) of every captured connection."""
    as_tls = [word for port in ports for word in ("-d", f"tcp.port=={port},tls")]
    numbers = sorted({int(n) for n in tshark("-r", file, "-T", "fields", "-e", "tcp.stream").split()})
    follow = [word for n in numbers for word in ("-z", f"follow,tls,raw,{n}")]
    said = tshark("-r", file, *as_tls, "-q", *follow)
    for block in said.split("Follow: tls,raw")[1:]:
        ends = [int(port) for port in re.findall(r"^Node \d: .*?:(\d+)$", block, re.M)]
        name = next((ports[port] for port in ends if port in ports), "?")
        pieces = re.findall(r"^(\t?)((?:[0-9a-f]{2})+)$", block, re.M)  # those of the second end are indented
        for end in ("", "\t"):
            yield name, b"".join(bytes.fromhex(text) for tab, text in pieces if tab == end)


def ask(grid):
    for site in FRENCH:
        assert grid.chat(site, "mairie", text=f"Repeat {HOME}.", max_tokens=6).status == 200
        assert list(grid.stream(site, "mairie", text=f"Repeat {HOME}.", max_tokens=6).events())[-1] == "[DONE]"
        assert grid.embed(site, "mairie", text=HOME).status == 200
        assert grid.chat(site, "mairie", text=HOME, grid={"only": ["zurich"]}).status == 403
    assert grid.chat("zurich", "mairie", text=f"Repeat {HOME}.", max_tokens=6).status == 403  # not sent on by whom it came to
    assert grid.chat("zurich", "acme", text=f"Repeat {PASSING}.", max_tokens=6, grid={"zone": "fr"}).status == 200
    assert grid.chat("zurich", "acme", text=f"Repeat {FREE}.", max_tokens=6, grid={"only": ["stockholm"]}).status == 200
    grid.settled()


def french(name):
    """Between two places inside France: a French gateway's own listener is reached from abroad only through a relay."""
    return name in [f"{site}.inner" for site in FRENCH] or name == "relay.lyon-paris"


def main():
    grid = Grid()
    folder = tempfile.TemporaryDirectory(prefix="aigrid-tap-")
    file = str(Path(folder.name) / "inner.pcap")
    KEYS.unlink(missing_ok=True)
    try:
        grid.start()  # once, so that its ports are known; then again, under the tap from its first handshake on
        run("down", "--state", grid.state)
        ports = inner_ports(grid)
        KEYS.unlink(missing_ok=True)
        with Tap(ports, file) as tap:
            grid.start()
            grid.ready()
            ask(grid)
            run("down", "--state", grid.state)
        held, count, size, finder = {HOME: set(), PASSING: set(), FREE: set()}, 0, 0, Finder(HOME, PASSING, FREE)
        for name, text in streams(file, ports):
            count, size = count + bool(text), size + len(text)
            for canary in finder.in_bytes([text]):
                held[canary].add(name)
    finally:
        grid.stop()
        folder.cleanup()
        KEYS.unlink(missing_ok=True)
    abroad = sorted(name for name in held[HOME] if not french(name))
    rows = [
        ("directions of inner connections decrypted", f"{count}, {size} bytes", "", count > 20),
        ("packets that the capture lost", str(tap.dropped), "0", not tap.dropped),
        ("a prompt that may run anywhere, asked in Zürich for Stockholm: seen on", ", ".join(sorted(held[FREE])) or "nothing", "",
         "relay.stockholm-zurich" in held[FREE]),
        ("a prompt that asks for France, asked in Zürich: seen on", ", ".join(sorted(held[PASSING])) or "nothing", "",
         any("zurich" in name for name in held[PASSING])),
        ("prompts bound to France, asked in France: seen on", ", ".join(sorted(held[HOME])) or "nothing", "", bool(held[HOME])),
        ("the same: connections that lead out of France", ", ".join(abroad) or "0", "0", not abroad),
    ]
    print("| figure | measured | limit | |\n|---|---|---|---|")
    for figure, value, limit, good in rows:
        print(f"| {figure} | {value} | {limit} | {'' if good else '**missed**'} |")
    return 0 if all(good for *_, good in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
