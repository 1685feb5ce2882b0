//! The world around a logout: a store, two nodes, a browser with a person, and peers.

use crate::check::Witness;
use crate::deal::{self, HOUR, MINUTE, Manner, Peer, SECOND, Session};
use crate::random::Random;
use chrono::{DateTime, TimeDelta, Utc};
use federate_logout::*;
use federate_session::SessionKey;
use federate_types::{Binding, EntityId, MessageId, NameId, SessionIndex, Status, StatusCode};
use std::collections::BTreeSet;

mod browser;

/// What a default run must come across.
pub(crate) const TO_BE_SEEN: &[&str] = &[
    "back channel",
    "clocks that differ",
    "conflict",
    "confirmed in the background",
    "crash",
    "fallback",
    "frames",
    "interstitial",
    "late revocation",
    "no answer wanted",
    "partial",
    "retry after the answer",
    "retry by hand",
    "success",
    "the hub's session goes on",
    "unknown principal",
    "upstream asked",
    "upstream left alone",
];

/// Something that will happen, unless the node that would do it crashes.
#[derive(Debug, Clone)]
enum Happening {
    Revoke(SessionKey),
    Send(LogoutRequestToSend),
    Tell(Event),
    /// A SOAP requester is answered.
    Answer(Answer),
    /// The browser is at the hub's page.
    Visit,
    /// A person in front of a dead peer's page comes back.
    Stuck(MessageId),
}

struct Planned {
    at: i64,
    order: u64,
    node: Option<u8>,
    what: Happening,
}

pub(crate) struct World {
    random: Random,
    aloud: bool,
    pub(crate) clock: i64,
    planned: Vec<Planned>,
    order: u64,
    /// The node that does what is done now.
    node: u8,
    /// How far the clock of each node is ahead.
    ahead: [i64; 2],
    /// When a worker looks at the logout, and of which node.
    worker: Option<(i64, u8)>,
    /// Until when a crashed node's lease holds.
    lease: i64,
    browser: bool,
    visits: u32,
    wishes: u32,
    version: u64,
    octets: Vec<u8>,
    pub(crate) state: Logout,
    pub(crate) peers: Vec<Peer>,
    pub(crate) sessions: Vec<Session>,
    witness: Witness,
    pub(crate) steps: u64,
    pub(crate) largest: usize,
    pub(crate) seen: BTreeSet<&'static str>,
}

pub(crate) fn instant(clock: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::milliseconds(clock)
}

fn clock_of(instant_: DateTime<Utc>) -> i64 {
    (instant_ - instant(0)).num_milliseconds()
}

fn partial() -> Status {
    Status::with_subcode(StatusCode::Success, StatusCode::PartialLogout)
}

impl World {
    pub(crate) fn new(mut random: Random, aloud: bool) -> Self {
        let peers = deal::peers(&mut random);
        let sessions = deal::sessions(&mut random, &peers);
        let start = deal::start(&mut random, &sessions);
        let seed = random.seed();
        let moment = Moment {
            now: instant(0),
            seed,
        };
        let witness = Witness::new(&start);
        let browser = start.initiator.has_browser();
        if aloud {
            println!("{peers:#?}\n{sessions:#?}\n{start:#?}");
        }
        let (state, effects) = Logout::start(start, moment);
        let mut world = Self {
            random,
            aloud,
            clock: 0,
            planned: Vec::new(),
            order: 0,
            node: 0,
            ahead: [0, 0],
            worker: None,
            lease: 0,
            browser,
            visits: 0,
            wishes: 0,
            version: 1,
            octets: state.encode().unwrap(),
            state,
            peers,
            sessions,
            witness,
            steps: 0,
            largest: 0,
            seen: BTreeSet::new(),
        };
        if world.random.chance(20) {
            world.see("clocks that differ");
            world.witness.clocks_differ();
            world.a_clock_jumps();
        }
        world.witness.began(&world.state, &effects);
        world.follow(effects);
        world.look_again();
        if world.browser {
            world.plan(50, None, Happening::Visit);
        }
        world
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.aloud {
            println!("{:>9} ms: {}", self.clock, what());
        }
    }

    pub(crate) fn see(&mut self, what: &'static str) {
        self.seen.insert(what);
    }

