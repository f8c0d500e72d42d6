"""The rules about one C++ file. Each yields (line, rule, message): what is wrong, and what to do instead."""
import re
from source import awaits, functions

TYPE = re.compile(r"\b(?:class|struct|enum class|enum|union|using|concept)\s+(?:\[\[\w+\]\]\s+)?([A-Z]\w*)")


def arrows(source, table):
    allowed = table["layers"].get(source.layer)
    siblings = {(s["from"], s["to"]) for s in table.get("sibling", [])}
    for line, name, quoted in source.includes():
        if not quoted:
            continue
        parts = name.split("/")
        to_layer, to_folder = parts[0], "/".join(parts[:2]) if len(parts) > 2 else parts[0]
        if to_layer not in table["layers"] and source.layer == "tests":
            continue  # a test program may have an include root of its own
        if to_layer not in table["layers"]:
            yield line, "arrow", f'"{name}" is not written from src/: include "layer/folder/file.h"'
        elif to_layer == source.layer:
            free = source.layer in table["rules"]["open_layers"] or to_folder in (source.folder, to_layer)
            if not free and (source.folder, to_folder) not in siblings:
                yield line, "arrow", (f"{source.folder} may not include its sibling {to_folder}: move what is shared down, "
                                      "or add a [[sibling]] with its reason to tools/tidy/arrows.toml")
        elif allowed is None or to_layer not in allowed:
            yield line, "arrow", f"{source.layer} may not include {to_layer}; it may include: {', '.join(allowed or [])}"


def third_party(source, table):
    for line, name, quoted in source.includes():
        if quoted:
            continue
        for prefix, folders in table["third_party"].items():
            if name.startswith(prefix) and not source.within(folders):
                yield line, "third-party", f"<{name}> stays inside {', '.join(folders)}: use what that folder offers"
        for header in table["effects"]["headers"]:
            hit = name == header or (header.endswith("/") and name.startswith(header))
            if hit and not source.is_test and not source.within(table["effects"]["allowed"]):
                yield line, "effect", f"<{name}> is an effect: only {', '.join(table['effects']['allowed'])}; go through Env (io/env/env.h)"


def banned_calls(source, table):
    for ban in table["banned"]:
        if source.within(ban["allowed"]):
            continue
        for m in re.finditer(ban["call"], source.code):
            yield source.line_of(m.start()), "banned-call", f'"{m.group(0).strip()}" is banned here; use {ban["use"]}'


def lengths(source, table):
    limits = table["rules"]
    if len(source.lines) - 1 > limits["file_lines"]:
        yield 1, "file-length", f"{len(source.lines) - 1} lines; the limit is {limits['file_lines']}: split it by what it decides"
    for number, line in enumerate(source.lines, 1):
        if len(line) > limits["line_columns"]:
            yield number, "line-length", f"{len(line)} columns; the limit is {limits['line_columns']}"
    for start, end in functions(source.code):
        length = source.line_of(end) - source.line_of(start) + 1
        if length > limits["function_lines"]:
            yield source.line_of(start), "function-length", f"a function of {length} lines; the limit is {limits['function_lines']}"


def co_await(source, table):
    for offset, said in awaits(source.code):
        line = source.line_of(offset)
        if re.search(r"(?:^|[(,={\s])\[\s*[^\]\s][^\]]*\]\s*(?:\(|\{|mutable\b)", said):
            yield line, "co-await", "a capturing lambda in a statement with co_await: name it first, then move it in"
        if re.search(r"[A-Za-z_>][\w>]*\s*\{\s*[^}\s]", said):
            yield line, "co-await", "a braced temporary in a statement with co_await: name it first, then move it in"


def opening(source, table):
    if not source.path.endswith(".h"):
        return
    comments = 0
    for line in source.lines:
        if not line.startswith("//"):
            break
        comments += 1
    if not comments:
        yield 1, "header-comment", "a header opens with 1-6 comment lines: purpose, threads, lifetime, units, errors"
    if "#pragma once" not in source.text:
        yield 1, "pragma-once", "a header has #pragma once"


def words(source, table):
    banned = set(table["rules"]["banned_words"])
    for word in re.split(r"[_.]", source.path.rsplit("/", 1)[-1]):
        if word in banned:
            yield 1, "word", f'"{word}" in a file name says nothing: name what it holds or decides'
    for m in TYPE.finditer(source.code):
        hit = {w.lower() for w in re.findall(r"[A-Z][a-z0-9]*", m.group(1))} & banned
        if hit:
            yield source.line_of(m.start()), "word", f'"{hit.pop()}" in the type "{m.group(1)}" says nothing: name what it is'


def notes(source, table):
    for m in re.finditer(r"\b(TODO|FIXME|XXX|HACK)\b", source.text):
        yield source.line_of(m.start()), "note", f"{m.group(0)}: do it, or file it; code does not carry it"


def app_literals(source, table):
    """The shells hold no timeout, budget or threshold: those are decisions, and core makes them."""
    if source.layer != "app" or source.is_test:
        return
    duration = (r"(?<![\w.])\d[\d']*(?:\.\d+)?(?:ns|us|ms|s|min|h)\b"
                r"|\bchrono\s*::\s*\w*(?:seconds|minutes|hours)\s*[({]\s*\d|\bDuration\s*[({]\s*[1-9]"
                r"|\bk\w*(?:Timeout|Budget|Threshold|Limit|Deadline|Interval|Retries|Attempts)\w*\s*(?:=|\{)\s*[\d(]")
    for m in re.finditer(duration, source.code):
        yield source.line_of(m.start()), "app-literal", (
            f'"{m.group(0).strip()}" in app/: take it from core or the configuration, or add an [[except]] with its reason')


RULES = [arrows, third_party, banned_calls, lengths, co_await, opening, words, notes, app_literals]
