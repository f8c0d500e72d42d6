"""Errors reach the exception classes that clients catch, and only what may pass is tried again."""
import openai
import pytest

from deadline import until


@pytest.fixture
def counted(grid):
    """A client (of a tenant, with its default retries) and the number of requests that it sent."""
    made = []
    def make(tenant="acme", key=None):
        sent = []
        http = openai.DefaultHttpxClient(event_hooks={"request": [lambda request: sent.append(request)]})
        client = openai.OpenAI(base_url=grid.url("paris") + "/v1", api_key=key or grid.key(tenant), http_client=http)
        made.append(client)
        return client, sent
    yield make
    for client in made:
        client.close()


def ask(client, grid, **more):
    return client.chat.completions.create(**{"model": grid.chat_model, "max_tokens": 2,
                                             "messages": [{"role": "user", "content": "Hi"}], **more})


CASES = {  # what is asked → (class, status, code)
    "wrong key": ({}, openai.AuthenticationError, 401, "invalid_api_key"),
    "unknown model": ({"model": "gpt-4o"}, openai.NotFoundError, 404, "model_not_found"),
    "residency": ({"extra_body": {"grid": {"only": ["zurich"]}}}, openai.PermissionDeniedError, 403, None),
    "parameter": ({"temperature": 9.0}, openai.BadRequestError, 400, "invalid_value"),
    # Tiers of OpenAI's that there are not here: never another one in silence.
    "scale tier": ({"service_tier": "scale"}, openai.BadRequestError, 400, "invalid_value"),
    "ultrafast tier": ({"service_tier": "ultrafast"}, openai.BadRequestError, 400, "invalid_value"),
    "unknown tier": ({"service_tier": "Priority"}, openai.BadRequestError, 400, "invalid_value"),
    "tier that is no word": ({"service_tier": 1}, openai.BadRequestError, 400, "invalid_type"),
    "context": ({"messages": [{"role": "user", "content": "word " * 60000}]}, openai.BadRequestError, 400, "context_length_exceeded"),
    "unmet target": ({"extra_body": {"grid": {"max_ttft_ms": 0.01, "mode": "require"}}}, openai.UnprocessableEntityError, 422,
                     "constraint_unsatisfiable"),
}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.replace(" ", "-"))
def test_a_refusal_is_its_own_exception_and_is_sent_once(counted, grid, case):
    more, kind, status, code = CASES[case]
    client, sent = counted("mairie", key="agk1_nonsense" if case == "wrong key" else None)
    with pytest.raises(kind) as caught:
        ask(client, grid, **more)
    assert caught.value.status_code == status and caught.value.request_id
    assert code is None or caught.value.code == code
    assert len(sent) == 1


def test_what_may_pass_is_tried_again_and_again(counted, grid, down_model):
    client, sent = counted()
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client, grid, model=down_model, extra_body={"grid": {"max_ttft_ms": 300, "mode": "require"}})
    assert caught.value.status_code == 503 and caught.value.code == "no_capacity"
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 20
    assert len(sent) == 3  # the package's own two retries
    ids = [r.headers.get("x-stainless-retry-count") for r in sent]
    assert ids == ["0", "1", "2"]


def test_a_refused_stream_raises_before_it_begins(counted, grid):
    client, sent = counted()
    with pytest.raises(openai.NotFoundError):
        ask(client, grid, model="gpt-4o", stream=True)
    assert len(sent) == 1


def test_a_stream_that_breaks_off_raises(counted, grid):
    """Its node dies in the middle: the client gets an error with a code, never a clean end."""
    client, _ = counted()
    stream = ask(client, grid, max_tokens=250, stream=True, extra_body={"grid": {"only": ["madrid"]}},
                 messages=[{"role": "user", "content": "Write a very long story about the sea."}])
    try:
        with pytest.raises(openai.APIError) as caught:
            for n, _ in enumerate(stream):
                if n == 3:
                    grid.kill("agent-madrid-1")
        assert caught.value.code
    finally:
        grid.restart("agent-madrid-1")
        until(lambda: [e["state"] for e in grid.engines("madrid-1") if e["deployment"] == "smollm2"] == ["ready"], 30,
              "Madrid ready again")
