//! What administrators and their programs ask of a hub: who has which sessions, to end them, and
//! what came of it.
//!
//! Whoever has the token may do all of it; whoever has not learns nothing, not even which
//! addresses there are. No cookie counts here, so no page can make a browser do it.

mod answer;
mod token;

pub use token::InvalidManagementToken;
pub(super) use token::ManagementToken;

use self::answer::{Begun, Outcome, Person, Refusal, Session, Sessions, json};
use super::HubState;
use crate::form::Fields;
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::header::LOCATION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use federate::session::{SessionId, UserId};
use federate::types::{InvalidValue, NameIdFormat};
use federate::{FederateError, Store, Token};

/// Where the management API is found, if the hub has one
/// ([`HubState::with_management`](super::HubState::with_management)).
pub const MANAGEMENT: &str = "/api/v2";

/// The routes below [`MANAGEMENT`]; the token is asked for before anything is looked at, so that
/// nobody else learns by `Allow` which addresses there are.
pub(super) fn routes<S: Store>(state: &HubState<S>) -> Router {
    let routes = Router::new()
        .route("/users", get(find_users::<S>))
        .route(
            "/users/{id}/sessions",
            get(sessions_of::<S>).delete(end_sessions_of::<S>),
        )
        .route("/sessions/{id}", get(session::<S>).delete(end_session::<S>))
        .route("/logouts/{handle}", get(logout::<S>))
        .fallback(async || Refusal::no_such("address"))
        .method_not_allowed_fallback(async || Refusal::method())
        .with_state(state.clone());
    Router::new()
        .fallback_service(routes)
        .layer(from_fn_with_state(state.clone(), authorize::<S>))
}

async fn authorize<S: Store>(
    State(state): State<HubState<S>>,
    request: Request,
    next: Next,
) -> Response {
    let presented = token::presented(request.headers());
    let expected = state.management.as_ref();
    match (expected, presented) {
        (Some(expected), Some(text)) if expected.is(state.provider(), text) => {
            next.run(request).await
        }
        (_, Some(_)) => {
            let code = "management.wrong_token";
            tracing::warn!(code, "the management API was asked with a wrong token");
            answer::unauthorized()
        }
        // Every scanner asks for addresses.
        (_, None) => {
            let code = "management.no_token";
            tracing::debug!(code, "the management API was asked without a token");
            answer::unauthorized()
        }
    }
}

/// The last part of an address: an identifier.
struct Id<T>(T);

impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    T: TryFrom<String, Error = InvalidValue>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => T::try_from(text)
                .map(Self)
                .map_err(|error| FederateError::from(error).into()),
            Err(_) => Err(Refusal::parameter("The address is not UTF-8.")),
        }
    }
}

/// `?connection=directory&subject=alice`, and `format` for a NameID of another format than usual.
async fn find_users<S: Store>(
    State(state): State<HubState<S>>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let fields = Fields::of(&uri);
    let (Some(connection), Some(subject)) = (fields.value("connection"), fields.value("subject"))
    else {
        return Err(Refusal::parameter(
            "The parameters connection and subject are wanted, each once.",
        ));
    };
    let format = fields.value("format").map(NameIdFormat::from_uri);
    let hub = state.hub();
    let found = hub
        .users_named(connection, subject, format.as_ref())
        .await?;
    let found: Vec<_> = found.iter().map(|user| Person::of(hub, user)).collect();
    json(StatusCode::OK, &found)
}

async fn sessions_of<S: Store>(
    State(state): State<HubState<S>>,
    Id(user): Id<UserId>,
) -> Result<Response, Refusal> {
    let hub = state.hub();
    let found = hub.sessions_of(&user).await?;
    let found = found.ok_or_else(|| Refusal::no_such("user"))?;
    let sessions = found.sessions.iter();
    let sessions = Sessions {
        sessions: sessions.map(|session| Session::of(hub, session)).collect(),
        left_out: found.left_out,
    };
    json(StatusCode::OK, &sessions)
}

async fn end_sessions_of<S: Store>(
    State(state): State<HubState<S>>,
    Id(user): Id<UserId>,
) -> Result<Response, Refusal> {
    let begun = state.hub().end_sessions_of(&user).await?;
    let handle = begun.ok_or_else(|| Refusal::no_such("user"))?;
    tracing::info!(
        user = user.as_str(),
        "an administrator ended all sessions of a user"
    );
    begun_as(&handle)
}

async fn session<S: Store>(
    State(state): State<HubState<S>>,
    Id(id): Id<SessionId>,
) -> Result<Response, Refusal> {
    let found = state.hub().session_of_id(&id).await?;
    let found = found.ok_or_else(|| Refusal::no_such("session"))?;
    json(StatusCode::OK, &Session::of(state.hub(), &found))
}

/// A session that has expired is worth a logout, too: applications may still know the person.
async fn end_session<S: Store>(
    State(state): State<HubState<S>>,
    Id(id): Id<SessionId>,
) -> Result<Response, Refusal> {
    let alive = state.hub().session_of_id(&id).await?;
    let begun = state.hub().end_session(&id).await?;
    let handle = begun.ok_or_else(|| Refusal::no_such("session"))?;
    let user = alive.as_ref().map(|session| session.record.user.as_str());
    tracing::info!(
        session = id.as_str(),
        user,
        "an administrator ended a session"
    );
    begun_as(&handle)
}

/// What came of a logout, as far as it is.
async fn logout<S: Store>(
    State(state): State<HubState<S>>,
    handle: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let handle = handle.ok().and_then(|Path(text)| Token::parse(&text));
    let handle = handle.ok_or_else(|| Refusal::no_such("logout"))?;
    let page = state.hub().logout_page(&handle).await?;
    json(StatusCode::OK, &Outcome::of(&page))
}

/// The session is over; the rest goes on, and here is where it is told.
fn begun_as(handle: &Token) -> Result<Response, Refusal> {
    let id = handle.expose();
    let outcome = format!("{MANAGEMENT}/logouts/{id}");
    let mut response = json(
        StatusCode::ACCEPTED,
        &Begun {
            id,
            outcome: &outcome,
        },
    )?;
    let location = HeaderValue::try_from(outcome).map_err(|_| Refusal::internal())?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response.into_response())
}
