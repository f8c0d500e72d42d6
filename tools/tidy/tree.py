"""The rules about the tree: READMEs, links, tests that CMake does not list, the median length of a file."""
import re
import statistics


def readmes(sources, has, read, limit):
    for folder in sorted({s.path.rsplit("/", 1)[0] for s in sources if s.path.startswith("src/") and s.path.count("/") > 1}):
        owner = folder
        while owner.count("/") > 1 and not has(owner + "/README.md") and not has(owner + "/CMakeLists.txt"):
            owner = owner.rsplit("/", 1)[0]  # a part of a library is told in the library's README
        if not has(owner + "/README.md"):
            yield owner, 1, "readme", "a library folder has a README.md: what, what not, main types, who may depend"
        elif len(read(owner + "/README.md").splitlines()) > limit:
            yield owner + "/README.md", 1, "readme", f"a README has at most {limit} lines"


def links(documents, has):
    """Relative links of Markdown files lead somewhere."""
    for path, text in documents:
        for number, line in enumerate(re.sub(r"```.*?```", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S).split("\n"), 1):
            for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", line):
                if re.match(r"[a-z]+:|#", target):
                    continue
                base = path.rsplit("/", 1)[0] + "/" if "/" in path else ""
                parts = []
                for part in (base + target.split("#")[0]).split("/"):
                    if part == "..":
                        parts = parts[:-1] if parts else [".."]
                    elif part not in ("", "."):
                        parts.append(part)
                if not has("/".join(parts)):
                    yield path, number, "link", f'the link "{target}" leads nowhere'


def listed(sources, lists):
    """Every source file stands in a CMakeLists.txt of its folder or one above."""
    for source in sources:
        if not source.path.endswith(".cc"):
            continue
        folder, name = source.path.rsplit("/", 1)
        tail = name
        while True:
            stem = r"\baigrid_fuzzer\(" + re.escape(tail.removesuffix(".cc")) + r"[\s)]"
            if re.search(r"(?<![\w./-])" + re.escape(tail) + r"(?![\w.-])|" + stem, lists.get(folder, "")):
                break
            if "/" not in folder:
                yield source.path, 1, "unlisted", "no CMakeLists.txt names this file, so it is never built or run: list it or delete it"
                break
            folder, last = folder.rsplit("/", 1)
            tail = last + "/" + tail


def median(sources, limit):
    sizes = [len(s.lines) - 1 for s in sources if s.path.startswith("src/") and not s.is_test]
    middle = statistics.median(sizes) if sizes else 0
    if middle > limit:
        yield "src", 1, "file-length", f"half of the files have more than {middle:.0f} lines; the limit is {limit}"


def selftest(make):
    """Each rule on a tree that it must refuse: rule → what it found."""
    bad = [make("src/core/x/y.cc", "int a;\n" * 200)]
    return {
        "readme": list(readmes(bad, lambda p: False, None, 60)),
        "readme-length": list(readmes(bad, lambda p: True, lambda p: "a\n" * 61, 60)),
        "link": list(links([("docs/a.md", "see [b](../b.md)")], lambda p: p != "b.md")),
        "unlisted": list(listed(bad, {"src/core/x": "aigrid_library(x SOURCES yy.cc y.cco)"})),
        "median": list(median(bad, 150)),
    }
