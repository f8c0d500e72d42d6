"""The audit log's roots and proofs held against pymerkle, which knows nothing of us: the same leaves give the same roots, it verifies
our inclusion proofs, and our consistency proofs are those of RFC 6962 over its subtrees."""
import json
import subprocess
from pathlib import Path

import pytest
from pymerkle import InmemoryTree, InvalidProof, verify_inclusion

CASES = Path(__file__).resolve().parents[2] / "build/dev/tests/oracle/merkle_cases"


@pytest.fixture(scope="module")
def cases():
    said = subprocess.run([CASES, "600", "2000"], capture_output=True, text=True, check=True, timeout=60).stdout
    return [json.loads(line) for line in said.splitlines()]


@pytest.fixture(scope="module")
def tree(cases):
    tree = InmemoryTree(algorithm="sha256")
    for i in range(max(case["size"] for case in cases)):
        tree.append_entry(f"leaf {i}".encode())
    return tree


def test_every_root(cases, tree):
    roots = [case for case in cases if "root" in case]
    assert len(roots) == 600
    for case in roots:
        assert tree.get_root(case["size"]).hex() == case["root"], case["size"]


def test_inclusion_proofs_verify_there(cases, tree):
    checked = 0
    for case in (case for case in cases if "inclusion" in case):
        index, size, path = case["index"], case["size"], [bytes.fromhex(text) for text in case["inclusion"]]
        theirs = tree.prove_inclusion(index + 1, size)
        base, root = tree.get_leaf(index + 1), tree.get_root(size)
        theirs.path = [base, *path]  # theirs begins with the leaf's own hash
        verify_inclusion(base, root, theirs, index=index + 1, size=size)
        if path:
            theirs.path = [base, *path[:-1], bytes(32)]
            with pytest.raises(InvalidProof):
                verify_inclusion(base, root, theirs, index=index + 1, size=size)
        checked += 1
    assert checked == 2000


def subproof(tree, older, start, end, whole):
    """SUBPROOF of RFC 6962, 2.1.2, over another program's subtree roots; older counts from start."""
    if older == end - start:
        return [] if whole else [tree._get_root(start, end)]
    half = 1
    while half * 2 < end - start:
        half *= 2
    if older <= half:
        return [*subproof(tree, older, start, start + half, whole), tree._get_root(start + half, end)]
    return [*subproof(tree, older - half, start + half, end, False), tree._get_root(start, start + half)]


def test_consistency_proofs_are_those_of_the_rfc(cases, tree):
    checked = 0
    for case in (case for case in cases if "consistency" in case):
        expected = subproof(tree, case["older"], 0, case["size"], True)
        assert [hash.hex() for hash in expected] == case["consistency"], case
        checked += 1
    assert checked == 2000
