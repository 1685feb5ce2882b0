//! What an unverified message claims, to choose the keys with which to verify it.

use crate::names::ISSUER;
use federate_types::{EntityId, MessageId};
use federate_xml::{FromElement, Unverified};

/// Hints of a message that nobody has verified yet.
pub trait MessageHints {
    /// Who claims to have sent it.
    fn issuer_hint(&self) -> Option<EntityId>;

    /// Which request it claims to answer.
    fn in_response_to_hint(&self) -> Option<MessageId>;
}

impl<T: FromElement> MessageHints for Unverified<'_, T> {
    fn issuer_hint(&self) -> Option<EntityId> {
        EntityId::new(self.child_text_hint(ISSUER)?).ok()
    }

    fn in_response_to_hint(&self) -> Option<MessageId> {
        MessageId::new(self.attribute_hint("InResponseTo")?).ok()
    }
}
