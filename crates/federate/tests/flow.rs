//! Whole conversations between a hub and its applications, in memory, on a simulated clock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "flow/administration.rs"]
mod administration;
#[path = "flow/attacks.rs"]
mod attacks;
#[path = "flow/bindings.rs"]
mod bindings;
#[path = "flow/federation.rs"]
mod federation;
#[path = "flow/hints.rs"]
mod hints;
#[path = "flow/logout.rs"]
mod logout;
#[path = "flow/logout_back_channel.rs"]
mod logout_back_channel;
#[path = "flow/logout_faults.rs"]
mod logout_faults;
#[path = "flow/logout_layers.rs"]
mod logout_layers;
#[path = "flow/logout_requests.rs"]
mod logout_requests;
#[path = "flow/options.rs"]
mod options;
#[path = "flow/proxying.rs"]
mod proxying;
#[path = "flow/rollover.rs"]
mod rollover;
#[path = "flow/scopes.rs"]
mod scopes;
#[path = "flow/session.rs"]
mod session;
#[path = "flow/sign_on.rs"]
mod sign_on;
#[path = "flow/upstream.rs"]
mod upstream;

use federate::hub::SignOn;
use federate::session::{MemoryStore, Persistence};
use federate::{
    BackChannel, BackChannelError, CompletedLogin, Incoming, LoginOptions, ServiceProvider,
    StartedLogin, Token, crypto::CryptoProvider,
};
use federate_testkit::parties::{PASSWORD, Parties, USER, form_body, query, query_of};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Both providers.
pub fn providers() -> [CryptoProvider; 2] {
    [
        federate::crypto::aws_lc_provider(),
        federate::crypto::rustcrypto_provider(),
    ]
}

/// Parties on the default provider.
pub fn parties() -> Parties {
    Parties::new(federate::crypto::aws_lc_provider())
}

/// Connections between parties in memory, by the hosts of their addresses; a dead one answers
/// nothing.
#[derive(Clone, Default)]
pub struct Wire(
    Arc<Mutex<BTreeMap<String, Peer>>>,
    Arc<AtomicUsize>,
    Arc<Mutex<Duration>>,
);

type Answer = Pin<Box<dyn Future<Output = Result<Vec<u8>, BackChannelError>> + Send>>;
type Peer = Arc<dyn Fn(Vec<u8>) -> Answer + Send + Sync>;

impl Wire {
    /// Who answers at this address; nobody did before.
    pub fn connect<F>(&self, location: &str, peer: impl Fn(Vec<u8>) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<Vec<u8>, BackChannelError>> + Send + 'static,
    {
        let peer: Peer = Arc::new(move |envelope| Box::pin(peer(envelope)));
        self.0.lock().unwrap().insert(location.to_owned(), peer);
    }

    /// How many envelopes were answered.
    pub fn asked(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }

    /// The longest that anybody was to be waited for.
    pub fn waited(&self) -> Duration {
        *self.2.lock().unwrap()
    }

    /// Nobody answers there any more.
    pub fn cut(&self, location: &str) {
        self.0.lock().unwrap().remove(location);
    }
}

impl BackChannel for Wire {
    async fn exchange(
        &self,
        location: &str,
        envelope: Vec<u8>,
        within: Duration,
    ) -> Result<Vec<u8>, BackChannelError> {
        let peer = self.0.lock().unwrap().get(location).cloned();
        match peer {
            Some(peer) => {
                self.1.fetch_add(1, Ordering::SeqCst);
                let longest = self.waited().max(within);
                *self.2.lock().unwrap() = longest;
                peer(envelope).await
            }
            None => Err(BackChannelError::Unreachable("nobody answers".to_owned())),
        }
    }
}

/// Signs in at the hub's own page.
pub async fn sign_in(parties: &Parties) -> Token {
    let user = parties.directory.authenticate(USER, PASSWORD).unwrap();
    parties
        .hub
        .sign_in(&user, Persistence::Persistent, None)
        .await
        .unwrap()
        .token
}

/// Begins a login at an application.
pub async fn start(application: &ServiceProvider<MemoryStore>) -> StartedLogin {
    let options = LoginOptions {
        return_to: Some("/inbox".to_owned()),
        ..LoginOptions::default()
    };
    application.start_login(options).await.unwrap()
}

/// What the hub has the browser post to the application, by a session.
pub async fn answer(parties: &Parties, started: &StartedLogin, session: &Token) -> String {
    let query = query(&started.outgoing);
    let received = parties.hub.receive_sign_on(Incoming::Redirect(&query));
    let handle = received.await.unwrap();
    match parties
        .hub
        .continue_sign_on(&handle, Some(session))
        .await
        .unwrap()
    {
        SignOn::Respond(form) => form_body(&form),
        SignOn::SignIn { application, .. } => panic!("{application} wants a sign-in"),
    }
}

/// Signs on to an application with the hub's session.
pub async fn sign_on(
    parties: &Parties,
    application: &ServiceProvider<MemoryStore>,
    session: &Token,
) -> CompletedLogin {
    let started = start(application).await;
    let body = answer(parties, &started, session).await;
    let handle = application.receive_login(&body).await.unwrap();
    application
        .complete_login(&handle, Some(&started.browser), None)
        .await
        .unwrap()
}
