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
//
// With an argument it is an application on the web instead. The file of that name has {"port",
// "base" (its address)} and what "start" has, but for its own addresses. Its sessions are its own,
// by cookie; one ends by its name and its index, as in passport-saml. /page says who is signed in,
// and signs in; /who says it only; /out signs out, and in the end says {"logged_out"}; /leave signs
// out here alone.

"use strict";

const { SAML } = require("@node-saml/node-saml");
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
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

/** The sessions of the application, by cookie. */
const sessions = new Map();

/** The sessions that a LogoutRequest is about. */
function meant(request) {
  return [...sessions].filter(
    ([, session]) =>
      session.nameID === request.nameID &&
      (!request.sessionIndex || session.sessionIndex === request.sessionIndex),
  );
}

/** A request: its path, its query or body, and the fields of that. */
async function read(request) {
  const [path, query] = request.url.split("?");
  let raw = query || "";
  if (request.method === "POST") {
    raw = "";
    for await (const part of request) raw += part;
  }
  const fields = Object.fromEntries(new URLSearchParams(raw));
  const cookie = /application=(\w+)/.exec(request.headers.cookie || "");
  return { path, raw, fields, post: request.method === "POST", cookie: cookie && cookie[1] };
}

const pages = {
  async "/metadata"() {
    return { text: saml.metadata };
  },

  async "/who"({ cookie }) {
    const session = sessions.get(cookie);
    return { name: session ? session.nameID : null };
  },

  async "/page"({ cookie }) {
    const session = sessions.get(cookie);
    return session
      ? { name: session.nameID }
      : { location: await saml.getAuthorizeUrlAsync("/page") };
  },

  async "/acs"({ fields, cookie }) {
    const accepted = await saml.validatePostResponseAsync(fields);
    sessions.set(cookie, accepted.profile);
    return { location: fields.RelayState };
  },

  async "/out"({ cookie }) {
    return { location: await saml.getLogoutUrlAsync(sessions.get(cookie), "/page", {}) };
  },

  async "/leave"({ cookie }) {
    sessions.delete(cookie);
    return { name: null };
  },

  async "/slo"({ fields, raw, post, cookie }) {
    if (!post && !fields.Signature) throw new Error("the query is not signed");
    const taken = await (!post
      ? saml.validateRedirectAsync(fields, raw)
      : fields.SAMLRequest
        ? saml.validatePostRequestAsync(fields)
        : saml.validatePostResponseAsync(fields));
    if (fields.SAMLResponse) {
      sessions.delete(cookie);
      return { logged_out: taken.loggedOut };
    }
    const ended = meant(taken.profile);
    for (const [cookie] of ended) sessions.delete(cookie);
    const state = fields.RelayState || "";
    const matched = ended.length > 0;
    return { location: await saml.getLogoutResponseUrlAsync(taken.profile, state, {}, matched) };
  },
};

/** The application, until it is ended. */
async function serve(task) {
  const addresses = { entity_id: `${task.base}/metadata`, acs: `${task.base}/acs` };
  const { metadata } = await tasks.start({ ...task, ...addresses, slo: `${task.base}/slo` });
  saml.metadata = metadata;
  http
    .createServer(async (request, response) => {
      const asked = await read(request);
      asked.cookie = asked.cookie || crypto.randomBytes(16).toString("hex");
      const headers = { "Set-Cookie": `application=${asked.cookie}; Path=/; HttpOnly` };
      let status = 200;
      let answer;
      try {
        answer = pages[asked.path] ? await pages[asked.path](asked) : { text: "" };
      } catch (error) {
        status = 400;
        answer = { refused: String(error) };
      }
      if (answer.location) {
        status = 302;
        headers.Location = answer.location;
      }
      response.writeHead(status, headers);
      response.end(answer.text === undefined ? JSON.stringify(answer) : answer.text);
    })
    .listen(task.port, "127.0.0.1");
}

async function main() {
  if (process.argv.length > 2) {
    return serve(JSON.parse(fs.readFileSync(process.argv[2], "utf8")));
  }
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
