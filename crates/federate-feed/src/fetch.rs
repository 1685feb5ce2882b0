use federate_http::{Client, Fetched, HttpError, Validators};
use std::io::Write;

/// How documents are fetched. [`Client`] does it over the network.
pub trait Fetch: Send + Sync {
    /// As [`Client::fetch`].
    ///
    /// # Errors
    /// [`HttpError`]; what was written then is of no use.
    fn fetch(
        &self,
        url: &str,
        known: Option<&Validators>,
        sink: &mut (impl Write + Send),
    ) -> impl Future<Output = Result<Fetched, HttpError>> + Send;
}

impl Fetch for Client {
    async fn fetch(
        &self,
        url: &str,
        known: Option<&Validators>,
        sink: &mut (impl Write + Send),
    ) -> Result<Fetched, HttpError> {
        Client::fetch(self, url, known, sink).await
    }
}
