//! SAML 2.0 metadata: entities, roles, endpoints and keys.
