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
"""

import json
import sys
from urllib.parse import urlsplit

from onelogin.saml2.auth import OneLogin_Saml2_Auth

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


def main():
    """Does what standard input asks for."""
    task = json.load(sys.stdin)
    print(json.dumps(accept(task) if task["do"] == "accept" else redirect(task)))


main()
