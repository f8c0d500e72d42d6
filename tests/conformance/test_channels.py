"""Where a request says what it wants, with the stock `openai` package: the name of the host, the model's name, headers, the
`provider` object of OpenRouter. Each narrows what the others left."""
import openai
import pytest

from deadline import until

HOST = "sovereign.api.example"


@pytest.fixture(scope="module")
def named(grid):
    """The gateway of Paris, also called by a name that asks for fr-sovereign, which Lyon alone is in."""
    site = grid.api("/api/v1/sites/paris").json
    site.pop("status", None)
    before = dict(site["spec"].get("hosts") or {})

    def put(hosts):
        site["spec"]["hosts"] = hosts
        grid.apply(site)
        version = grid.status()["version"]
        until(lambda: all(g["bundle_version"] >= version for g in grid.status()["gateways"]), 10, "every gateway has the name")

    put({**before, HOST: "fr-sovereign"})
    yield grid
    put(before)


def site_of(where, host=None, key=None, model=None, headers=None, **body):
    """Which site answers the stock client, or the exception that it raises."""
    default = {"Host": host} if host else {}
    with openai.OpenAI(base_url=where.url("paris") + "/v1", api_key=key or where.key("acme"), max_retries=0,
                       default_headers={**default, **(headers or {})}) as client:
        answer = client.chat.completions.create(model=model or where.chat_model, max_tokens=2, extra_body=body,
                                                messages=[{"role": "user", "content": "Hi"}])
        return answer.model_extra["grid"]["site"]


def test_provider_is_an_alias(grid):
    assert site_of(grid, provider={"only": ["madrid"]}) == "madrid"
    assert site_of(grid, provider={"only": ["madrid", "lyon"], "ignore": ["madrid"]}) == "lyon"
    with pytest.raises(openai.APIStatusError) as refused:
        site_of(grid, provider={"only": ["madrid"]}, **{"grid": {"only": ["lyon"]}})
    assert refused.value.status_code == 400 and "no site is both in" in str(refused.value)


def test_the_models_name_may_ask_for_a_zone(grid):
    assert site_of(grid, model=f"{grid.chat_model}@fr-sovereign") == "lyon"
    with pytest.raises(openai.PermissionDeniedError) as refused:
        site_of(grid, model=f"{grid.chat_model}@nowhere")
    assert "nowhere" in refused.value.message


def test_the_hosts_name_may_ask_for_a_zone(named):
    assert site_of(named, host=HOST) == "lyon"
    assert site_of(named, host=HOST.upper() + ".:8443") == "lyon"
    assert site_of(named, host="other.example", provider={"only": ["madrid"]}) == "madrid"


@pytest.mark.parametrize("more", [{"provider": {"only": ["madrid"]}}, {"grid": {"only": ["zurich"]}}, {"headers": {"X-AIGrid-Intent": "only=madrid"}}],
                         ids=["provider", "body", "header"])
def test_no_channel_widens_another(named, more):
    with pytest.raises(openai.PermissionDeniedError) as refused:
        site_of(named, host=HOST, **more)
    assert refused.value.code == "placement_denied"
