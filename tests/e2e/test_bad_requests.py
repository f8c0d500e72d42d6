"""Keys and bodies that are wrong: each refusal names the value, the rule and the next step; the gateway goes on."""
import json
import socket
import time
from urllib.parse import urlsplit

import pytest

import wire
from deadline import until
from secrets_text import like

CHAT = "/v1/chat/completions"


@pytest.fixture(autouse=True)
def still_serving(grid):
    yield
    assert grid.embed("paris").status == 200


def swapped(key):
    """The same key with two of its characters exchanged: what a person mistypes."""
    at = next(i for i in range(20, len(key) - 1) if key[i] != key[i + 1])
    return key[:at] + key[at + 1] + key[at] + key[at + 2:]


KEYS = {  # the Authorization that is sent, given the right key → (error code, words of the message)
    "missing": (lambda key: None, "missing_api_key", ["Authorization: Bearer"]),
    "empty": (lambda key: "Bearer ", "invalid_api_key", ["Bearer agk1_"]),
    "malformed": (lambda key: "Bearer sk-something-of-another-service", "invalid_api_key", ["agk1_"]),
    "mistyped": (lambda key: "Bearer " + swapped(key), "invalid_api_key", ["checksum", "copy"]),
    "cut short": (lambda key: "Bearer " + key[:-4], "invalid_api_key", ["characters", "copy"]),
    "other scheme": (lambda key: "Basic " + key, "invalid_api_key", ["Bearer"]),
    "a join token": (lambda key: "Bearer agj1_" + key[5:], "invalid_api_key", ["join token"]),
    "of no tenant": (lambda key: "Bearer " + like(key, kid=bytes(8), secret=bytes(24)), "invalid_api_key", ["not valid here"]),
    "wrong secret": (lambda key: "Bearer " + like(key, secret=bytes(24)), "invalid_api_key", ["not valid here"]),
}


@pytest.mark.parametrize("case", KEYS, ids=lambda c: c.replace(" ", "-"))
def test_a_wrong_key_is_refused_without_being_repeated(grid, case):
    make, code, words = KEYS[case]
    sent = make(grid.key("acme"))
    answer = wire.ask(grid.url("paris"), CHAT, grid.chat_body(), {"authorization": sent} if sent else {})
    assert (answer.status, answer.error["code"], answer.error["type"]) == (401, code, "authentication_error"), answer
    assert all(word in answer.error["message"] for word in words), answer
    assert not sent or len(sent) < 10 or sent.split()[-1] not in answer.body.decode()


def test_who_guesses_keys_learns_nothing_from_the_answer(grid):
    """A kid that exists and one that does not, both with a right checksum: the same answer to the byte but for its id."""
    def answer(sent):
        said = wire.ask(grid.url("paris"), CHAT, grid.chat_body(), wire.bearer(sent))
        return said.status, said.error["code"], said.error["message"]
    key = grid.key("acme")
    assert answer(like(key, secret=bytes(24))) == answer(like(key, kid=bytes(8), secret=bytes(24)))


@pytest.mark.parametrize("where", ["query alone", "query and header"])
def test_a_key_in_the_url_is_refused_and_said_to_be_burnt(grid, where):
    key = grid.key("acme")
    headers = wire.bearer(key) if where == "query and header" else {}
    answer = wire.ask(grid.url("paris"), f"{CHAT}?api_key={key}", grid.chat_body(), headers)
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key"), answer
    assert "revoke" in answer.error["message"] and key not in answer.body.decode()


def test_an_expired_key_is_refused(grid):
    key = grid.api("/api/v1/api-keys", {"tenant": "acme", "ttl_s": 1}).json["key"]
    def refused():
        answer = wire.ask(grid.url("paris"), "/v1/models", headers=wire.bearer(key))
        return answer if answer.status == 401 and "expired" in answer.error["message"] else None
    assert "new one" in until(refused, 5, "the key expired").error["message"]


