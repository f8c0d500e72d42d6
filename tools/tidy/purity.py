"""purity.py NM ARCHIVE…: the pure libraries link without sockets, threads, clocks, files, environment and chance.

Looks at the symbols that our own object files leave undefined: what they would have to get from elsewhere."""
import os
import re
import subprocess
import sys

SKIPPED = 77  # as CMakeLists.txt says
EXACT = set("""socket socketpair connect accept accept4 bind listen send sendto sendmsg recv recvfrom recvmsg getaddrinfo
    epoll_create1 epoll_ctl epoll_wait poll select eventfd timerfd_create
    pthread_create pthread_mutex_lock pthread_cond_wait pthread_rwlock_rdlock
    clock_gettime gettimeofday time clock localtime gmtime nanosleep usleep sleep
    open open64 openat openat64 creat fopen fopen64 fdopen read write pread pwrite mmap mmap64 unlink rename mkdir stat
    fork vfork execve execv execvp posix_spawn system kill waitpid
    getenv secure_getenv setenv rand srand random srandom drand48 getrandom arc4random""".split())
MANGLED = re.compile(r"_ZNSt6chrono3_V21\d(steady|system)_clock3nowEv|_ZNSt6thread|_ZNSt13random_device|_ZSt4(cout|cerr|clog)"
                     r"|_ZNSt1\d?basic_i?o?f(stream|ilebuf)|_ZNSt18condition_variable|_ZNSt10filesystem")


def impure(archive, nm):
    said = subprocess.run([nm, "-A", "-u", archive], capture_output=True, text=True, check=True).stdout
    for line in said.splitlines():
        place, symbol = line.rsplit(maxsplit=2)[0], line.rsplit(maxsplit=1)[-1].split("@")[0]
        if symbol in EXACT or MANGLED.match(symbol):
            yield f"{place.rstrip(':U ')}: needs {symbol}: pure code gets it as a value, or through Env in io/ or app/"


def main(nm, archives):
    missing = [a for a in archives if not os.path.exists(a)]
    if missing:
        print(f"skipped: {len(missing)} of {len(archives)} archives are not built, such as {missing[0]}; ./dev build builds them")
        return SKIPPED
    failed = 0
    for archive in archives:
        found = list(impure(archive, nm))
        print("\n".join(found), end="\n" if found else "")
        failed += bool(found)
    print(f"{len(archives) - failed} passed, {failed} failed")
    return 1 if failed or not archives else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
