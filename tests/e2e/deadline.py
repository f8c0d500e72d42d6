"""Waiting without sleeping blindly: every wait has a condition, a limit and a name for the failure."""
import time


class Late(AssertionError):
    pass


def until(condition, within, what, every=0.02):
    """The first truthy value of condition(), or Late after `within` seconds. Errors of a process that is not there yet count as no."""
    limit, last = time.monotonic() + within, None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except (OSError, EOFError) as error:
            last = error
        if time.monotonic() >= limit:
            raise Late(f"{what}: not within {within} s; last seen: {last!r}")
        time.sleep(every)


def percentile(values, share):
    """The value that `share` (0..1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
