//! Single logout: messages of applications, and the page that tells how far it is.

use super::home::LOG_OUT;
use super::{HubState, v2_logout};
use crate::cookie::{self, Purpose};
use crate::deliver::{deliver, deliver_after_form, frameable, see_other, soap_fault};
use crate::failure::Failure;
use crate::form::{Body, Fields, FormOrEnvelope, Handle, own_origin, shown_to_browser, token};
use crate::page::Page;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use federate::hub::{LogoutOptions, LogoutPage, LogoutPhase};
use federate::logout::{Failure as Reason, HubOutcome, Layer, Logout, NoAnswer, Outcome};
use federate::types::EntityId;
use federate::{Denial, FederateError, Incoming, Outgoing, Store, Token};
use maud::{Markup, html};

/// How long the page is shown before the browser goes to the next application. Chromium keeps no
/// place in its history for a page that goes on within a second, and the way back from an
/// application that is down must lead here.
const NEXT: u8 = 2;

/// How long the page waits for what needs no browser.
const SOON: u8 = 1;

/// How long the page waits before it looks again at an application that was asked.
const AGAIN: u8 = 5;

/// How long a frame waits before it goes on to its peer. Browsers let no page go on before its
/// frames have loaded, and a peer may be silent for as long as it likes: so every frame first
/// loads a page of ours, and goes on when the page around it counts as loaded.
const FRAME: u8 = 1;

/// How long the page with frames waits before it looks again, from then on.
const FRAMES: u8 = 4;

/// How long the result is shown before the browser returns to the application that asked.
const RETURN: u8 = 5;

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

/// Goes to the page; or, from one peer that answered, straight to the next when nothing needs to
/// be shown between them. The page comes first: a person whose browser is left at a peer that is
/// down goes back to it.
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
    let straight = LogoutPhase::Asking {
        sent: false,
        interstitial: false,
    };
    match is_answer && hub.logout_page(&handle).await?.phase == straight {
        true => go(state, &handle, hub.next_logout(&handle).await?),
        false => see_other(&address(&handle)),
    }
}

/// Whether this is the answer to a request of ours, rather than a request.
fn is_answer(incoming: &Incoming<'_>) -> bool {
    let (Incoming::Redirect(fields) | Incoming::Post(fields)) = incoming else {
        return false;
    };
    Fields::parse(fields).has("SAMLResponse")
}

