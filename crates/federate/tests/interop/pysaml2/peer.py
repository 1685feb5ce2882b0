"""pysaml2 as a service provider or an identity provider, for our tests.

Reads one JSON object per line from standard input and answers each with one JSON object on a
line of standard output; {"refused": why} when pysaml2 raised.

A message is {"location"} for a redirect and {"action", "fields"} for a form.

{"do": "start", "role": "sp" or "idp", "entity_id", "acs", "sso", "slo", "key", "certificate",
 "peer" (metadata), "format" (of names)}
    gives {"metadata"}.
Of the service provider:
{"do": "login", "binding", "relay_state"} gives {"id", "message"}.
{"do": "accept", "message", "request", "want_assertions_signed", "want_response_signed"}
    gives the name, the attributes and the session.
Of the identity provider:
{"do": "request", "message"} takes an AuthnRequest.
{"do": "respond", "user", "attributes", "sign_assertion", "sign_response", "cipher" (null: not
 encrypted)} answers it: {"message"}.
Of both, about the last login:
{"do": "logout", "binding"} gives {"id", "message"}, a LogoutRequest.
{"do": "logout_request", "message"} takes one and gives {"name_id", "session_index", "message"},
    the answer.
{"do": "logout_response", "message"} takes the answer to its own.

With an argument it is an application on the web instead. The file of that name has {"port", "base"
(its address), "soap" (whether its metadata offers logout by SOAP, too), "prefixes" ({prefix:
namespace}, those of the other party)} and what "start" has, but for the addresses. A browser's session is a name; whether that name is signed in, pysaml2's cache of
identities says. /page says who is signed in, and signs in; /who says it only; /out signs out by a
redirect, /global-out as pysaml2 likes best, and in the end they say {"status", "second"} of the
answer; /leave signs out here alone.
"""

import base64
import html
import json
import re
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import saml2.entity
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, BINDING_SOAP
from saml2.client import Saml2Client
from saml2.config import IdPConfig, SPConfig
from saml2.ident import code, decode
from saml2.metadata import entity_descriptor
from saml2.saml import AUTHN_PASSWORD_PROTECTED, NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.sigver import pre_encryption_part, verify_redirect_signature
from saml2.time_util import in_a_while
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

sys.dont_write_bytecode = True  # no files among the sources
sys.path.insert(0, str(Path(__file__).parent.parent))
from web import Reply, names_are_here, serve  # noqa: E402

BINDINGS = {"redirect": BINDING_HTTP_REDIRECT, "post": BINDING_HTTP_POST}
# Algorithm, and kind of key as the xmlsec1 program names it. The first is pysaml2's own.
CIPHERS = {
    "tripledes-cbc": ("http://www.w3.org/2001/04/xmlenc#tripledes-cbc", "des-192"),
    "aes256-cbc": ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", "aes-256"),
    "aes256-gcm": ("http://www.w3.org/2009/xmlenc11#aes256-gcm", "aes-256"),
}


class Refused(Exception):
    """What our use of pysaml2 has to check by itself."""


def unpack(message):
    """The binding and the parameters of a message, as a web framework gives them."""
    if "location" in message:
        query = urlsplit(message["location"]).query
        return BINDING_HTTP_REDIRECT, dict(parse_qsl(query, strict_parsing=True))
    return BINDING_HTTP_POST, message["fields"]


def pack(binding, info):
    """A message out of what apply_binding gives."""
    if binding == BINDING_HTTP_REDIRECT:
        return {"location": dict(info["headers"])["Location"]}
    inputs = re.findall(r'name="(\w+)" value="([^"]*)"', info["data"])
    fields = {name: html.unescape(value) for name, value in inputs}
    return {"action": info["url"], "fields": fields}


