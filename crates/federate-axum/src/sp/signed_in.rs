use super::SpState;
use crate::failure::Failure;
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header::LOCATION};
use axum::response::{IntoResponse, Response};
use federate::Store;
use federate::session::{SessionRecord, User};
use federate::types::NameId;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use url::form_urlencoded::byte_serialize;

/// The signed-in person, for an application's own handlers.
///
/// As an extractor it sends everybody else to `/login`, and back to the page that they wanted;
/// `Option<SignedIn>` lets them in. It needs [`Sessions`] from the router's state: an
/// [`SpState`] gives them, and so does a state of your own with
/// `impl FromRef<MyState> for Sessions`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignedIn {
    /// The application's session.
    pub record: SessionRecord,
    /// The application's user.
    pub user: User,
}

impl SignedIn {
    /// How the identity provider names the person.
    #[must_use]
    pub fn name_id(&self) -> Option<&NameId> {
        self.record
            .upstream
            .as_ref()
            .map(|upstream| &upstream.name_id)
    }
}

/// The sessions of a service provider, whatever its store is.
#[derive(Clone)]
pub struct Sessions(Arc<dyn Find>);

impl Sessions {
    /// The sessions of this service provider.
    #[must_use]
    pub fn of<S: Store>(state: &SpState<S>) -> Self {
        Self(Arc::new(state.clone()))
    }
}

impl<S: Store> FromRef<SpState<S>> for Sessions {
    fn from_ref(state: &SpState<S>) -> Self {
        Self::of(state)
    }
}

type Found<'a> = Pin<Box<dyn Future<Output = Result<Option<SignedIn>, Failure>> + Send + 'a>>;

trait Find: Send + Sync {
    fn find<'a>(&'a self, headers: &'a HeaderMap) -> Found<'a>;
}

impl<S: Store> Find for SpState<S> {
    fn find<'a>(&'a self, headers: &'a HeaderMap) -> Found<'a> {
        Box::pin(self.signed_in(headers))
    }
}

/// The answer to somebody who is not signed in.
#[derive(Debug)]
#[must_use]
pub enum NotSignedIn {
    /// They may sign in, and come back.
    Login {
        /// The path that they wanted.
        return_to: Option<String>,
    },
    /// The session could not be looked up.
    Failure(Failure),
}

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        let location = match self {
            Self::Failure(failure) => return failure.into_response(),
            Self::Login { return_to: None } => "/login".to_owned(),
            Self::Login {
                return_to: Some(path),
            } => {
                let path: String = byte_serialize(path.as_bytes()).collect();
                format!("/login?return_to={path}")
            }
        };
        (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
    }
}

impl<T> OptionalFromRequestParts<T> for SignedIn
where
    T: Send + Sync,
    Sessions: FromRef<T>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Option<Self>, Failure> {
        let Sessions(sessions) = Sessions::from_ref(state);
        sessions.find(&parts.headers).await
    }
}

impl<T> FromRequestParts<T> for SignedIn
where
    T: Send + Sync,
    Sessions: FromRef<T>,
{
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, NotSignedIn> {
        let Sessions(sessions) = Sessions::from_ref(state);
        match sessions.find(&parts.headers).await {
            Ok(Some(signed_in)) => Ok(signed_in),
            Ok(None) => {
                let path = parts
                    .uri
                    .path_and_query()
                    .map(|path| path.as_str().to_owned());
                let return_to = path.filter(|_| parts.method == Method::GET);
                Err(NotSignedIn::Login { return_to })
            }
            Err(failure) => Err(NotSignedIn::Failure(failure)),
        }
    }
}
