//! The parties of a case, on a clock that the test moves.

use crate::arbitrary::{AnswerTo, Case, Who};
use argon2::password_hash::{PasswordHasher as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use chrono::TimeDelta;
use federate::crypto::{
    Certificate, CryptoProvider, Curve, PrivateKey, SignatureAlgorithm, aws_lc_provider,
    self_signed,
};
use federate::hub::{AuthenticatedUser, Directory, DirectoryUser, SignOn};
use federate::metadata::{Endpoint, IndexedEndpoint, Location, parse_entity};
use federate::saml::binding::{PostForm, PostMessage, RedirectMessage, redirect_url};
use federate::saml::{AuthnRequest, MessageKind, signed_xml, unsigned_xml};
use federate::session::{LifetimePolicy, MemoryStore, Profile};
use federate::types::{Binding, ClockSkew, EntityId, NameId, NameIdFormat};
use federate::xml::{Encryptor, Limits, Signer, Unverified};
use federate::{
    Application, Connection, Decryption, Hub, IdentityProvider, Incoming, LoginOptions, Outgoing,
    Party, ServiceProvider, Token,
};
use federate_testkit::keys::fixed_now;
use federate_testkit::parties::{HUB_SLO, HUB_SSO, PASSWORD, TestClock, USER, form_body, query};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

pub(crate) const HUB: &str = "https://hub.example";
pub(crate) const SP: &str = "https://sp.example";
pub(crate) const ACS: &str = "https://sp.example/saml/acs";

/// A hub, its person, and an application.
pub(crate) struct World {
    pub(crate) case: Case,
    pub(crate) hub: Hub<MemoryStore>,
    pub(crate) sp: ServiceProvider<MemoryStore>,
    clock: TestClock,
    person: AuthenticatedUser,
}

/// One key of each kind for the hub and one for the application, made once, with certificates.
struct Keys {
    provider: CryptoProvider,
    keys: [[(PrivateKey, SignatureAlgorithm); 5]; 2],
    password_hash: String,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let provider = aws_lc_provider();
    let make = || {
        let ec = |curve| provider.keys.generate_ec(curve).unwrap();
        [
            (provider.keys.generate_rsa(2048).unwrap(), SignatureAlgorithm::RsaSha256),
            (ec(Curve::P256), SignatureAlgorithm::EcdsaSha256),
            (ec(Curve::P384), SignatureAlgorithm::EcdsaSha384),
            (ec(Curve::P521), SignatureAlgorithm::EcdsaSha512),
            (provider.keys.generate_ed25519().unwrap(), SignatureAlgorithm::Ed25519),
        ]
    };
    // As cheap as it can be: it protects nothing.
    let params = Params::new(8, 1, 1, None).unwrap();
    let salt = SaltString::encode_b64(&[7; 16]).unwrap();
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(PASSWORD.as_bytes(), &salt)
        .unwrap();
    Keys {
        provider,
        keys: [make(), make()],
        password_hash: hash.to_string(),
    }
});

/// The signer of a party, by an algorithm.
fn signer(party: usize, algorithm: SignatureAlgorithm) -> Signer {
    let provider = KEYS.provider;
    let keys = KEYS.keys[party].iter();
    let key = keys.clone().find_map(|(key, kind)| {
        let fits = *kind == algorithm || *kind == SignatureAlgorithm::RsaSha256;
        let key = provider.keys.load_signing_key(key, algorithm);
        key.ok().filter(|_| fits)
    });
    let key = key.unwrap();
    let certificate = certificate(&*key);
    Signer::new(provider, key, certificate).unwrap()
}

fn certificate(key: &dyn federate::crypto::SigningKey) -> Certificate {
    let (from, to) = (fixed_now() - TimeDelta::days(1), fixed_now() + TimeDelta::days(3650));
    self_signed(&KEYS.provider, key, "test", from, to).unwrap()
}

fn party(entity_id: &str, signer: Signer, clock: &TestClock) -> Party {
    let mut party = Party::new(EntityId::new(entity_id).unwrap(), signer);
    party.clock = Arc::new(clock.clone());
    party
}

