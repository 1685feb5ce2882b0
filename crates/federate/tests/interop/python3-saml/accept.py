"""python3-saml as a service provider, for our tests.

Reads one JSON object from standard input and prints one to standard output.

{"do": "accept", "idp", "sp", "acs", "certificate", "response" (base64), "request",
 "assertion_signed", "message_signed"}
    validates the response strictly, as its documentation tells a service provider to do,
    and gives {"valid", "errors", "name_id", "format", "name_qualifier",
    "sp_name_qualifier", "attributes", "session_index", "session_expiration"}.
{"do": "login" or "logout", "idp", "sp", "acs", "sso", "slo", "certificate", "key",
 "relay_state", "name_id", "session_index"}
    makes a signed redirect and gives {"url", "id"}.

With an argument it is an application on the web instead. The file of that name has
{"port", "base" (its address), "idp", "sso", "slo", "certificate" and "key" (its own),
 "idp_certificate"}. Its sessions are its own, by cookie; the library says when one is to end.
/page says who is signed in, and signs in; /who says it only; /out signs out, and in the end says
{"errors", "reason"} of the answer; /leave signs out here alone.
"""

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

from onelogin.saml2.auth import OneLogin_Saml2_Auth

sys.dont_write_bytecode = True  # no files among the sources
sys.path.insert(0, str(Path(__file__).parent.parent))
from web import Reply, serve  # noqa: E402

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


def settings(task):
    """Strict settings for one service provider and one identity provider."""
    return {
        "strict": True,
        "sp": {
            "entityId": task["sp"],
            "assertionConsumerService": {"url": task["acs"]},
            "x509cert": task["certificate"],
            "privateKey": task.get("key", ""),
        },
        "idp": {
            "entityId": task["idp"],
            "singleSignOnService": {"url": task.get("sso", task["idp"]), "binding": REDIRECT},
            "singleLogoutService": {"url": task.get("slo", task["idp"]), "binding": REDIRECT},
            "x509cert": task["certificate"],
        },
        "security": {
            "authnRequestsSigned": "key" in task,
            "logoutRequestSigned": "key" in task,
            "wantAssertionsSigned": task.get("assertion_signed", False),
            "wantMessagesSigned": task.get("message_signed", False),
            "wantAttributeStatement": False,
            "rejectDeprecatedAlgorithm": True,
            "failOnAuthnContextMismatch": True,
            "requestedAuthnContext": [
                "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
            ],
        },
    }


def auth(task, form):
    """The library's entry point, for a request to the ACS."""
    acs = urlsplit(task["acs"])
    request = {
        "https": "on" if acs.scheme == "https" else "off",
        "http_host": acs.netloc,
        "script_name": acs.path,
        "get_data": {},
        "post_data": form,
    }
    return OneLogin_Saml2_Auth(request, settings(task))


def accept(task):
    """Validates a response."""
    sp = auth(task, {"SAMLResponse": task["response"]})
    sp.process_response(request_id=task["request"])
    errors = list(sp.get_errors())
    if sp.get_last_error_reason():
        errors.append(sp.get_last_error_reason())
    return {
        "valid": sp.is_authenticated(),
        "errors": errors,
        "name_id": sp.get_nameid(),
        "format": sp.get_nameid_format(),
        "name_qualifier": sp.get_nameid_nq(),
        "sp_name_qualifier": sp.get_nameid_spnq(),
        "attributes": sp.get_attributes(),
        "session_index": sp.get_session_index(),
        "session_expiration": sp.get_session_expiration(),
    }


def redirect(task):
    """Makes a signed AuthnRequest or LogoutRequest."""
    sp = auth(task, {})
    if task["do"] == "login":
        url = sp.login(return_to=task["relay_state"], force_authn=True)
    else:
        url = sp.logout(
            return_to=task["relay_state"],
            name_id=task["name_id"],
            session_index=task["session_index"],
            name_id_format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        )
    return {"url": url, "id": sp.get_last_request_id()}


class Application:
    """An application on the web."""

    def __init__(self, task):
        self.task = task
        self.base = task["base"]
        self.settings = settings(
            {
                "sp": f"{self.base}/metadata",
                "acs": f"{self.base}/acs",
                "assertion_signed": True,
                "message_signed": True,
                **{name: task[name] for name in ("idp", "sso", "slo", "certificate", "key")},
            }
        )
        service = {"url": f"{self.base}/slo", "binding": REDIRECT}
        self.settings["sp"]["singleLogoutService"] = service
        self.settings["idp"]["x509cert"] = task["idp_certificate"]
        self.settings["security"]["logoutResponseSigned"] = True

    def auth(self, request):
        """The library's entry point, for a request."""
        return OneLogin_Saml2_Auth(
            {
                "https": "off",
                "http_host": urlsplit(self.base).netloc,
                "script_name": request.path,
                "get_data": {} if request.is_post else request.fields,
                "post_data": request.fields if request.is_post else {},
                "query_string": request.query,
                "validate_signature_from_qs": True,
            },
            self.settings,
        )

    def metadata(self, request):
        return Reply(200, self.auth(request).get_settings().get_sp_metadata())

    def who(self, request):
        return Reply.json({"name": request.session.get("name_id")})

    def page(self, request):
        if "name_id" in request.session:
            return Reply.json({"name": request.session["name_id"]})
        sp = self.auth(request)
        location = sp.login(return_to=f"{self.base}/page")
        request.session["asked"] = sp.get_last_request_id()
        return Reply.redirect(location)

    def acs(self, request):
        sp = self.auth(request)
        sp.process_response(request_id=request.session.pop("asked", None))
        if not sp.is_authenticated():
            return Reply.json({"refused": [*sp.get_errors(), sp.get_last_error_reason()]}, 400)
        request.session.update(
            name_id=sp.get_nameid(),
            name_id_format=sp.get_nameid_format(),
            nq=sp.get_nameid_nq(),
            spnq=sp.get_nameid_spnq(),
            session_index=sp.get_session_index(),
        )
        return Reply.redirect(request.fields["RelayState"])

    def out(self, request):
        sp = self.auth(request)
        location = sp.logout(return_to=f"{self.base}/page", **request.session)
        request.session["logging_out"] = sp.get_last_request_id()
        return Reply.redirect(location)

    def leave(self, request):
        request.session.clear()
        return self.who(request)

    def slo(self, request):
        sp = self.auth(request)
        location = sp.process_slo(
            request_id=request.session.pop("logging_out", None),
            delete_session_cb=request.session.clear,
        )
        errors = sp.get_errors()
        if location and not errors:
            return Reply.redirect(location)
        told = {"errors": errors, "reason": sp.get_last_error_reason()}
        return Reply.json(told, 400 if errors else 200)

    def serve(self):
        names = ("metadata", "who", "page", "acs", "out", "leave", "slo")
        serve(self.task["port"], {f"/{name}": getattr(self, name) for name in names})


def main():
    """Does what standard input asks for."""
    if len(sys.argv) > 1:
        Application(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).serve()
    task = json.load(sys.stdin)
    print(json.dumps(accept(task) if task["do"] == "accept" else redirect(task)))


main()