class Peer:
    """One party."""

    def __init__(self, task, directory):
        files = {}
        for name in ("key", "certificate", "peer"):
            path = Path(directory) / name
            path.write_text(task[name], encoding="utf-8")
            files[name] = str(path)
        self.sp = task["role"] == "sp"
        both = [BINDING_HTTP_REDIRECT, BINDING_HTTP_POST]
        endpoints = {"single_logout_service": [(task["slo"], binding) for binding in both]}
        if task.get("soap"):
            endpoints["single_logout_service"].insert(0, (task["soap"], BINDING_SOAP))
        service = {
            "endpoints": endpoints,
            "logout_requests_signed": True,
            "logout_responses_signed": True,
            # Only here does pysaml2 look for them; else it signs with SHA-1.
            "signing_algorithm": SIG_RSA_SHA256,
            "digest_algorithm": DIGEST_SHA256,
        }
        if self.sp:
            endpoints["assertion_consumer_service"] = [(task["acs"], BINDING_HTTP_POST)]
            service["authn_requests_signed"] = True
            service["name_id_format"] = [task["format"]]
            service["name_id_policy_format"] = task["format"]
        else:
            endpoints["single_sign_on_service"] = [(task["sso"], binding) for binding in both]
            service["want_authn_requests_signed"] = True
            service["policy"] = {"default": {"attribute_restrictions": None}}
        settings = {
            "entityid": task["entity_id"],
            "xmlsec_binary": shutil.which("xmlsec1"),
            "key_file": files["key"],
            "cert_file": files["certificate"],
            "encryption_keypairs": [
                {"key_file": files["key"], "cert_file": files["certificate"]}
            ],
            "metadata": {"local": [files["peer"]]},
            "allow_unknown_attributes": True,
            "service": {task["role"]: service},
        }
        config = (SPConfig() if self.sp else IdPConfig()).load(settings)
        # The one switch by which pysaml2 demands signed requests, of either role.
        config.setattr("idp", "want_authn_requests_signed", True)
        self.party = Saml2Client(config) if self.sp else Server(config=config)
        self.metadata = str(entity_descriptor(config))
        [self.other] = self.party.metadata.keys()
        self.request = None
        self.name_id = None
        self.session_index = None

    def started(self):
        return {"metadata": self.metadata}

    # The service provider

    def login(self, task):
        binding = BINDINGS[task["binding"]]
        request, info = self.party.prepare_for_authenticate(
            entityid=self.other,
            relay_state=task["relay_state"],
            binding=binding,
        )
        return {"id": request, "message": pack(binding, info)}

    def accept(self, task):
        self.party.want_assertions_signed = task["want_assertions_signed"]
        self.party.want_response_signed = task["want_response_signed"]
        binding, fields = unpack(task["message"])
        response = self.party.parse_authn_request_response(
            fields["SAMLResponse"], binding, outstanding={task["request"]: "/"}
        )
        info = response.session_info()
        self.name_id = info["name_id"]
        self.session_index = info["session_index"]
        return {
            "relay_state": fields.get("RelayState"),
            "issuer": info["issuer"],
            "name_id": self.name_id.text,
            "format": self.name_id.format,
            "attributes": info["ava"],
            "session_index": self.session_index,
            "in_response_to": response.in_response_to,
            "authn_context": [info[0] for info in info["authn_info"]],
        }

    # The identity provider

    def take_request(self, task):
        binding, fields = unpack(task["message"])
        request = self.party.parse_authn_request(
            fields["SAMLRequest"],
            binding,
            relay_state=fields.get("RelayState"),
            sigalg=fields.get("SigAlg"),
            signature=fields.get("Signature"),
        )
        self.request = request.message
        return {
            "id": self.request.id,
            "issuer": request.sender(),
            "force_authn": self.request.force_authn,
        }

    def respond(self, task):
        arguments = self.party.response_args(self.request, [BINDING_HTTP_POST])
        self.name_id = NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=task["user"])
        cipher = task["cipher"]
        if cipher:
            # pysaml2 has no option for the cipher, only arguments deep inside.
            algorithm, kind = CIPHERS[cipher]
            saml2.entity.pre_encryption_part = partial(pre_encryption_part, msg_enc=algorithm)
            security = self.party.sec
            security.encrypt_assertion = partial(
                type(security).encrypt_assertion, security, key_type=kind
            )
        response = self.party.create_authn_response(
            task["attributes"],
            arguments["in_response_to"],
            arguments["destination"],
            arguments["sp_entity_id"],
            name_id=self.name_id,
            authn={"class_ref": AUTHN_PASSWORD_PROTECTED, "authn_auth": "", "authn_instant": None},
            sign_assertion=task["sign_assertion"],
            sign_response=task["sign_response"],
            encrypt_assertion=cipher is not None,
            session_not_on_or_after=in_a_while(hours=1),
        )
        text = str(response)
        # Only where it is not encrypted can it be read here.
        found = re.search(r'SessionIndex="([^"]+)"', text)
        self.session_index = found.group(1) if found else None
        info = self.party.apply_binding(
            BINDING_HTTP_POST,
            text,
            arguments["destination"],
            response=True,
        )
        return {"message": pack(BINDING_HTTP_POST, info)}

    # Both

    def logout(self, task):
        binding = BINDINGS[task["binding"]]
        role = "idpsso" if self.sp else "spsso"
        _, location = self.party.pick_binding(
            "single_logout_service", [binding], role, entity_id=self.other
        )
        redirect = binding == BINDING_HTTP_REDIRECT
        request, text = self.party.create_logout_request(
            location,
            self.other,
            name_id=self.name_id,
            session_indexes=[self.session_index] if self.session_index else None,
            expire=in_a_while(minutes=5),
            sign=not redirect,
        )
        info = self.party.apply_binding(
            binding, str(text), location, relay_state=f"{request}|1|a=", sign=redirect
        )
        return {"id": request, "message": pack(binding, info)}

    def logout_request(self, task):
        binding, fields = unpack(task["message"])
        request = self.party.parse_logout_request(
            fields["SAMLRequest"],
            binding,
            relay_state=fields.get("RelayState"),
            sigalg=fields.get("SigAlg"),
            signature=fields.get("Signature"),
        ).message
        redirect = binding == BINDING_HTTP_REDIRECT
        arguments = self.party.response_args(request, [binding])
        response = self.party.create_logout_response(request, [binding], sign=not redirect)
        info = self.party.apply_binding(
            binding,
            str(response),
            arguments["destination"],
            relay_state=fields.get("RelayState") or "",
            response=True,
            sign=redirect,
        )
        return {
            "name_id": request.name_id.text,
            "session_index": [index.text for index in request.session_index],
            "message": pack(binding, info),
        }

    def read_logout_response(self, message):
        binding, fields = unpack(message)
        if binding == BINDING_HTTP_REDIRECT:
            # pysaml2 leaves the signature of a redirected response to its caller.
            certificates = self.party.metadata.certs(self.other, "any", "signing")
            backend = self.party.sec.sec_backend
            if not any(
                verify_redirect_signature(dict(fields), backend, certificate)
                for _, certificate in certificates
            ):
                raise Refused("the signature of the query is wrong")
        elif b"<ds:Signature" not in base64.b64decode(fields["SAMLResponse"]):
            raise Refused("the response is not signed")
        return self.party.parse_logout_request_response(fields["SAMLResponse"], binding)

    def logout_response(self, task):
        response = self.read_logout_response(task["message"])
        return {
            "in_response_to": response.in_response_to,
            "issuer": response.issuer(),
            "success": response.status_ok(),
        }

    def answer(self, task):
        return {
            "login": self.login,
            "accept": self.accept,
            "request": self.take_request,
            "respond": self.respond,
            "logout": self.logout,
            "logout_request": self.logout_request,
            "logout_response": self.logout_response,
        }[task["do"]](task)


