"""api/openapi.yaml says what is served: its kinds have the fields the code describes, its paths are there."""
import re
from pathlib import Path

import pytest

import wire

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "api/openapi.yaml").read_text()
DESCRIBED = (ROOT / "src/format/api/describe.h").read_text()


def described():
    """kind → names of its fields, from the one description of every kind."""
    found = re.findall(r"template <Is<grid::(\w+)> N, class V>\nvoid describe\(N& n, V& v\) \{(.*?)\n\}", DESCRIBED, re.S)
    shared = re.search(r"void describe_class\(N& n, V& v\) \{(.*?)\n\}", DESCRIBED, re.S)[1]
    return {kind: re.findall(r'\bv\("(\w+)"', body.replace("  describe_class(n, v);", shared)) for kind, body in found}


def test_every_kind_has_the_fields_of_the_code():
    kinds = described()
    assert len(kinds) >= 13
    for kind, fields in kinds.items():
        schema = re.search(rf"^    {kind}:\n((?:      .*\n)+)", TEXT, re.M)
        assert schema, f"{kind} is missing in api/openapi.yaml"
        assert re.findall(r"^        (\w+):", schema[1], re.M) == fields, kind


def test_every_reference_leads_somewhere():
    for section, name in re.findall(r'\$ref: "#/components/(\w+)/(\w+)"', TEXT):
        assert re.search(rf"^  {section}:\n(?:(?!  \w).*\n)*?    {name}:", TEXT, re.M), f"{section}/{name}"


@pytest.mark.parametrize("path", re.findall(r"^  (/\S+):$", TEXT, re.M))
def test_every_path_is_served(grid, path):
    public = path.startswith("/v1") and not path.startswith("/v1/organization")
    methods = re.findall(r"^    (get|post|put|delete):$", TEXT.split(f"\n  {path}:\n", 1)[1].split("\n  /", 1)[0], re.M)
    filled = path.replace("{id}", grid.chat_model).replace("{kinds}", "sites").replace("{name}", "paris").replace("{kid}", "0" * 16)
    if "{request}" in filled:
        filled = filled.replace("{request}", grid.embed("paris").headers["x-request-id"])
    url, key = (grid.url("paris"), grid.key("acme")) if public else (grid.said["management"], grid.said["admin_key"])
    assert methods
    for method in set(methods) - {"delete"}:
        body = None if method == "get" else {}
        answer = wire.ask(url, filled, body, wire.bearer(key), method.upper())
        assert answer.status != 405, (method, filled, answer)
        assert answer.status != 404 or "revoke" in path, (method, filled, answer)