BODIES = {  # body → (status, code, param, words)
    "not json": (b"model=smollm2", 400, "invalid_json", None, ["breaks at byte"]),
    "cut json": (b'{"model":"smollm2","messages":[', 400, "invalid_json", None, ["JSON"]),
    "empty": (b"", 400, "invalid_json", None, ["empty"]),
    "a list": (b"[1,2]", 400, "invalid_json", None, ["object"]),
    "not utf-8": (b'{"model":"\xff\xfe","messages":[]}', 400, "invalid_json", None, ["JSON"]),
    "too deep": (b'{"model":"m","messages":' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "invalid_json", None, ["64"]),
    "no model": ({"messages": [{"role": "user", "content": "x"}]}, 400, "missing_required_parameter", "model", ["/v1/models"]),
    "no messages": ({"model": "smollm2"}, 400, "missing_required_parameter", "messages", ["messages"]),
    "empty messages": ({"model": "smollm2", "messages": []}, 400, "invalid_value", "messages", ["empty"]),
    "wrong role": ({"model": "smollm2", "messages": [{"role": "boss", "content": "x"}]}, 400, "invalid_value",
                   "messages[0].role", ["boss", "user"]),
    "temperature": ({"temperature": 9}, 400, "invalid_value", "temperature", ["9", "2"]),
    "max_tokens": ({"max_tokens": -3}, 400, "invalid_value", "max_tokens", ["-3"]),
    "n": ({"n": 3}, 400, "unsupported_parameter", "n", ["3"]),
    "unknown intent": ({"grid": {"zoone": "fr"}}, 400, "unsupported_parameter", "grid.zoone", ["zoone", "zone"]),
    "wrong intent": ({"grid": {"sort": "speed"}}, 400, "invalid_value", "grid.sort", ["latency", "price"]),
    "unknown model": ({"model": "smollm3"}, 404, "model_not_found", "model", ["smollm3", "smollm2"]),
    "model of the other task": ({"model": "multilingual-e5-small"}, 400, "unsupported_parameter", "model", ["/v1/embeddings"]),
    "context": ({"messages": [{"role": "user", "content": "word " * 60000}]}, 400, "context_length_exceeded", "messages", ["2048"]),
    "impossible price": ({"grid": {"max_price": 0.000001}}, 422, "constraint_unsatisfiable", "grid.max_price", ["price"]),
    "impossible target": ({"grid": {"max_ttft_ms": 0.01, "mode": "require"}}, 422, "constraint_unsatisfiable",
                          "grid.max_ttft_ms", ["ms"]),
}


@pytest.mark.parametrize("case", BODIES, ids=lambda c: c.replace(" ", "-"))
def test_a_wrong_body_is_refused_with_its_reason(grid, case):
    body, status, code, param, words = BODIES[case]
    if isinstance(body, dict) and "messages" not in body and case != "no messages" or case == "context":
        body = {**grid.chat_body(), **body}
    answer = grid.post("paris", CHAT, body)
    assert (answer.status, answer.error["code"], answer.error["param"]) == (status, code, param), answer
    assert all(word in answer.error["message"] for word in words), answer
    assert "x-request-id" in answer.headers
    assert answer.headers.get("x-should-retry") == "false" or status not in (403, 404)


@pytest.mark.parametrize("value", ["zone", 'zone="fr', "zone=fr;;", "speed=fast", "ttft-ms=abc", 'zone="fr" sort=price'])
def test_an_intent_header_that_cannot_be_read_is_refused_not_ignored(grid, value):
    answer = grid.embed("paris", headers={"x-aigrid-intent": value})
    assert answer.status == 400 and answer.error["param"] == "X-AIGrid-Intent", answer


def head(grid, *lines):
    start = f"POST {CHAT} HTTP/1.1\r\nhost: grid\r\nauthorization: Bearer {grid.key('acme')}\r\ncontent-type: application/json\r\n"
    return (start + "".join(f"{line}\r\n" for line in lines) + "\r\n").encode()


def test_a_hundred_megabytes_are_refused_before_they_are_read(grid):
    size = 100 << 20
    parts = urlsplit(grid.url("paris"))
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as sock:
        sock.sendall(head(grid, f"content-length: {size}"))
        answer = sock.recv(65536)  # before a byte of the body was sent
        assert answer.startswith(b"HTTP/1.1 413 "), answer
    message = json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]["message"]
    assert "104857600" in message or "MiB" in message or "bytes" in message, message


FRAMES = {  # what HTTP framing must not allow
    "length too short": (["content-length: 5"], b'{"model":"smollm2"}', b" 400 "),
    "two lengths": (["content-length: 5", "content-length: 6"], b"{}   ", b" 400 "),
    "length and chunks": (["content-length: 5", "transfer-encoding: chunked"], b"0\r\n\r\n", b" 400 "),
    "negative length": (["content-length: -1"], b"", b" 400 "),
    "a length that is no number": (["content-length: 0x10"], b"", b" 400 "),
    "a length beyond numbers": (["content-length: 99999999999999999999999"], b"", b" 4"),
    "a chunk that lies": (["transfer-encoding: chunked"], b"zz\r\nabc\r\n0\r\n\r\n", b" 400 "),
    "a header folded": (["x-a: b", " c"], b"", b" 400 "),
}


@pytest.mark.parametrize("case", FRAMES, ids=lambda c: c.replace(" ", "-"))
def test_lying_frames_are_refused(grid, case):
    lines, body, status = FRAMES[case]
    answer = wire.exchange_raw(grid.url("paris"), head(grid, *lines) + body, half_close=True)
    assert answer.split(b"\r\n")[0].startswith(b"HTTP/1.1" + status), answer[:300]


def test_a_body_that_never_comes_is_not_waited_for_for_ever(grid):
    start = time.monotonic()
    answer = wire.exchange_raw(grid.url("paris"), head(grid, "content-length: 500") + b"{", half_close=True)
    assert time.monotonic() - start < 10
    assert not answer or answer.startswith(b"HTTP/1.1 4"), answer[:200]


def test_paths_and_methods(grid):
    key = wire.bearer(grid.key("acme"))
    assert wire.ask(grid.url("paris"), "/v1/no/such", headers=key).status == 404
    wrong = wire.ask(grid.url("paris"), CHAT, headers=key)
    assert wrong.status == 405 and "POST" in wrong.headers.get("allow", ""), wrong

