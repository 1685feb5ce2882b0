//! Enhanced clients: programs that say in one request who their person is and what they want.

use super::HubState;
use super::sign_on::check_password;
use crate::deliver::{deliver, soap_fault};
use crate::failure::Failure;
use crate::form::Envelope;
use crate::headers::no_such_page;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate::Store;

/// An AuthnRequest in an envelope, with the person's name and password in the headers
/// (`[SAMLProf] 4.2.3.4`).
pub(super) async fn ecp<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    Envelope(envelope): Envelope,
) -> Response {
    if state.hub().identity_provider().ecp_service().is_none() {
        return no_such_page().await.into_response();
    }
    let Some((name, password)) = credentials(&headers) else {
        return who_are_you(&state);
    };
    let user = match check_password(&state, &name, &password).await {
        Ok(Ok(user)) => user,
        Ok(Err(denial)) => {
            tracing::warn!(code = denial.code(), "a sign-in was refused");
            return who_are_you(&state);
        }
        Err(failure) => return soap_fault(&failure),
    };
    let answer = state.hub().answer_ecp(&envelope, &user).await;
    answer
        .map_err(Failure::from)
        .and_then(|outgoing| deliver(outgoing, state.provider()))
        .unwrap_or_else(|failure| soap_fault(&failure))
}

/// The name and the password of the Basic scheme (`[RFC7617] 2`).
fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let mut values = headers.get_all(AUTHORIZATION).into_iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let octets = STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(octets).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn who_are_you<S: Store>(state: &HubState<S>) -> Response {
    let quoted = state.site().title().replace(['\\', '"'], "");
    let challenge = format!("Basic realm=\"{quoted}\", charset=\"UTF-8\"");
    let challenge = HeaderValue::from_str(&challenge)
        .unwrap_or_else(|_| HeaderValue::from_static("Basic realm=\"hub\", charset=\"UTF-8\""));
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_are_read_as_the_scheme_has_them() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            credentials(&headers)
        };
        let pair = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
        let basic = |text: &str| format!("basic {}", STANDARD.encode(text));
        assert_eq!(
            read(&basic("alice:correct: horse")),
            pair("alice", "correct: horse")
        );
        assert_eq!(read(&basic("\u{e9}:")), pair("\u{e9}", ""));
        for bad in [
            basic("alice"),
            "Bearer YTpi".to_owned(),
            "Basic ?".to_owned(),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
        let mut twice = HeaderMap::new();
        for user in ["a:b", "c:d"] {
            twice.append(AUTHORIZATION, HeaderValue::from_str(&basic(user)).unwrap());
        }
        assert_eq!(credentials(&twice), None);
    }
}
