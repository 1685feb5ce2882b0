//! The vocabulary of Federate: identifiers and small values that every crate speaks.
//!
//! Every identifier is a type of its own, so an entity identifier cannot be passed where a
//! message identifier is expected. Constructors check what the specifications require;
//! comparison is byte-exact everywhere (`[SAMLCore] 1.3.1`): no trimming, no case folding,
//! no Unicode normalization.
//!
//! Values that identify a person ([`NameId`], [`Redacted`]) print redacted.

mod binding;
mod entity_id;
mod error;
mod message_id;
mod name_id;
mod provenance;
mod redacted;
mod relay_state;
mod session_index;
mod skew;
mod status;

pub use binding::Binding;
pub use entity_id::EntityId;
pub use error::InvalidValue;
pub use message_id::MessageId;
pub use name_id::{NameId, NameIdFormat};
pub use provenance::{Provenance, ProxyRestriction};
pub use redacted::Redacted;
pub use relay_state::RelayState;
pub use session_index::SessionIndex;
pub use skew::ClockSkew;
pub use status::{Status, StatusCode};
