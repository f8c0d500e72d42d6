"""The processes of a grid as the system shows them: found by their state directory, whoever started them and however often."""
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Running:
    name: str      # of the state directory: control, gateway-paris, agent-paris-1
    command: str   # control | gateway | agent
    pid: int
    state: Path
    options: dict  # of the command line

    @property
    def ops(self):
        return "http://" + self.options["--ops"] if "--ops" in self.options else None


def _argv(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def _options(argv):
    out = {}
    for i, word in enumerate(argv):
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            out[name] = value if equals else (argv[i + 1] if i + 1 < len(argv) else "")
    return out


def running(state):
    """name → Running, of every control, gateway and agent whose state directory lies in `state`."""
    found, state = {}, Path(state).resolve()
    for entry in os.listdir("/proc"):
        argv = _argv(entry) if entry.isdigit() else []
        if len(argv) < 3 or argv[1] not in ("control", "gateway", "agent"):
            continue
        options = _options(argv)
        home = Path(options.get("--state", "/")).resolve()
        if home.parent == state:
            found[home.name] = Running(home.name, argv[1], int(entry), home, options)
    return found
