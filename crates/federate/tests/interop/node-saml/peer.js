// @node-saml/node-saml as a service provider, for our tests.
//
// Reads one JSON object per line from standard input and answers each with one JSON object on
// a line of standard output; {"refused": why} when node-saml raised. Its modules are found by
// the environment variable NODE_PATH.
//
// A message is {"location"} for a redirect and {"action", "fields"} for a form.
//
// {"do": "start", "entity_id", "acs", "slo", "key", "certificate", "idp", "idp_sso", "idp_slo",
//  "idp_certificate", "want_assertions_signed", "want_response_signed", "format" (of names)}
//     gives {"metadata"}.
// {"do": "login", "relay_state", "binding"} gives {"message"}.
// {"do": "accept", "message"} gives {"profile"}.
// {"do": "logout"} gives {"message"}, a LogoutRequest about the last login.
// {"do": "logout_request", "message"} takes one and gives {"profile", "message"}, the answer.
// {"do": "logout_response", "message"} gives {"logged_out"}.

"use strict";

const { SAML } = require("@node-saml/node-saml");
const readline = require("readline");
const { URL } = require("url");

let saml;
let profile;

/** The fields of a redirect, as a web framework gives them, and its query. */
function query(message) {
  const url = new URL(message.location);
  return [Object.fromEntries(url.searchParams), url.search.slice(1)];
}

/** The fields of a form out of its page. */
function form(page) {
  const unescape = (text) =>
    text
      .replace(/&#13;/g, "\r")
      .replace(/&quot;/g, '"')
      .replace(/&apos;/g, "'")
      .replace(/&lt;/g, "<")
      .replace(/&gt;/g, ">")
      .replace(/&amp;/g, "&");
  const fields = {};
  for (const [, name, value] of page.matchAll(/name="(\w+)" value="([^"]*)"/g)) {
    fields[name] = unescape(value);
  }
  return { action: page.match(/action="([^"]*)"/)[1], fields };
}

const tasks = {
  async start(task) {
    saml = new SAML({
      issuer: task.entity_id,
      callbackUrl: task.acs,
      logoutCallbackUrl: task.slo,
      entryPoint: task.idp_sso,
      logoutUrl: task.idp_slo,
      idpIssuer: task.idp,
      idpCert: task.idp_certificate,
      privateKey: task.key,
      publicCert: task.certificate,
      decryptionPvk: task.key,
      signatureAlgorithm: "sha256",
      digestAlgorithm: "sha256",
      identifierFormat: task.format,
      wantAssertionsSigned: task.want_assertions_signed,
      wantAuthnResponseSigned: task.want_response_signed,
      // "always" finds none in any LogoutResponse that comes by POST.
      validateInResponseTo: "ifPresent",
    });
    const metadata = saml.generateServiceProviderMetadata(task.certificate, task.certificate);
    return { metadata };
  },

  async login(task) {
    // Unless told so, node-saml deflates what it posts, too ([SAMLBind] 3.5.4 is base64 alone).
    saml.options.skipRequestCompression = task.binding === "post";
    if (task.binding === "post") {
      return { message: form(await saml.getAuthorizeFormAsync(task.relay_state)) };
    }
    return { message: { location: await saml.getAuthorizeUrlAsync(task.relay_state) } };
  },

  async accept(task) {
    const accepted = await saml.validatePostResponseAsync(task.message.fields);
    profile = accepted.profile;
    return { profile: JSON.parse(JSON.stringify(profile)) };
  },

  async logout() {
    saml.options.skipRequestCompression = false;
    return { message: { location: await saml.getLogoutUrlAsync(profile, "state", {}) } };
  },

  async logout_request(task) {
    saml.options.skipRequestCompression = false;
    let taken;
    let state;
    if (task.message.location) {
      const [fields, raw] = query(task.message);
      // node-saml takes a redirect without signature, too.
      if (!fields.Signature) throw new Error("the query is not signed");
      taken = await saml.validateRedirectAsync(fields, raw);
      state = fields.RelayState;
    } else {
      taken = await saml.validatePostRequestAsync(task.message.fields);
      state = task.message.fields.RelayState;
    }
    const location = await saml.getLogoutResponseUrlAsync(taken.profile, state || "", {}, true);
    return { profile: taken.profile, message: { location } };
  },

  async logout_response(task) {
    let taken;
    if (task.message.location) {
      const [fields, raw] = query(task.message);
      if (!fields.Signature) throw new Error("the query is not signed");
      taken = await saml.validateRedirectAsync(fields, raw);
    } else {
      taken = await saml.validatePostResponseAsync(task.message.fields);
    }
    return { logged_out: taken.loggedOut };
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
