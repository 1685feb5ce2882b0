use federate_crypto::DecryptionKey;
use std::sync::Arc;

/// Our own keys to which peers may have encrypted: at least one, always.
///
/// There are several during a rollover: the old key decrypts what peers still encrypt to it
/// until they have read the new metadata.
#[derive(Debug, Clone)]
pub struct DecryptionKeys(Vec<Arc<dyn DecryptionKey>>);

impl DecryptionKeys {
    /// The keys, or `None` if there are none.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = Arc<dyn DecryptionKey>>) -> Option<Self> {
        let keys: Vec<_> = keys.into_iter().collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The keys in the order in which they are tried.
    #[must_use]
    pub fn as_slice(&self) -> &[Arc<dyn DecryptionKey>] {
        &self.0
    }
}

impl From<Arc<dyn DecryptionKey>> for DecryptionKeys {
    fn from(key: Arc<dyn DecryptionKey>) -> Self {
        Self(vec![key])
    }
}
