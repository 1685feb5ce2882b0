//! How a logout is carried out: times, retries, and what is asked of whom.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// How long the parts of a logout may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Revoking the hub's own sessions; 10 s by default.
    #[serde(with = "federate_session::instant::delta")]
    pub revocation: TimeDelta,
    /// One attempt by back channel; 5 s by default.
    #[serde(with = "federate_session::instant::delta")]
    pub attempt: TimeDelta,
    /// All that is asked by back channel, while a browser or a SOAP requester waits; 10 s by
    /// default.
    #[serde(with = "federate_session::instant::delta")]
    pub back_channel: TimeDelta,
    /// The same when nobody waits; 1 min by default.
    #[serde(with = "federate_session::instant::delta")]
    pub back_channel_unwatched: TimeDelta,
    /// All that is asked in frames; 5 s by default.
    #[serde(with = "federate_session::instant::delta")]
    pub frames: TimeDelta,
    /// Waiting for one application by front channel; 30 s by default.
    #[serde(with = "federate_session::instant::delta")]
    pub participant: TimeDelta,
    /// The person's choice about the upstream identity provider; 1 min by default.
    #[serde(with = "federate_session::instant::delta")]
    pub choice: TimeDelta,
    /// Everything until the answer is decided; 5 min by default.
    #[serde(with = "federate_session::instant::delta")]
    pub total: TimeDelta,
    /// Waiting for the decided answer to leave; 5 min by default.
    #[serde(with = "federate_session::instant::delta")]
    pub answer: TimeDelta,
    /// Everything, with what is retried in the background; 24 h by default.
    #[serde(with = "federate_session::instant::delta")]
    pub background: TimeDelta,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            revocation: TimeDelta::seconds(10),
            attempt: TimeDelta::seconds(5),
            back_channel: TimeDelta::seconds(10),
            back_channel_unwatched: TimeDelta::minutes(1),
            frames: TimeDelta::seconds(5),
            participant: TimeDelta::seconds(30),
            choice: TimeDelta::minutes(1),
            total: TimeDelta::minutes(5),
            answer: TimeDelta::minutes(5),
            background: TimeDelta::hours(24),
        }
    }
}

impl Timing {
    /// The longest that any of them may be.
    pub const MAX: TimeDelta = TimeDelta::days(30);

    fn bounded(self) -> Self {
        Self {
            revocation: bounded(self.revocation),
            attempt: bounded(self.attempt),
            back_channel: bounded(self.back_channel),
            back_channel_unwatched: bounded(self.back_channel_unwatched),
            frames: bounded(self.frames),
            participant: bounded(self.participant),
            choice: bounded(self.choice),
            total: bounded(self.total),
            answer: bounded(self.answer),
            background: bounded(self.background),
        }
    }
}

/// How often, and how soon again, a back channel is tried.
///
/// The n-th wait is drawn evenly from the upper half of `first * 2^n`, so that logouts that
/// failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    /// The most attempts before the answer; 3 by default.
    pub attempts: u8,
    /// The first wait between them; 500 ms by default.
    #[serde(with = "federate_session::instant::delta")]
    pub first: TimeDelta,
    /// The first wait in the background; 30 s by default.
    #[serde(with = "federate_session::instant::delta")]
    pub background_first: TimeDelta,
    /// The longest wait in the background; 1 h by default.
    #[serde(with = "federate_session::instant::delta")]
    pub background_most: TimeDelta,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 3,
            first: TimeDelta::milliseconds(500),
            background_first: TimeDelta::seconds(30),
            background_most: TimeDelta::hours(1),
        }
    }
}

/// Whether the upstream identity provider is asked to end its session too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpstreamPolicy {
    /// Its session goes on.
    Never,
    /// The person chooses; without a browser, or without a choice in time, it goes on.
    Ask,
    /// It is asked.
    Always,
}

/// How a logout is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutPolicy {
    /// How long its parts may take.
    pub timing: Timing,
    /// How back channels are tried again.
    pub retries: Retries,
    /// The most back-channel requests at a time; 8 by default.
    pub in_flight: u8,
    /// Whether the upstream identity provider is asked; never by default.
    pub upstream: UpstreamPolicy,
    /// Whether applications marked as safe for it are asked in frames; no by default, for
    /// browsers keep an application's cookies from a frame of the hub.
    pub frames: bool,
    /// Whether applications are told; yes by default. At a session's expiry an operator may
    /// leave them alone.
    pub tell: bool,
}

impl Default for LogoutPolicy {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            retries: Retries::default(),
            in_flight: 8,
            upstream: UpstreamPolicy::Never,
            frames: false,
            tell: true,
        }
    }
}

impl LogoutPolicy {
    /// The most back-channel requests at a time that can be asked for.
    pub const MAX_IN_FLIGHT: u8 = 64;

    /// The same with every number in its range: durations from 1 ms to [`Timing::MAX`],
    /// counts from 1.
    #[must_use]
    pub fn bounded(self) -> Self {
        let retries = self.retries;
        Self {
            timing: self.timing.bounded(),
            retries: Retries {
                attempts: retries.attempts.max(1),
                first: bounded(retries.first),
                // Every retry costs a write of the state.
                background_first: bounded(retries.background_first).max(TimeDelta::seconds(1)),
                background_most: bounded(retries.background_most).max(TimeDelta::seconds(1)),
            },
            in_flight: self.in_flight.clamp(1, Self::MAX_IN_FLIGHT),
            ..self
        }
    }
}

fn bounded(delta: TimeDelta) -> TimeDelta {
    delta.clamp(TimeDelta::milliseconds(1), Timing::MAX)
}
