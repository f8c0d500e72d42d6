"""The stock `openai` package for Python, unchanged: what works with OpenAI works here."""
import openai
import pytest


@pytest.fixture
def client(grid):
    with openai.OpenAI(base_url=grid.url("paris") + "/v1", api_key=grid.key("acme")) as client:
        yield client


def messages(text):
    return [{"role": "user", "content": text}]


def test_chat(client, grid):
    answer = client.chat.completions.create(model=grid.chat_model, max_tokens=16, temperature=0,
                                            messages=messages("What is the capital of France?"))
    assert "Paris" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer._request_id and answer.id.startswith("chatcmpl-")
    assert answer.model_extra["grid"]["site"] in grid.sites


def test_headers_say_where(client, grid):
    raw = client.chat.completions.with_raw_response.create(model=grid.chat_model, max_tokens=2, messages=messages("Hi"))
    assert raw.headers["x-aigrid-site"] in grid.sites
    assert raw.headers["x-request-id"] == raw.parse()._request_id


def test_intent_in_the_body(client, grid):
    answer = client.chat.completions.create(model=grid.chat_model, max_tokens=2, messages=messages("Hi"),
                                            extra_body={"grid": {"zone": "fr-sovereign"}})
    assert answer.model_extra["grid"]["site"] == "lyon"


def test_intent_in_a_header(client, grid):
    answer = client.chat.completions.create(model=grid.chat_model, max_tokens=2, messages=messages("Hi"),
                                            extra_headers={"X-AIGrid-Intent": 'only="madrid"'})
    assert answer.model_extra["grid"]["site"] == "madrid"


# What is asked for → (what the answer says in OpenAI's words, the tier in ours). The last four are ours.
TIERS = {"auto": ("default", "standard"), "default": ("default", "standard"), "flex": ("flex", "economy"),
         "priority": ("priority", "realtime"), "fast": ("priority", "realtime"),
         "realtime": ("priority", "realtime"), "standard": ("default", "standard"), "economy": ("flex", "economy"),
         "batch": ("batch", "batch")}


@pytest.mark.parametrize("asked", TIERS)
def test_service_tiers(client, grid, asked):
    raw = client.chat.completions.with_raw_response.create(model=grid.chat_model, max_tokens=2, messages=messages("Hi"), service_tier=asked)
    answer = raw.parse()
    assert (answer.service_tier, answer.model_extra["grid"]["tier"]) == TIERS[asked]
    assert raw.headers["x-aigrid-tier"] == TIERS[asked][1]


@pytest.mark.parametrize("more", [{}, {"extra_body": {"service_tier": None}}], ids=["unsaid", "null"])
def test_without_a_service_tier_the_answer_names_none(client, grid, more):
    answer = client.chat.completions.create(model=grid.chat_model, max_tokens=2, messages=messages("Hi"), **more)
    assert answer.service_tier is None and answer.model_extra["grid"]["tier"] == "standard"


def test_a_stream_ends_with_its_service_tier(client, grid):
    for chunk in client.chat.completions.create(model=grid.chat_model, max_tokens=3, stream=True, messages=messages("Hi"), service_tier="fast"):
        last = chunk
    assert last.service_tier == "priority" and last.model_extra["grid"]["tier"] == "realtime"


def test_our_own_word_for_the_tier_is_the_more_exact(client, grid):
    answer = client.chat.completions.create(model=grid.chat_model, max_tokens=2, messages=messages("Hi"), service_tier="priority",
                                            extra_body={"grid": {"tier": "economy"}})
    assert (answer.service_tier, answer.model_extra["grid"]["tier"]) == ("flex", "economy")


def test_stream(client, grid):
    text, last = "", None
    for chunk in client.chat.completions.create(model=grid.chat_model, max_tokens=12, stream=True, messages=messages("Count to five."),
                                                stream_options={"include_usage": True}):
        text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        last = chunk
    assert text and last.choices == [] and last.usage.completion_tokens > 0


def test_the_streaming_collector(client, grid):
    with client.chat.completions.stream(model=grid.chat_model, max_tokens=64, temperature=0, stop=["!", "."], messages=messages("Say hello.")) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].message.content and final.choices[0].message.role == "assistant"


def test_a_stream_left_early(client, grid):
    stream = client.chat.completions.create(model=grid.chat_model, max_tokens=200, stream=True, messages=messages("Tell a long story."))
    next(iter(stream))
    stream.close()
    assert client.models.list()


def test_models(client, grid):
    assert {grid.chat_model, grid.embedding_model} <= {m.id for m in client.models.list()}
    assert client.models.retrieve(grid.chat_model).object == "model"


def test_embeddings_default_and_float(client, grid):
    default = client.embeddings.create(model=grid.embedding_model, input=["one", "two"])  # asks for base64 by itself
    plain = client.embeddings.create(model=grid.embedding_model, input="one", encoding_format="float")
    assert len(default.data) == 2 and len(default.data[0].embedding) == 384
    assert default.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-4)


def test_fields_that_engines_do_not_know_are_harmless(client, grid):
    answer = client.chat.completions.create(model=grid.chat_model, max_tokens=2, messages=messages("Hi"), user="u", store=False,
                                            metadata={"team": "a"}, seed=7, prompt_cache_key="k", service_tier="auto")
    assert answer.choices


def test_max_completion_tokens(client, grid):
    answer = client.chat.completions.create(model=grid.chat_model, max_completion_tokens=3, messages=messages("Tell a story."))
    assert answer.usage.completion_tokens <= 3
