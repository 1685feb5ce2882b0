//! What must hold when the storm is over: what the store says, beside what applications know.

use crate::people::Session;
use crate::run::{Fate, Storm};
use crate::worker::{State, state};
use crate::world::{self, Kind};
use crate::{Failure, Figures, locked};
use chrono::TimeDelta;
use federate::Store;
use federate::logout::Outcome;
use federate::session::{LifetimePolicy, SessionState};
use federate::types::EntityId;
use std::time::Duration;

/// How late a step may be that is due: a worker asks for due work every second.
const GRACE: TimeDelta = TimeDelta::seconds(10);

/// Looks at every session.
pub(crate) async fn judge<S: Store>(
    storm: &Storm,
    store: &S,
    figures: &mut Figures,
) -> Result<(), Failure> {
    for refused in storm.applications.refused() {
        storm.fault(format!("an application refused a request: {refused}"));
    }
    let mut latencies = Vec::new();
    let mut confirmed = 0_u64;
    for (n, session) in storm.sessions.iter().enumerate() {
        let fate = storm
            .fates
            .get(n)
            .map_or_else(Fate::default, |fate| *locked(fate));
        match fate.over {
            Some(_) => {
                latencies.extend(told_once(storm, n, session, fate));
                match state(store, &session.key).await {
                    Ok(Some(state)) => {
                        confirmed += stored(storm, n, session, fate, &state);
                    }
                    Ok(None) => storm.fault(format!("session {n} is alive")),
                    Err(why) => storm.fault(format!("the logout of session {n}: {why}")),
                }
                stays_dead(storm, store, n, session).await?;
                every_participant(storm, store, n, session, fate).await?;
            }
            None if fate.begun => storm.fault(format!("the end of session {n} was never taken")),
            None => goes_on(storm, store, n, session).await?,
        }
    }
    latencies.sort_unstable();
    let at = |share: usize| {
        let index = latencies.len().saturating_sub(1) * share / 100;
        latencies
            .get(index)
            .copied()
            .unwrap_or_default()
            .as_millis() as u64
    };
    figures.add("told", latencies.len());
    figures.add("told_p50_ms", at(50));
    figures.add("told_p99_ms", at(99));
    figures.add("told_last_ms", at(100));
    figures.add("confirmed", confirmed);
    duplicates(storm, figures);
    figures.add("faults", locked(&storm.faults).len());
    Ok(())
}

/// Each application that can be told was, by the right name, and in time. Gives after how long.
fn told_once(storm: &Storm, n: usize, session: &Session, fate: Fate) -> Vec<Duration> {
    let policy = world::policy().timing;
    let most = policy.background + GRACE;
    let most = most.to_std().unwrap_or_default() + storm.cluster.nobody();
    let mut latencies = Vec::new();
    for place in &session.places {
        let told = storm.applications.told(place.index.as_str());
        let kind = storm.shares.kind(place.application);
        let Some(told) = told else {
            if kind.listens() && fate.asked_by != Some(place.application) {
                let application = place.application;
                storm.fault(format!(
                    "application {application} was not told of session {n}"
                ));
            }
            continue;
        };
        if told.application != place.application || told.name != place.name_id.value() {
            storm.fault(format!(
                "an application was told of session {n} by another's name"
            ));
        }
        let took = fate
            .over
            .map(|(over, _)| told.first.saturating_duration_since(over));
        let took = took.unwrap_or_default();
        if took > most {
            storm.fault(format!("session {n}: told after {took:?}"));
        }
        latencies.push(took);
    }
    latencies
}

