"""What a newcomer's client sees: an answer, where it ran, and why."""
import base64
import json
import struct

import pytest

import wire


def test_a_real_answer_says_where_and_why(grid):
    answer = grid.chat("paris", text="What is the capital of France?", max_tokens=24, temperature=0)
    assert answer.status == 200, answer
    said = answer.json
    assert "Paris" in said["choices"][0]["message"]["content"]
    assert said["choices"][0]["message"]["role"] == "assistant"
    assert said["object"] == "chat.completion" and said["id"].startswith("chatcmpl-")
    assert said["usage"]["prompt_tokens"] > 0 and 0 < said["usage"]["completion_tokens"] <= 24
    assert said["grid"]["site"] in grid.sites
    assert grid.nodes[said["grid"]["node"]]["site"] == said["grid"]["site"]
    assert said["grid"]["site"] in said["grid"]["why"] and len(said["grid"]["why"]) > 20
    assert answer.headers["x-aigrid-site"] == said["grid"]["site"]


def test_ids_are_unique_and_name_their_request(grid):
    answers = [grid.embed("lyon") for _ in range(5)]
    ids = [a.headers["x-request-id"] for a in answers]
    assert len(set(ids)) == 5
    assert [a.json["grid"]["request_id"] for a in answers] == ids
    assert all("lyon" in i for i in ids)


@pytest.mark.parametrize("site", ["stockholm", "frankfurt", "paris", "madrid", "lyon", "zurich"])
def test_every_gateway_answers(grid, site):
    answer = grid.chat(site, text="Hello!", max_tokens=3)
    assert answer.status == 200, answer
    assert answer.json["usage"]["completion_tokens"] <= 3


def test_an_alias_is_answered_under_the_name_that_was_asked(grid):
    alias = {"model": "smollm2", "max_tokens": 2, "messages": [{"role": "user", "content": "Hi"}]}
    answer = grid.post("paris", "/v1/chat/completions", alias)
    assert answer.status == 200, answer
    assert answer.json["model"] in ("smollm2", grid.chat_model)


def test_models_list_and_one_model(grid):
    headers = wire.bearer(grid.key("acme"))
    listed = wire.ask(grid.url("madrid"), "/v1/models", headers=headers)
    assert listed.status == 200, listed
    assert listed.json["object"] == "list"
    names = {m["id"] for m in listed.json["data"]}
    assert {grid.chat_model, grid.embedding_model} <= names
    for model in listed.json["data"]:
        assert model["object"] == "model" and isinstance(model["created"], int) and model["owned_by"]
    one = wire.ask(grid.url("madrid"), f"/v1/models/{grid.chat_model}", headers=headers)
    assert one.status == 200 and one.json["id"] == grid.chat_model
    none = wire.ask(grid.url("madrid"), "/v1/models/no-such-model", headers=headers)
    assert none.status == 404 and none.error["code"] == "model_not_found"


def test_embeddings_as_floats_and_as_base64_are_the_same(grid):
    floats = grid.embed("frankfurt", text=["the capital of France", "Paris"], encoding_format="float")
    packed = grid.embed("frankfurt", text=["the capital of France", "Paris"], encoding_format="base64")
    assert floats.status == packed.status == 200, (floats, packed)
    assert [item["index"] for item in floats.json["data"]] == [0, 1]
    for plain, coded in zip(floats.json["data"], packed.json["data"]):
        raw = base64.b64decode(coded["embedding"])
        numbers = struct.unpack(f"<{len(raw) // 4}f", raw)
        assert len(numbers) == len(plain["embedding"]) == 384
        assert numbers == pytest.approx(plain["embedding"], abs=1e-4)
    assert floats.json["usage"]["prompt_tokens"] > 0
    assert floats.json["grid"]["site"] == floats.headers["x-aigrid-site"]


def test_a_stream_keeps_the_wire_rules(grid):
    stream = grid.stream("lyon", text="Count from one to five.", max_tokens=16, stream_options={"include_usage": True})
    assert stream.status == 200 and stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["x-aigrid-site"] in grid.sites
    events = list(stream.events())
    assert events[-1] == "[DONE]"
    chunks = [json.loads(e) for e in events[:-1]]
    assert all("choices" in c and c["object"] == "chat.completion.chunk" for c in chunks)
    assert len({c["id"] for c in chunks}) == 1 and chunks[0]["id"].startswith("chatcmpl-")
    deltas = [c for c in chunks if c["choices"]]
    assert deltas[0]["choices"][0]["delta"]["role"] == "assistant"
    assert deltas[-1]["choices"][0]["finish_reason"] in ("stop", "length")
    assert len(deltas) > 3  # tokens as they come, not one lump
    assert chunks[-1]["choices"] == [] and 0 < chunks[-1]["usage"]["completion_tokens"] <= 16
    assert chunks[-1]["grid"]["site"] == stream.headers["x-aigrid-site"]


def test_usage_is_not_in_a_stream_that_did_not_ask_for_it(grid):
    events = list(grid.stream("paris", text="Hi", max_tokens=3).events())
    chunks = [json.loads(e) for e in events[:-1]]
    assert events[-1] == "[DONE]" and all(c["choices"] for c in chunks)
    assert not any(c.get("usage") for c in chunks)
    assert chunks[-1]["grid"]["site"] in grid.sites


def test_trace_lists_every_candidate_and_its_rule(grid):
    answer = grid.chat("lyon", tenant="mairie", text="Hi", max_tokens=2, grid={"trace": True})
    assert answer.status == 200, answer
    text = json.dumps(answer.json["grid"])
    assert all(site in text for site in grid.sites), text
