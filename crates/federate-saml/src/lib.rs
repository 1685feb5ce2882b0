//! SAML 2.0 messages: assertions built and signed, requests, responses, bindings and validation.
