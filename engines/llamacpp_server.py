"""llama.cpp's own HTTP server in this process, as an engine of one node.

Binds to loopback (or a unix socket) only. AIGRID_ENGINE_SECRET, when set, is the API key that every call but /health
must bring, so that only the agent which started this engine can use it. Dies with its parent. SIGTERM cuts the answers
that are under way: drain first."""
import argparse
import ctypes
import os
import signal
import sys

import xllamacpp

PR_SET_PDEATHSIG = 1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="path of a GGUF file")
    parser.add_argument("--alias", required=True, help="the model's name in answers")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--unix", help="path of a unix socket, ending in .sock; in place of host and port")
    parser.add_argument("--chat-template", help="a Jinja file, in place of the template inside the model")
    parser.add_argument("--ctx", type=int, default=4096, help="tokens of context, shared by the slots")
    parser.add_argument("--parallel", type=int, default=2, help="slots; one slot holds ctx / parallel tokens")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--prompt-cache-mib", type=int, default=64, help="memory for prompts of idle slots")
    parser.add_argument("--slot-save-path", help="a folder for saved slots, ending in /")
    parser.add_argument("--batch", type=int, default=128, help="prefill step; small, so that an abort is seen soon")
    return parser.parse_args()


def parameters(args):
    p = xllamacpp.CommonParams()
    p.model.path, p.model_alias = args.model, {args.alias}
    p.hostnames, p.port = [args.unix or args.host], args.port
    p.n_ctx, p.n_parallel, p.n_batch, p.n_ubatch = args.ctx, args.parallel, args.batch, args.batch
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = args.threads
    p.endpoint_metrics = p.endpoint_slots = p.endpoint_props = True
    p.use_jinja = p.cont_batching = True
    p.ui, p.offline, p.cache_ram_mib = False, True, args.prompt_cache_mib
    if args.chat_template:
        with open(args.chat_template, encoding="utf-8") as f:
            p.chat_template = f.read().rstrip("\n")
    if args.slot_save_path:
        p.slot_save_path = args.slot_save_path
    if secret := os.environ.pop("AIGRID_ENGINE_SECRET", ""):
        p.api_keys = [secret]
    return p


def main():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    args = arguments()
    if args.unix and os.path.exists(args.unix):
        os.unlink(args.unix)  # left by a process that was killed
    try:
        server = xllamacpp.Server(parameters(args))
    except RuntimeError as error:
        sys.exit(f"llama.cpp did not start with {args.model}: {error}")
    print(f"listening on {server.listening_address}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while True:
        signal.pause()


main()
