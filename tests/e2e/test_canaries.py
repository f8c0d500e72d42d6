"""Prompts that are bound to France, by their tenant or by themselves, with a text in them that stands nowhere else: afterwards
nothing of them lies in any file of a process outside France, and nothing in its memory where the request came in inside France."""
import base64
import os
import secrets
from pathlib import Path

import pytest

import wire
from grid import FRENCH, binary
from leaks import Finder
from opened import family

HOME, PASSING, STRAY = (f"canary-{name}-{secrets.token_hex(12)}" for name in ("home", "passing", "stray"))


def ask_everything(grid, site, canary, tenant="mairie", **bound):
    """Whole, streamed, left in the middle, embedded, refused by the rule, and broken."""
    wish = {"grid": bound} if bound else {}
    text = f"Please repeat: {canary} {canary}"
    assert grid.chat(site, tenant, text=text, max_tokens=8, user=canary, **wish).status == 200
    assert list(grid.stream(site, tenant, text=text, max_tokens=8, **wish).events())[-1] == "[DONE]"
    leaver = grid.stream(site, tenant, text=text, max_tokens=200, **wish)
    next(leaver.events())
    leaver.abort()
    assert grid.embed(site, tenant, text=text, **wish).status == 200
    assert grid.chat(site, tenant, text=text, grid={**bound, "only": ["zurich"]}).status == 403
    broken = b'{"model": "%s", "messages": [{"role": "user", "content": "%s"' % (grid.chat_model.encode(), canary.encode())
    headers = {**wire.bearer(grid.key(tenant)), "content-type": "application/json"}
    assert wire.ask(grid.url(site), "/v1/chat/completions", broken, headers).status == 400


@pytest.fixture(scope="module")
def asked(grid):
    for site in FRENCH:
        ask_everything(grid, site, HOME)
    for site in ("zurich", "frankfurt"):
        ask_everything(grid, site, PASSING, "acme", zone="fr")
    grid.settled()
    return grid


def abroad(grid):
    """(name, pid, state) of every process outside France, engines and control included."""
    french = {name for site in FRENCH for name in grid.of_site(site)}
    return [(p.name, pid, p.state) for p in grid.processes().values() if p.name not in french for pid in family(p.pid)]


def test_no_file_of_a_process_outside_france_holds_a_prompt(asked):
    finder = Finder(HOME, PASSING)
    for name, pid, state in abroad(asked):
        assert not list(finder.in_open_files(pid)), name
        assert not list(finder.in_folder(state)), name
    assert not list(finder.in_folder(asked.state / "up"))


def test_no_memory_of_a_process_outside_france_holds_a_prompt_that_came_in_inside(asked):
    finder = Finder(HOME)
    for name, pid, _ in abroad(asked):
        assert not finder.in_memory(pid), name


def test_planted_leaks_are_found(asked, tmp_path):
    """The finder sees what the tests above must see: otherwise they prove nothing."""
    finder, state = Finder(STRAY), asked.state / "gateway-zurich"
    for n, spelt in enumerate((STRAY.encode(), b"x" + base64.b64encode(b"ab" + STRAY.encode() + b"cd"), STRAY.encode().hex().encode(),
                               b"z" * (1 << 22) + STRAY.encode())):  # across two pieces of reading
        planted = state / f"planted-{n}"
        planted.write_bytes(b"." * 100 + spelt)
        try:
            assert [(planted, STRAY)] == list(finder.in_folder(state)), n
        finally:
            planted.unlink()
    with open(tmp_path / "deleted", "w+b") as file:
        file.write(STRAY.encode())
        file.flush()
        os.unlink(file.name)
        assert STRAY in {text for _, text in finder.in_open_files(os.getpid())}
    # A request that does run in Zürich leaves its text in the memory of its gateway there.
    assert asked.chat("zurich", "acme", text=f"Repeat {STRAY}.", max_tokens=4, grid={"only": ["zurich"]}).status == 200
    assert STRAY in finder.in_memory(asked.processes()["gateway-zurich"].pid)


def test_this_binary_cannot_write_tls_secrets():
    """Only that of the preset keylog can, for ./dev drill wiretap."""
    assert b"SSL_CTX_set_keylog_callback" not in Path(binary()).read_bytes()
