//! Single logout: the session authority's coordinator, as a pure state machine.
//!
//! A [`Logout`] begins with a participant's LogoutRequest or at the hub's own page
//! ([`LogoutStart`]). [`step`] takes it from one state to the next: events go in (what
//! happened), effects come out (what to do). No sockets, no clock, no randomness: `now` and
//! fresh request ids come with each event ([`Moment`]). [`Journal`] keeps the state in a
//! `LogoutStore` by compare-and-swap, so any node can carry on.
//!
//! The order is fixed. First every hub session is revoked, which also tells who took part in
//! it; then each application but the initiator is asked, one at a time, by front channel
//! (`[SAMLProf] 4.4`); then the initiator is answered, exactly once, whatever failed.
//! Back channel and upstream are not built yet; they come as phases before and after the
//! front channel.
//!
//! ```
//! use chrono::{TimeZone as _, Utc};
//! use federate_logout::*;
//! use federate_session::SessionKey;
//! use federate_types::{EntityId, MessageId, NameId, SessionIndex, Status};
//!
//! let moment = |n: u8| Moment {
//!     now: Utc.with_ymd_and_hms(2026, 1, 1, 8, 0, 0).unwrap(),
//!     request_id: MessageId::from_random([n; 20]),
//! };
//! let session = SessionKey::new([7; 32]);
//! let start = LogoutStart::at_the_hub(vec![session]);
//!
//! // First the hub's own session.
//! let (logout, effects) = Logout::start(start, moment(0).now);
//! assert_eq!(effects, [Effect::RevokeSession { session }]);
//!
//! // It had one application, which takes LogoutRequests.
//! let slack = EntityId::new("https://slack.com")?;
//! let application = RevokedParticipant {
//!     entity_id: slack.clone(),
//!     name_id: NameId::new("u1", None)?,
//!     session_index: SessionIndex::new("s1")?,
//!     single_logout: Some(FrontChannel::Redirect),
//! };
//! let revoked = Event::Revoked { session, participants: vec![application] };
//! let (logout, effects) = step(logout, revoked, moment(1));
//! assert!(matches!(&effects[..], [Effect::SendLogoutRequest(_)]));
//!
//! // It confirms, and all is done.
//! let response = Event::ResponseReceived {
//!     entity_id: slack,
//!     in_response_to: moment(1).request_id,
//!     status: Status::success(),
//! };
//! let (logout, effects) = step(logout, response, moment(2));
//! assert_eq!(effects, [Effect::Answer { initiator: None, status: Status::success() }]);
//! assert!(logout.summary().complete);
//! # Ok::<(), federate_types::InvalidValue>(())
//! ```

mod coordinator;
mod error;
mod journal;
mod message;
mod outcome;
mod state;
mod stored_status;

pub use coordinator::step;
pub use error::LogoutError;
pub use journal::Journal;
pub use message::{
    Effect, Event, FrontChannel, Initiator, LogoutRequestToSend, LogoutStart, Moment,
    RevokedParticipant,
};
pub use outcome::{ApplicationResult, Failure, HubOutcome, NoAnswer, Outcome, Summary};
pub use state::{Logout, Timing};
