// samlify as a service provider or an identity provider, for our tests.
//
// Reads one JSON object per line from standard input and answers each with one JSON object on
// a line of standard output; {"refused": why} when samlify raised. Its modules are found by the
// environment variable NODE_PATH.
//
// A message is {"location"} for a redirect and {"action", "fields"} for a form.
//
// {"do": "start", "role": "sp" or "idp", "entity_id", "acs", "sso", "slo", "key", "certificate",
//  "peer" (metadata), "sign_assertion", "sign_response", "cipher" (null: not encrypted),
//  "format" (of names)}
//     gives {"metadata"}.
// Of the service provider:
// {"do": "login", "binding", "relay_state"} gives {"id", "message"}.
// {"do": "accept", "message"} gives {"read"}.
// Of the identity provider:
// {"do": "request", "message"} takes an AuthnRequest.
// {"do": "respond", "user", "attributes"} answers it: {"message"}.
// Of both, about the last login:
// {"do": "logout", "binding"} gives {"id", "message"}, a LogoutRequest.
// {"do": "logout_request", "message"} takes one and gives {"read", "message"}, the answer.
// {"do": "logout_response", "message"} takes the answer to its own.

"use strict";

const samlify = require("samlify");
const readline = require("readline");
const { randomUUID } = require("crypto");
const { URL } = require("url");

// samlify insists on a validator. That we are valid by the schema is tested elsewhere.
samlify.setSchemaValidator({ validate: async () => "not looked at" });

const SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const BINDINGS = {
  redirect: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
  post: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
};

let me;
let peer;
let settings;
let request;
let user;

/** A message as a web framework gives it: binding and request. */
function unpack(message) {
  if (message.location) {
    const url = new URL(message.location);
    const octetString = url.search.slice(1).split("&Signature=")[0];
    return ["redirect", { query: Object.fromEntries(url.searchParams), octetString }];
  }
  return ["post", { body: message.fields }];
}

/** A message out of what samlify makes. */
function pack(binding, made) {
  if (binding === "redirect") return { location: made.context };
  const fields = { [made.type]: made.context };
  if (made.relayState) fields.RelayState = made.relayState;
  return { action: made.entityEndpoint, fields };
}

const escape = (text) =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

/** A response; samlify's own has no AuthnStatement. */
function response(attributes) {
  const now = new Date();
  const later = new Date(now.getTime() + 300000).toISOString();
  const instant = now.toISOString();
  const acs = peer.entityMeta.getAssertionConsumerService("post");
  const to = request.extract.request.id;
  const issuer = `<saml:Issuer>${settings.entity_id}</saml:Issuer>`;
  const statements = Object.entries(attributes).map(([name, values]) => {
    const texts = values.map((v) => `<saml:AttributeValue>${escape(v)}</saml:AttributeValue>`);
    return `<saml:Attribute Name="${name}">${texts.join("")}</saml:Attribute>`;
  });
  return (
    `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"` +
    ` xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_${randomUUID()}" Version="2.0"` +
    ` IssueInstant="${instant}" Destination="${acs}" InResponseTo="${to}">${issuer}` +
    `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>` +
    `</samlp:Status><saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"` +
    ` ID="_${randomUUID()}" Version="2.0" IssueInstant="${instant}">${issuer}` +
    `<saml:Subject><saml:NameID Format="${EMAIL}">${escape(user.logoutNameID)}</saml:NameID>` +
    `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">` +
    `<saml:SubjectConfirmationData NotOnOrAfter="${later}" Recipient="${acs}"` +
    ` InResponseTo="${to}"/></saml:SubjectConfirmation></saml:Subject>` +
    `<saml:Conditions NotBefore="${instant}" NotOnOrAfter="${later}"><saml:AudienceRestriction>` +
    `<saml:Audience>${peer.entityMeta.getEntityID()}</saml:Audience>` +
    `</saml:AudienceRestriction></saml:Conditions>` +
    `<saml:AuthnStatement AuthnInstant="${instant}" SessionIndex="${user.sessionIndex}">` +
    `<saml:AuthnContext><saml:AuthnContextClassRef>` +
    `urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport` +
    `</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
    `<saml:AttributeStatement>${statements.join("")}</saml:AttributeStatement>` +
    `</saml:Assertion></samlp:Response>`
  );
}

const tasks = {
  async start(task) {
    settings = task;
    const endpoints = (location) =>
      Object.values(BINDINGS).map((Binding) => ({ Binding, Location: location }));
    const common = {
      wantLogoutRequestSigned: true,
      wantLogoutResponseSigned: true,
      requestSignatureAlgorithm: SHA256,
    };
    const own = {
      ...common,
      entityID: task.entity_id,
      privateKey: task.key,
      encPrivateKey: task.key,
      signingCert: task.certificate,
      encryptCert: task.certificate,
      singleLogoutService: endpoints(task.slo),
      nameIDFormat: [task.format],
    };
    const other = { ...common, metadata: task.peer };
    if (task.role === "sp") {
      me = samlify.ServiceProvider({
        ...own,
        authnRequestsSigned: true,
        wantAssertionsSigned: task.sign_assertion,
        // Not wantMessageSigned: it only breaks the signing of requests by POST.
        assertionConsumerService: [{ Binding: BINDINGS.post, Location: task.acs }],
      });
      peer = samlify.IdentityProvider({ ...other, isAssertionEncrypted: task.cipher !== null });
    } else {
      me = samlify.IdentityProvider({
        ...own,
        wantAuthnRequestsSigned: true,
        singleSignOnService: endpoints(task.sso),
        isAssertionEncrypted: task.cipher !== null,
        dataEncryptionAlgorithm: task.cipher || undefined,
      });
      peer = samlify.ServiceProvider({ ...other, wantMessageSigned: task.sign_response });
    }
    return { metadata: me.getMetadata() };
  },

  async login(task) {
    const made = me.createLoginRequest(peer, task.binding, { relayState: task.relay_state });
    request = made.id;
    return { id: made.id, message: pack(task.binding, made) };
  },

  async accept(task) {
    const [binding, message] = unpack(task.message);
    const read = (await me.parseLoginResponse(peer, binding, message)).extract;
    user = { logoutNameID: read.nameID, sessionIndex: read.sessionIndex.sessionIndex };
    return { read };
  },

  async request(task) {
    const [binding, message] = unpack(task.message);
    request = await me.parseLoginRequest(peer, binding, message);
    return { read: request.extract };
  },

  async respond(task) {
    user = { logoutNameID: task.user, sessionIndex: `_${randomUUID()}` };
    const made = await me.createLoginResponse(peer, request, "post", user, {
      customTagReplacement: () => ({ id: "", context: response(task.attributes) }),
      // A signature over what is encrypted afterwards would not verify.
      encryptThenSign: true,
    });
    return { message: pack("post", made) };
  },

  async logout(task) {
    const made = me.createLogoutRequest(peer, task.binding, user, { relayState: "state" });
    return { id: made.id, message: pack(task.binding, made) };
  },

  async logout_request(task) {
    const [binding, message] = unpack(task.message);
    const taken = await me.parseLogoutRequest(peer, binding, message);
    const state = (message.query || message.body).RelayState;
    const made = me.createLogoutResponse(peer, taken, binding, { relayState: state });
    return { read: taken.extract, message: pack(binding, made) };
  },

  async logout_response(task) {
    const [binding, message] = unpack(task.message);
    return { read: (await me.parseLogoutResponse(peer, binding, message)).extract };
  },
};

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const task = JSON.parse(line);
    let answer;
    try {
      answer = await tasks[task.do](task);
    } catch (error) {
      answer = { refused: String(error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
}

main();