/// The stored logout came to its end in time, and says of no application what is not so. Gives how
/// many it says have confirmed.
fn stored(storm: &Storm, n: usize, session: &Session, fate: Fate, state: &State) -> u64 {
    let nobody = TimeDelta::from_std(storm.cluster.nobody()).unwrap_or_default();
    let most = world::policy().timing.total + nobody + GRACE;
    match (state.decided, fate.over) {
        (Some(decided), Some((_, over))) if decided - over > most => {
            storm.fault(format!("the logout of session {n} took {}", decided - over));
        }
        (None, _) => storm.fault(format!("the logout of session {n} has no end")),
        _ => {}
    }
    let mut confirmed = 0;
    for place in &session.places {
        let id = world::entity_id(place.application);
        let of_it = state
            .outcomes
            .iter()
            .filter(|(entity, _)| entity.as_str() == id);
        // Two, where one session of a person was found to be over after another.
        let outcomes: Vec<&Outcome> = of_it.map(|(_, outcome)| outcome).collect();
        let asked = fate.asked_by == Some(place.application);
        if outcomes.is_empty() && !asked {
            storm.fault(format!("the logout of session {n} forgot {id}"));
        }
        let all = outcomes
            .iter()
            .all(|outcome| **outcome == Outcome::Confirmed);
        if all && !outcomes.is_empty() {
            confirmed += 1;
            let told = storm.applications.told(place.index.as_str());
            if told.is_none_or(|told| told.confirmed == 0) {
                storm.fault(format!("{id} never confirmed the end of session {n}"));
            }
        }
        if !all && storm.shares.kind(place.application) == Kind::Live {
            storm.fault(format!("session {n}: {id} was left {outcomes:?}"));
        }
    }
    confirmed
}

/// A touch does not bring it back.
async fn stays_dead<S: Store>(
    storm: &Storm,
    store: &S,
    n: usize,
    session: &Session,
) -> Result<(), Failure> {
    let now = chrono::Utc::now();
    let policy = LifetimePolicy::default();
    let touched = store.touch_if_alive(&session.key, &policy, now).await?;
    if let SessionState::Alive(_) = touched {
        storm.fault(format!("session {n} was revived"));
    }
    Ok(())
}

/// Applications that were signed on to in the middle of the storm are told, too.
async fn every_participant<S: Store>(
    storm: &Storm,
    store: &S,
    n: usize,
    session: &Session,
    fate: Fate,
) -> Result<(), Failure> {
    let snapshot = store.snapshot(&session.key).await?;
    for participant in snapshot.ok_or("a session is lost")?.participants {
        let number = number(&participant.entity_id)?;
        let told = storm.applications.told(participant.session_index.as_str());
        let listens = storm.shares.kind(number).listens();
        if listens && told.is_none() && fate.asked_by != Some(number) {
            storm.fault(format!(
                "application {number} was not told of session {n}, a late one"
            ));
        }
    }
    Ok(())
}

/// What nobody ended is alive, and nobody was told that it is over.
async fn goes_on<S: Store>(
    storm: &Storm,
    store: &S,
    n: usize,
    session: &Session,
) -> Result<(), Failure> {
    let now = chrono::Utc::now();
    if !matches!(store.load(&session.key, now).await?, SessionState::Alive(_)) {
        storm.fault(format!("session {n} is over, and nobody ended it"));
    }
    for place in &session.places {
        if storm.applications.told(place.index.as_str()).is_some() {
            storm.fault(format!(
                "an application was told of session {n}, which goes on"
            ));
        }
    }
    Ok(())
}

/// Being told twice is no harm: the second answer is a Success, too.
fn duplicates(storm: &Storm, figures: &mut Figures) {
    let (mut twice, mut more, mut slow) = (0_u64, 0_u64, 0_u64);
    for place in storm.sessions.iter().flat_map(|session| &session.places) {
        let Some(told) = storm.applications.told(place.index.as_str()) else {
            continue;
        };
        let again = u64::from(told.times.saturating_sub(1));
        match storm.shares.kind(place.application) {
            Kind::Slow => slow += again,
            _ if told.times != told.confirmed => {
                let (times, yes) = (told.times, told.confirmed);
                storm.fault(format!("told {times} times, answered {yes} times"));
            }
            _ => {
                twice += u64::from(again > 0);
                more += again;
            }
        }
    }
    figures.add("told_again_live", more);
    figures.add("told_again_live_places", twice);
    figures.add("told_again_slow", slow);
}

fn number(entity_id: &EntityId) -> Result<usize, Failure> {
    let number = world::number_of(entity_id.as_str());
    number.ok_or_else(|| "a strange application".into())
}
