//! Races that only a database of many connections has.

use super::fixtures::*;
use federate_session::*;
use federate_store::PostgresStore;

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_creates_an_id() {
    let Some(server) = server() else { return };
    let store = server.store().await;
    for round in 0..10 {
        let tasks: Vec<_> = (0..16)
            .map(|n| {
                let store = store.clone();
                let mut record = session(round * 100 + n, &LifetimePolicy::default(), start());
                // In several partitions, which no constraint spans.
                record.retain_until += days(i64::from(n % 4));
                record.id = SessionId::new(format!("ses_{round}")).unwrap();
                let old = key(9999);
                tokio::spawn(async move {
                    match n % 2 {
                        0 => store.create(record, start()).await.is_ok(),
                        _ => store.rotate(&old, record, start()).await.is_ok(),
                    }
                })
            })
            .collect();
        let mut made = 0;
        for task in tasks {
            made += usize::from(task.await.unwrap());
        }
        assert_eq!(made, 1);
    }
}

/// A login and a logout of all sessions at the same time: the application that the old
/// session knew hears of it, whichever was first.
#[tokio::test(flavor = "multi_thread")]
async fn rotating_against_revoking_loses_no_application() {
    let Some(server) = server() else { return };
    let store = server.store().await;
    let policy = LifetimePolicy::default();
    let mut carried = [0, 0];
    for n in 0..60 {
        let (old, new) = (key(n), key(1000 + n));
        let record = session(n, &policy, start());
        let person = record.subject.clone();
        store.create(record, start()).await.unwrap();
        let one = participant(n, "slack");
        let added = store.add_participant(&old, one, start()).await.unwrap();
        assert!(added.may_issue());

        let mut next = session(1000 + n, &policy, start());
        next.subject = person.clone();
        let rotating = {
            let store = store.clone();
            tokio::spawn(async move {
                wait(if n % 2 == 0 { 0 } else { n }).await;
                store.rotate(&old, next, start()).await.unwrap()
            })
        };
        wait(if n % 2 == 0 { n } else { 0 }).await;
        let told = log_out_everywhere(&store, &person, n).await;
        let Rotation::Rotated { carried: moved } = rotating.await.unwrap() else {
            panic!("it is the same person");
        };
        assert_eq!(told, 1, "round {n}: the application is told, once");
        let is_alive = is_alive(&store.load(&new, start()).await.unwrap());
        assert_eq!(is_alive, moved == 0, "a session revoked, or a later one");
        carried[moved] += 1;
    }
    println!(
        "the logout was first {} times, the login {}",
        carried[0], carried[1]
    );
}

async fn wait(tenths: u32) {
    tokio::time::sleep(std::time::Duration::from_micros(u64::from(tenths) * 100)).await;
}

/// How many applications were to be told.
async fn log_out_everywhere(store: &PostgresStore, person: &Subject, n: u32) -> usize {
    let by = logout(n);
    store.revoke_subject(person, by, start()).await.unwrap();
    let mut told = 0;
    for record in store.by_subject(person).await.unwrap() {
        if record.ended.is_none() {
            continue; // it began after the logout
        }
        let ended = store.begin_termination(&record.key, by, start()).await;
        if let Termination::Ended(session) = ended.unwrap() {
            told += session.participants.len();
        }
    }
    told
}