impl World {
    pub(crate) fn of(case: Case) -> Self {
        let clock = TestClock::new();
        let mut hub = party(HUB, signer(0, case.algorithms.0), &clock);
        hub.limits = Limits::default();
        let mut idp = IdentityProvider::new(hub, HUB_SSO, HUB_SLO).unwrap();
        if case.answers.requires_signed_requests {
            idp = idp.require_signed_requests();
        }
        let sp = service_provider(&case, &idp.metadata(), &clock);
        let idp = idp.with_application(application(&case, &sp));
        let (absolute, idle) = case.session;
        let lifetime = LifetimePolicy::new(TimeDelta::hours(absolute), TimeDelta::hours(idle.min(absolute)));
        let hub = Hub::new(idp, &[7; 32], Arc::new(MemoryStore::default())).unwrap();
        let user = DirectoryUser {
            password_hash: KEYS.password_hash.clone(),
            profile: Profile {
                attributes: case.profile.clone(),
            },
        };
        let users = BTreeMap::from([(USER.to_owned(), user)]);
        let directory = Directory::new(&KEYS.provider, users).unwrap();
        Self {
            hub: hub.with_lifetime(lifetime.unwrap()),
            sp,
            clock,
            person: directory.authenticate(USER, PASSWORD).unwrap(),
            case,
        }
    }

    /// Time passes.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// The person signs in at the hub.
    pub(crate) async fn sign_in(&self) -> Token {
        self.hub.sign_in(&self.person, None).await.unwrap().token
    }

    pub(crate) fn login_options(&self) -> LoginOptions {
        let request = &self.case.request;
        let subject = request.subject.map(|who| match who {
            Who::Nobody => NameId::new("nobody", None),
            Who::Address(with_format) => {
                let email = self.case.profile["email"].first();
                let email = email.map_or("none", String::as_str);
                NameId::new(email, with_format.then_some(NameIdFormat::EmailAddress))
            }
        });
        LoginOptions {
            return_to: self.case.return_to.clone(),
            force_authn: request.force_authn,
            is_passive: request.is_passive,
            name_id_format: request.name_id_format.clone(),
            requested_authn_context: request.context.clone(),
            subject: subject.map(Result::unwrap),
            ..LoginOptions::default()
        }
    }

    /// The request in the words of the case.
    pub(crate) fn worded(&self, outgoing: &Outgoing) -> Outgoing {
        let (case, limits) = (&self.case, Limits::default());
        let kind = MessageKind::Request;
        let mut request: AuthnRequest = match outgoing {
            Outgoing::Redirect(_) => {
                let query = query(outgoing);
                let redirect = RedirectMessage::parse(&query, kind, &limits).unwrap();
                redirect.unverified().unwrap().read_unsigned().unwrap()
            }
            form => {
                let posted = PostMessage::parse(&form_body(form), kind, &limits).unwrap();
                let request = Unverified::parse(posted.xml(), &limits).unwrap();
                request.read_unsigned().unwrap()
            }
        };
        match case.request.answer_to {
            AnswerTo::Url => {}
            AnswerTo::Index => {
                request.assertion_consumer_service_url = None;
                request.protocol_binding = None;
                request.assertion_consumer_service_index = Some(case.metadata.index);
            }
            AnswerTo::Default => {
                request.assertion_consumer_service_url = None;
                request.protocol_binding = None;
            }
        }
        let insisted = case.metadata.requests_signed || case.answers.requires_signed_requests;
        let signer = (case.request.signed || insisted).then(|| &self.sp.party().signer);
        let state = case.relay_state.as_ref();
        if case.request.binding == Binding::HttpRedirect {
            return Outgoing::Redirect(redirect_url(HUB_SSO, &request, state, signer).unwrap());
        }
        let xml = match signer {
            Some(signer) => signed_xml(&request, signer).unwrap(),
            None => unsigned_xml(&request),
        };
        Outgoing::Post(PostForm::new(HUB_SSO, kind, &xml, state.cloned()))
    }

    /// For which application the person must sign in before the answer, if they must.
    pub(crate) async fn wants_sign_in(&self, handle: &Token, session: Option<&Token>) -> Option<String> {
        let case = &self.case;
        let mine = case.signed_in && !case.request.force_authn;
        let context = case.request.context.as_ref();
        let possible = context.is_none_or(|c| c.is_satisfied_by(Some(crate::arbitrary::PASSWORD_CLASS)));
        if mine || case.request.is_passive || !possible {
            return None;
        }
        match self.hub.continue_sign_on(handle, session).await.unwrap() {
            SignOn::SignIn { application } => Some(application),
            SignOn::Respond(answer) => panic!("answered without sign-in: {answer:?}"),
        }
    }

