use crate::client::Client;
use crate::error::HttpError;
use federate::saml::binding::soap;
use federate::{BackChannel, BackChannelError};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use std::time::Duration;
use url::Url;

impl Client {
    async fn post_envelope(
        &self,
        url: &str,
        envelope: Vec<u8>,
        within: Duration,
    ) -> Result<Vec<u8>, HttpError> {
        let url = Url::parse(url).map_err(|_| HttpError::Scheme { expected: "https:" })?;
        self.rules.check(&url)?;
        let request = self
            .http
            .post(url)
            .timeout(within.min(self.rules.timeout))
            .header(CONTENT_TYPE, soap::CONTENT_TYPE)
            .header("SOAPAction", format!("\"{}\"", soap::ACTION))
            .header(ACCEPT, "text/xml")
            // [SAMLBind] 3.2.3.2: nothing on the way keeps it.
            .header(CACHE_CONTROL, "no-cache, no-store")
            .header(PRAGMA, "no-cache")
            .body(envelope);
        let mut response = request.send().await.map_err(|e| self.rules.failure(&e))?;
        match response.status() {
            // [SAMLBind] 3.2.3.3: a fault comes with 500.
            StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR => {}
            status if status.is_redirection() => return Err(HttpError::Redirect),
            status => {
                let status = status.as_u16();
                return Err(HttpError::Status { status });
            }
        }
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
        if !soap::is_content_type(kind) {
            return Err(HttpError::NotAnEnvelope);
        }
        let mut answer = Vec::new();
        self.body(&mut response, &mut answer).await?;
        Ok(answer)
    }
}

impl BackChannel for Client {
    async fn exchange(
        &self,
        location: &str,
        envelope: Vec<u8>,
        within: Duration,
    ) -> Result<Vec<u8>, BackChannelError> {
        let answer = self.post_envelope(location, envelope, within).await;
        Ok(answer.map_err(|error| match error {
            HttpError::Timeout { seconds } => HttpError::Timeout {
                seconds: seconds.min(within.as_secs()),
            },
            other => other,
        })?)
    }
}
