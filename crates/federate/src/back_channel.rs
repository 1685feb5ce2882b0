//! Asking a peer directly.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How a peer is asked something directly, without a browser.
///
/// An implementation makes an HTTP request: `POST`, `Content-Type: text/xml; charset=utf-8`,
/// `SOAPAction: "http://www.oasis-open.org/committees/security"`, the envelope as body
/// (`[SAMLBind] 3.2.3`). It gives up in time, bounds the size, follows no redirects, and refuses
/// addresses to which this service has no business to connect. An answer of status 500 may
/// carry a SOAP fault: its body is an answer, too.
pub trait BackChannel: Send + Sync {
    /// Sends an envelope to an address of the peer's metadata, and gives what comes back `within`
    /// this time: nobody waits for longer.
    ///
    /// # Errors
    /// [`BackChannelError`] when nothing comes back that could be a SOAP envelope; which of them
    /// it is tells whether the peer may have been asked.
    fn exchange(
        &self,
        location: &str,
        envelope: Vec<u8>,
        within: Duration,
    ) -> impl Future<Output = Result<Vec<u8>, BackChannelError>> + Send;
}

type Asking = Pin<Box<dyn Future<Output = Result<Vec<u8>, BackChannelError>> + Send>>;

type Exchange = dyn Fn(String, Vec<u8>, Duration) -> Asking + Send + Sync;

/// Some back channel, or none.
#[derive(Clone, Default)]
pub struct AnyBackChannel(Option<Arc<Exchange>>);

impl AnyBackChannel {
    /// This one.
    pub fn new(channel: impl BackChannel + 'static) -> Self {
        let channel = Arc::new(channel);
        Self(Some(Arc::new(move |location, envelope, within| {
            let channel = Arc::clone(&channel);
            Box::pin(async move { channel.exchange(&location, envelope, within).await })
        })))
    }

    /// Whether there is one.
    #[must_use]
    pub const fn is_some(&self) -> bool {
        self.0.is_some()
    }
}

impl BackChannel for AnyBackChannel {
    async fn exchange(
        &self,
        location: &str,
        envelope: Vec<u8>,
        within: Duration,
    ) -> Result<Vec<u8>, BackChannelError> {
        match &self.0 {
            Some(channel) => channel(location.to_owned(), envelope, within).await,
            None => {
                let why = "no back channel is configured";
                Err(BackChannelError::Unreachable(why.to_owned()))
            }
        }
    }
}

impl fmt::Debug for AnyBackChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_some() {
            "a back channel"
        } else {
            "no back channel"
        })
    }
}

/// A peer that was asked did not answer with an envelope. Each says, for the operator, what went
/// wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackChannelError {
    /// It was not asked, or not reached.
    #[error("the peer could not be reached: {0}")]
    Unreachable(String),
    /// It was reached, and nothing came back in time. It may have done what it was asked.
    #[error("the peer did not answer in time: {0}")]
    NoAnswer(String),
    /// What came back is no envelope. It may have done what it was asked.
    #[error("the peer's answer is no SOAP envelope: {0}")]
    NoEnvelope(String),
}

impl BackChannelError {
    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "back_channel.unreachable",
            Self::NoAnswer(_) => "back_channel.no_answer",
            Self::NoEnvelope(_) => "back_channel.no_envelope",
        }
    }
}
