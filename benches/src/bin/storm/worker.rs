//! A worker process: one node of the hub, which takes orders on its standard input until it is
//! killed, and says on its standard output what it did.

use crate::{Failure, Kept, people, say, world};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use federate::crypto::CryptoProvider;
use federate::logout::{Journal, Outcome};
use federate::session::{EndReason, SessionId, SessionKey, UserId};
use federate::types::EntityId;
use federate::{Hub, Store, Token};
use federate_axum::hub::carry_out_logouts;
use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;

/// What it says when it can be asked.
pub(crate) const READY: &str = "ready";

/// Works as long as its parent lives.
pub(crate) async fn run(
    provider: CryptoProvider,
    folder: &Path,
    kept: &Kept,
) -> Result<(), Failure> {
    match kept {
        Kept::Redb(path) => serve(provider, folder, crate::open_redb(path)?).await,
        Kept::Postgres(url) => serve(provider, folder, crate::connect(url).await?).await,
    }
}

async fn serve<S: Store>(provider: CryptoProvider, folder: &Path, store: S) -> Result<(), Failure> {
    let hub = Arc::new(world::hub(provider, folder, Arc::new(store))?);
    tokio::spawn(carry_out_logouts(Arc::clone(&hub)));
    let runtime = tokio::runtime::Handle::current();
    say(READY);
    tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines() {
            let (line, hub) = (line?, Arc::clone(&hub));
            runtime.spawn(async move {
                let mut words = line.split(' ');
                let number = words.next().unwrap_or_default();
                let words: Vec<&str> = words.collect();
                let said = match obey(&hub, &words).await {
                    Ok(said) => said,
                    Err(why) => format!("error {}", why.to_string().replace('\n', " ")),
                };
                say(&format!("{number} {said}"));
            });
        }
        Ok::<_, Failure>(())
    })
    .await?
}

async fn obey<S: Store>(hub: &Hub<S>, words: &[&str]) -> Result<String, Failure> {
    Ok(match *words {
        ["session", id] => {
            let _handle = hub.end_session(&SessionId::new(id)?).await?;
            "over".to_owned()
        }
        ["user", id] => {
            let handle = hub.end_sessions_of(&UserId::new(id)?).await?;
            handle.ok_or("there is no such user")?;
            "over".to_owned()
        }
        ["application", envelope] => {
            let envelope = STANDARD.decode(envelope)?;
            let answer = hub.receive_soap_logout(&envelope).await?;
            let _answer = answer.ok_or("no answer")?;
            "over".to_owned()
        }
        ["look", token] => {
            let token = Token::parse(token).ok_or("no token")?;
            match hub.session(&token).await? {
                Some(_) => "alive".to_owned(),
                None => "over".to_owned(),
            }
        }
        ["enter", token, application] => {
            let token = Token::parse(token).ok_or("no token")?;
            match people::enter(hub, &token, application).await? {
                true => "alive".to_owned(),
                false => "over".to_owned(),
            }
        }
        ["logout", key] => logout(hub, key).await?,
        _ => return Err("an order that nobody knows".into()),
    })
}

/// How far the logout of a session is, as the store has it: looking does not move it.
async fn logout<S: Store>(hub: &Hub<S>, key: &str) -> Result<String, Failure> {
    let key = <[u8; 32]>::try_from(STANDARD.decode(key)?).map_err(|_| "no key")?;
    let store = &**hub.store();
    let Some(state) = state(store, &SessionKey::new(key)).await? else {
        return Ok("alive".to_owned());
    };
    let mut said = if state.decided.is_some() {
        "done"
    } else {
        "going"
    }
    .to_owned();
    for (application, outcome) in state.outcomes {
        let mark = if outcome == Outcome::Confirmed {
            '+'
        } else {
            '-'
        };
        said.push_str(&format!(" {mark}{application}"));
    }
    Ok(said)
}

/// What the store says of the logout that ended a session.
pub(crate) struct State {
    /// When it was decided what it came to. An answer may wait longer, for an application
    /// whose connection was lost.
    pub(crate) decided: Option<DateTime<Utc>>,
    /// Each application but the one that asked.
    pub(crate) outcomes: Vec<(EntityId, Outcome)>,
}

/// What the store says of the logout of a session; `None` while the session is alive.
pub(crate) async fn state<S: Store>(store: &S, key: &SessionKey) -> Result<Option<State>, Failure> {
    let snapshot = store.snapshot(key).await?.ok_or("a session is lost")?;
    let Some(EndReason::LoggedOut { by }) = snapshot.record.end_reason(Utc::now()) else {
        return Ok(None);
    };
    let logout = Journal::new(store).load(&by, Utc::now()).await?;
    let outcomes = logout.summary().applications.into_iter();
    Ok(Some(State {
        decided: logout.decided_at(),
        outcomes: outcomes
            .map(|peer| (peer.entity_id, peer.outcome))
            .collect(),
    }))
}