    fn plan(&mut self, after: i64, node: Option<u8>, what: Happening) {
        self.order += 1;
        self.planned.push(Planned {
            at: self.clock + after,
            order: self.order,
            node,
            what,
        });
    }

    fn tell_after(&mut self, after: i64, node: Option<u8>, event: Event) {
        // Messages are lost and repeated.
        if self.random.chance(4) {
            return;
        }
        if self.random.chance(5) {
            let again = after + self.random.between(0, MINUTE);
            self.plan(again, node, Happening::Tell(event.clone()));
        }
        self.plan(after, node, Happening::Tell(event));
    }

    pub(crate) fn run(&mut self) {
        for turn in 0.. {
            assert!(turn < 20_000, "it does not end");
            let next = (0..self.planned.len())
                .min_by_key(|n| (self.planned[*n].at, self.planned[*n].order));
            let planned_at = next.map(|n| self.planned[n].at);
            let worker_at = self.worker.map(|(at, _)| at);
            let Some(at) = [planned_at, worker_at].into_iter().flatten().min() else {
                break;
            };
            self.clock = self.clock.max(at);
            self.node = u8::from(self.random.chance(50));
            self.disturb();
            if let Some((_, node)) = self.worker.filter(|(worker, _)| *worker <= at) {
                self.node = node;
                self.worker = None;
                let event = self.random.pick(&[0, 1]);
                let event = [Event::DeadlinePassed, Event::Resumed][event].clone();
                let effects = self.tell(event);
                self.follow(effects);
                self.look_again();
            } else if let Some(next) = next.filter(|n| *n < self.planned.len()) {
                let planned = self.planned.swap_remove(next);
                self.node = planned.node.unwrap_or(self.node);
                self.happen(planned.what);
            }
        }
        let outcome = self.witness.ended(&self.state, &self.peers, &self.sessions);
        for what in outcome {
            self.see(what);
        }
    }

    /// A node's clock is set, by a little or by much, to either side.
    fn a_clock_jumps(&mut self) {
        let node = self.random.index(2);
        let by = self.random.pick(&[SECOND, MINUTE, HOUR]);
        let by = by * self.random.pick(&[-1, 1]);
        self.say(|| format!("the clock of node {node} jumps by {by} ms"));
        self.ahead[node] += by;
    }

    /// Nodes crash, clocks are set, people want things, strangers send messages.
    fn disturb(&mut self) {
        if self.ahead != [0, 0] && self.random.chance(5) {
            self.a_clock_jumps();
            self.look_again();
        }
        if self.random.chance(2) {
            let node = Some(u8::from(self.random.chance(50)));
            self.say(|| format!("node {node:?} crashes"));
            self.see("crash");
            self.planned.retain(|planned| planned.node != node);
            if self.random.chance(50) {
                self.lease = self.clock + 30 * SECOND;
                self.look_again();
            }
        }
        if self.random.chance(1) && self.wishes < 3 {
            self.wishes += 1;
            let entity_id = self.any_peer();
            let effects = self.tell(Event::Retry { entity_id });
            self.follow(effects);
        }
        // The connection of who asked directly ends while another node is at work.
        let waits = !self.state.initiator().has_browser();
        if waits && self.random.chance(2) {
            let effects = self.tell(Event::AnswerNow);
            self.follow(effects);
            assert!(self.state.answer().is_some(), "an answer, whatever goes on");
        }
        if self.random.chance(3) {
            let request_id = MessageId::new("nobody-sent-this").unwrap();
            let status = Status::success();
            let forged = match self.random.index(4) {
                0 => Event::Sent { request_id },
                1 => Event::Skipped { request_id },
                2 => Event::ResponseReceived {
                    entity_id: self.any_peer(),
                    in_response_to: request_id,
                    status,
                },
                _ => Event::ResponseReceived {
                    entity_id: deal::entity("mallory"),
                    in_response_to: self.witness.any_request(&mut self.random, request_id),
                    status,
                },
            };
            let before = self.load();
            let (after, effects) = step(before.clone(), forged, self.moment());
            assert_eq!(
                (after, effects),
                (before, Vec::new()),
                "a stranger is heard"
            );
        }
    }

