use crate::client::Client;
use crate::error::HttpError;
use reqwest::header::{
    ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    LOCATION,
};
use reqwest::{Response, StatusCode};
use std::io::Write;
use url::Url;

/// By what a publisher knows the version that one has (`[RFC9110] 8.8`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What became of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It came as a whole, and is where it was to go.
    New {
        /// By what the publisher knows it.
        validators: Validators,
        /// Its length, unpacked, in bytes.
        bytes: u64,
    },
    /// The publisher still has the version that one has.
    NotModified,
}

impl Client {
    /// Fetches a document into a sink, piece by piece. With the validators of the version that
    /// one has, it comes only if there is another.
    ///
    /// What was written before an error is a part of a document at most: do not use it.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn fetch(
        &self,
        url: &str,
        known: Option<&Validators>,
        sink: &mut (impl Write + Send),
    ) -> Result<Fetched, HttpError> {
        let work = self.fetch_unbounded(url, known, sink);
        // reqwest's own bound is per request; there may be several.
        let seconds = self.rules.timeout.as_secs();
        let bounded = tokio::time::timeout(self.rules.timeout, work).await;
        bounded.map_err(|_| HttpError::Timeout { seconds })?
    }

    async fn fetch_unbounded(
        &self,
        url: &str,
        known: Option<&Validators>,
        sink: &mut (impl Write + Send),
    ) -> Result<Fetched, HttpError> {
        let mut response = self.follow(url, known).await?;
        match response.status() {
            StatusCode::NOT_MODIFIED if known.is_some() => return Ok(Fetched::NotModified),
            StatusCode::OK => {}
            status => {
                let status = status.as_u16();
                return Err(HttpError::Status { status });
            }
        }
        let validators = Validators {
            etag: text(response.headers(), &ETAG),
            last_modified: text(response.headers(), &LAST_MODIFIED),
        };
        let bytes = self.body(&mut response, sink).await?;
        Ok(Fetched::New { validators, bytes })
    }

    /// Asks, and follows redirects to wherever it may go.
    async fn follow(&self, url: &str, known: Option<&Validators>) -> Result<Response, HttpError> {
        let parsed = Url::parse(url);
        let mut url = parsed.map_err(|_| HttpError::Scheme { expected: "https:" })?;
        for _ in 0..=self.rules.max_redirects {
            self.rules.check(&url)?;
            let mut request = self.http.get(url.clone());
            for (name, value) in known.into_iter().flat_map(conditions) {
                request = request.header(name, value);
            }
            let response = request.send().await.map_err(|e| self.rules.failure(&e))?;
            let location = response.headers().get(LOCATION);
            if !response.status().is_redirection() || location.is_none() {
                return Ok(response);
            }
            let location = location.and_then(|value| value.to_str().ok());
            let next = location.and_then(|location| url.join(location).ok());
            url = next.ok_or(HttpError::Redirect)?;
        }
        Err(HttpError::Redirect)
    }

    /// Writes the body to a sink, up to the bound.
    pub(crate) async fn body(
        &self,
        response: &mut Response,
        sink: &mut (impl Write + Send),
    ) -> Result<u64, HttpError> {
        let allowed = self.rules.max_bytes;
        let mut bytes = 0;
        while let Some(piece) = response.chunk().await.map_err(|e| self.rules.failure(&e))? {
            bytes += piece.len() as u64;
            if bytes > allowed {
                return Err(HttpError::TooLarge { allowed });
            }
            sink.write_all(&piece).map_err(HttpError::Sink)?;
        }
        Ok(bytes)
    }
}

/// `[RFC9110] 13.1`: not if it is the version that one has.
fn conditions(known: &Validators) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let pairs = [
        (IF_NONE_MATCH, known.etag.as_deref()),
        (IF_MODIFIED_SINCE, known.last_modified.as_deref()),
    ];
    pairs.into_iter().filter_map(|(name, value)| {
        let value = HeaderValue::from_str(value?).ok()?;
        Some((name, value))
    })
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}
