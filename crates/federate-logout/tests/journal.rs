//! A logout kept in a store, from beginning to end and by several nodes at once.

// A test program: what would be a bug in library code is a verdict here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use chrono::{DateTime, TimeDelta, Utc};
use federate_logout::*;
use federate_session::{
    LifetimePolicy, LogoutKey, LogoutStore as _, MemoryStore, NewSession, Participant,
    ParticipantQuery, Persistence, SessionId, SessionKey, SessionRecord, SessionStore as _,
    Subject, Termination,
};
use federate_types::{Binding, EntityId, MessageId, NameId, SessionIndex, Status, StatusCode};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn moment(n: u32) -> Moment {
    Moment {
        now: now() + TimeDelta::seconds(n.into()),
        seed: [u8::try_from(n).unwrap(); 32],
    }
}

fn entity(name: &str) -> EntityId {
    EntityId::new(name).unwrap()
}

const KEY: LogoutKey = LogoutKey::new([9; 32]);
const SESSION: SessionKey = SessionKey::new([1; 32]);

async fn signed_in(applications: &[&str]) -> MemoryStore {
    let store = MemoryStore::default();
    let subject = Subject::new(
        "acme".to_owned().try_into().unwrap(),
        "okta".to_owned().try_into().unwrap(),
        entity("okta"),
        "alice",
    );
    let login = NewSession {
        key: SESSION,
        id: SessionId::new("ses_1").unwrap(),
        subject: subject.unwrap(),
        user: "usr_1".to_owned().try_into().unwrap(),
        persistence: Persistence::Persistent,
        authn_instant: now(),
        authn_context: None,
        upstream: None,
        upstream_cap: None,
    };
    let record = SessionRecord::open(login, &LifetimePolicy::default(), now());
    store.create(record, now()).await.unwrap();
    for name in applications {
        let participant = Participant {
            entity_id: entity(name),
            name_id: NameId::new("alice", None).unwrap(),
            session_index: SessionIndex::new(format!("{name}_1")).unwrap(),
            acs: format!("https://{name}.example/acs"),
            added_at: now(),
        };
        let added = store
            .add_participant(&SESSION, participant, now())
            .await
            .unwrap();
        assert!(added.may_issue());
    }
    store
}

/// Ends the session in the store: what a facade does for `Effect::RevokeSession`.
async fn revoke(store: &MemoryStore, session: SessionKey) -> Event {
    let participants = match store.begin_termination(&session, KEY, now()).await.unwrap() {
        Termination::Ended(snapshot) => snapshot.participants,
        Termination::AlreadyEnded | Termination::Unknown => Vec::new(),
    };
    let participants = participants
        .into_iter()
        .map(|participant| RevokedParticipant {
            entity_id: participant.entity_id,
            name_id: participant.name_id,
            session_index: participant.session_index,
            channels: Channels::front(FrontChannel::Redirect),
        });
    Event::Revoked {
        session,
        participants: participants.collect(),
        upstream: None,
    }
}

#[tokio::test]
async fn a_participant_logs_out_everywhere() {
    let store = signed_in(&["slack", "zoom", "box"]).await;
    let journal = Journal::new(&store);
    // The request names the person alone; the session is found by that.
    let query = ParticipantQuery {
        tenant: "acme".to_owned().try_into().unwrap(),
        issuer: entity("slack"),
        name_id: NameId::new("alice", None).unwrap(),
        session_indexes: Vec::new(),
    };
    let found = store.by_participant(&query).await.unwrap();
    let sessions: Vec<_> = found.into_iter().map(|record| record.key).collect();
    let requester = Requester {
        entity_id: entity("slack"),
        request_id: MessageId::new("asked").unwrap(),
        relay_state: None,
        binding: Binding::HttpPost,
        asynchronous: false,
    };
    let begin = LogoutStart::by_participant(requester, sessions);
    let effects = journal.begin(&KEY, begin, moment(0)).await.unwrap();
    assert_eq!(effects, [Effect::RevokeSession { session: SESSION }]);

    // A crash before the revocation is told: another node resumes, and loses nothing.
    let _lost = revoke(&store, SESSION).await;
    let effects = journal
        .advance(&KEY, Event::Resumed, moment(1))
        .await
        .unwrap();
    assert_eq!(effects, [Effect::RevokeSession { session: SESSION }]);
    let event = revoke(&store, SESSION).await;
    let mut effects = journal.advance(&KEY, event, moment(2)).await.unwrap();

    let mut asked = Vec::new();
    for n in 3.. {
        let [Effect::SendLogoutRequest(request)] = &effects[..] else {
            break;
        };
        asked.push(request.entity_id.as_str().to_owned());
        let response = Event::ResponseReceived {
            entity_id: request.entity_id.clone(),
            in_response_to: request.request_id.clone(),
            status: Status::success(),
        };
        effects = journal.advance(&KEY, response, moment(n)).await.unwrap();
    }
    assert_eq!(asked, ["zoom", "box"]);
    assert!(matches!(
        &effects[..],
        [Effect::Answer(answer)] if answer.status == Status::success()
    ));
    journal
        .advance(&KEY, Event::Answered, moment(9))
        .await
        .unwrap();
    let logout = journal.load(&KEY, now()).await.unwrap();
    assert!(logout.is_done() && logout.summary().complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_nodes_one_carries_each_effect_out() {
    let store = signed_in(&["zoom"]).await;
    let begin = LogoutStart::at_the_hub(vec![SESSION]);
    Journal::new(&store)
        .begin(&KEY, begin, moment(0))
        .await
        .unwrap();
    let event = revoke(&store, SESSION).await;
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let (store, event) = (store.clone(), event.clone());
            tokio::spawn(async move {
                Journal::new(&store)
                    .advance(&KEY, event, moment(n))
                    .await
                    .unwrap()
                    .len()
            })
        })
        .collect();
    let mut sent = 0;
    for task in tasks {
        sent += task.await.unwrap();
    }
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn failures_are_told() {
    let store = MemoryStore::default();
    let journal = Journal::new(&store);
    let unknown = journal
        .advance(&KEY, Event::Resumed, moment(1))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), "logout.unknown");
    let begin = || LogoutStart::at_the_hub(Vec::new());
    let effects = journal.begin(&KEY, begin(), moment(0)).await.unwrap();
    let [Effect::Answer(answer)] = &effects[..] else {
        panic!("nothing to do but to answer");
    };
    assert_eq!(answer.status.code, StatusCode::Success);
    let again = journal.begin(&KEY, begin(), moment(0)).await.unwrap_err();
    assert_eq!(again.code(), "store.already_exists");
    let end = now() + TimeDelta::days(1);
    let other = LogoutKey::new([8; 32]);
    store
        .create_logout(&other, vec![77], end, None, now())
        .await
        .unwrap();
    let foreign = journal.load(&other, now()).await.unwrap_err();
    assert_eq!(foreign.code(), "logout.unsupported_format");
}
