"""Writes the binary seeds of tests/fuzz/corpus: grants, and what an audit log is made of. python3 tests/fuzz/seeds.py (nothing is asked)

The same bytes each time. Formats: src/format/inner/frames.h and grant.cc, src/core/audit/leaf.cc, note.cc and tree.h."""
import base64
import hashlib
import hmac
import json
import struct
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"
GRANT_KEY = b"0123456789abcdef0123456789abcdef"  # the fuzzer's
LEAF, RECEIPT, ENTRIES, PATH, KEY, ID, PROOF, WITNESS, TILE, PASS, NOTE = range(11)  # audit_fuzz.cc's first byte


def write(fuzzer, name, data):
    (CORPUS / fuzzer).mkdir(exist_ok=True)
    (CORPUS / fuzzer / name).write_bytes(data)


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes([*out, n])


# --- grants: an Ask frame with the grant of its terms ------------------------------------------------------------------------------
ASK = {"request_id": 1, "attempt": 2, "answer_id": 3, "created": 4, "endpoint": 5, "tenant": 6, "project": 7, "key_id": 8, "model": 9,
       "deployment": 10, "site": 11, "node": 12, "zones": 14, "stream": 15, "prompt_tokens": 16, "remaining_ms": 19, "bundle_version": 20,
       "grant": 21, "resume_ids": 22, "resume_text": 23, "resume_count": 24, "data_level": 40, "regimes": 41, "ingress_site": 42, "tier": 48}
BOUND = ("request_id", "tenant", "project", "key_id", "model", "deployment", "site", "node", "ingress_site")


def field(tag, value):
    if isinstance(value, list):
        return b"".join(field(tag, one) for one in value)
    data = varint(value) if isinstance(value, int) else value if isinstance(value, bytes) else value.encode()
    return bytes([tag]) + varint(len(data)) + data


def grant(ask, expires_ms, bundle_version):
    def part(text):
        return struct.pack(">Q", len(text)) + text.encode()
    terms = struct.pack(">QQ", expires_ms, bundle_version)
    message = b"aigrid grant 1" + terms + b"".join(part(ask.get(name, "")) for name in BOUND)
    message += struct.pack(">QQ", ask.get("attempt", 0), ask.get("data_level", 0))
    for name in ("regimes", "zones"):
        message += struct.pack(">Q", len(ask.get(name, []))) + b"".join(map(part, ask.get(name, [])))
    return terms + hmac.new(GRANT_KEY[::-1], message, hashlib.sha256).digest()  # of another connection: the fuzzer's must stay hard to find


def ask_frame(ask):
    payload = b"".join(field(ASK[name], value) for name, value in ask.items())
    return b"\x01" + len(payload).to_bytes(3, "big") + payload


def grants():
    plain = {"request_id": "req_paris_1795875720_2", "attempt": 1, "answer_id": "chatcmpl-req_paris_1795875720_2", "created": 1795875730,
             "endpoint": "chat.completions", "tenant": "acme", "key_id": "cb9080479ad04326", "model": "chat", "deployment": "chat",
             "site": "lyon", "stream": 1, "prompt_tokens": 31, "remaining_ms": 60000, "bundle_version": 59, "ingress_site": "paris", "tier": 1}
    bound = {**plain, "project": "ward", "node": "lyon-1", "zones": ["fr", "eu"], "data_level": 3, "regimes": ["gdpr", "health"]}
    resumed = {**bound, "attempt": 2, "resume_ids": b"".join(map(varint, (788, 260, 6403))), "resume_text": "In the beginning", "resume_count": 3}
    for name, ask in (("plain", plain), ("bound", bound), ("resumed", resumed)):
        write("grant", name, ask_frame({**ask, "grant": grant(ask, 61000, 59)}))
    write("grant", "none", ask_frame(plain))
    write("grant", "short", ask_frame({**plain, "grant": grant(plain, 61000, 59)[:47]}))
    write("grant", "alone", grant(plain, 0, 1 << 63))


