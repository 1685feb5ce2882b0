//! Keys change, and no peer that fetches metadata often enough notices.

use chrono::{DateTime, TimeDelta, Utc};
use federate::crypto::{Certificate, PrivateKey, aws_lc_provider, self_signed};
use federate::idp::Assurance;
use federate::metadata::{Entities, KeyRing, parse_entity};
use federate::session::MemoryStore;
use federate::types::{EntityId, NameId, Provenance, SessionIndex};
use federate::xml::Limits;
use federate::{
    Application, Clock as _, IdentityProvider, Incoming, LoginOptions, Party, ServiceProvider,
};
use federate_testkit::keys::fixed_now;
use federate_testkit::parties::{self, TestClock, form_body, query};
use std::sync::Arc;

/// The metadata's cacheDuration.
const CACHED: TimeDelta = TimeDelta::hours(24);

fn made() -> (PrivateKey, Certificate) {
    let provider = aws_lc_provider();
    let key = provider.keys.generate_rsa(2048).unwrap();
    let algorithm = federate::crypto::SignatureAlgorithm::RsaSha256;
    let signer = provider.keys.load_signing_key(&key, algorithm).unwrap();
    let (from, to) = (fixed_now(), fixed_now() + TimeDelta::days(365));
    let certificate = self_signed(&provider, &*signer, "sp", from, to).unwrap();
    (key, certificate)
}

struct World {
    clock: TestClock,
    ring: KeyRing,
    identity_provider: Party,
    /// What was published when.
    published: Vec<(DateTime<Utc>, Vec<u8>)>,
}

impl World {
    fn service_provider(&self) -> ServiceProvider<MemoryStore> {
        let id = EntityId::new("https://sp.example").unwrap();
        let mut party = Party::from_key_ring(aws_lc_provider(), id, &self.ring).unwrap();
        party.clock = Arc::new(self.clock.clone());
        ServiceProvider::new(party, "https://sp.example/acs", Arc::default())
            .unwrap()
            .with_identity_provider(&self.idp().metadata())
            .unwrap()
    }

    fn idp(&self) -> IdentityProvider {
        let party = self.identity_provider.clone();
        IdentityProvider::new(party, "https://idp.example/sso", "https://idp.example/slo").unwrap()
    }

    fn publish(&mut self) {
        let metadata = self.service_provider().metadata();
        self.published.push((self.clock.now(), metadata));
    }

    /// What a peer has that last fetched so long ago.
    fn fetched(&self, age: TimeDelta) -> &[u8] {
        let then = self.clock.now() - age;
        let before = |(at, _): &&(DateTime<Utc>, Vec<u8>)| *at <= then;
        let found = self.published.iter().rev().find(before);
        &found.unwrap_or(&self.published[0]).1
    }

    /// A signed request and an encrypted answer, between what we are now and a peer that last
    /// fetched our metadata so long ago.
    async fn sign_in(&self, age: TimeDelta) {
        let sp = self.service_provider();
        let mut application = Application::from_metadata("SP", self.fetched(age)).unwrap();
        application.encrypt_assertions = true;
        let idp = self.idp().with_application(application);
        let started = sp.start_login(LoginOptions::default()).await.unwrap();
        let request = query(&started.outgoing);
        let at = self.clock.now();
        let demand = idp.receive_sign_on(Incoming::Redirect(&request));
        let demand = demand.unwrap_or_else(|e| panic!("at {at}, {age} old: {e}"));
        assert!(demand.request_is_signed);
        let assurance = Assurance {
            name_id: NameId::new("alice", None).unwrap(),
            attributes: Vec::new(),
            authn_instant: at,
            authn_context: "urn:oasis:names:tc:SAML:2.0:ac:classes:Password".to_owned(),
            session_index: SessionIndex::new("s").unwrap(),
            session_not_on_or_after: at + TimeDelta::days(1),
            provenance: Provenance::default(),
        };
        let answer = idp.answer_sign_on(&demand, assurance).unwrap();
        let body = form_body(&answer.ready().unwrap());
        let received = sp.receive_login(&body).await;
        received.unwrap_or_else(|e| panic!("at {at}, {age} old: {e}"));
    }
}

#[tokio::test]
async fn a_rollover_is_not_noticed_by_peers_that_fetch_metadata_in_time() {
    let clock = TestClock::new();
    let provider = aws_lc_provider();
    let key = provider.keys.generate_rsa(2048).unwrap();
    let (first, certificate) = made();
    let mut world = World {
        ring: KeyRing::new(first, certificate, &provider, clock.now()).unwrap(),
        identity_provider: parties::party(provider, "https://idp.example", &key, &clock),
        clock,
        published: Vec::new(),
    };
    world.publish();
    let (mut added, mut activated, mut removed) = (0, 0, 0);
    for hour in 0..80 {
        world.clock.advance(TimeDelta::hours(1));
        let now = world.clock.now();
        // Each step as soon as it may be taken, once.
        if hour == 5 {
            let (next, certificate) = made();
            world
                .ring
                .add_next(next, certificate, &provider, now)
                .unwrap();
            added = hour;
        } else if world.ring.activate_next(now, CACHED).is_ok() {
            activated = hour;
        } else if world.ring.remove_retiring(now, CACHED).is_ok() {
            removed = hour;
        }
        world.publish();
        for minutes in [0, 60, 600, 24 * 60 - 1] {
            world.sign_in(TimeDelta::minutes(minutes)).await;
        }
    }
    assert_eq!((added, activated, removed), (5, 29, 53));
}

#[tokio::test]
async fn what_a_peer_publishes_now_counts_more_than_what_was_configured() {
    let clock = TestClock::new();
    let provider = aws_lc_provider();
    let key = provider.keys.generate_rsa(2048).unwrap();
    let ((first, its), (second, its_own)) = (made(), made());
    let mut world = World {
        ring: KeyRing::new(first, its, &provider, clock.now()).unwrap(),
        identity_provider: parties::party(provider, "https://idp.example", &key, &clock),
        clock,
        published: Vec::new(),
    };
    world.publish();
    let configured = world.published[0].1.clone();
    world.ring = KeyRing::new(second, its_own, &provider, world.clock.now()).unwrap();
    let sp = world.service_provider();
    let started = sp.start_login(LoginOptions::default()).await.unwrap();
    let request = query(&started.outgoing);
    let idp = || {
        let application = Application::from_metadata("SP", &configured).unwrap();
        world.idp().with_application(application)
    };
    let refused = idp().receive_sign_on(Incoming::Redirect(&request));
    assert_eq!(refused.unwrap_err().code(), "signature.wrong_key");
    let entity = parse_entity(&sp.metadata(), &Limits::default()).unwrap();
    let published = Arc::new(Entities::new([entity]));
    let idp = idp().with_published_metadata(published);
    idp.receive_sign_on(Incoming::Redirect(&request)).unwrap();
}
