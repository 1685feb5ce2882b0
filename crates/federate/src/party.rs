//! What both roles have: a name, a key, a clock, and rules for the peers.

use crate::clock::{Clock, SystemClock};
use chrono::{DateTime, Utc};
use federate_crypto::CryptoProvider;
use federate_types::{ClockSkew, EntityId};
use federate_xml::{Limits, SignaturePolicy, Signer, VerificationContext};
use std::fmt;
use std::sync::Arc;

/// One of our own parties.
#[derive(Clone)]
pub struct Party {
    /// The name by which peers know it.
    pub entity_id: EntityId,
    /// The key with which it signs.
    pub signer: Signer,
    /// Where the present comes from.
    pub clock: Arc<dyn Clock>,
    /// How far peers' clocks may differ.
    pub skew: ClockSkew,
    /// What a message may cost before it is trusted.
    pub limits: Limits,
    /// Which signatures of peers are good enough.
    pub signatures: SignaturePolicy,
}

impl Party {
    /// A party with the usual rules and the system's clock.
    #[must_use]
    pub fn new(entity_id: EntityId, signer: Signer) -> Self {
        Self {
            entity_id,
            signer,
            clock: Arc::new(SystemClock),
            skew: ClockSkew::default(),
            limits: Limits::default(),
            signatures: SignaturePolicy::default(),
        }
    }

    pub(crate) const fn provider(&self) -> &CryptoProvider {
        self.signer.provider()
    }

    pub(crate) fn verification(&self, now: DateTime<Utc>) -> VerificationContext<'_> {
        VerificationContext {
            provider: self.provider(),
            policy: &self.signatures,
            now,
        }
    }
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party")
            .field("entity_id", &self.entity_id)
            .field("skew", &self.skew)
            .finish_non_exhaustive()
    }
}
