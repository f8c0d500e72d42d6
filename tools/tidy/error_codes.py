"""error_codes.py ROOT: the error table of docs/api.md lists exactly the codes that the code can give a client.

A code is looked for where a refusal is made: with its status before it, as a named argument, or as what a function that
makes refusals is given. What cannot be HTTP is answered by io/http with the status's own phrase as its code."""
import re
import sys
from pathlib import Path

NAME = r'"([a-z]+(?:_[a-z]+)+)"'
WHERE = ("src/core/admission", "src/core/dispatch", "src/format/openai", "src/app/gateway", "src/app/agent/refusals.cc")
INNER = ("inner_server.cc", "relays.cc")  # answers machines of the grid, not clients
# The general table of error kinds; a request can come upon InvalidArgument only (the merge of its intents).
GENERAL = re.compile(r"^ApiError from_error\(.*?^\}", re.M | re.S)
STATUS_AND_CODE = re.compile(r"\b([45]\d\d),\s*" + NAME)
CODE_ALONE = [re.compile(before + NAME) for before in (r"\bcode\s*=\s*", r"\bbroken_off\(", r"\bcontinue_or_break\([^;\"]*", r"\brefused\(")]
CHECKS = re.compile(r'"(invalid_value|invalid_type|unsupported_parameter|missing_required_parameter)"')


def sources(root):
    for place in WHERE:
        path = root / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.cc")) + sorted(path.rglob("*.h")):
            if not re.search(r"_(test|bench|fuzz)\.cc$|test_grid", file.name) and file.name not in INNER:
                yield file.read_text()


def made(root):
    """code → the statuses it is seen with; empty where the status comes from elsewhere."""
    found = {}
    for text in sources(root):
        text = GENERAL.sub("", text)
        for status, code in STATUS_AND_CODE.findall(text):
            found.setdefault(code, set()).add(status)
        for pattern in [*CODE_ALONE, CHECKS]:
            for code in pattern.findall(text):
                found.setdefault(code, set())
    return found


def phrases(root):
    """Of the statuses with which a listener refuses what is not good HTTP."""
    said = dict(re.findall(r'case (\d+): return "([^"]+)";', (root / "src/format/http/message.cc").read_text()))
    h1 = (root / "src/format/http/h1.cc").read_text()
    server = "".join(file.read_text() for file in sorted((root / "src/io/http").glob("server*.cc")))
    statuses = set(re.findall(r"\bfail\((?:http \? )?(\d{3})\b", h1)) | set(re.findall(r"(?:status_?\s*=|answer_error\()\s*([45]\d\d)", server))
    statuses.discard("502")  # of the parser's client side: what an engine or a peer sent
    statuses.discard("413")  # a gateway says request_too_large, whichever of its layers refuses
    return {said[status].lower().replace(" ", "_"): {status} for status in statuses}


def documented(root):
    rows = re.findall(r"^\| (\d{3}) \| (`[a-z_`, ]+`) \|", (root / "docs/api.md").read_text(), re.M)
    found = {}
    for status, codes in rows:
        for code in re.findall(r"`([a-z_]+)`", codes):
            found.setdefault(code, set()).add(status)
    return found


def differences(root):
    code, table = made(root), documented(root)
    for name, statuses in phrases(root).items():
        code.setdefault(name, set()).update(statuses)
    for name in sorted(code.keys() - table.keys()):
        yield f"docs/api.md: the error table has no row for {name} ({', '.join(sorted(code[name])) or 'status unknown'})"
    for name in sorted(table.keys() - code.keys()):
        yield f"docs/api.md: {name} is in the error table, and no code makes it"
    for name in sorted(code.keys() & table.keys()):
        if not code[name] <= table[name]:
            yield f"docs/api.md: {name} comes with {sorted(code[name])}, and the table says {sorted(table[name])}"


def main(root):
    found = list(differences(root))
    print("\n".join(found) or f"{len(documented(root))} codes, each documented and each made")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
