//! Asking a peer directly.

/// How a peer is asked something directly, without a browser.
///
/// An implementation makes an HTTP request: `POST`, `Content-Type: text/xml; charset=utf-8`,
/// `SOAPAction: "http://www.oasis-open.org/committees/security"`, the envelope as body
/// (`[SAMLBind] 3.2.3`). It sets bounds of time and size, follows no redirects, and refuses
/// addresses to which this service has no business to connect. An answer of status 500 may
/// carry a SOAP fault: its body is an answer, too.
pub trait BackChannel: Send + Sync {
    /// Sends an envelope to an address of the peer's metadata, and gives what comes back.
    ///
    /// # Errors
    /// [`BackChannelError`] when nothing comes back that could be a SOAP envelope.
    fn exchange(
        &self,
        location: &str,
        envelope: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, BackChannelError>> + Send;
}

/// A peer could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the peer could not be reached: {reason}")]
pub struct BackChannelError {
    reason: String,
}

impl BackChannelError {
    /// For the operator: what went wrong.
    pub fn new(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { reason }
    }
}