    fn any_peer(&mut self) -> EntityId {
        let index = self.random.index(self.peers.len());
        self.peers[index].entity_id.clone()
    }

    fn moment(&mut self) -> Moment {
        Moment {
            now: instant(self.clock + self.ahead[usize::from(self.node)]),
            seed: self.random.seed(),
        }
    }

    fn load(&self) -> Logout {
        let state = Logout::decode(&self.octets).unwrap();
        assert_eq!(state, self.state, "stored and read back");
        state
    }

    /// A node tells the journal; now and then another node is there at the same time.
    fn tell(&mut self, event: Event) -> Vec<Effect> {
        if self.random.chance(4) {
            let loaded = self.version;
            let _decided_in_vain = step(self.load(), event.clone(), self.moment());
            let other = match self.random.index(3) {
                0 => Event::DeadlinePassed,
                1 => Event::Resumed,
                _ => event.clone(),
            };
            self.node = 1 - self.node;
            let effects = self.commit(other);
            self.follow(effects);
            self.node = 1 - self.node;
            if self.version != loaded {
                self.see("conflict");
            }
        }
        self.commit(event)
    }

    /// Load, decide, compare and swap.
    fn commit(&mut self, event: Event) -> Vec<Effect> {
        self.steps += 1;
        let moment = self.moment();
        // Stored and read back; the state in memory is what was stored.
        let (after, effects) = step(self.load(), event.clone(), moment);
        let before = self.state.clone();
        self.say(|| format!("{event:?}\n    -> {:?} {effects:?}", after.stage()));
        if self.random.chance(10) {
            let twice = step(after.clone(), event.clone(), self.moment());
            assert_eq!(twice.0, after, "twice is once");
            assert!(
                twice.1.is_empty() || event == Event::Resumed,
                "twice is once"
            );
        }
        if after != before {
            self.version += 1;
            self.octets = after.encode().unwrap();
            self.largest = self.largest.max(self.octets.len());
            let bound = 600 + 700 * self.peers.len() * self.sessions.len().max(1);
            assert!(self.octets.len() <= bound, "the state grows");
        }
        let seen = (self.witness).stepped(&before, &after, &event, &effects, moment.now);
        for what in seen {
            self.see(what);
        }
        self.state = after;
        self.look_again();
        effects
    }

    fn look_again(&mut self) {
        let late = self.random.between(0, 30);
        let node = u8::from(self.random.chance(50));
        let due = self.state.due().map(clock_of);
        let due = due.map(|due| due - self.ahead[usize::from(node)]);
        self.worker = due.map(|due| (due.max(self.clock).max(self.lease) + late, node));
    }

