//! Whatever happens, in whatever order: what always holds.

use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

/// What a schedule does next. Numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Act {
    /// Carry out the oldest open revocation, with this many applications.
    Revoke(u8),
    RevocationFails,
    Sent,
    SendFails,
    /// The n-th request ever sent is answered, with success or not.
    Respond(u8, bool),
    /// A response that nobody asked for.
    Forge(u8),
    Skip(u8),
    /// The clock goes on by seconds (or back), and the deadline is looked at.
    Tick(i8),
    Resume,
    Answered,
    /// The state goes through the store.
    Store,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_u8..5).prop_map(Act::Revoke),
        1 => Just(Act::RevocationFails),
        4 => Just(Act::Sent),
        1 => Just(Act::SendFails),
        6 => (any::<u8>(), prop::bool::weighted(0.8)).prop_map(|(n, ok)| Act::Respond(n, ok)),
        1 => any::<u8>().prop_map(Act::Forge),
        1 => any::<u8>().prop_map(Act::Skip),
        2 => any::<i8>().prop_map(Act::Tick),
        1 => Just(Act::Resume),
        1 => Just(Act::Answered),
        1 => Just(Act::Store),
    ]
}

/// A run of the state machine, with what was seen from outside.
struct World {
    logout: Logout,
    clock: i64,
    ids: i64,
    to_revoke: Vec<SessionKey>,
    revoked: HashSet<SessionKey>,
    /// Requests that were asked for, in order.
    requests: Vec<(EntityId, MessageId)>,
    /// Requests that were answered with plain success.
    confirmed: HashSet<EntityId>,
    applications: HashSet<EntityId>,
    answers: Vec<Effect>,
    named: u32,
}

impl World {
    fn new(sessions: u8, initiated: bool) -> Self {
        let keys = (0..sessions).map(key).collect();
        let begin = match initiated {
            true => LogoutStart::by_participant(initiator("sp0"), keys),
            false => LogoutStart::at_the_hub(keys),
        };
        let (logout, effects) = Logout::start(begin, start());
        let mut world = Self {
            logout,
            clock: 0,
            ids: 0,
            to_revoke: Vec::new(),
            revoked: HashSet::new(),
            requests: Vec::new(),
            confirmed: HashSet::new(),
            applications: HashSet::new(),
            answers: Vec::new(),
            named: 0,
        };
        world.see(effects, false);
        world
    }

    fn tell(&mut self, event: Event) {
        self.ids += 1;
        let moment = Moment {
            now: at(self.clock).now,
            request_id: request(self.ids),
        };
        let resumed = event == Event::Resumed;
        let (logout, effects) = step(self.logout.clone(), event, moment);
        self.logout = logout;
        self.see(effects, resumed);
    }

    fn see(&mut self, effects: Vec<Effect>, resumed: bool) {
        for effect in effects {
            match effect {
                Effect::RevokeSession { session } => {
                    if !resumed {
                        self.to_revoke.push(session);
                    }
                }
                Effect::SendLogoutRequest(sent) => {
                    assert_ne!(self.logout.summary().hub, HubOutcome::Revoking);
                    assert!(
                        self.applications.contains(&sent.entity_id),
                        "of a revoked session"
                    );
                    assert!(self.answers.is_empty(), "no message after the answer");
                    let sent = (sent.entity_id, sent.request_id);
                    assert_eq!(resumed, self.requests.contains(&sent), "each asked once");
                    if !resumed {
                        self.requests.push(sent);
                    }
                }
                Effect::Answer { .. } if resumed => assert_eq!(self.answers, [effect]),
                Effect::Answer { .. } => self.answers.push(effect),
            }
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Revoke(applications) => {
                let Some(session) = self.to_revoke.pop() else {
                    return;
                };
                let participants: Vec<_> = (0..applications).map(|_| self.participant()).collect();
                self.revoked.insert(session);
                self.tell(Event::Revoked {
                    session,
                    participants,
                });
            }
            Act::RevocationFails => {
                if let Some(session) = self.to_revoke.last().copied() {
                    self.tell(Event::RevocationFailed { session });
                }
            }
            Act::Sent => self.with_request(self.requests.len(), |_, request_id| Event::Sent {
                request_id,
            }),
            Act::SendFails => {
                self.with_request(self.requests.len(), |_, request_id| Event::SendFailed {
                    request_id,
                });
            }
            Act::Respond(n, success) => {
                if success && let Some((entity, _)) = self.nth_request(n.into()) {
                    self.confirmed.insert(entity);
                }
                let status = if success {
                    Status::success()
                } else {
                    partial()
                };
                self.with_request(n.into(), |entity_id, in_response_to| {
                    Event::ResponseReceived {
                        entity_id,
                        in_response_to,
                        status,
                    }
                });
            }
            Act::Forge(n) => self.tell(responds("mallory", n.into(), Status::success())),
            Act::Skip(n) => {
                self.with_request(n.into(), |_, request_id| Event::Skipped { request_id });
            }
            Act::Tick(seconds) => {
                self.clock += i64::from(seconds);
                self.tell(Event::DeadlinePassed);
            }
            Act::Resume => self.tell(Event::Resumed),
            Act::Answered => self.tell(Event::Answered),
            Act::Store => {
                self.logout = Logout::decode(&self.logout.encode().unwrap()).unwrap();
            }
        }
        self.check();
    }

