"""One HTTP/1.1 exchange at a time, over TCP or a unix socket, as plain as possible: nothing is retried, nothing is hidden."""
import http.client
import json
import socket
import time
from urllib.parse import urlsplit


class Reply:
    """A whole answer. `first_byte` and `ended` are seconds since the request was sent."""

    def __init__(self, status, headers, body, first_byte, ended):
        self.status, self.body, self.first_byte, self.ended = status, body, first_byte, ended
        self.headers = {name.lower(): value for name, value in headers}

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The OpenAI error object, or {} for an answer that has none."""
        try:
            return self.json.get("error") or {}
        except (ValueError, AttributeError):
            return {}

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def connect(url, timeout=30):
    """A connection to http://host:port or unix:/path."""
    if url.startswith("unix:"):
        return _UnixConnection(url[len("unix:"):], timeout)
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)


def send(url, target, body=None, headers=None, method=None, timeout=30):
    """Sends a request (a dict or list as JSON) and gives the connection and the head of the answer."""
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    if body is not None:
        headers.setdefault("content-type", "application/json")
    connection = connect(url, timeout)
    connection.request(method or ("GET" if body is None else "POST"), target, body=body, headers=headers)
    return connection, connection.getresponse()


def ask(url, target, body=None, headers=None, method=None, timeout=30):
    """A whole exchange. An answer that breaks off is a ConnectionError."""
    start = time.monotonic()
    connection = None
    try:
        connection, answer = send(url, target, body, headers, method, timeout)
        first = time.monotonic() - start
        return Reply(answer.status, answer.getheaders(), answer.read(), first, time.monotonic() - start)
    except http.client.HTTPException as error:
        raise ConnectionError(f"{url}{target}: {type(error).__name__} {error}") from error
    finally:
        if connection is not None:
            connection.close()


def bearer(key):
    return {"authorization": f"Bearer {key}"}


class Stream:
    """A streamed answer, event by event."""

    def __init__(self, url, target, body, headers=None, timeout=60):
        self.start = time.monotonic()
        self.connection, self.answer = send(url, target, body, headers, timeout=timeout)
        self.status = self.answer.status
        self.headers = {name.lower(): value for name, value in self.answer.getheaders()}

    def events(self):
        """The payloads of `data:` lines, [DONE] included; ends where the server ends."""
        for line in self.answer:
            line = line.rstrip(b"\r\n")
            if line.startswith(b"data:"):
                yield line[5:].strip().decode()

    def abort(self):
        """Leaves as a client that crashes does: nothing is said, the socket is gone."""
        if self.connection.sock is not None:
            self.connection.sock.close()
        self.answer.close()
        self.connection.close()


def exchange_raw(url, raw, timeout=15, half_close=False):
    """Sends bytes as they are and gives all that comes back until the server closes; for what no client library would send."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=timeout) as sock:
        try:
            sock.sendall(raw)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered and closed before it read all: just what some tests want to see
        received = b""
        try:
            while piece := sock.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return received