    /// What a node does without a browser.
    fn follow(&mut self, effects: Vec<Effect>) {
        let node = Some(self.node);
        let soap = self.state.initiator().requester().map(|r| r.binding) == Some(Binding::Soap);
        for effect in effects {
            let soon = self.random.between(0, 50);
            match effect {
                Effect::RevokeSession { session } => {
                    let slow = self.random.chance(5);
                    let wait = if slow { 12 * SECOND } else { soon };
                    self.plan(wait, node, Happening::Revoke(session));
                }
                Effect::SendLogoutRequest(request)
                    if matches!(request.channel, Channel::Back(_)) =>
                {
                    self.plan(soon, node, Happening::Send(request));
                }
                Effect::Answer(answer) if soap => {
                    self.plan(soon, node, Happening::Answer(answer));
                }
                _ => {}
            }
        }
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Revoke(session) => self.revoke(session),
            Happening::Send(request) => self.send(request),
            Happening::Tell(event) => {
                let effects = self.tell(event);
                self.follow(effects);
            }
            Happening::Answer(answer) => {
                self.witness.given(&answer);
                self.plan(5, Some(self.node), Happening::Tell(Event::Answered));
            }
            Happening::Visit => self.visit(),
            Happening::Stuck(request_id) => {
                if self.random.chance(15) {
                    self.browser = false; // closes the tab
                } else {
                    if self.random.chance(60) {
                        let effects = self.tell(Event::Skipped { request_id });
                        self.follow(effects);
                    }
                    self.plan(10, None, Happening::Visit);
                }
            }
        }
    }

    fn revoke(&mut self, key: SessionKey) {
        let session = self.sessions.iter().find(|s| s.key == key).unwrap().clone();
        if self.clock < session.sound_from {
            let failed = Event::RevocationFailed { session: key };
            self.tell_after(5, Some(self.node), failed);
            return;
        }
        let name_id = NameId::new("alice", None).unwrap();
        let index = SessionIndex::new(format!("s{}", key.as_bytes()[0])).unwrap();
        let participants = session.participants.iter().map(|n| &self.peers[*n]);
        let event = Event::Revoked {
            session: key,
            participants: participants
                .map(|peer| RevokedParticipant {
                    entity_id: peer.entity_id.clone(),
                    name_id: name_id.clone(),
                    session_index: index.clone(),
                    channels: peer.channels,
                })
                .collect(),
            upstream: session.upstream.map(|n| RevokedUpstream {
                entity_id: self.peers[n].entity_id.clone(),
                name_id: name_id.clone(),
                session_index: Some(index.clone()),
                channels: self.peers[n].channels,
            }),
        };
        self.tell_after(5, Some(self.node), event);
    }

    /// How a peer behaves this time.
    fn manner(&mut self, entity_id: &EntityId) -> Manner {
        let peer = self.peers.iter().find(|p| p.entity_id == *entity_id);
        match peer.unwrap().manner {
            Manner::Flaky => {
                let some = [Manner::Good, Manner::Dead, Manner::Refuses, Manner::Faults];
                self.random.pick(&some)
            }
            Manner::Recovers { at } if self.clock < at => Manner::Dead,
            Manner::Recovers { .. } => Manner::Good,
            manner => manner,
        }
    }

    fn send(&mut self, request: LogoutRequestToSend) {
        let node = Some(self.node);
        let request_id = request.request_id.clone();
        if self.random.chance(30) {
            self.tell_after(0, node, Event::Sent { request_id });
        }
        let request_id = request.request_id.clone();
        let failed = |reason| Event::SendFailed { request_id, reason };
        if self.random.chance(3) {
            return self.tell_after(0, node, failed(SendFailure::CircuitOpen));
        }
        let manner = self.manner(&request.entity_id);
        match manner {
            Manner::Dead if self.random.chance(50) => {
                self.tell_after(4 * SECOND, node, failed(SendFailure::TimedOut));
            }
            Manner::Dead => {}
            Manner::Refuses => self.tell_after(20, node, failed(SendFailure::NotSent)),
            Manner::Faults => self.tell_after(100, node, failed(SendFailure::Fault)),
            manner => {
                self.respond(manner, &request, node);
            }
        }
    }

    /// The peer got the request. Gives when it answers, if it does.
    fn respond(
        &mut self,
        manner: Manner,
        request: &LogoutRequestToSend,
        node: Option<u8>,
    ) -> Option<i64> {
        let (from, to) = match manner {
            Manner::Slow => (4 * SECOND, 20 * SECOND),
            Manner::Late => (MINUTE, HOUR),
            _ => (10, 800),
        };
        let after = self.random.between(from, to);
        let response = |status| Event::ResponseReceived {
            entity_id: request.entity_id.clone(),
            in_response_to: request.request_id.clone(),
            status,
        };
        match manner {
            Manner::Dead | Manner::Refuses | Manner::Faults => return None,
            Manner::Liar => {
                let mut lie = response(Status::success());
                if let Event::ResponseReceived { in_response_to, .. } = &mut lie {
                    *in_response_to = MessageId::new("not-yours").unwrap();
                }
                self.tell_after(after, node, lie);
                return None;
            }
            Manner::Partial => self.tell_after(after, node, response(partial())),
            _ => {
                self.witness
                    .confirms(&request.entity_id, &request.request_id);
                self.tell_after(after, node, response(Status::success()));
                if manner == Manner::Twice {
                    let contradicts = self.random.chance(50);
                    let status = if contradicts {
                        partial()
                    } else {
                        Status::success()
                    };
                    let again = after + self.random.between(1, MINUTE);
                    self.tell_after(again, node, response(status));
                }
            }
        }
        Some(after)
    }
}
