//! Random sequences of all verbs, against the rules written again in the plainest way.
//!
//! Names come from small pools, so that the verbs meet; the clock mostly goes forward, by
//! milliseconds to years, and sometimes back. A sequence that a store gets wrong is made as
//! short as possible and shown. Where the traits leave a choice, either answer is taken, and
//! the model goes on from it.

mod op;
mod session;
mod value;

use super::fixtures::start;
use super::{Backend, Store};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use federate_session::*;
use op::{Op, account_of, after, id, ops, person, place, policy, user_id};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// The seed unless `PROPTEST_RNG_SEED` says another.
const SEED: u64 = 20_260_101;
/// The most sequences tried to shorten one that failed.
const SHRINKING: u32 = 5000;

pub(super) async fn run(backend: &impl Backend, cases: u32) {
    let mut config = Config::default();
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(SEED);
    }
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    let cases = config.cases;
    let mut runner = TestRunner::new(config);
    let strategy = ops();
    for case in 0..cases {
        let mut tree = strategy.new_tree(&mut runner).unwrap();
        let Err(mut why) = play(backend, &tree.current()).await else {
            continue;
        };
        let mut shortest = tree.current();
        let mut going = tree.simplify();
        for _ in 0..SHRINKING {
            if !going {
                break;
            }
            going = match play(backend, &tree.current()).await {
                Err(shorter) => {
                    (shortest, why) = (tree.current(), shorter);
                    tree.simplify()
                }
                Ok(()) => tree.complicate(),
            };
        }
        panic!("sequence {case} went wrong: {why}\nin {shortest:#?}");
    }
}

async fn play(backend: &impl Backend, ops: &[Op]) -> Result<(), String> {
    let mut game = Game {
        store: backend.make(Capacity::default()).await,
        sweeps: backend.sweeps(),
        now: start(),
        latest: start(),
        sessions: session::Sessions::default(),
        values: value::Values::default(),
        logouts: value::Logouts::default(),
        users: value::Users::default(),
    };
    for (n, op) in ops.iter().enumerate() {
        game.forgive().await.map_err(|error| error.to_string())?;
        let now = game.now;
        let outcome = game.step(op).await;
        outcome.map_err(|why| format!("operation {n}, {op:?}, at {now}: {why}"))?;
    }
    Ok(())
}

struct Game<S> {
    store: S,
    sweeps: bool,
    now: DateTime<Utc>,
    /// The latest instant that the store has been told.
    latest: DateTime<Utc>,
    sessions: session::Sessions,
    values: value::Values,
    logouts: value::Logouts,
    users: value::Users,
}

type Verdict = Result<(), String>;

fn same<T: PartialEq + Debug>(expected: &T, answer: &T) -> Verdict {
    match expected == answer {
        true => Ok(()),
        false => Err(format!("expected {expected:#?}, got {answer:#?}")),
    }
}

/// How often a person was revoked is the store's own way of counting.
fn uncounted(mut record: SessionRecord) -> SessionRecord {
    record.epoch = 0;
    record
}

fn uncounted_state(state: SessionState) -> SessionState {
    match state {
        SessionState::Alive(record) => SessionState::Alive(Box::new(uncounted(*record))),
        other => other,
    }
}

fn uncounted_session(mut session: SessionSnapshot) -> SessionSnapshot {
    session.record = uncounted(session.record);
    session
}

fn in_order(mut found: Vec<SessionRecord>) -> Vec<SessionRecord> {
    found.sort_by_key(|record| record.key);
    found.into_iter().map(uncounted).collect()
}

fn coded<T>(answer: Result<T, StoreError>) -> Result<T, &'static str> {
    answer.map_err(|error| error.code())
}

fn session_key(n: u8) -> SessionKey {
    SessionKey::new([n; 32])
}

fn logout_key(n: u8) -> LogoutKey {
    LogoutKey::new([n; 32]).within(scope(n))
}

/// Two hubs share the store.
fn scope(n: u8) -> LogoutScope {
    LogoutScope::new([n % 2; 8])
}

impl<S: Store> Game<S> {
    /// Forgets with the store what it was free to forget.
    async fn forgive(&mut self) -> Result<(), StoreError> {
        let now = self.now;
        let latest = (!self.sweeps).then_some(self.latest);
        for place in self.values.doubtful(now, latest) {
            let there = self.store.peek(place.0, &place.1, now).await?;
            self.values.settle(&place, there.is_some());
        }
        for key in self.logouts.doubtful(now, latest) {
            let there = self.store.load_logout(&key, now).await?;
            self.logouts.settle(&key, there.is_some());
        }
        for key in latest.map_or(Vec::new(), |latest| self.sessions.retired(latest)) {
            if self.store.snapshot(&key).await?.is_none() {
                self.sessions.forget(&key);
            }
        }
        Ok(())
    }

