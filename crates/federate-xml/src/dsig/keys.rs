use federate_crypto::VerifyingKey;

/// The keys that may have made a signature: at least one, always.
///
/// They come from verified metadata or explicit configuration, never from the message. There
/// are several during a rollover.
#[derive(Debug, Clone)]
pub struct TrustedKeys(Vec<VerifyingKey>);

impl TrustedKeys {
    /// The keys, or `None` if there are none: "no key" must never mean "no signature
    /// needed".
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Option<Self> {
        let keys: Vec<_> = keys.into_iter().collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The keys in the order in which they are tried.
    #[must_use]
    pub fn as_slice(&self) -> &[VerifyingKey] {
        &self.0
    }
}

impl From<VerifyingKey> for TrustedKeys {
    fn from(key: VerifyingKey) -> Self {
        Self(vec![key])
    }
}
