"""Looks for a text in all that processes leave behind: their files, files that are deleted but still open, cores, memory."""
import base64
import os
import re
from pathlib import Path

PIECE = 1 << 22


def spellings(text):
    """The text as bytes, and as it would stand in base64 (at each of three offsets), in hex and in UTF-16."""
    raw = text.encode()
    found = [raw, raw.hex().encode(), raw.hex().upper().encode(), text.encode("utf-16-le")]
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw + b"\0" * 2)
        found.append(whole[4 if shift else 0:(shift + len(raw)) // 3 * 4])  # without what depends on the neighbours
    return found


class Finder:
    def __init__(self, *texts):
        self.texts = {text: re.compile(b"|".join(re.escape(s) for s in spellings(text))) for text in texts}
        self.longest = max(len(s) for text in texts for s in spellings(text))

    def in_bytes(self, pieces):
        """Which of the texts the pieces of one stream of bytes hold."""
        held, tail = set(), b""
        for piece in pieces:
            tail += piece
            held |= {text for text, pattern in self.texts.items() if text not in held and pattern.search(tail)}
            tail = tail[-self.longest:]
        return held

    def in_file(self, path):
        try:
            with open(path, "rb") as file:
                return self.in_bytes(iter(lambda: file.read(PIECE), b""))
        except OSError:
            return set()  # gone meanwhile, or a socket

    def in_folder(self, folder):
        """(path, text) of every file below."""
        for path in Path(folder).rglob("*"):
            if path.is_file():
                yield from ((path, text) for text in self.in_file(path))

    def in_open_files(self, pid):
        """Of every regular file that the process holds open, deleted ones and cores in its folder included."""
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            if fd.is_file():
                yield from ((fd.resolve(), text) for text in self.in_file(fd))
        for core in Path(os.readlink(f"/proc/{pid}/cwd")).glob("core*"):
            yield from ((core, text) for text in self.in_file(core) if core.is_file())

    def in_memory(self, pid):
        """Texts in what the process may write: heap, stacks, buffers; freed memory keeps its bytes until it is used again."""
        held = set()
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for line in open(f"/proc/{pid}/maps"):
                span, modes, *_ = line.split()
                if modes.startswith("rw") and "[v" not in line:
                    held |= self.in_bytes(self._region(memory, *(int(edge, 16) for edge in span.split("-"))))
        return held

    @staticmethod
    def _region(memory, begin, end):
        while begin < end:
            try:
                memory.seek(begin)
                piece = memory.read(min(PIECE, end - begin))
            except (OSError, ValueError):
                return
            if not piece:
                return
            yield piece
            begin += len(piece)
