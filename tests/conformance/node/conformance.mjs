// The stock `openai` package for Node, unchanged, against a gateway. Prints one line of JSON per check: {"name","ok","why"}.
import assert from "node:assert/strict";
import OpenAI from "openai";

const { AIGRID_URL, AIGRID_KEY, AIGRID_FR_KEY, AIGRID_CHAT, AIGRID_EMBEDDING, AIGRID_DOWN_MODEL } = process.env;
const baseURL = `${AIGRID_URL}/v1`;
let sent = 0;
const counting = (url, init) => (sent++, fetch(url, init));
const client = new OpenAI({ baseURL, apiKey: AIGRID_KEY, fetch: counting });
const french = new OpenAI({ baseURL, apiKey: AIGRID_FR_KEY, fetch: counting });
const say = (text, more = {}) => ({ model: AIGRID_CHAT, max_tokens: 8, messages: [{ role: "user", content: text }], ...more });

async function refused(call, kind, status, code, times = 1) {
  sent = 0;
  const error = await call().then(() => assert.fail("it was not refused"), (e) => e);
  assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
  assert.equal(error.status, status);
  if (code) assert.equal(error.code, code);
  assert.equal(sent, times, "requests sent");
  return error;
}

const checks = {
  async chat() {
    const answer = await client.chat.completions.create(say("What is the capital of France?", { max_tokens: 16, temperature: 0 }));
    assert.match(answer.choices[0].message.content, /Paris/);
    assert.ok(answer.usage.completion_tokens > 0 && answer._request_id);
    assert.ok(answer.grid.site && answer.grid.why);
  },
  async intent_in_the_body() {
    const answer = await client.chat.completions.create(say("Hi", { grid: { zone: "fr-sovereign" } }));
    assert.equal(answer.grid.site, "lyon");
  },
  async intent_in_default_headers() {
    const bound = new OpenAI({ baseURL, apiKey: AIGRID_KEY, defaultHeaders: { "X-AIGrid-Intent": 'only="madrid"' } });
    const { data, response } = await bound.chat.completions.create(say("Hi")).withResponse();
    assert.equal(response.headers.get("x-aigrid-site"), "madrid");
    assert.equal(data.grid.site, "madrid");
  },
  async service_tiers() {
    const used = { auto: "default", default: "default", flex: "flex", priority: "priority", fast: "priority" };
    for (const [asked, said] of Object.entries(used)) {
      const { data, response } = await client.chat.completions.create(say("Hi", { service_tier: asked })).withResponse();
      assert.equal(data.service_tier, said, asked);
      assert.equal(response.headers.get("x-aigrid-tier"), data.grid.tier);
    }
    assert.equal((await client.chat.completions.create(say("Hi"))).service_tier, undefined);
    let last;
    for await (const chunk of await client.chat.completions.create(say("Hi", { stream: true, service_tier: "flex" }))) last = chunk;
    assert.deepEqual([last.service_tier, last.grid.tier], ["flex", "economy"]);
  },
  async service_tiers_there_are_not() {
    for (const tier of ["scale", "ultrafast", "Priority"]) {
      const error = await refused(() => client.chat.completions.create(say("Hi", { service_tier: tier })), OpenAI.BadRequestError, 400,
        "invalid_value");
      assert.equal(error.param, "service_tier");
      assert.match(error.message, /auto, default, priority, fast, flex/);
    }
  },
  async stream() {
    let text = "", usage;
    const stream = await client.chat.completions.create(say("Count to five.", { stream: true, stream_options: { include_usage: true } }));
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.ok(text.length > 0 && usage.completion_tokens > 0);
  },
  async stream_collector() {
    const final = await client.chat.completions.stream(say("Say hello.", { max_tokens: 64, temperature: 0, stop: ["!", "."] })).finalChatCompletion();
    assert.equal(final.choices[0].message.role, "assistant");
    assert.ok(final.choices[0].message.content);
  },
  async stream_left_early() {
    const stream = await client.chat.completions.create(say("Tell a long story.", { stream: true, max_tokens: 200 }));
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      break;
    }
  },
  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.ok(ids.includes(AIGRID_CHAT) && ids.includes(AIGRID_EMBEDDING));
    assert.equal((await client.models.retrieve(AIGRID_CHAT)).id, AIGRID_CHAT);
  },
  async embeddings() {
    const answer = await client.embeddings.create({ model: AIGRID_EMBEDDING, input: ["one", "two"] }); // asks for base64
    const plain = await client.embeddings.create({ model: AIGRID_EMBEDDING, input: "one", encoding_format: "float" });
    assert.equal(answer.data.length, 2);
    assert.equal(answer.data[0].embedding.length, 384);
    answer.data[0].embedding.forEach((x, i) => assert.ok(Math.abs(x - plain.data[0].embedding[i]) < 1e-4));
  },
  async a_wrong_key() {
    const wrong = new OpenAI({ baseURL, apiKey: "agk1_nonsense", fetch: counting });
    await refused(() => wrong.models.list(), OpenAI.AuthenticationError, 401, "invalid_api_key");
  },
  async an_unknown_model() {
    const error = await refused(() => client.chat.completions.create(say("Hi", { model: "smollm3" })), OpenAI.NotFoundError, 404,
      "model_not_found");
    assert.match(error.message, /smollm2/);
  },
  async residency_is_not_retried() {
    await refused(() => french.chat.completions.create(say("Hi", { grid: { only: ["zurich"] } })), OpenAI.PermissionDeniedError, 403);
  },
  async a_bad_parameter() {
    const error = await refused(() => client.chat.completions.create(say("Hi", { temperature: 9 })), OpenAI.BadRequestError, 400);
    assert.equal(error.param, "temperature");
  },
  async no_capacity_is_retried_twice() {
    const call = () => client.chat.completions.create(say("Hi", { model: AIGRID_DOWN_MODEL, grid: { max_ttft_ms: 300, mode: "require" } }));
    await refused(call, OpenAI.InternalServerError, 503, "no_capacity", 3);
  },
};

for (const [name, check] of Object.entries(checks)) {
  let why = "";
  await check().catch((error) => (why = `${error.name}: ${error.message}`));
  console.log(JSON.stringify({ name, ok: why === "", why }));
}
