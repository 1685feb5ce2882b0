//! What the crate promises, seen from outside: attacks by name, properties, other people's
//! software and other people's documents.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "saml/arbitrary.rs"]
mod arbitrary;
#[path = "saml/artifact.rs"]
mod artifact;
#[path = "saml/artifact_value.rs"]
mod artifact_value;
#[path = "saml/artifact_vectors.rs"]
mod artifact_vectors;
#[path = "saml/confirmation.rs"]
mod confirmation;
#[path = "saml/ecp.rs"]
mod ecp;
#[path = "saml/encrypted_vectors.rs"]
mod encrypted_vectors;
#[path = "saml/encryption.rs"]
mod encryption;
#[path = "saml/extensions.rs"]
mod extensions;
#[path = "saml/logout.rs"]
mod logout;
#[path = "saml/mutations.rs"]
mod mutations;
#[path = "saml/post.rs"]
mod post;
#[path = "saml/properties.rs"]
mod properties;
#[path = "saml/protocol.rs"]
mod protocol;
#[path = "saml/python3_saml.rs"]
mod python3_saml;
#[path = "saml/redirect.rs"]
mod redirect;
#[path = "saml/requests.rs"]
mod requests;
#[path = "saml/schema.rs"]
mod schema;
#[path = "saml/simple_sign.rs"]
mod simple_sign;
#[path = "saml/soap.rs"]
mod soap;
#[path = "saml/statements.rs"]
mod statements;
#[path = "saml/support.rs"]
mod support;
#[path = "saml/vectors.rs"]
mod vectors;
#[path = "saml/vectors_list.rs"]
mod vectors_list;
#[path = "saml/vectors_page.rs"]
mod vectors_page;
#[path = "saml/verifying.rs"]
mod verifying;
#[path = "saml/wrapping.rs"]
mod wrapping;
