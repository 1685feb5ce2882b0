//! Single logout: messages of applications and upstream, and what its pages do.

mod page;

use self::page::{before_peer, elsewhere, ended, nothing, page, waiting};
use super::home::LOG_OUT;
use super::{HubState, v2_logout};
use crate::cookie::{self, Purpose};
use crate::deliver::{deliver, deliver_after_form, frameable, see_other, soap_fault};
use crate::failure::Failure;
use crate::form::{Body, Fields, FormOrEnvelope, Handle, own_origin, shown_to_browser, token};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use federate::hub::{LogoutOptions, LogoutPhase};
use federate::logout::{Layer, Logout};
use federate::types::EntityId;
use federate::{Denial, FederateError, Incoming, Outgoing, Store, Token};

pub(super) async fn redirected<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    by_redirect(&state, &headers, query, Layer::Application).await
}

pub(super) async fn posted<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    arrived: FormOrEnvelope,
) -> Result<Response, Failure> {
    by_post(&state, &headers, arrived, Layer::Application).await
}

/// The same from an identity provider upstream.
pub(super) async fn upstream_redirected<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    by_redirect(&state, &headers, query, Layer::Upstream).await
}

pub(super) async fn upstream_posted<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    arrived: FormOrEnvelope,
) -> Result<Response, Failure> {
    by_post(&state, &headers, arrived, Layer::Upstream).await
}

async fn by_redirect<S: Store>(
    state: &HubState<S>,
    headers: &HeaderMap,
    query: Option<String>,
    from: Layer,
) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    by_browser(state, headers, Incoming::Redirect(&query), from).await
}

async fn by_post<S: Store>(
    state: &HubState<S>,
    headers: &HeaderMap,
    arrived: FormOrEnvelope,
    from: Layer,
) -> Result<Response, Failure> {
    let envelope = match arrived {
        FormOrEnvelope::Form(body) => {
            return by_browser(state, headers, Incoming::Post(&body), from).await;
        }
        FormOrEnvelope::Envelope(envelope) => envelope,
    };
    let hub = state.hub();
    let answer = match from {
        Layer::Application => hub.receive_soap_logout(&envelope).await,
        Layer::Upstream => hub.receive_upstream_soap_logout(&envelope).await,
    };
    let answer = answer.map_err(Failure::from).and_then(|outgoing| {
        let nothing = || Ok(StatusCode::NO_CONTENT.into_response()); // [AsyncSLO]
        outgoing.map_or_else(nothing, |outgoing| deliver(outgoing, state.provider()))
    });
    Ok(answer.unwrap_or_else(|failure| soap_fault(&failure)))
}

/// Goes to the page; or, in the browser in which the logout began, from one peer that answered,
/// straight to the next when nothing needs to be shown between them. The page comes first: a
/// person whose browser is left at a peer that is down goes back to it.
async fn by_browser<S: Store>(
    state: &HubState<S>,
    headers: &HeaderMap,
    incoming: Incoming<'_>,
    from: Layer,
) -> Result<Response, Failure> {
    let hub = state.hub();
    let is_answer = is_answer(&incoming);
    let handle = match from {
        Layer::Application => hub.receive_logout(incoming).await?,
        Layer::Upstream => hub.receive_upstream_logout(incoming).await?,
    };
    if is_answer && is_frame(headers) {
        // The page around it looks again.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if !is_answer {
        return match from {
            Layer::Upstream => to_page(state, headers, &handle),
            Layer::Application => begun_by_application(state, headers, &handle).await,
        };
    }
    let name = name_of(state, &handle);
    match begun_here(state, headers, &name) {
        Some(handle) => go_on(state, &handle).await,
        None => see_other(&format!("{BACK}?{OF}={name}")),
    }
}

/// Goes to the page of a logout that begins here.
fn to_page<S: Store>(
    state: &HubState<S>,
    headers: &HeaderMap,
    handle: &Token,
) -> Result<Response, Failure> {
    let mut response = see_other(&address(handle))?;
    cookie::add_logout(&mut response, state.site(), headers, handle);
    Ok(response)
}

/// An application can bring its request itself, and the page would tell it which others the
/// person uses, and by which names: only a browser of the person goes there.
async fn begun_by_application<S: Store>(
    state: &HubState<S>,
    headers: &HeaderMap,
    handle: &Token,
) -> Result<Response, Failure> {
    if is_of_person(state, headers, handle).await? {
        return to_page(state, headers, handle);
    }
    // Another site's form comes without cookies; what it leads to has them.
    let name = state.hub().name_logout_apart(handle).await?;
    see_other(&apart_address(&name))
}