    async fn step(&mut self, op: &Op) -> Verdict {
        match op {
            Op::Clock { ms } => {
                self.now = after(self.now, *ms);
                self.latest = self.latest.max(self.now);
                Ok(())
            }
            Op::Sweep { limit } if self.sweeps => self.sweep(*limit).await,
            Op::Sweep { .. } => Ok(()),
            Op::ById { .. }
            | Op::BySubject { .. }
            | Op::ByParticipant { .. }
            | Op::ByUpstream { .. } => self.search(op).await,
            Op::Put { .. } | Op::Peek { .. } | Op::Take { .. } | Op::Redeem { .. } => {
                self.one_time(op).await
            }
            Op::CreateLogout { .. }
            | Op::LoadLogout { .. }
            | Op::Swap { .. }
            | Op::Claim { .. } => self.logout(op).await,
            Op::FindOrCreate { .. } | Op::LoadUser { .. } | Op::UserBySubject { .. } => {
                self.user(op).await
            }
            _ => self.session(op).await,
        }
    }

    /// Sweeps to the end. Stores keep expiry by the second, so whole seconds are swept.
    async fn sweep(&mut self, limit: usize) -> Verdict {
        let second = TimeDelta::seconds(1);
        let now = self.now.duration_trunc(second).unwrap();
        let sure = self.sessions.sweep(now);
        let (fewest, most) = [self.values.sweep(now), self.logouts.sweep(now)]
            .iter()
            .fold((sure, sure), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1));
        let nothing = Swept {
            removed: 0,
            more: false,
        };
        same(&nothing, &self.store.sweep(now, 0).await.unwrap())?;
        let mut removed = 0;
        loop {
            let swept = self.store.sweep(now, limit + 1).await.unwrap();
            removed += swept.removed;
            if swept.removed > 4 * (limit + 1) {
                return Err(format!("{} removed at once", swept.removed));
            }
            if !swept.more {
                break;
            }
        }
        match (fewest..=most).contains(&removed) {
            true => Ok(()),
            false => Err(format!("{removed} removed, expected {fewest} to {most}")),
        }
    }

    async fn session(&mut self, op: &Op) -> Verdict {
        let (store, now) = (&self.store, self.now);
        match op {
            Op::Create { new } => {
                let record = new.record(now);
                let answer = coded(store.create(record.clone(), now).await);
                self.sessions.create(record, now, &answer)
            }
            Op::Rotate { old, new } => {
                let (old, record) = (session_key(*old), new.record(now));
                let answer = coded(store.rotate(&old, record.clone(), now).await);
                self.sessions.rotate(&old, record, now, &answer)
            }
            Op::Load { key } => {
                let key = session_key(*key);
                let answer = store.load(&key, now).await.map(uncounted_state);
                same(&Ok(self.sessions.load(&key, now)), &coded(answer))
            }
            Op::Snapshot { key } => {
                let key = session_key(*key);
                let answer = store.snapshot(&key).await;
                let answer = answer.map(|session| session.map(uncounted_session));
                same(&Ok(self.sessions.snapshot(&key)), &coded(answer))
            }
            Op::Touch { key, policy: n } => {
                let (key, policy) = (session_key(*key), policy(*n));
                let answer = store.touch_if_alive(&key, &policy, now).await;
                let expected = self.sessions.touch(&key, &policy, now);
                same(&Ok(expected), &coded(answer.map(uncounted_state)))
            }
            Op::Add { key, app } => {
                let (key, one) = (session_key(*key), app.participant(now));
                let answer = store.add_participant(&key, one.clone(), now).await;
                same(&Ok(self.sessions.add(&key, one, now)), &coded(answer))
            }
            Op::Terminate { key, by } => {
                let (key, by) = (session_key(*key), logout_key(*by));
                let answer = match store.begin_termination(&key, by, now).await {
                    Ok(Termination::Ended(session)) => {
                        Ok(Termination::Ended(Box::new(uncounted_session(*session))))
                    }
                    other => other,
                };
                same(&Ok(self.sessions.terminate(&key, by, now)), &coded(answer))
            }
            Op::Revoke { person: n, by } => {
                let (subject, by) = (person(*n), logout_key(*by));
                let answer = store.revoke_subject(&subject, by, now).await;
                self.sessions.revoke(&subject, by, now);
                same(&Ok(()), &coded(answer))
            }
            other => Err(format!("no session is asked by {other:?}")),
        }
    }

    async fn search(&mut self, op: &Op) -> Verdict {
        let (store, sessions) = (&self.store, &self.sessions);
        let (expected, answer) = match op {
            Op::ById { account, id: n } => {
                let (tenant, id) = (account_of(*account), id(*n));
                let answer = store.by_id(&tenant, &id).await;
                let answer = answer.map(|found| found.into_iter().collect());
                (sessions.by_id(&tenant, &id), answer)
            }
            Op::BySubject { person: n } => {
                let subject = person(*n);
                let answer = store.by_subject(&subject).await;
                (sessions.by_subject(&subject), answer)
            }
            Op::ByParticipant {
                account,
                app,
                indexes,
            } => {
                let query = app.query(*account, indexes);
                let answer = store.by_participant(&query).await;
                (sessions.by_participant(&query), answer)
            }
            Op::ByUpstream {
                account,
                up,
                indexes,
            } => {
                let query = up.query(*account, indexes);
                let answer = store.by_upstream(&query).await;
                (sessions.by_upstream(&query), answer)
            }
            other => return Err(format!("nothing is searched by {other:?}")),
        };
        same(&Ok(expected), &coded(answer.map(in_order)))
    }

    async fn one_time(&mut self, op: &Op) -> Verdict {
        let (store, values, now) = (&self.store, &mut self.values, self.now);
        match op {
            Op::Put { entry } => {
                let entry = entry.entry(now);
                let answer = store.put_new(entry.clone(), now).await;
                same(&values.put(entry, now), &coded(answer))
            }
            Op::Peek { at } => {
                let (namespace, key) = place(*at);
                let answer = store.peek(namespace, &key, now).await;
                same(&Ok(values.peek((namespace, key), now)), &coded(answer))
            }
            Op::Take { at } => {
                let (namespace, key) = place(*at);
                let answer = store.take(namespace, &key, now).await;
                same(&Ok(values.take((namespace, key), now)), &coded(answer))
            }
            Op::Redeem { request, replay } => {
                let (request, replay) = (request.map(place), replay.entry(now));
                let answer = store.redeem(request, replay.clone(), now).await;
                same(&values.redeem(request, replay, now), &coded(answer))
            }
            other => Err(format!("no value is asked by {other:?}")),
        }
    }

    async fn logout(&mut self, op: &Op) -> Verdict {
        let (store, logouts, now) = (&self.store, &mut self.logouts, self.now);
        match op {
            Op::CreateLogout { key, lasts, due } => {
                let state = Versioned {
                    version: 1,
                    value: vec![*key],
                    expires: after(now, *lasts),
                    due: due.map(|ms| after(now, ms)),
                };
                let (key, value) = (logout_key(*key), state.value.clone());
                let answer = store.create_logout(&key, value, state.expires, state.due, now);
                let answer = coded(answer.await);
                logouts.create(key, state, now, &answer)
            }
            Op::LoadLogout { key } => {
                let key = logout_key(*key);
                let answer = store.load_logout(&key, now).await;
                same(&Ok(logouts.load(&key, now)), &coded(answer))
            }
            Op::Swap { key, ahead, due } => {
                let (key, due) = (logout_key(*key), due.map(|ms| after(now, ms)));
                let version = logouts.version(&key, *ahead);
                let value = version.to_be_bytes().to_vec();
                let answer = store.compare_and_swap(&key, version, value.clone(), due, now);
                let answer = coded(answer.await);
                same(&logouts.swap(&key, version, value, due, now), &answer)
            }
            Op::Claim { hub, lease, limit } => {
                let lease = TimeDelta::milliseconds(*lease);
                let given = coded(store.claim_due(scope(*hub), now, lease, *limit).await)?;
                logouts.claim(scope(*hub), now, lease, *limit, &given)
            }
            other => Err(format!("no logout is asked by {other:?}")),
        }
    }

    async fn user(&mut self, op: &Op) -> Verdict {
        let (store, users, now) = (&self.store, &mut self.users, self.now);
        match op {
            Op::FindOrCreate {
                person: n,
                id,
                mail,
            } => {
                let (subject, id) = (person(*n), user_id(*id));
                let mail = ("email".to_owned(), vec![mail.to_string()]);
                let profile = Profile {
                    attributes: BTreeMap::from([mail]),
                };
                let answer = store.find_or_create(&subject, id.clone(), profile.clone(), now);
                let answer = coded(answer.await);
                same(&users.find_or_create(subject, id, profile, now), &answer)
            }
            Op::LoadUser { account, id } => {
                let (tenant, id) = (account_of(*account), user_id(*id));
                let answer = store.load_user(&tenant, &id).await;
                same(&Ok(users.load(&tenant, &id)), &coded(answer))
            }
            Op::UserBySubject { person: n } => {
                let subject = person(*n);
                let answer = store.user_by_subject(&subject).await;
                same(&Ok(users.by_subject(&subject)), &coded(answer))
            }
            other => Err(format!("no user is asked by {other:?}")),
        }
    }
}
