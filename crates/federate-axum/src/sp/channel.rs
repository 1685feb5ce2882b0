use federate::{BackChannel, BackChannelError};
use std::pin::Pin;
use std::sync::Arc;

type Answer = Pin<Box<dyn Future<Output = Result<Vec<u8>, BackChannelError>> + Send>>;

type Exchange = dyn Fn(String, Vec<u8>) -> Answer + Send + Sync;

/// Some back channel, or none.
#[derive(Clone)]
pub(super) struct Channel(Option<Arc<Exchange>>);

impl Channel {
    pub(super) const fn none() -> Self {
        Self(None)
    }

    pub(super) fn new(channel: impl BackChannel + 'static) -> Self {
        let channel = Arc::new(channel);
        Self(Some(Arc::new(move |location, envelope| {
            let channel = Arc::clone(&channel);
            Box::pin(async move { channel.exchange(&location, envelope).await })
        })))
    }
}

impl BackChannel for Channel {
    async fn exchange(
        &self,
        location: &str,
        envelope: Vec<u8>,
    ) -> Result<Vec<u8>, BackChannelError> {
        match &self.0 {
            Some(channel) => channel(location.to_owned(), envelope).await,
            None => Err(BackChannelError::new("no back channel is configured")),
        }
    }
}
