//! XML signatures, as SAML uses them (`[SAMLCore] 5`): enveloped, one reference, to the
//! parent element itself.

mod detached;
mod error;
mod keys;
mod policy;
mod sign;
mod signed_info;
mod verify;

pub use error::{SignatureError, SignatureStructure};
pub use keys::TrustedKeys;
pub use policy::SignaturePolicy;
pub use sign::Signer;
pub(crate) use verify::{Reference, own_id};
pub use verify::{SignedOctets, VerificationContext, own_signature};

/// The transform that takes the signature out of what it signs (`[XMLDSig] 6.6.4`).
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
