//! Single logout: the session authority's coordinator, as a pure state machine.
//!
//! A [`Logout`] begins with a LogoutRequest of a participant or of an upstream identity
//! provider, at the hub's own page, by an administrator, or at a session's end
//! ([`LogoutStart`]). [`step`] takes it from one state to the next: events go in (what
//! happened), effects come out (what to do). No sockets, no clock, no randomness: `now` and a
//! random seed come with each event ([`Moment`]). [`Journal`] keeps the state in a
//! `LogoutStore` by compare-and-swap, so any node can carry on; [`Logout::due`] says when one
//! should.
//!
//! The order is fixed. First every hub session is revoked, which also tells who took part in
//! it. Then the applications are asked: by back channel in parallel, within a budget, and
//! those that have none or did not answer there by way of the browser, one at a time
//! (`[SAMLProf] 4.4`). Then the upstream identity provider, if the policy says so. Then the
//! initiator is answered, exactly once, whatever failed; and what failed by back channel is
//! retried in the background. A [`CircuitBreaker`] keeps a dead peer from costing every
//! logout its attempts.
//!
//! ```
//! use chrono::{TimeZone as _, Utc};
//! use federate_logout::*;
//! use federate_session::SessionKey;
//! use federate_types::{EntityId, NameId, SessionIndex, Status};
//!
//! // The seed must be random, and another one for each step.
//! let moment = |n: u8| Moment {
//!     now: Utc.with_ymd_and_hms(2026, 1, 1, 8, 0, 0).unwrap(),
//!     seed: [n; 32],
//! };
//! let session = SessionKey::new([7; 32]);
//! let start = LogoutStart::at_the_hub(vec![session]);
//!
//! // First the hub's own session.
//! let (logout, effects) = Logout::start(start, moment(0));
//! assert_eq!(effects, [Effect::RevokeSession { session }]);
//!
//! // It had one application, which takes LogoutRequests.
//! let slack = EntityId::new("https://slack.com")?;
//! let application = RevokedParticipant {
//!     entity_id: slack.clone(),
//!     name_id: NameId::new("u1", None)?,
//!     session_index: SessionIndex::new("s1")?,
//!     channels: Channels::front(FrontChannel::Redirect),
//! };
//! let participants = vec![application];
//! let revoked = Event::Revoked { session, participants, upstream: None };
//! let (logout, effects) = step(logout, revoked, moment(1));
//! let [Effect::SendLogoutRequest(request)] = &effects[..] else { panic!() };
//!
//! // It confirms, and all is done.
//! let response = Event::ResponseReceived {
//!     entity_id: slack,
//!     in_response_to: request.request_id.clone(),
//!     status: Status::success(),
//! };
//! let (logout, effects) = step(logout, response, moment(2));
//! let [Effect::Answer(answer)] = &effects[..] else { panic!() };
//! assert_eq!(answer.status, Status::success());
//! assert!(logout.summary().complete);
//! # Ok::<(), federate_types::InvalidValue>(())
//! ```

mod circuit;
mod coordinator;
mod error;
mod journal;
mod limit;
mod message;
mod moment;
mod outcome;
mod peer;
mod policy;
mod start;
mod state;
mod stored;
mod stored_status;

pub use circuit::{CircuitBreaker, CircuitState};
pub use coordinator::step;
pub use error::LogoutError;
pub use journal::Journal;
pub use limit::{RequestCounter, RequestLimit};
pub use message::{
    Answer, BackChannel, Channel, Channels, Effect, Event, FrontChannel, Layer,
    LogoutRequestToSend, RevokedParticipant, RevokedUpstream, SendFailure,
};
pub use moment::Moment;
pub use outcome::{Failure, HubOutcome, NoAnswer, Outcome, PeerResult, Stage, Summary};
pub use policy::{LogoutPolicy, Retries, Timing, UpstreamPolicy};
pub use start::{Initiator, LogoutStart, Requester};
pub use state::Logout;
