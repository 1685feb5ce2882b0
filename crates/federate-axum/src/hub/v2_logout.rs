//! The address to which applications send browsers to log out.

use super::HubState;
use super::home::LOG_OUT;
use super::log_out::end;
use crate::deliver::see_other;
use crate::failure::Failure;
use crate::form::Fields;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use federate::hub::LogoutOptions;
use federate::types::EntityId;
use federate::{FederateError, Store, Token};
use maud::html;

/// What such an address says.
pub(super) fn options(fields: &Fields) -> Result<LogoutOptions, FederateError> {
    let given = |name| fields.value(name).filter(|value: &&str| !value.is_empty());
    Ok(LogoutOptions {
        return_to: given("returnTo").map(str::to_owned),
        client: given("client_id").map(EntityId::new).transpose()?,
        federated: fields.has("federated"),
    })
}

/// Logs out at once when a person came here: by a link, or from the hub's own site. A page of
/// another site that only leads here, or loads this as a picture, makes the hub ask first.
pub(super) async fn log_out<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let options = options(&Fields::of(&uri))?;
    let session = state.session_cookie(&headers);
    let alive = match &session {
        Some(token) => state.hub().session(token).await?.is_some(),
        None => false,
    };
    if alive && !is_of_the_person(&headers) {
        state.hub().return_address(&options)?;
        return confirm(&state, &headers, &options);
    }
    end(&state, &headers, &options, see_other).await
}

/// What browsers say of a navigation ([Fetch Metadata]): within our site, typed in, or begun by
/// a person's click elsewhere.
fn is_of_the_person(headers: &HeaderMap) -> bool {
    let said = |name| headers.get(name).map(|value| value.as_bytes());
    match said("sec-fetch-site") {
        Some(b"same-origin" | b"same-site" | b"none") => true,
        Some(b"cross-site") => {
            said("sec-fetch-mode") == Some(b"navigate")
                && said("sec-fetch-dest") == Some(b"document")
                && said("sec-fetch-user") == Some(b"?1")
        }
        _ => false,
    }
}

fn confirm<S: Store>(
    state: &HubState<S>,
    headers: &HeaderMap,
    options: &LogoutOptions,
) -> Result<Response, Failure> {
    state.with_forms(headers, |browser: &Token| {
        let body = html! {
            h1 { "Do you want to log out?" }
            p { "You will be signed out of the hub and of every application that you opened through it." }
            form method="post" action="/logout" {
                input type="hidden" name="proof" value=(state.hub().form_proof(browser, LOG_OUT));
                @if let Some(to) = &options.return_to {
                    input type="hidden" name="returnTo" value=(to);
                }
                @if let Some(client) = &options.client {
                    input type="hidden" name="client_id" value=(client);
                }
                @if options.federated {
                    input type="hidden" name="federated" value="";
                }
                button id="log-out" { "Log out" }
            }
        };
        state.page("Log out", body).narrow()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    #[test]
    fn a204_who_leads_a_browser_here_does_not_log_anybody_out() {
        let says = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            });
            is_of_the_person(&pairs.collect())
        };
        assert!(says(&[("sec-fetch-site", "none")]));
        assert!(says(&[("sec-fetch-site", "same-origin")]));
        let click = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-user", "?1"),
        ];
        assert!(says(&click));
        assert!(!says(&click[..3]), "a script led here");
        let picture = [
            click[0],
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "image"),
            click[3],
        ];
        assert!(!says(&picture));
        let frame = [click[0], click[1], ("sec-fetch-dest", "iframe"), click[3]];
        assert!(!says(&frame));
        assert!(!says(&[]));
    }
}
