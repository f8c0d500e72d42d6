"""Counts test cases in JUnit files of ctest and pytest.

count.py FILE RC          prints "PASSED FAILED SKIPPED"; a ctest test that is a GoogleTest program counts its cases
count.py --failures FILE… prints one line for each failed test
count.py --targets        reads `ctest --show-only=json-v1`, prints the build targets of the tests' programs
"""
import json
import os
import re
import sys
import xml.etree.ElementTree as ET

SAID = {
    "passed": r"^\[  PASSED  \] (\d+) test",
    "failed": r"^\[  FAILED  \] (\d+) test",
    "skipped": r"^\[  SKIPPED \] (\d+) test",
}
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def cases(path):
    root = ET.parse(path).getroot()
    return root.iter("testcase")


def verdict(case):
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    return "skipped" if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled") else "passed"


def counts_of(case):
    """What the program itself says it ran; one test where it does not say."""
    result = verdict(case)
    said = case.findtext("system-out") or ""
    counts = {k: sum(int(n) for n in re.findall(p, said, re.M)) for k, p in SAID.items()}
    if not any(counts.values()):
        closing = CLOSING.findall(said)
        if closing:
            counts = dict(zip(("passed", "failed", "skipped"), (int(n or 0) for n in closing[-1])))
    if result == "passed" and counts["failed"]:  # it was meant to fail
        return {"passed": 1, "failed": 0, "skipped": 0}
    if not any(counts.values()) or (result == "failed" and not counts["failed"]):
        counts[result] += 1
    return counts


def count(path, rc):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    if os.path.exists(path):
        for case in cases(path):
            for key, n in counts_of(case).items():
                total[key] += n
    if rc and not total["failed"]:
        total["failed"] = 1  # it did not build, or its runner failed
    print(total["passed"], total["failed"], total["skipped"])


def failures(paths):
    for path in (p for p in paths if os.path.exists(p)):
        for case in cases(path):
            if verdict(case) == "failed":
                said = re.findall(r"^\[  FAILED  \] (\S+\.\S+?),? ", (case.findtext("system-out") or "") + " ", re.M)
                suite = os.path.basename(path).removesuffix(".xml")
                print(f"FAILED {suite}: {case.get('name')} {' '.join(sorted(set(said)))}")


def targets():
    # ctest tells no command of a program that is not built yet, so the name must do: NAME and NAME.PART are of NAME_test.
    # A script's test is told with its program, which is an argument below the build tree.
    found = set()
    for test in json.load(sys.stdin)["tests"]:
        programs = [os.path.basename(word) for word in test.get("command", [])[1:] if "/build/" in word]
        name = test["name"].split(".")[0]
        found |= set(programs) or {name if name.endswith("_fuzz") else name + "_test"}
    print("\n".join(sorted(found)))


if __name__ == "__main__":
    if sys.argv[1] == "--failures":
        failures(sys.argv[2:])
    elif sys.argv[1] == "--targets":
        targets()
    else:
        count(sys.argv[1], int(sys.argv[2]))
