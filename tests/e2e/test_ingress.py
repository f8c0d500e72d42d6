"""A stock SDK that knows one name with two addresses, as DNS gives them, survives the death of the gateway behind one."""
import socket
from urllib.parse import urlsplit

import openai
import pytest

from deadline import until

NAME = "gateways.aigrid.example"


@pytest.fixture
def two_addresses(grid, monkeypatch):
    """NAME resolves to the gateways of Paris and of Madrid, in this order."""
    ports = [urlsplit(grid.url(site)).port for site in ("paris", "madrid")]
    resolve = socket.getaddrinfo
    def answer(host, port, *args, **kwargs):
        if host not in (NAME, NAME.encode()):
            return resolve(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", p)) for p in ports]
    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return f"http://{NAME}:80/v1"


def test_the_sdk_goes_on_when_one_gateway_dies(grid, two_addresses):
    with openai.OpenAI(base_url=two_addresses, api_key=grid.key("acme")) as client:
        def ask(n):
            return client.embeddings.create(model=grid.embedding_model, input=f"request {n}")
        for n in range(5):
            assert ask(n).data
        grid.kill("gateway-paris")
        try:
            for n in range(20):  # the kept connection breaks, new ones are refused: nothing of it is seen
                assert ask(n).data
            stream = client.chat.completions.create(model=grid.chat_model, max_tokens=4, stream=True,
                                                    messages=[{"role": "user", "content": "Hi"}])
            assert any(chunk.choices and chunk.choices[0].finish_reason for chunk in stream)
        finally:
            grid.restart("gateway-paris")
            grid.ready()
        until(lambda: grid.embed("paris").status == 200, 10, "Paris serving again")
        assert ask(99).data