/// Whether the logout began in this browser, or is about the person of its session cookie.
async fn is_of_person<S: Store>(
    state: &HubState<S>,
    headers: &HeaderMap,
    handle: &Token,
) -> Result<bool, Failure> {
    let mut known = cookie::logouts(headers, state.site()).into_iter();
    if known.any(|known| known.expose() == handle.expose()) {
        return Ok(true);
    }
    match state.session_cookie(headers) {
        Some(session) => Ok(state.hub().is_logout_of(handle, &session).await?),
        None => Ok(false),
    }
}

/// Where a logout goes on that an application began, until the browser has shown whose it is.
pub(super) const APART: &str = "/logout/apart";

fn apart_address(name: &Token) -> String {
    format!("{APART}?{OF}={}", name.expose())
}

pub(super) async fn apart<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let name = Fields::of(&uri).token(OF)?;
    let handle = state.hub().logout_apart(&name).await?;
    let framed = is_frame(&headers);
    if !framed && is_of_person(&state, &headers, &handle).await? {
        return to_page(&state, &headers, &handle);
    }
    match unseen(&state, &handle, apart_address(&name), false).await? {
        response if framed => Ok(in_frame(response)),
        Some(response) => Ok(response),
        None => {
            let logout = state.hub().logout_page(&handle).await?;
            Ok(ended(&state, logout.hub).into_response())
        }
    }
}

/// Where browsers go that brought an answer without cookies: see [`come_back`].
pub(super) const BACK: &str = "/logout/back";

/// Of which logout that is.
const OF: &str = "of";

/// What may be told of a handle to whoever brings an answer: a peer can do that itself, and the
/// page would tell it which applications the person uses.
fn name_of<S: Store>(state: &HubState<S>, handle: &Token) -> String {
    state.hub().form_proof(handle, "logout")
}

/// The handle of this name, if the logout began in this browser.
fn begun_here<S: Store>(state: &HubState<S>, headers: &HeaderMap, name: &str) -> Option<Token> {
    let mut known = cookie::logouts(headers, state.site()).into_iter();
    known.find(|handle| name_of(state, handle) == name)
}

/// A browser that brought an answer, now with its cookies: another site's form has none.
pub(super) async fn come_back<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    match begun_here(&state, &headers, Fields::of(&uri).required(OF)?) {
        Some(handle) => go_on(&state, &handle).await,
        None => Ok(elsewhere(&state).into_response()),
    }
}

async fn go_on<S: Store>(state: &HubState<S>, handle: &Token) -> Result<Response, Failure> {
    let straight = LogoutPhase::Asking {
        sent: false,
        interstitial: false,
    };
    let hub = state.hub();
    match hub.logout_page(handle).await?.phase == straight {
        true => go(state, handle, hub.next_logout(handle).await?),
        false => see_other(&address(handle)),
    }
}

/// Whether this is the answer to a request of ours, rather than a request.
fn is_answer(incoming: &Incoming<'_>) -> bool {
    let (Incoming::Redirect(fields) | Incoming::Post(fields)) = incoming else {
        return false;
    };
    Fields::parse(fields).has("SAMLResponse")
}

/// Carries on with a logout of which nothing can be shown: in somebody else's frame, as
/// identity providers have it that tell many at once, or where the browser may not be the
/// person's. So those are left out who can be asked by the browser alone, and the answer says so.
/// `again` is where it looks again, and `frames` whether peers may be asked in frames. There is
/// no response when nobody waits for an answer.
async fn unseen<S: Store>(
    state: &HubState<S>,
    handle: &Token,
    again: String,
    frames: bool,
) -> Result<Option<Response>, Failure> {
    let hub = state.hub();
    // One peer less each time, then the question about upstream, then the answer.
    for _ in 0..Logout::MAX_APPLICATIONS.saturating_add(2) {
        let page = hub.logout_page(handle).await?;
        return Ok(match page.phase {
            LogoutPhase::Frames(numbers) if frames => {
                Some(waiting(again, &address(handle), &numbers).into_response())
            }
            LogoutPhase::Asking { .. } | LogoutPhase::Frames(_) => {
                hub.skip_logout(handle).await?;
                continue;
            }
            LogoutPhase::Choosing => {
                hub.choose_upstream(handle, false).await?;
                continue;
            }
            LogoutPhase::Answering { .. } => {
                let outgoing = hub.finish_logout(handle).await?;
                let answer = outgoing.map(|outgoing| deliver(outgoing, state.provider()));
                answer.transpose()?
            }
            LogoutPhase::Working => Some(waiting(again, "", &[]).into_response()),
            _ => None,
        });
    }
    Ok(None)
}

/// What somebody else's frame holds.
fn in_frame(response: Option<Response>) -> Response {
    let nothing = || StatusCode::NO_CONTENT.into_response();
    let mut response = response.unwrap_or_else(nothing);
    frameable(&mut response);
    response
}

