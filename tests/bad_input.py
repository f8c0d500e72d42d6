"""Every test that bad_input.md names exists."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def cpp_tests():
    found = set()
    for file in [*ROOT.glob("src/**/*_test.cc"), *ROOT.glob("tests/**/*_test.cc")]:
        found |= {f"{suite}.{name}" for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", file.read_text(), re.M)}
    return found


def python_tests():
    files = [*ROOT.glob("tests/e2e/test_*.py"), *ROOT.glob("tests/conformance/test_*.py")]
    return {f"{f.name}::{name}" for f in files for name in re.findall(r"^def (test_\w+)", f.read_text(), re.M)}


def main():
    rows = re.findall(r"^\| (\d+) \|.*\|([^|]*)\|$", (ROOT / "tests/bad_input.md").read_text(), re.M)
    known, wrong = cpp_tests() | python_tests(), []
    for number, cell in rows:
        named = re.findall(r"`([^`]+)`", cell)
        if not named:
            wrong.append(f"{number} names no test")
        wrong += [f"{number} names {name}, which is no test" for name in named if name not in known]
    print("\n".join(wrong) or f"{len(rows)} cases, each with its tests")
    return 1 if wrong or len(rows) < 30 else 0


sys.exit(main())
