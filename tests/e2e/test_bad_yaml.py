"""`aigrid apply` on files with mistakes: every one named with its line, the value, the rule and what to do; nothing written."""
import pytest

HEAD = "apiVersion: aigrid/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n"


def document(kind, name, *spec):
    return HEAD.format(kind=kind, name=name) + "".join(f"  {line}\n" for line in spec)


SITE = ("kind: metro", "operator: limmat", "country: CH", "jurisdiction: CH", "lat: 46.2", "lon: 6.1")

# name → (documents, line of the mistake, what its message must contain)
CASES = {
    "unknown field": ([document("Site", "geneva", *SITE, "power_limt_w: 5")], 12, ["power_limt_w", "power_limit_w"]),
    "wrong unit": ([document("Site", "geneva", *SITE, "power_limit_w: 5 MW")], 12, ["power_limit_w", "5 MW", "W"]),
    "out of range": ([document("Site", "geneva", "kind: metro", "operator: limmat", "country: CH", "lat: 146", "lon: 6")], 9,
                     ["146", "90"]),
    "not a country": ([document("Site", "geneva", "kind: metro", "operator: limmat", "country: Suisse", "lat: 46", "lon: 6")], 8,
                      ["Suisse", "ISO 3166-1", "FR"]),
    "unknown kind of site": ([document("Site", "geneva", "kind: mtro", *SITE[1:])], 6, ["mtro", "metro"]),
    "missing required": ([document("Site", "geneva", *SITE[1:])], 5, ["kind"]),
    "empty zone": ([document("Zone", "nowhere", "jurisdictions: []")], 5, ["nowhere", "is empty", "jurisdiction"]),
    "cyclic zones": ([document("Zone", "one", "include: [two]"), document("Zone", "two", "include: [one]")], None,
                     ["one", "two", "cycl"]),
    "dangling reference": ([document("Node", "x-1", "site: lyonn")], 6, ["lyonn", "lyon"]),
    "dangling zone": ([document("Tenant", "t", "zone: frr")], 6, ["frr", "fr"]),
    "duplicate name": ([document("Tenant", "twin"), document("Tenant", "twin")], None, ["twin"]),
    "unknown kind": ([document("Sight", "x", "a: 1")], 2, ["Sight", "Site"]),
    "bad name": ([document("Tenant", "No Good")], 4, ["No Good"]),
    "wrong version": ([document("Tenant", "t").replace("aigrid/v1", "aigrid/v9")], 1, ["aigrid/v9", "aigrid/v1"]),
    "not YAML": (["kind: [Site\n"], None, [""]),
}


def revision(grid):
    """Of the configuration as it is stored."""
    return grid.api("/api/v1/sites").json["metadata"]["resourceVersion"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.replace(" ", "-"))
def test_a_mistake_is_named_with_its_place(grid, tmp_path, case):
    documents, line, words = CASES[case]
    file = tmp_path / "wrong.yaml"
    file.write_text("---\n".join(documents))
    before = revision(grid)
    done = grid.cli("apply", "-f", file, check=False)
    said = done.stderr + done.stdout
    assert done.returncode == 1, said
    assert f"wrong.yaml:{line}" in said if line else "wrong.yaml" in said, said
    for word in words:
        assert word in said, f"{word!r} is not in: {said}"
    assert revision(grid) == before


def test_all_mistakes_are_reported_at_once_and_nothing_is_written(grid, tmp_path):
    (tmp_path / "a.yaml").write_text(document("Tenant", "fine", "display_name: Fine"))
    (tmp_path / "b.yaml").write_text(document("Node", "x-1", "site: lyonn") + "---\n" +
                                     document("Node", "x-2", "site: lyon", "nameplate_w: much"))
    (tmp_path / "c.yaml").write_text(document("Zone", "z", "jurisdictions: [ZZZ]"))
    done = grid.cli("apply", "-f", tmp_path, check=False)
    said = done.stderr + done.stdout
    assert done.returncode == 1
    for words in (["b.yaml:6", "lyonn"], ["b.yaml:14", "much"], ["c.yaml:6", "ZZZ"]):
        assert all(word in said for word in words), said
    assert grid.api("/api/v1/tenants/fine").status == 404


def test_a_missing_file_is_named(grid):
    done = grid.cli("apply", "-f", "/no/such/file.yaml", check=False)
    assert done.returncode == 1 and "/no/such/file.yaml" in done.stderr


def test_a_deployment_on_a_forbidden_or_unknown_node_is_refused(grid, tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text(document("Deployment", "more", "model: smollm2-135m-instruct", "placement: explicit", "nodes: [paris-9]"))
    done = grid.cli("apply", "-f", file, check=False)
    assert done.returncode == 1 and "paris-9" in done.stderr + done.stdout and "paris-1" in done.stderr + done.stdout


def test_what_others_refer_to_cannot_be_deleted(grid):
    version = grid.api("/api/v1/zones/fr").headers["etag"]
    answer = grid.api("/api/v1/zones/fr", method="DELETE", headers={"if-match": version})
    assert answer.status in (409, 422) and "mairie" in answer.body.decode(), answer
    assert grid.api("/api/v1/zones/fr").status == 200
