"""One source file as the rules see it: its text, and its code with comments and literals blanked out (same lines)."""
import re
from pathlib import PurePosixPath

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^\s()\\]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|(?<![\w])\'(?:\\.|[^\'\\\n])+\'', re.S)


def blank(match, keep_quotes=True):
    said = match.group(0)
    return re.sub(r"[^\n]", " ", said) if said.startswith("/") else '"' + re.sub(r"[^\n]", " ", said[1:-1]) + '"'


class Source:
    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        parts = PurePosixPath(path).parts
        self.is_test = path.endswith(("_test.cc", "_test.h", "_bench.cc")) or parts[-1].startswith("test_") or parts[0] in ("tests", "bench")
        if parts[0] == "src":
            self.layer = parts[1] if len(parts) > 2 else "main"
            self.folder = "/".join(parts[1:3]) if len(parts) > 3 else self.layer
        else:
            self.layer, self.folder = parts[0], "/".join(parts[:2])
        self.bare = TOKEN.sub(lambda m: blank(m) if m.group(0).startswith("/") else m.group(0), text)
        self.code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                           TOKEN.sub(blank, text), flags=re.M)

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def includes(self):
        """(line, name, quoted) for each include."""
        for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', self.bare, re.M):
            yield self.line_of(m.start()), m.group(2), m.group(1) == '"'

    def within(self, folders):
        """Is this file in one of the folders (or layers)? "tests" stands for test files anywhere."""
        return any(self.folder == f or self.folder.startswith(f + "/") or self.layer == f or (f == "tests" and self.is_test)
                   for f in folders)


def functions(code):
    """(first offset, last offset) of each function body with its head. Relies on code formatted by clang-format only in
    that braces balance; a lambda counts with the function around it."""
    stack, head, start = [], 0, 0
    for m in re.finditer(r"[{};]", code):
        inside = "function" in stack
        if m.group(0) == "{":
            said = code[head:m.start()]
            container = re.search(r"\b(namespace|class|struct|enum|union|extern)\b", said) and not re.search(r"\)\s*(const|noexcept|override|->.*)?\s*$", said)
            table = re.search(r"(=|\bk[A-Z]\w*(\[[^\]]*\])*)\s*$", said)
            if not inside and not container and not table:
                start = head + len(said) - len(said.lstrip())
                stack.append("function")
            else:
                stack.append("inner")
        elif m.group(0) == "}" and stack:
            if stack.pop() == "function":
                yield start, m.start()
        if "function" not in stack:
            head = m.end()


def awaits(code):
    """The rest of each statement from its co_await on: (offset, text)."""
    for m in re.finditer(r"\bco_await\b", code):
        depth, end = 0, len(code)
        for b in re.finditer(r"[(){}\[\];]", code[m.start():]):
            c = b.group(0)
            depth += c in "([{"
            depth -= c in ")]}"
            if depth < 0 or (depth == 0 and c == ";"):
                end = m.start() + b.start()
                break
        yield m.start(), code[m.start():end]
