use crate::page::Page;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use federate::logout::LogoutError;
use federate::saml::SamlError;
use federate::types::InvalidValue;
use federate::{Denial, FederateError};
use maud::html;
use std::fmt::Write as _;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Something that could not be done, as the browser is told: a plain page with a reference.
///
/// Making one writes the reason to the log, under the same reference. The browser never learns
/// the reason.
#[derive(Debug)]
#[must_use]
pub struct Failure {
    status: StatusCode,
    correlation: String,
}

/// What is wrong with a request before any message in it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("there is no such page")]
    NoSuchPage,
    #[error("the page does not take this method")]
    NoSuchMethod,
    #[error("the body is too large")]
    BodyTooLarge,
    #[error("the body did not arrive in time")]
    BodyTooSlow,
    #[error("the body is not a form")]
    NotAForm,
    #[error("the body is not a SOAP envelope")]
    NotAnEnvelope,
    #[error("a parameter is missing or malformed")]
    Parameter,
    #[error("the form was sent by a page of another origin")]
    OtherOrigin,
    #[error("the form was not shown to this browser")]
    NotShown,
    #[error("too many passwords are being checked")]
    Busy,
    #[error("something here went wrong")]
    Internal,
}

impl Fault {
    const fn code(self) -> &'static str {
        match self {
            Self::NoSuchPage => "http.no_such_page",
            Self::NoSuchMethod => "http.no_such_method",
            Self::BodyTooLarge => "http.body_too_large",
            Self::BodyTooSlow => "http.body_too_slow",
            Self::NotAForm => "http.not_a_form",
            Self::NotAnEnvelope => "http.not_an_envelope",
            Self::Parameter => "http.parameter",
            Self::OtherOrigin => "http.other_origin",
            Self::NotShown => "http.form_not_shown",
            Self::Busy => "http.busy",
            Self::Internal => "http.internal",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::NoSuchPage => StatusCode::NOT_FOUND,
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NotAForm | Self::NotAnEnvelope => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Parameter => StatusCode::BAD_REQUEST,
            Self::OtherOrigin | Self::NotShown => StatusCode::FORBIDDEN,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Failure {
    pub(crate) fn new(fault: Fault) -> Self {
        let failure = Self::with_status(fault.status());
        match fault {
            // Every scanner asks for pages that are not there.
            Fault::NoSuchPage | Fault::NoSuchMethod => {
                tracing::debug!(
                    correlation = failure.correlation,
                    code = fault.code(),
                    "{fault}"
                );
            }
            _ => {
                tracing::warn!(
                    correlation = failure.correlation,
                    code = fault.code(),
                    "{fault}"
                );
            }
        }
        failure
    }

    /// The failure of one of an application's own pages; the reason goes to the log.
    pub fn internal(reason: &dyn std::fmt::Display) -> Self {
        let failure = Self::with_status(StatusCode::INTERNAL_SERVER_ERROR);
        let reason = printable(&reason.to_string());
        tracing::warn!(
            correlation = failure.correlation,
            code = "http.internal",
            "{reason}"
        );
        failure
    }

    fn with_status(status: StatusCode) -> Self {
        let correlation = correlation();
        Self {
            status,
            correlation,
        }
    }

    /// The reference by which the operator finds the reason in the log.
    #[must_use]
    pub fn correlation(&self) -> &str {
        &self.correlation
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<InvalidValue> for Failure {
    fn from(error: InvalidValue) -> Self {
        FederateError::from(error).into()
    }
}

impl From<FederateError> for Failure {
    fn from(error: FederateError) -> Self {
        let failure = Self::with_status(status(&error));
        let (expected, actual) = error
            .expected_and_actual()
            .map(|(expected, actual)| (printable(expected), printable(actual)))
            .unzip();
        tracing::warn!(
            correlation = failure.correlation,
            code = error.code(),
            expected = expected.as_deref(),
            actual = actual.as_deref(),
            "{}",
            printable(&error.to_string()),
        );
        failure
    }
}

/// What kind of answer an error deserves.
fn status(error: &FederateError) -> StatusCode {
    match error {
        FederateError::Saml(SamlError::Crypto(_))
        | FederateError::Crypto(_)
        | FederateError::Configuration(_) => StatusCode::INTERNAL_SERVER_ERROR,
        FederateError::Denied(Denial::TooManyRequests) => StatusCode::TOO_MANY_REQUESTS,
        FederateError::Denied(_) => StatusCode::FORBIDDEN,
        FederateError::Logout(LogoutError::Unknown) => StatusCode::NOT_FOUND,
        FederateError::Logout(_) | FederateError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (title, advice) = match self.status {
            StatusCode::NOT_FOUND => ("Page not found", "Nothing is to be found at this address."),
            StatusCode::PAYLOAD_TOO_LARGE => (
                "The request is too large",
                "It was not processed, and nothing has changed.",
            ),
            StatusCode::TOO_MANY_REQUESTS => (
                "Too many requests",
                "Nothing has changed. Please try again in a minute.",
            ),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::INTERNAL_SERVER_ERROR => (
                "Not available at the moment",
                "Something went wrong on our side. Please try again in a few minutes.",
            ),
            _ => (
                "The request was refused",
                "Nothing has changed. Please go back to the application and try again.",
            ),
        };
        let body = html! {
            h1 { (title) }
            p { (advice) }
            p.note {
                "If it happens again, tell your administrator this reference: "
                code id="correlation" { (self.correlation) }
            }
        };
        Page::new(title, body)
            .with_status(self.status)
            .into_response()
    }
}

/// A reference that does not repeat: 64 bits that nobody can foretell.
fn correlation() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    // Each RandomState has keys from the operating system's randomness.
    let state = std::collections::hash_map::RandomState::new();
    format!("{:016x}", state.hash_one(count))
}

/// Text of others as it may stand in a log: on one line, without control characters and marks
/// that reorder text, at most 200 characters.
pub(crate) fn printable(text: &str) -> String {
    const MOST: usize = 200;
    let mut out = String::new();
    for c in text.chars().take(MOST) {
        let reorders = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || reorders {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c)); // a String takes everything
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(MOST).is_some() {
        out.push_str("...");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a210_log_text_is_one_line_without_controls() {
        let hostile = "a\r\nWARN forged\u{1b}[31m\u{202e}b\u{2028}c";
        assert_eq!(
            printable(hostile),
            "a\\u{d}\\u{a}WARN forged\\u{1b}[31m\\u{202e}b\\u{2028}c"
        );
        let long = printable(&"x".repeat(100_000));
        assert_eq!(long.len(), 203);
        assert_eq!(printable(&"x".repeat(200)).len(), 200);
    }

    #[test]
    fn references_differ() {
        assert_ne!(correlation(), correlation());
    }
}