class Application(Peer):
    """A service provider on the web."""

    def __init__(self, task, directory):
        self.base = task["base"]
        self.port = task["port"]
        addresses = {name: f"{self.base}/{name}" for name in ("acs", "slo")}
        addresses["entity_id"] = f"{self.base}/metadata"
        addresses["soap"] = f"{self.base}/soap" if task["soap"] else None
        # pysaml2 takes a message out of its envelope by writing it anew, and verifies that. The
        # signature is good only if the prefixes are the same then.
        for prefix, namespace in task["prefixes"].items():
            ElementTree.register_namespace(prefix, namespace)
        super().__init__({"role": "sp", **task, **addresses}, directory)

    def described(self, _):
        return Reply(200, self.metadata)

    def name_of(self, request):
        """The name of the browser's session, if pysaml2 knows it to be signed in."""
        name = request.session.get("name")
        return name if name and self.party.is_logged_in(decode(name)) else None

    def who(self, request):
        name = self.name_of(request)
        return Reply.json({"name": decode(name).text if name else None})

    def page(self, request):
        if self.name_of(request):
            return self.who(request)
        asked, info = self.party.prepare_for_authenticate(entityid=self.other, relay_state="/page")
        request.session["asked"] = asked
        return Reply.redirect(pack(BINDING_HTTP_REDIRECT, info)["location"])

    def acs(self, request):
        self.party.want_assertions_signed = True
        response = self.party.parse_authn_request_response(
            request.fields["SAMLResponse"],
            BINDING_HTTP_POST,
            outstanding={request.session.pop("asked"): "/"},
        )
        request.session["name"] = code(response.session_info()["name_id"])
        return Reply.redirect(request.fields["RelayState"])

    def out(self, request):
        name = decode(request.session["name"])
        sent = self.party.do_logout(
            name,
            [self.other],
            reason="",
            expire=in_a_while(minutes=5),
            sign=True,
            expected_binding=BINDING_HTTP_REDIRECT,
        )
        binding, info = sent[self.other]
        return Reply.redirect(pack(binding, info)["location"])

    def global_out(self, request):
        name = decode(request.session["name"])
        sent = self.party.global_logout(name, expire=in_a_while(minutes=5), sign=True)
        answer = sent[self.other]
        if isinstance(answer, tuple):
            return Reply.redirect(pack(*answer)["location"])
        # By SOAP it has the answer at once, and leaves it to its caller to end the session.
        self.party.local_logout(name)
        return self.told(answer)

    def leave(self, request):
        self.party.local_logout(decode(request.session["name"]))
        return self.who(request)

    def told(self, response):
        code = response.response.status.status_code
        second = code.status_code.value if code.status_code else None
        return Reply.json({"status": code.value, "second": second})

    def slo(self, request):
        if "SAMLResponse" in request.fields:
            response = self.read_logout_response(request.message())
            self.party.handle_logout_response(response)
            return self.told(response)
        binding = BINDING_HTTP_POST if request.is_post else BINDING_HTTP_REDIRECT
        name = self.name_of(request)
        info = self.party.handle_logout_request(
            request.fields["SAMLRequest"],
            decode(name) if name else None,
            binding,
            relay_state=request.fields.get("RelayState"),
            sigalg=request.fields.get("SigAlg"),
            signature=request.fields.get("Signature"),
        )
        return Reply.redirect(pack(BINDING_HTTP_REDIRECT, info)["location"])

    def soap(self, request):
        # pysaml2 wants to be told whose session it is; here only the request knows.
        envelope = request.body.decode()
        name = self.party.parse_logout_request(envelope, BINDING_SOAP).message.name_id
        info = self.party.handle_logout_request(envelope, name, BINDING_SOAP)
        return Reply(200, info["data"], info["headers"])

    def serve(self):
        names_are_here()
        routes = {"/metadata": self.described, "/global-out": self.global_out}
        for name in ("who", "page", "acs", "out", "leave", "slo", "soap"):
            routes[f"/{name}"] = getattr(self, name)
        serve(self.port, routes)


def main():
    """Does what standard input asks for, line by line."""
    peer = None
    with tempfile.TemporaryDirectory() as directory:
        if len(sys.argv) > 1:
            task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
            Application(task, directory).serve()
        for line in sys.stdin:
            task = json.loads(line)
            try:
                if task["do"] == "start":
                    peer = Peer(task, directory)
                    answer = peer.started()
                else:
                    answer = peer.answer(task)
            except Exception as error:  # whatever it is, it was not accepted
                answer = {"refused": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), flush=True)


main()