    /// The answer, by the session.
    pub(crate) async fn respond(&self, handle: &Token, session: Option<&Token>) -> Outgoing {
        match self.hub.continue_sign_on(handle, session).await.unwrap() {
            SignOn::Respond(answer) => *answer,
            SignOn::SignIn { application } => panic!("{application} wants a sign-in"),
        }
    }
}

fn service_provider(case: &Case, hub: &[u8], clock: &TestClock) -> ServiceProvider<MemoryStore> {
    let mut party = party(SP, signer(1, case.algorithms.1), clock);
    if case.answers.encryption.is_some() {
        let (key, algorithm) = &KEYS.keys[1][0];
        let signing = KEYS.provider.keys.load_signing_key(key, *algorithm).unwrap();
        let decryption = KEYS.provider.key_transport.load_decryption_key(key).unwrap();
        party.decryption = Some(Decryption::new(decryption, certificate(&*signing)).unwrap());
    }
    let mut connection = Connection::from_metadata(hub).unwrap();
    connection.require_encryption = case.answers.encryption.is_some();
    let idp = connection.metadata.idp.as_mut().unwrap();
    idp.single_logout.retain(|endpoint| endpoint.is_for(case.metadata.logout.1));
    ServiceProvider::new(party, ACS, Arc::new(MemoryStore::default()))
        .and_then(|sp| sp.with_single_logout(&format!("{SP}/saml/slo")))
        .and_then(|sp| sp.with_connection(connection))
        .unwrap()
}

/// The application by its metadata, which says more than the facade's own.
fn application(case: &Case, sp: &ServiceProvider<MemoryStore>) -> Application {
    let mut entity = parse_entity(&sp.metadata(), &Limits::default()).unwrap();
    let role = entity.sp.as_mut().unwrap();
    role.authn_requests_signed = case.metadata.requests_signed;
    role.want_assertions_signed = case.metadata.wants_assertions_signed;
    role.name_id_formats = case.metadata.formats.clone();
    role.single_logout.retain(|endpoint| endpoint.is_for(case.metadata.logout.0));
    let mut ours = role.assertion_consumer[0].clone();
    ours.index = case.metadata.index;
    ours.is_default = (case.request.answer_to == AnswerTo::Default).then_some(true);
    let other = |index: &u16| {
        let location = Location::new(&format!("{SP}/other/{index}")).unwrap();
        IndexedEndpoint::new(*index, Endpoint::new(Binding::HttpPost, location))
    };
    let (before, after) = &case.metadata.others;
    let mut numbers = std::collections::BTreeSet::new();
    let mut all: Vec<_> = before.iter().map(other).collect();
    all.push(ours);
    all.extend(after.iter().map(other));
    all.retain(|acs| numbers.insert(acs.index));
    role.assertion_consumer = all;

    let answers = &case.answers;
    let mut application = Application::from_metadata("The Application", &entity.to_xml()).unwrap();
    application.name_id_format = answers.name_id_format.clone();
    application.name_id_probes = answers.name_id_probes.clone();
    application.release = case.release.clone();
    application.authn_context_class_ref = answers.authn_context.map(str::to_owned);
    application.audience = answers.for_another.then(|| EntityId::new("https://other.example").unwrap());
    application.issue.signed_part = answers.signed_part;
    application.issue.typed_attributes = answers.typed_attributes;
    application.issue.lifetime = TimeDelta::seconds(answers.lifetime);
    application.issue.skew = ClockSkew::new(TimeDelta::seconds(answers.skew)).unwrap();
    if let Some(cipher) = answers.encryption {
        let role = application.metadata.sp.as_ref().unwrap();
        let certificate = role.encryption_certificates().next().unwrap().clone();
        let encryptor = Encryptor::new(KEYS.provider, certificate).unwrap();
        application.issue.encryption = Some(encryptor.with_cipher(cipher).unwrap());
    }
    application
}

/// A message as the server at its address sees it.
pub(crate) struct Arrived {
    text: String,
    redirected: bool,
}

pub(crate) fn incoming(outgoing: &Outgoing) -> Arrived {
    let redirected = matches!(outgoing, Outgoing::Redirect(_));
    let text = match redirected {
        true => query(outgoing),
        false => form_body(outgoing),
    };
    Arrived { text, redirected }
}

impl Arrived {
    pub(crate) fn get(&self) -> Incoming<'_> {
        match self.redirected {
            true => Incoming::Redirect(&self.text),
            false => Incoming::Post(&self.text),
        }
    }

    /// The body of a form.
    pub(crate) fn body(&self) -> &str {
        assert!(!self.redirected);
        &self.text
    }
}
