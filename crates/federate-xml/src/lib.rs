//! XML security for SAML: a hardened parser, canonicalization and XML signatures.