# --- an audit log -------------------------------------------------------------------------------------------------------------------
def leaf_part(value):
    if isinstance(value, list):
        return varint(len(value)) + b"".join(value)
    if isinstance(value, int):
        return varint(value)
    data = value if isinstance(value, bytes) else value.encode()
    return varint(len(data)) + data


def signed(n):
    return n << 1 if n >= 0 else (-n << 1) - 1


def leaf(kind, sequence, *body):
    head = ("paris", 3, sequence, b"", signed(1795875730055), b"0123456789abcdef")
    return bytes([1, kind]) + b"".join(map(leaf_part, (*head, *body)))


def request_leaf():
    step = b"".join(map(leaf_part, ("process", "lyon-1", "lyon")))
    removed = b"".join(map(leaf_part, ("capacity", 1)))
    attempt = b"".join(map(leaf_part, (1, "lyon", "lyon-1", "ok", signed(71), 31, 100, 100, 0, 0)))
    return leaf(1, 2, "req_paris_3_2", "acme", "", "cb90", "", [leaf_part("fr")], 1, [leaf_part("gdpr")], signed(1795875730055), 59, b"b" * 32,
                [], "chat", "ab" * 32, "chat.completions", [step], [removed], b"c" * 32, b"q" * 32, b"a" * 32, 0, "", 200, 31, 100, 14,
                [attempt], "standard", signed(20), signed(80), 4000, signed(8620), signed(213386), signed(2684118))


def log():
    admin, conflict = leaf(2, 1, "root", "apply", "tenant/acme", "zone"), leaf(3, 4, "lyon-1", 2, 7, "a", "b")
    distance = leaf(4, 5, "paris lyon 9 ms", "paris", "k", "s", "lyon", "k", "s")
    request = request_leaf()
    for name, data in (("admin", admin), ("conflict", conflict), ("distance", distance), ("request", request)):
        write("audit", f"leaf-{name}", bytes([LEAF]) + data)
    entry = [struct.pack(">H", len(data)) + data for data in (request, admin, b"")]
    write("audit", "entries", bytes([ENTRIES]) + b"".join(entry))
    write("audit", "tile", bytes([TILE]) + hashlib.sha256(b"\0" + admin).digest() + entry[1])
    for n, text in enumerate(("FR.paris/paris/3-2", "FR.paris/paris/0-18446744073709551615")):
        write("audit", f"receipt-{n}", bytes([RECEIPT]) + text.encode())
    for n, text in enumerate(("0/x001/x234/067", "1/000.p/9", "entries/x001/000.p/255")):
        write("audit", f"path-{n}", bytes([PATH]) + text.encode())
    write("audit", "id", bytes([ID]) + b"req_paris_3_2")
    typed = b"\x01" + b"k" * 32
    key_hash = hashlib.sha256(b"log\n" + typed).digest()[:4]
    key = f"log+{key_hash.hex()}+{base64.b64encode(typed).decode()}"
    root = base64.b64encode(hashlib.sha256(b"\0" + request).digest()).decode()
    checkpoint = f"log\n1\n{root}\ntime 1795875730055\n"
    note = f"{checkpoint}\n— log {base64.b64encode(key_hash + b's' * 64).decode()}\n"
    write("audit", "key", bytes([KEY]) + key.encode())
    write("audit", "checkpoint", bytes([NOTE]) + checkpoint.encode())
    write("audit", "note", bytes([NOTE]) + note.encode())
    proof = {"object": "grid.proof", "receipt": "log/paris/3-2", "leaf": base64.b64encode(request).decode(), "index": 0, "size": 1,
             "proof": [root], "checkpoint": note, "key": key}
    write("audit", "proof", bytes([PROOF]) + json.dumps(proof).encode())
    write("audit", "witness", bytes([WITNESS]) + json.dumps({"key": key, "old": 0, "proof": [root], "checkpoint": note}).encode())
    given = f"aigrid audit pass\ngrid\nalice\n1795875730\n\n— grid/bundles {base64.b64encode(key_hash + b's' * 64).decode()}\n"
    write("audit", "pass", bytes([PASS]) + b"agp1_" + base64.urlsafe_b64encode(given.encode()).rstrip(b"="))


grants()
log()