/// Carries on with a logout whose request somebody else's page framed, as identity providers do
/// that tell many at once. Nothing can be shown there, so those are left out who can be asked by
/// the browser alone, and the answer says so.
async fn in_frame<S: Store>(state: &HubState<S>, handle: &Token) -> Result<Response, Failure> {
    let hub = state.hub();
    // One peer less each time, then the question about upstream, then the answer.
    for _ in 0..Logout::MAX_APPLICATIONS.saturating_add(2) {
        let page = hub.logout_page(handle).await?;
        let mut response = match page.phase {
            LogoutPhase::Asking { .. } => {
                hub.skip_logout(handle).await?;
                continue;
            }
            LogoutPhase::Choosing => {
                hub.choose_upstream(handle, false).await?;
                continue;
            }
            LogoutPhase::Answering { .. } => go(state, handle, hub.finish_logout(handle).await?)?,
            LogoutPhase::Working => waiting(handle, &[]).into_response(),
            LogoutPhase::Frames(numbers) => waiting(handle, &numbers).into_response(),
            LogoutPhase::Done { .. } | _ => StatusCode::NO_CONTENT.into_response(),
        };
        frameable(&mut response);
        return Ok(response);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What a frame holds until everybody has been asked.
fn waiting(handle: &Token, frames: &[usize]) -> Page {
    let base = address(handle);
    let body = html! {
        h1 { "Signing you out" }
        (frames_of(&base, frames))
    };
    let seconds = if frames.is_empty() { SOON } else { FRAMES };
    let page = Page::new("Signing out", body).going_on_after(seconds, base);
    if frames.is_empty() {
        page
    } else {
        page.with_frames()
    }
}

/// A frame for each peer that is asked in one.
fn frames_of(base: &str, numbers: &[usize]) -> Markup {
    html! {
        @for number in numbers {
            iframe hidden src={ (base) "/frame/" (number) } title="Sign-out" {}
        }
    }
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
    let session = state.session_cookie(&headers);
    let options = v2_logout::options(&fields)?;
    let back = |to: &str| deliver_after_form(Outgoing::Redirect(to.to_owned()), state.provider());
    end(&state, session.as_ref(), &options, back).await
}

/// Ends the session of the browser's cookie and goes to the logout's page. Without a session
/// there is nothing to wait for: `back` takes the browser to where it wants to return.
pub(super) async fn end<S: Store>(
    state: &HubState<S>,
    session: Option<&Token>,
    options: &LogoutOptions,
    back: impl FnOnce(&str) -> Result<Response, Failure>,
) -> Result<Response, Failure> {
    let return_to = state.hub().return_address(options)?;
    let begun = match session {
        Some(token) => state.hub().log_out_with(token, options).await,
        None => Err(Denial::NoSession.into()),
    };
    let mut response = match (begun, return_to) {
        (Ok(handle), _) => see_other(&address(&handle))?,
        (Err(FederateError::Denied(Denial::NoSession)), Some(to)) => back(&to)?,
        (Err(FederateError::Denied(Denial::NoSession)), None) => {
            let body = html! {
                h1 { "You are signed out" }
                p.message.good role="status" { "There was no session at the hub to end." }
                p.actions-row { a.button.second href="/" { "Go to the hub's page" } }
            };
            state.page("Signed out", body).into_response()
        }
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
        return in_frame(&state, &handle).await;
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
    let page = Page::new("Signing out", html! { h1 { "Signing you out" } });
    let mut response = page.going_on_after(FRAME, to).into_response();
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

fn page<S: Store>(state: &HubState<S>, handle: &Token, logout: &LogoutPage) -> Page {
    let base = address(handle);
    match &logout.phase {
        LogoutPhase::Asking { .. } | LogoutPhase::Working | LogoutPhase::Frames(_) => {
            asking(state, &base, logout)
        }
        LogoutPhase::Choosing => choosing(state, &base, logout),
        LogoutPhase::Answering { to: back } => {
            let to = format!("{base}/finish");
            let body = html! {
                (result(logout))
                p.note { "You return to " (back) " in a few seconds." }
                p.actions-row { a.button id="return" href=(to) { "Return to " (back) } }
            };
            state.page("Signed out", body).going_on_after(RETURN, to)
        }
        _ => {
            let body = html! {
                (result(logout))
                (retries(&base, logout))
                p.actions-row { a.button.second href="/" { "Go to the hub's page" } }
            };
            state.page("Signed out", body).with_forms_to("'self'")
        }
    }
}

/// The question whether the session upstream is to end.
fn choosing<S: Store>(state: &HubState<S>, base: &str, logout: &LogoutPage) -> Page {
    let names: Vec<&str> = logout
        .upstreams
        .iter()
        .map(|peer| peer.name.as_str())
        .collect();
    let names = names.join(", ");
    let body = html! {
        h1 { "Sign out there, too?" }
        p role="status" { (hub_text(logout.hub)) }
        p { "You signed in through " strong { (names) } ", where you may still be signed in." }
        form.actions-row method="post" action={ (base) "/upstream" } {
            button id="end-upstream" name="upstream" value="end" { "Sign out of " (names) }
            button.second id="keep-upstream" name="upstream" value="keep" { "Stay signed in there" }
        }
        (table(logout))
    };
    state.page("Signing out", body).with_forms_to("'self'")
}

/// A button for each peer that can be asked once more.
fn retries(base: &str, logout: &LogoutPage) -> Markup {
    let peers = || logout.applications.iter().chain(&logout.upstreams);
    html! {
        @for peer in peers().filter(|peer| peer.retriable) {
            form.actions-row method="post" action={ (base) "/retry" } {
                input type="hidden" name="peer" value=(peer.entity_id);
                button.second { "Try " (peer.name) " again" }
            }
        }
    }
}

/// The page while applications are still to be asked.
fn asking<S: Store>(state: &HubState<S>, base: &str, logout: &LogoutPage) -> Page {
    let peers = || logout.applications.iter().chain(&logout.upstreams);
    let current = peers().find_map(|peer| {
        let Outcome::Asking { sent } = peer.outcome else {
            return None;
        };
        Some((peer.name.as_str(), sent))
    });
    let next = format!("{base}/next");
    // An application that was asked and did not send the browser back is not asked again by
    // itself: the page looks again until the time for it is over.
    let by_browser = matches!(logout.phase, LogoutPhase::Asking { .. });
    let waits = matches!(logout.phase, LogoutPhase::Asking { sent: true, .. });
    let (frames, seconds, to): (&[usize], _, _) = match &logout.phase {
        LogoutPhase::Asking { sent: true, .. } => (&[], AGAIN, base),
        LogoutPhase::Asking { .. } => (&[], NEXT, next.as_str()),
        LogoutPhase::Frames(numbers) => (numbers, FRAMES, base),
        _ => (&[], SOON, base),
    };
    let body = html! {
        h1 { "Signing you out" }
        p role="status" {
            (hub_text(logout.hub))
            @match current {
                Some((name, false)) => { " Now asking " strong { (name) } "." }
                Some((name, true)) => { " Waiting for " strong { (name) } ", which has not answered yet." }
                None => {}
            }
        }
        @if by_browser {
            div.actions-row {
                a.button id="continue" href=(next) {
                    @if waits { "Ask again" } @else { "Continue" }
                }
                form method="post" action={ (base) "/skip" } {
                    button.second id="skip" {
                        "Skip" @if let Some((name, _)) = current { " " (name) }
                    }
                }
            }
        }
        (table(logout))
        (frames_of(base, frames))
    };
    // Not 200: Chromium would keep the page as it is, and show it on the way back.
    let mut page = state
        .page("Signing out", body)
        .with_status(StatusCode::ACCEPTED)
        .with_forms_to("'self'");
    if !frames.is_empty() {
        page = page.with_frames();
    }
    page.going_on_after(seconds, to)
}

fn result(logout: &LogoutPage) -> Markup {
    html! {
        h1 { @if logout.complete { "You are signed out" } @else { "You are not signed out everywhere" } }
        @if logout.complete {
            p.message.good role="status" {
                (hub_text(logout.hub))
                @if logout.applications.is_empty() {
                } @else if logout.initiator.is_some() {
                    " Every other application confirmed its sign-out."
                } @else {
                    " Every application confirmed its sign-out."
                }
            }
        } @else {
            p.message.warn role="status" {
                (hub_text(logout.hub))
                " Not every application confirmed that you are signed out there. Where it says so \
                 below, sign out in the application itself, or close the browser."
            }
        }
        (table(logout))
    }
}

const fn hub_text(hub: HubOutcome) -> &'static str {
    match hub {
        HubOutcome::Ended => "Your session at the hub has ended.",
        HubOutcome::Revoking => "Your session at the hub is being ended.",
        HubOutcome::Failed => "Your session at the hub could not be ended.",
    }
}

fn table(logout: &LogoutPage) -> Markup {
    html! {
        @if logout.initiator.is_none() && logout.applications.is_empty() && logout.upstreams.is_empty() {
            p { "You were not signed in to any application." }
        } @else {
            table id="result" {
                thead { tr { th scope="col" { "Application" } th scope="col" { "Sign-out" } } }
                tbody {
                    @if let Some(name) = &logout.initiator {
                        tr {
                            th scope="row" { (name) }
                            td { span.state { "Asked for this sign-out" } }
                        }
                    }
                    @for peer in logout.applications.iter().chain(&logout.upstreams) {
                        @let (class, text) = outcome(&peer.outcome);
                        tr {
                            th scope="row" { (peer.name) }
                            td { span class={ "state " (class) } { (text) } }
                        }
                    }
                }
            }
        }
    }
}

/// Words for what became of an application, and the colour that underlines them.
const fn outcome(outcome: &Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Waiting => ("", "Waiting"),
        Outcome::Asking { .. } => ("", "Asking"),
        Outcome::Confirmed => ("good", "Signed out"),
        Outcome::Asked(NoAnswer::TimedOut) => ("warn", "Asked, no answer"),
        Outcome::Asked(NoAnswer::Skipped) => ("warn", "Asked, no answer (skipped)"),
        Outcome::NotSupported => ("warn", "Not supported"),
        Outcome::NotAsked => ("", "Still signed in"),
        Outcome::Failed(Reason::NoBrowser) => ("warn", "Not asked, it needs a browser"),
        _ => ("bad", "Failed"),
    }
}
