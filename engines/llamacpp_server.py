"""llama.cpp's own HTTP server in this process, as an engine of one node. Options are called as llama-server calls them.

Binds to loopback (or a unix socket) only. AIGRID_ENGINE_SECRET (or LLAMA_API_KEY), when set, is the API key that every
call but /health must bring, so that only the agent which started this engine can use it. Dies with its parent. SIGTERM
cuts the answers that are under way: drain first."""
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
    parser.add_argument("--host", default="127.0.0.1", help="an address, or the path of a unix socket ending in .sock")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--chat-template-file", help="in place of the template inside the model; a bare name lies beside this file")
    parser.add_argument("--ctx-size", type=int, default=4096, help="tokens of context, shared by the slots")
    parser.add_argument("--parallel", type=int, default=2, help="slots; one slot holds ctx-size / parallel tokens")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=128, help="prefill step; small, so that an abort is seen soon")
    parser.add_argument("--cache-ram", type=int, default=64, help="MiB for prompts of idle slots")
    parser.add_argument("--slot-save-path", help="a folder for saved slots, ending in /")
    for always in ("--metrics", "--slots", "--props", "--jinja"):
        parser.add_argument(always, action="store_true", help="always on")
    return parser.parse_args()


def parameters(args):
    p = xllamacpp.CommonParams()
    p.model.path, p.model_alias = args.model, {args.alias}
    p.hostnames, p.port = [args.host], args.port
    p.n_ctx, p.n_parallel, p.n_batch, p.n_ubatch = args.ctx_size, args.parallel, args.batch_size, args.batch_size
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = args.threads
    p.endpoint_metrics = p.endpoint_slots = p.endpoint_props = True
    p.use_jinja = p.cont_batching = True
    p.ui, p.offline, p.cache_ram_mib = False, True, args.cache_ram
    if template := args.chat_template_file:
        beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), template)
        with open(template if os.sep in template else beside, encoding="utf-8") as f:
            p.chat_template = f.read().rstrip("\n")
    if args.slot_save_path:
        p.slot_save_path = args.slot_save_path
    if secret := os.environ.pop("AIGRID_ENGINE_SECRET", "") or os.environ.pop("LLAMA_API_KEY", ""):
        p.api_keys = [secret]
    return p


def main():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    args = arguments()
    if args.host.endswith(".sock") and os.path.exists(args.host):
        os.unlink(args.host)  # left by a process that was killed
    try:
        server = xllamacpp.Server(parameters(args))
    except RuntimeError as error:
        sys.exit(f"llama.cpp did not start with {args.model}: {error}")
    print(f"listening on {server.listening_address}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while True:
        signal.pause()


main()
