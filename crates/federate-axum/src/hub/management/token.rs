//! The secret by which administrators' programs are known.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use federate::crypto::{CryptoProvider, Digest, DigestAlgorithm};
use std::fmt;

/// What a request must bring: of the token, only its digest is kept.
#[derive(Clone)]
pub(in crate::hub) struct ManagementToken(Digest);

/// A token that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidManagementToken {
    /// It could be guessed.
    #[error("a token of the management API has 32 characters or more")]
    TooShort,
    /// It is no secret that somebody made.
    #[error("a token of the management API has 1024 characters or fewer")]
    TooLong,
    /// A header could not carry it (`[RFC6750] 2.1`).
    #[error("a token of the management API has letters, digits and - . _ ~ + / = alone")]
    Characters,
}

impl ManagementToken {
    /// Checks the token, and keeps its digest.
    pub(in crate::hub) fn new(
        provider: &CryptoProvider,
        token: &str,
    ) -> Result<Self, InvalidManagementToken> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
        match token.len() {
            _ if !token.bytes().all(allowed) => Err(InvalidManagementToken::Characters),
            ..32 => Err(InvalidManagementToken::TooShort),
            1025.. => Err(InvalidManagementToken::TooLong),
            _ => Ok(Self(digest(provider, token))),
        }
    }

    /// Whether this is the token; it takes the same time whatever is wrong with it.
    pub(super) fn is(&self, provider: &CryptoProvider, token: &str) -> bool {
        self.0.matches(digest(provider, token).as_bytes())
    }
}

impl fmt::Debug for ManagementToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManagementToken([redacted])")
    }
}

fn digest(provider: &CryptoProvider, token: &str) -> Digest {
    let octets = token.as_bytes();
    provider.digester.digest(DigestAlgorithm::Sha256, octets)
}

/// The bearer token of a request (`[RFC6750] 2.1`), in its one `Authorization` header. The other
/// ways of that specification, by form and by address, leave the token in logs.
pub(super) fn presented(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).into_iter();
    let (Some(only), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("Bearer");
    is_bearer.then(|| token.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use federate::crypto::aws_lc_provider;

    #[test]
    fn a_token_is_long_and_fits_a_header() {
        let made = |token: &str| ManagementToken::new(&aws_lc_provider(), token).map(drop);
        assert_eq!(made(&"a".repeat(32)), Ok(()));
        assert_eq!(made(&"a".repeat(1024)), Ok(()));
        assert_eq!(made("AZaz09-._~+/=AZaz09-._~+/=AZaz09"), Ok(()));
        for short in ["", &"a".repeat(31)] {
            assert_eq!(made(short), Err(InvalidManagementToken::TooShort));
        }
        let long = "a".repeat(1025);
        assert_eq!(made(&long), Err(InvalidManagementToken::TooLong));
        for other in [" ", "\n", "\u{e9}", "\"", ","] {
            let token = format!("{}{other}", "a".repeat(32));
            assert_eq!(made(&token), Err(InvalidManagementToken::Characters));
        }
    }

    #[test]
    fn only_the_whole_token_is_the_token() {
        let (provider, right) = (aws_lc_provider(), "a".repeat(32));
        let token = ManagementToken::new(&provider, &right).unwrap();
        assert!(token.is(&provider, &right));
        for wrong in ["", &"a".repeat(31), &format!("{right}a"), &"A".repeat(32)] {
            assert!(!token.is(&provider, wrong));
        }
        assert_eq!(format!("{token:?}"), "ManagementToken([redacted])");
    }

    #[test]
    fn a_token_is_presented_in_one_header_alone() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            presented(&headers).map(str::to_owned)
        };
        assert_eq!(of(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(of(&["bearer  abc"]).as_deref(), Some("abc"));
        for nothing in [
            &[][..],
            &["abc"],
            &["Basic abc"],
            &["Bearer"],
            &["Bearer abc", "Bearer abc"],
        ] {
            assert_eq!(of(nothing), None, "{nothing:?}");
        }
    }
}
