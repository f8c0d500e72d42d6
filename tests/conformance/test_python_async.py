"""The async client of the same package."""
import asyncio

import openai


def with_client(grid, work):
    async def run():
        async with openai.AsyncOpenAI(base_url=grid.url("lyon") + "/v1", api_key=grid.key("mairie")) as client:
            return await work(client)
    return asyncio.run(run())


def test_chat(grid):
    async def work(client):
        return await client.chat.completions.create(model=grid.chat_model, max_tokens=4, messages=[{"role": "user", "content": "Hi"}])
    assert with_client(grid, work).model_extra["grid"]["site"] in ("paris", "lyon")


def test_stream(grid):
    async def work(client):
        stream = await client.chat.completions.create(model=grid.chat_model, max_tokens=8, stream=True,
                                                      messages=[{"role": "user", "content": "Count to three."}])
        return [chunk async for chunk in stream]
    chunks = with_client(grid, work)
    assert chunks[0].choices[0].delta.role == "assistant" and chunks[-1].choices[0].finish_reason


def test_many_at_once(grid):
    async def work(client):
        return await asyncio.gather(*(client.embeddings.create(model=grid.embedding_model, input=f"text {n}") for n in range(24)))
    assert len({a._request_id for a in with_client(grid, work)}) == 24


def test_models(grid):
    async def work(client):
        return [m.id async for m in await client.models.list()]
    assert grid.chat_model in with_client(grid, work)