/// The button of the hub's own page.
pub(super) async fn log_out<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let proof = |browser: &Token| state.hub().form_proof(browser, LOG_OUT);
    let fields = Fields::parse(&body);
    shown_to_browser(&headers, state.site(), &fields, proof)?;
    let options = v2_logout::options(&fields)?;
    let back = |to: &str| deliver_after_form(Outgoing::Redirect(to.to_owned()), state.provider());
    end(&state, &headers, &options, back).await
}

/// Ends the session of the browser's cookie and goes to the logout's page. Without a session
/// there is nothing to wait for: `back` takes the browser to where it wants to return.
pub(super) async fn end<S: Store>(
    state: &HubState<S>,
    headers: &HeaderMap,
    options: &LogoutOptions,
    back: impl FnOnce(&str) -> Result<Response, Failure>,
) -> Result<Response, Failure> {
    let return_to = state.hub().return_address(options)?;
    let begun = match &state.session_cookie(headers) {
        Some(token) => state.hub().log_out_with(token, options).await,
        None => Err(Denial::NoSession.into()),
    };
    let mut response = match (begun, return_to) {
        (Ok(handle), _) => to_page(state, headers, &handle)?,
        (Err(FederateError::Denied(Denial::NoSession)), Some(to)) => back(&to)?,
        (Err(FederateError::Denied(Denial::NoSession)), None) => nothing(state).into_response(),
        (Err(error), _) => return Err(error.into()),
    };
    // It opens nothing any more.
    cookie::clear(&mut response, state.site(), Purpose::Session);
    Ok(response)
}

pub(super) async fn progress<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    Handle(handle): Handle,
) -> Result<Response, Failure> {
    if is_frame(&headers) {
        let response = unseen(&state, &handle, address(&handle), true).await?;
        return Ok(in_frame(response));
    }
    let logout = state.hub().logout_page(&handle).await?;
    Ok(page(&state, &handle, &logout).into_response())
}

pub(super) async fn next<S: Store>(
    State(state): State<HubState<S>>,
    Handle(handle): Handle,
) -> Result<Response, Failure> {
    let outgoing = state.hub().next_logout(&handle).await?;
    go(&state, &handle, outgoing)
}

pub(super) async fn skip<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    Handle(handle): Handle,
) -> Result<Response, Failure> {
    own_origin(&headers, state.site())?;
    state.hub().skip_logout(&handle).await?;
    see_other(&address(&handle))
}

pub(super) async fn finish<S: Store>(
    State(state): State<HubState<S>>,
    Handle(handle): Handle,
) -> Result<Response, Failure> {
    let outgoing = state.hub().finish_logout(&handle).await?;
    go(&state, &handle, outgoing)
}

fn go<S: Store>(
    state: &HubState<S>,
    handle: &Token,
    outgoing: Option<Outgoing>,
) -> Result<Response, Failure> {
    match outgoing {
        Some(outgoing) => deliver(outgoing, state.provider()),
        None => see_other(&address(handle)),
    }
}

pub(super) fn address(handle: &Token) -> String {
    format!("/logout/{}", handle.expose())
}

/// A frame of the page, before it goes on to its peer.
pub(super) async fn frame<S: Store>(
    State(state): State<HubState<S>>,
    Path((handle, number)): Path<(String, usize)>,
) -> Result<Response, Failure> {
    let handle = token(&handle)?;
    state.hub().logout_page(&handle).await?; // or there is none
    let to = format!("{}/frame/{number}/next", address(&handle));
    let mut response = before_peer(to).into_response();
    frameable(&mut response);
    Ok(response)
}

/// A frame of the page takes a request to one peer.
pub(super) async fn frame_next<S: Store>(
    State(state): State<HubState<S>>,
    Path((handle, number)): Path<(String, usize)>,
) -> Result<Response, Failure> {
    let handle = token(&handle)?;
    let Some(outgoing) = state.hub().logout_frame(&handle, number).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let mut response = deliver(outgoing, state.provider())?;
    frameable(&mut response);
    Ok(response)
}

/// Whether this request is of a frame rather than of the page itself ([Fetch Metadata]).
fn is_frame(headers: &HeaderMap) -> bool {
    let dest = headers.get("sec-fetch-dest").map(|value| value.as_bytes());
    matches!(dest, Some(b"iframe" | b"frame"))
}

/// Asks a peer of the result page once more.
pub(super) async fn retry<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    Handle(handle): Handle,
    Body(body): Body,
) -> Result<Response, Failure> {
    own_origin(&headers, state.site())?;
    let peer = EntityId::new(Fields::parse(&body).required("peer")?)?;
    state.hub().retry_logout(&handle, peer).await?;
    see_other(&address(&handle))
}

/// Whether the session upstream is to end, too.
pub(super) async fn choose<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    Handle(handle): Handle,
    Body(body): Body,
) -> Result<Response, Failure> {
    own_origin(&headers, state.site())?;
    let ask = Fields::parse(&body).value("upstream") == Some("end");
    state.hub().choose_upstream(&handle, ask).await?;
    see_other(&address(&handle))
}
