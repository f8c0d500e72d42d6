"""Who opens which file: fanotify where the kernel lets us (root), else a look at /proc/<pid>/fd, again and again.

Both see every process of the machine; the caller asks about those it knows."""
import ctypes
import os
import struct
import threading

_NOTIFY_NONBLOCK_CLOEXEC, _MARK_ADD_MOUNT, _AT_FDCWD = 0x3, 0x11, -100
_MODIFY, _CLOSE_WRITE, _OPEN = 0x2, 0x8, 0x20
_EVENT = struct.Struct("=IBBHQii")  # struct fanotify_event_metadata


class Opened:
    """As a context: notes (pid, path, wrote) of every open below `folder` and of every write to its file system."""

    def __init__(self, folder, pids):
        self.folder, self.pids = str(folder), pids
        self.seen, self._over = set(), threading.Event()
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.fanotify_init(_NOTIFY_NONBLOCK_CLOEXEC, os.O_RDONLY | os.O_LARGEFILE)
        if self.fd >= 0:
            mask = ctypes.c_uint64(_OPEN | _MODIFY | _CLOSE_WRITE)
            if libc.fanotify_mark(self.fd, _MARK_ADD_MOUNT, mask, _AT_FDCWD, self.folder.encode()) < 0:
                os.close(self.fd)
                self.fd = -1
        self.exact = self.fd >= 0
        self.thread = threading.Thread(target=self._events if self.exact else self._look, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.thread.join(timeout=10)
        if self.exact:
            os.close(self.fd)

    def _events(self):
        while not self._over.wait(0.002):
            self._drain()
        self._drain()

    def _drain(self):
        while True:
            try:
                block = os.read(self.fd, 65536)
            except BlockingIOError:
                return
            at = 0
            while at + _EVENT.size <= len(block):
                length, _, _, _, mask, fd, pid = _EVENT.unpack_from(block, at)
                at += length
                if fd < 0:
                    continue
                try:
                    if pid in self.pids:
                        self.seen.add((pid, os.readlink(f"/proc/self/fd/{fd}"), bool(mask & (_MODIFY | _CLOSE_WRITE))))
                finally:
                    os.close(fd)

    def _look(self):
        while not self._over.wait(0.005):
            for pid in self.pids:
                try:
                    for fd in os.listdir(f"/proc/{pid}/fd"):
                        path = os.readlink(f"/proc/{pid}/fd/{fd}")
                        flags = next(l for l in open(f"/proc/{pid}/fdinfo/{fd}") if l.startswith("flags:"))
                        if path.startswith("/"):
                            self.seen.add((pid, path, int(flags.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY))
                except (OSError, StopIteration):
                    continue


def family(pid):
    """The process and all its descendants."""
    out, todo = set(), [pid]
    while todo:
        pid = todo.pop()
        out.add(pid)
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                todo += [int(p) for p in open(f"/proc/{pid}/task/{task}/children").read().split()]
        except OSError:
            continue
    return out
