//! The pages of a logout, which tell how far it is.

use super::address;
use crate::hub::HubState;
use crate::page::Page;
use axum::http::StatusCode;
use federate::hub::{LogoutPage, LogoutPhase, NamedOutcome};
use federate::logout::{Failure as Reason, HubOutcome, NoAnswer, Outcome};
use federate::{Store, Token};
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

/// As far as it is.
pub(super) fn page<S: Store>(state: &HubState<S>, handle: &Token, logout: &LogoutPage) -> Page {
    let base = address(handle);
    match &logout.phase {
        LogoutPhase::Asking { .. } | LogoutPhase::Working | LogoutPhase::Frames(_) => {
            asking(state, &base, logout)
        }
        LogoutPhase::Choosing => choosing(state, &base, logout),
        LogoutPhase::Answering { to: back } => {
            let to = format!("{base}/finish");
            let body = html! {
                (result(logout, None))
                p.note { "You return to " (back) " in a few seconds." }
                p.actions-row { a.button id="return" href=(to) { "Return to " (back) } }
            };
            state.page("Signed out", body).going_on_after(RETURN, to)
        }
        _ => {
            let body = html! {
                (result(logout, Some(&base)))
                p.actions-row { a.button.second href="/" { "Go to the hub's page" } }
            };
            state.page("Signed out", body).with_forms_to("'self'")
        }
    }
}

/// What there is to say when there was no session.
pub(super) fn nothing<S: Store>(state: &HubState<S>) -> Page {
    let body = html! {
        h1 { "You are signed out" }
        p.message.good role="status" { "There was no session at the hub to end." }
        p.actions-row { a.button.second href="/" { "Go to the hub's page" } }
    };
    state.page("Signed out", body)
}

/// What there is to say where the logout did not begin.
pub(super) fn elsewhere<S: Store>(state: &HubState<S>) -> Page {
    let body = html! {
        h1 { "Signing out" }
        p.message role="status" { "It goes on in the browser in which it began." }
        p.actions-row { a.button.second href="/" { "Go to the hub's page" } }
    };
    state.page("Signing out", body)
}

/// What there is to say of the hub alone.
pub(super) fn ended<S: Store>(state: &HubState<S>, hub: HubOutcome) -> Page {
    let body = html! {
        h1 { "Signed out" }
        p.message role="status" { (hub_text(hub)) }
        p.actions-row { a.button.second href="/" { "Go to the hub's page" } }
    };
    state.page("Signed out", body)
}

/// What is there until everybody has been asked, where nothing can be shown; `base` is the
/// address of the logout whose frames these are.
pub(super) fn waiting(again: String, base: &str, frames: &[usize]) -> Page {
    let body = html! {
        h1 { "Signing you out" }
        (frames_of(base, frames))
    };
    let seconds = if frames.is_empty() { SOON } else { FRAMES };
    let page = Page::new("Signing out", body).going_on_after(seconds, again);
    if frames.is_empty() {
        page
    } else {
        page.with_frames()
    }
}

/// What a frame holds before it goes on to its peer.
pub(super) fn before_peer(to: String) -> Page {
    let body = html! { h1 { "Signing you out" } };
    Page::new("Signing out", body).going_on_after(FRAME, to)
}

/// A frame for each peer that is asked in one.
fn frames_of(base: &str, numbers: &[usize]) -> Markup {
    html! {
        @for number in numbers {
            iframe hidden src={ (base) "/frame/" (number) } title="Sign-out" {}
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
        (table(logout, None))
    };
    state.page("Signing out", body).with_forms_to("'self'")
}

/// The button by which a peer is asked once more.
fn retry(base: &str, peer: &NamedOutcome) -> Markup {
    html! {
        form method="post" action={ (base) "/retry" } {
            input type="hidden" name="peer" value=(peer.entity_id);
            button.second { "Try " (peer.name) " again" }
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
        (table(logout, None))
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

/// What became of the logout; `retries` is the address below which a peer can be asked again.
fn result(logout: &LogoutPage, retries: Option<&str>) -> Markup {
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
        (table(logout, retries))
    }
}

const fn hub_text(hub: HubOutcome) -> &'static str {
    match hub {
        HubOutcome::Ended => "Your session at the hub has ended.",
        HubOutcome::Revoking => "Your session at the hub is being ended.",
        HubOutcome::Failed => "Your session at the hub could not be ended.",
    }
}

fn table(logout: &LogoutPage, retries: Option<&str>) -> Markup {
    html! {
        @if logout.initiator.is_none() && logout.applications.is_empty() && logout.upstreams.is_empty() && logout.left_out == 0 {
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
                            td {
                                span class={ "state " (class) } { (text) }
                                @if let Some(base) = retries.filter(|_| peer.retriable) {
                                    " " (retry(base, peer))
                                }
                            }
                        }
                    }
                    @if logout.left_out > 0 {
                        tr {
                            th scope="row" { (logout.left_out) " more" }
                            td { span.state.warn { "Not asked" } }
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
        Outcome::NotAsked => ("", "Not asked"),
        Outcome::Failed(Reason::NoBrowser) => ("warn", "Not asked, it needs a browser"),
        _ => ("bad", "Failed"),
    }
}