    /// An application that no other session has; every fifth cannot be logged out.
    fn participant(&mut self) -> RevokedParticipant {
        let name = format!("sp{}", self.named);
        self.named += 1;
        self.applications.insert(entity(&name));
        let channel = (!self.named.is_multiple_of(5)).then_some(FrontChannel::Post);
        participant(&name, channel)
    }

    fn nth_request(&self, n: usize) -> Option<(EntityId, MessageId)> {
        // The latest for n = len, so that most responses are about the present.
        let last = self.requests.len().checked_sub(1)?;
        self.requests.get(last - n % (last + 1)).cloned()
    }

    fn with_request(&mut self, n: usize, event: impl FnOnce(EntityId, MessageId) -> Event) {
        if let Some((entity, id)) = self.nth_request(n % self.requests.len().max(1)) {
            self.tell(event(entity, id));
        }
    }

    fn check(&self) {
        assert!(self.answers.len() <= 1, "answered more than once");
        let summary = self.logout.summary();
        assert_eq!(summary.finished, self.answers.len() == 1);
        for result in &summary.applications {
            if result.outcome == Outcome::Confirmed {
                assert!(
                    self.confirmed.contains(&result.entity_id),
                    "a tick without a yes"
                );
            }
            let asked = self
                .requests
                .iter()
                .any(|(entity, _)| *entity == result.entity_id);
            if let Outcome::Asked(_) | Outcome::Asking { .. } = result.outcome {
                assert!(asked, "asked is what was asked");
            }
            assert!(self.applications.contains(&result.entity_id));
            if summary.finished {
                assert!(result.outcome.is_settled());
            }
        }
        if summary.complete {
            assert!(
                summary
                    .applications
                    .iter()
                    .all(|r| r.outcome == Outcome::Confirmed)
            );
        }
    }

    /// Nobody does anything any more: every deadline passes.
    fn wait(&mut self) {
        let mut deadlines = 0;
        while let Some(deadline) = self.logout.deadline() {
            self.clock = self.clock.max((deadline - start()).num_seconds());
            self.tell(Event::DeadlinePassed);
            self.check();
            deadlines += 1;
            assert!(deadlines <= Logout::MAX_APPLICATIONS + 2, "it does not end");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_happens(
        sessions in 0_u8..4,
        initiated in any::<bool>(),
        acts in prop::collection::vec(act(), 0..80),
    ) {
        let mut world = World::new(sessions, initiated);
        world.check();
        for act in acts {
            world.act(act);
        }
        world.wait();
        prop_assert_eq!(world.answers.len(), 1, "answered exactly once");
        let Some(Effect::Answer { initiator: whom, status }) = world.answers.first() else {
            unreachable!();
        };
        prop_assert_eq!(whom.is_some(), initiated);
        if status.subcode.is_none() {
            prop_assert!(status.is_success());
            prop_assert!(world.to_revoke.is_empty(), "success with a session alive");
        } else {
            prop_assert_eq!(status.subcode.as_ref(), Some(&StatusCode::PartialLogout));
        }
        prop_assert!(!world.requests.iter().any(|(who, _)| initiated && who.as_str() == "sp0"));
        world.tell(Event::Answered);
        prop_assert!(world.logout.is_done());
    }

    /// Octets from anywhere are refused or are a state; they never panic.
    #[test]
    fn decoding_is_total(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut behind_version = vec![1];
        behind_version.extend(octets);
        if let Ok(logout) = Logout::decode(&behind_version) {
            for event in [Event::Resumed, Event::DeadlinePassed, Event::Answered] {
                let _ = step(logout.clone(), event, at(0));
            }
            let _ = logout.summary();
        }
    }
}
