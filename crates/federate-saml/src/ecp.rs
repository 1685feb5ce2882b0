//! Enhanced clients and proxies (`[SAMLProf] 4.2`): programs that carry the messages of a sign-in
//! themselves, by reverse SOAP (PAOS, `[SAMLBind] 3.3`) towards the service provider and by SOAP
//! towards the identity provider.
//!
//! 1. A request whose headers [`accepts_paos`] recognizes is answered by [`request_envelope`],
//!    with [`CONTENT_TYPE`].
//! 2. The client takes the header blocks off and sends the rest to the identity provider, which
//!    opens it by [`soap::body`](crate::binding::soap::body) and answers by [`response_envelope`].
//! 3. The client compares both addresses ([`validate_consumer`]), exchanges the header blocks for
//!    those that it owes the service provider, and sends it what [`PaosResponse::parse`] opens.
//!
//! No header block is signed, so none decides anything at either party. The Response is a bearer's,
//! subject to the same [`verify_response`](crate::verify_response) and
//! [`validate_response`](crate::validate_response) as one that a browser brings.

mod request;
mod response;

pub use request::{RequestHeaders, accepts_paos, request_envelope};
pub use response::{PaosResponse, ResponseHeaders, response_envelope, validate_consumer};

use federate_xml::Name;

/// The media type of envelopes to and from the service provider (`[SAMLBind] 3.3.3`).
pub const CONTENT_TYPE: &str = "application/vnd.paos+xml";
/// The version of PAOS, and its namespace.
pub const PAOS: &str = "urn:liberty:paos:2003-08";
/// The service that a client asks for, and the namespace of the profile.
pub const SERVICE: &str = "urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp";

/// The header block for the client that comes with a request (`[SAMLProf] 4.2.4.1`).
pub const PAOS_REQUEST: Name = Name::new(PAOS, "paos", "Request");
/// The client's header block that comes with a response (`[SAMLProf] 4.2.4.5`).
pub const PAOS_RESPONSE: Name = Name::new(PAOS, "paos", "Response");
/// What the service provider tells the client (`[SAMLProf] 4.2.4.2`).
pub const ECP_REQUEST: Name = Name::new(SERVICE, "ecp", "Request");
/// What the client returns to the service provider unchanged (`[SAMLProf] 4.2.4.3`).
pub const ECP_RELAY_STATE: Name = Name::new(SERVICE, "ecp", "RelayState");
/// What the identity provider tells the client (`[SAMLProf] 4.2.4.4`).
pub const ECP_RESPONSE: Name = Name::new(SERVICE, "ecp", "Response");
/// Tells the client that the identity provider verified the request's signature (`[ECP2]`).
pub const ECP_REQUEST_AUTHENTICATED: Name = Name::new(SERVICE, "ecp", "RequestAuthenticated");
