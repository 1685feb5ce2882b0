"""What a web framework does for an application: sessions by cookie, forms, redirects.

An application answers paths with functions of its own, each of which is given a Request and gives
a Reply.
"""

import json
import secrets
import socket
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit


class Request:
    """What came, and the session of the browser that sent it: the application's to fill."""

    def __init__(self, handler, sessions):
        address = urlsplit(handler.path)
        self.path = address.path
        self.query = address.query
        self.is_post = handler.command == "POST"
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        form = self.body.decode() if self.is_post else self.query
        self.fields = dict(parse_qsl(form))
        cookie = SimpleCookie(handler.headers.get("Cookie", "")).get("application")
        self.cookie = cookie.value if cookie else secrets.token_hex()
        self.session = sessions.setdefault(self.cookie, {})

    def message(self):
        """What arrived, in the form in which the test's peers write messages."""
        if self.is_post:
            return {"action": self.path, "fields": self.fields}
        return {"location": f"{self.path}?{self.query}"}


class Reply:
    """What goes back."""

    def __init__(self, status, body, headers=()):
        self.status = status
        self.body = body if isinstance(body, bytes) else body.encode()
        self.headers = dict(headers)

    @classmethod
    def json(cls, value, status=200):
        return cls(status, json.dumps(value), {"Content-Type": "application/json"})

    @classmethod
    def redirect(cls, location):
        return cls(302, b"", {"Location": location})


def serve(port, routes):
    """Answers one request after the other. A function that raises is a page that says why."""
    sessions = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            request = Request(self, sessions)
            answer = routes.get(request.path)
            try:
                reply = answer(request) if answer else Reply(404, b"")
            except Exception as error:  # whatever it is, it was not accepted
                reply = Reply.json({"refused": f"{type(error).__name__}: {error}"}, 400)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Set-Cookie", f"application={request.cookie}; Path=/; HttpOnly")
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


def names_are_here():
    """Makes the names of this test's hosts known: all are this machine."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host, *rest, **more):
        here = isinstance(host, str) and host.endswith((".test", ".localhost"))
        return resolve("127.0.0.1" if here else host, *rest, **more)

    socket.getaddrinfo = getaddrinfo
