//! People with sessions, and how each session is to end.

use crate::Failure;
use crate::world::{self, Shares};
use chrono::Utc;
use federate::crypto::CryptoProvider;
use federate::hub::{AuthenticatedUser, Directory, DirectoryUser, SignOn};
use federate::session::{Participant, Persistence, Profile, SessionId, SessionKey, UserId};
use federate::types::{EntityId, NameId, NameIdFormat, SessionIndex};
use federate::{Hub, Store, Token};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The cheapest hash of the password below: how long passwords take is not what is measured.
const PASSWORD_HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$YSBzdG9ybSBvZiBsb2dvdQ$M31wwTssUljCk1WPonxStPGBf0oVkRB9L3W1MYa6MCw";
const PASSWORD: &str = "password";

/// A session, as the browser, the hub and the applications know it.
pub(crate) struct Session {
    pub(crate) token: Token,
    pub(crate) id: SessionId,
    pub(crate) key: SessionKey,
    pub(crate) user: UserId,
    pub(crate) places: Vec<Place>,
}

/// An application that was signed on to.
pub(crate) struct Place {
    pub(crate) application: usize,
    pub(crate) name_id: NameId,
    pub(crate) index: SessionIndex,
}

/// How sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// An administrator ends one session.
    Session,
    /// The first application of the session asks for it, by SOAP.
    Application,
    /// An administrator ends both sessions of a person.
    User,
}

/// What is asked of the hub, once.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub(crate) end: End,
    /// The numbers of the sessions.
    pub(crate) sessions: Vec<usize>,
}

/// A number that has nothing to do with this one.
pub(crate) fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Of ten sessions, seven are ended one by one, one by an application, and two are of one person.
pub(crate) fn endings(sessions: usize, seed: u64) -> Vec<Ending> {
    let mut endings = Vec::new();
    for n in 0..sessions {
        let (end, sessions) = match n % 10 {
            9 => (End::User, vec![n - 1, n]),
            8 if n + 1 < sessions => continue,
            7 => (End::Application, vec![n]),
            _ => (End::Session, vec![n]),
        };
        endings.push(Ending { end, sessions });
    }
    endings.sort_by_key(|ending| mix(seed ^ ending.sessions.first().map_or(0, |n| *n as u64)));
    endings
}

fn user_name(n: usize) -> String {
    match n % 10 {
        9 => format!("person-{}", n - 1),
        _ => format!("person-{n}"),
    }
}

/// All who sign in.
pub(crate) fn directory(provider: &CryptoProvider, sessions: usize) -> Result<Directory, Failure> {
    let mut users = BTreeMap::new();
    for n in 0..sessions {
        let mut profile = Profile::default();
        let name = user_name(n);
        let email = vec![format!("{name}@example.com")];
        profile.attributes.insert("email".to_owned(), email);
        let password_hash = PASSWORD_HASH.to_owned();
        users.insert(
            name,
            DirectoryUser {
                password_hash,
                profile,
            },
        );
    }
    Ok(Directory::new(provider, users)?)
}

fn user(directory: &Directory, n: usize) -> Result<AuthenticatedUser, Failure> {
    Ok(directory.authenticate(&user_name(n), PASSWORD)?)
}

/// The applications of a session: different ones, by chance.
fn applications(n: usize, count: usize, shares: Shares, seed: u64) -> Vec<usize> {
    let mut chosen = Vec::new();
    for draw in 0.. {
        if chosen.len() >= count.min(shares.applications) {
            break;
        }
        let random = mix(mix(seed) ^ mix(n as u64) ^ draw);
        let application = (random % shares.applications as u64) as usize;
        if !chosen.contains(&application) {
            chosen.push(application);
        }
    }
    chosen
}

/// Signs a person in, and notes applications in the session as the hub does before an assertion
/// leaves: what else a sign-on takes is not what is measured.
async fn sign_on<S: Store>(
    hub: &Hub<S>,
    directory: &Directory,
    n: usize,
    applications: Vec<usize>,
) -> Result<Session, Failure> {
    let user = user(directory, n)?;
    let signed_in = hub.sign_in(&user, Persistence::Persistent, None).await?;
    let record = signed_in.session;
    let mut places = Vec::new();
    for application in applications {
        let entity_id = EntityId::new(world::entity_id(application))?;
        let name = format!("_{:016x}", mix(application as u64 ^ number(&user_name(n))));
        let mut name_id = NameId::new(name, Some(NameIdFormat::Persistent))?;
        name_id.name_qualifier = Some(EntityId::new(world::HUB)?);
        name_id.sp_name_qualifier = Some(entity_id.clone());
        let index = SessionIndex::new(format!("_{:016x}-{n}", mix(application as u64)))?;
        let participant = Participant {
            acs: format!("{entity_id}/acs"),
            added_at: Utc::now(),
            name_id: name_id.clone(),
            session_index: index.clone(),
            entity_id,
        };
        let added = hub
            .store()
            .add_participant(&record.key, participant, Utc::now());
        if !added.await?.may_issue() {
            return Err("a new session is over".into());
        }
        places.push(Place {
            application,
            name_id,
            index,
        });
    }
    Ok(Session {
        token: signed_in.token,
        id: record.id,
        key: record.key,
        user: record.user,
        places,
    })
}

/// A number for a person's name.
fn number(name: &str) -> u64 {
    name.bytes()
        .fold(0, |number, byte| mix(number ^ u64::from(byte)))
}

/// Signs on to an application with a session; whether an assertion left.
pub(crate) async fn enter<S: Store>(
    hub: &Hub<S>,
    session: &Token,
    application: &str,
) -> Result<bool, Failure> {
    let handle = hub.begin_sign_on(&EntityId::new(application)?).await?;
    match hub.continue_sign_on(&handle, Some(session)).await {
        Ok(SignOn::Respond(_)) => Ok(true),
        Ok(SignOn::SignIn { .. }) => Ok(false),
        Err(federate::FederateError::Denied(federate::Denial::SessionEnded)) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

/// Signs all in, from so many tasks.
pub(crate) async fn sign_all_on<S: Store>(
    hub: &Arc<Hub<S>>,
    directory: &Arc<Directory>,
    count: usize,
    participants: usize,
    shares: Shares,
    seed: u64,
) -> Result<Vec<Session>, Failure> {
    const TASKS: usize = 128;
    let mut running = Vec::new();
    for task in 0..TASKS {
        let (hub, directory) = (Arc::clone(hub), Arc::clone(directory));
        running.push(tokio::spawn(async move {
            let mut made = Vec::new();
            for n in (task..count).step_by(TASKS) {
                let applications = applications(n, participants, shares, seed);
                let session = sign_on(&hub, &directory, n, applications).await?;
                made.push((n, session));
            }
            Ok::<_, Failure>(made)
        }));
    }
    let mut all = BTreeMap::new();
    for task in running {
        all.extend(task.await??);
    }
    Ok(all.into_values().collect())
}
