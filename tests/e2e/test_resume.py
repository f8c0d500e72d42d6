"""A stream whose node is killed goes on at another, from exactly the tokens that its client has."""
import json

ASKED = {"text": "Write a long story about a lighthouse keeper.", "max_tokens": 120, "temperature": 0}


def text_of(events):
    said = ""
    for event in events:
        if event == "[DONE]":
            break
        for choice in json.loads(event)["choices"]:
            said += choice["delta"].get("content") or ""
    return said


def test_a_stream_survives_the_death_of_its_node(grid):
    stream = grid.stream("frankfurt", **ASKED)
    assert stream.status == 200
    unbroken = text_of(stream.events())
    assert len(unbroken) > 100

    stream = grid.stream("frankfurt", **ASKED)
    assert stream.status == 200
    site = stream.headers["x-aigrid-site"]
    seen, events = [], stream.events()
    while len(seen) < 20:
        seen.append(next(events))
    killed = [f"agent-{node}" for node in grid.nodes_at(site)]
    try:
        grid.kill(*killed)
        seen += list(events)
    finally:
        grid.restart(*killed)
        grid.ready()
    objects = [json.loads(event) for event in seen if event != "[DONE]"]
    assert seen[-1] == "[DONE]" and not any("error" in o for o in objects), objects[-1]
    assert len({o["id"] for o in objects}) == 1
    assert sum("role" in c["delta"] for o in objects for c in o["choices"]) == 1
    told = objects[-1]["grid"]
    assert told["resumed"] == 1 and told["site"] != site, told
    assert text_of(seen) == unbroken


def test_a_whole_answer_is_what_a_stream_says(grid):
    whole = grid.chat("frankfurt", **ASKED).json
    message = whole["choices"][0]["message"]
    assert whole["object"] == "chat.completion" and message["role"] == "assistant"
    assert whole["choices"][0]["finish_reason"] in ("stop", "length")
    assert whole["usage"]["total_tokens"] == whole["usage"]["prompt_tokens"] + whole["usage"]["completion_tokens"]
    assert "logprobs" not in whole["choices"][0]
    assert message["content"] == text_of(grid.stream("frankfurt", **ASKED).events())
