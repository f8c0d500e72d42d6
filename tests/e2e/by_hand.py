"""Processes started by hand, as an admin on another machine would: with nothing but an address and a token."""
import json
import subprocess

from deadline import until
from grid import binary, environment


class Process:
    def __init__(self, log, *args, env=None):
        self.log = log
        with open(log, "wb") as out:
            self.child = subprocess.Popen([binary(), *map(str, args)], env=environment(env), stdout=out, stderr=out)

    def said(self):
        return self.log.read_text(errors="replace")

    def events(self):
        """The log's lines that are JSON."""
        out = []
        for line in self.said().splitlines():
            try:
                out.append(json.loads(line))
            except ValueError:
                continue
        return out

    def waits_for(self, word, within=15):
        """Until the log holds `word`; the process is still there or not."""
        until(lambda: word in self.said() or (self.child.poll() is not None and word in self.said()), within,
              f"{word!r} in the log, which says: {self.said()[-800:]}")
        return self

    def ends(self, code, within=20):
        found = self.child.wait(timeout=within)
        assert found == code, f"exit code {found}, not {code}: {self.said()[-2000:]}"
        return self.said()

    def stop(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(timeout=10)
