// saml-idp, for our tests: with the options of the JSON text that is its argument. Its modules
// are found by the environment variable NODE_PATH.

"use strict";

const { X509Certificate } = require("crypto");
const idp = require("saml-idp/app.js");

const options = JSON.parse(process.argv[2]);
if (options.encryptionCert) {
  const { publicKey } = new X509Certificate(options.encryptionCert);
  options.encryptionPublicKey = publicKey.export({ type: "spki", format: "pem" });
}
// It logs what it sends, the secrets of nobody.
console.log = () => {};
idp.runServer(options);
