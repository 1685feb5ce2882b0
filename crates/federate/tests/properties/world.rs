//! The parties of a case, on a clock that the test moves.

use crate::arbitrary::{AnswerTo, Case, PASSWORD_CLASS, Who};
use argon2::password_hash::{PasswordHasher as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use chrono::TimeDelta;
use federate::crypto::{
    CryptoProvider, Curve, PrivateKey, SignatureAlgorithm, aws_lc_provider, self_signed,
};
use federate::hub::{AuthenticatedUser, Directory, DirectoryUser, SignOn};
use federate::metadata::{Endpoint, IndexedEndpoint, Location, parse_entity};
use federate::saml::binding::{PostForm, PostMessage, RedirectMessage, redirect_url};
use federate::saml::{AuthnRequest, MessageKind, signed_xml, unsigned_xml};
use federate::session::{LifetimePolicy, MemoryStore, Persistence, Profile};
use federate::types::{Binding, ClockSkew, EntityId, NameId, NameIdFormat};
use federate::xml::{Encryptor, Limits, Signer, Unverified};
use federate::{
    Application, Connection, Decryption, Hub, IdentityProvider, Incoming, LoginOptions, Outgoing,
    Party, ServiceProvider, Token,
};
use federate_testkit::keys::fixed_now;
use federate_testkit::parties::{HUB_SLO, HUB_SSO, PASSWORD, TestClock, USER, form_body, query};
use std::collections::{BTreeMap, BTreeSet};
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

/// What every case shares, made once.
struct Shared {
    provider: CryptoProvider,
    /// The signers of the hub and of the application, by every algorithm.
    signers: [Vec<(SignatureAlgorithm, Signer)>; 2],
    decryption: Decryption,
    password_hash: String,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let provider = aws_lc_provider();
    // As cheap as it can be: it protects nothing.
    let params = Params::new(8, 1, 1, None).unwrap();
    let salt = SaltString::encode_b64(&[7; 16]).unwrap();
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(PASSWORD.as_bytes(), &salt)
        .unwrap();
    let key = provider.keys.generate_rsa(2048).unwrap();
    let certificate = signer(&key, SignatureAlgorithm::RsaSha256)
        .certificate()
        .clone();
    let key = provider.key_transport.load_decryption_key(&key).unwrap();
    Shared {
        provider,
        signers: [signers(), signers()],
        decryption: Decryption::new(key, certificate).unwrap(),
        password_hash: hash.to_string(),
    }
});

fn signers() -> Vec<(SignatureAlgorithm, Signer)> {
    let keys = aws_lc_provider().keys;
    let rsa = keys.generate_rsa(2048).unwrap();
    let [p256, p384, p521] =
        [Curve::P256, Curve::P384, Curve::P521].map(|c| keys.generate_ec(c).unwrap());
    let ed25519 = keys.generate_ed25519().unwrap();
    let by = |algorithm| {
        let key = match algorithm {
            SignatureAlgorithm::EcdsaSha256 => &p256,
            SignatureAlgorithm::EcdsaSha384 => &p384,
            SignatureAlgorithm::EcdsaSha512 => &p521,
            SignatureAlgorithm::Ed25519 => &ed25519,
            _ => &rsa,
        };
        (algorithm, signer(key, algorithm))
    };
    let made = |algorithm: &SignatureAlgorithm| *algorithm != SignatureAlgorithm::RsaSha1;
    SignatureAlgorithm::ALL
        .into_iter()
        .filter(made)
        .map(by)
        .collect()
}

fn signer(key: &PrivateKey, algorithm: SignatureAlgorithm) -> Signer {
    let provider = aws_lc_provider();
    let key = provider.keys.load_signing_key(key, algorithm).unwrap();
    let (from, to) = (
        fixed_now() - TimeDelta::days(1),
        fixed_now() + TimeDelta::days(3650),
    );
    let certificate = self_signed(&provider, &*key, "test", from, to).unwrap();
    Signer::new(provider, key, certificate).unwrap()
}

fn party(
    entity_id: &str,
    number: usize,
    algorithm: SignatureAlgorithm,
    clock: &TestClock,
) -> Party {
    let mut signers = SHARED.signers[number].iter();
    let (_, signer) = signers.find(|(a, _)| *a == algorithm).unwrap();
    let mut party = Party::new(EntityId::new(entity_id).unwrap(), signer.clone());
    party.clock = Arc::new(clock.clone());
    party
}

impl World {
    pub(crate) fn of(case: Case) -> Self {
        let clock = TestClock::new();
        let hub = party(HUB, 0, case.algorithms.0, &clock);
        let mut idp = IdentityProvider::new(hub, HUB_SSO, HUB_SLO).unwrap();
        if case.answers.requires_signed_requests {
            idp = idp.require_signed_requests();
        }
        let sp = service_provider(&case, &idp.metadata(), &clock);
        let idp = idp.with_application(application(&case, &sp));
        let (absolute, idle) = case.session;
        let lifetime = LifetimePolicy::new(
            TimeDelta::hours(absolute),
            TimeDelta::hours(idle.min(absolute)),
        );
        let hub = Hub::new(idp, &[7; 32], Arc::new(MemoryStore::default())).unwrap();
        let user = DirectoryUser {
            password_hash: SHARED.password_hash.clone(),
            profile: Profile {
                attributes: case.profile.clone(),
            },
        };
        let users = BTreeMap::from([(USER.to_owned(), user)]);
        let directory = Directory::new(&SHARED.provider, users).unwrap();
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
        self.hub
            .sign_in(&self.person, Persistence::Persistent, None)
            .await
            .unwrap()
            .token
    }

    pub(crate) fn login_options(&self) -> LoginOptions {
        let request = &self.case.request;
        let subject = request.subject.map(|who| match who {
            Who::Nobody => NameId::new("nobody", None),
            Who::Address(with_format) => {
                let email = self.email().unwrap_or("none");
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

    /// The first e-mail address that can be a name.
    pub(crate) fn email(&self) -> Option<&str> {
        let mut emails = self.case.profile["email"].iter().map(String::as_str);
        emails.find(|email| NameId::new(*email, None).is_ok())
    }

    /// Whether the hub takes signed requests only.
    pub(crate) fn insists(&self) -> bool {
        self.case.metadata.requests_signed || self.case.answers.requires_signed_requests
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
        let signer = (case.request.signed || self.insists()).then(|| &self.sp.party().signer);
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
    pub(crate) async fn wants_sign_in(
        &self,
        handle: &Token,
        session: Option<&Token>,
    ) -> Option<String> {
        let case = &self.case;
        let mine = case.signed_in && !case.request.force_authn;
        let context = case.request.context.as_ref();
        let possible = context.is_none_or(|c| c.is_satisfied_by(Some(PASSWORD_CLASS)));
        if mine || case.request.is_passive || !possible {
            return None;
        }
        match self.hub.continue_sign_on(handle, session).await.unwrap() {
            SignOn::SignIn { application, .. } => Some(application),
            SignOn::Respond(answer) => panic!("answered without sign-in: {answer:?}"),
        }
    }

    /// The answer, by the session.
    pub(crate) async fn respond(&self, handle: &Token, session: Option<&Token>) -> Outgoing {
        match self.hub.continue_sign_on(handle, session).await.unwrap() {
            SignOn::Respond(answer) => *answer,
            SignOn::SignIn { application, .. } => panic!("{application} wants a sign-in"),
        }
    }
}

fn service_provider(case: &Case, hub: &[u8], clock: &TestClock) -> ServiceProvider<MemoryStore> {
    let mut party = party(SP, 1, case.algorithms.1, clock);
    if case.answers.encryption.is_some() {
        party.decryption = Some(SHARED.decryption.clone());
    }
    let mut connection = Connection::from_metadata(hub).unwrap();
    connection.require_encryption = case.answers.encryption.is_some();
    let idp = Arc::make_mut(&mut connection.metadata)
        .idp
        .as_mut()
        .unwrap();
    idp.single_logout
        .retain(|endpoint| endpoint.is_for(case.metadata.logout.1));
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
    role.single_logout
        .retain(|endpoint| endpoint.is_for(case.metadata.logout.0));
    let mut ours = role.assertion_consumer[0].clone();
    ours.index = case.metadata.index;
    ours.is_default = (case.request.answer_to == AnswerTo::Default).then_some(true);
    let other = |index: &u16| {
        let location = Location::new(format!("{SP}/other/{index}")).unwrap();
        IndexedEndpoint::new(*index, Endpoint::new(Binding::HttpPost, location))
    };
    let (before, after) = &case.metadata.others;
    let mut numbers = BTreeSet::new();
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
    application.audience = answers
        .for_another
        .then(|| EntityId::new("https://other.example").unwrap());
    application.issue.signed_part = answers.signed_part;
    application.issue.typed_attributes = answers.typed_attributes;
    application.issue.lifetime = TimeDelta::seconds(answers.lifetime);
    application.issue.skew = ClockSkew::new(TimeDelta::seconds(answers.skew)).unwrap();
    if let Some(cipher) = answers.encryption {
        let role = application.metadata.sp.as_ref().unwrap();
        let certificate = role.encryption_certificates().next().unwrap().clone();
        let encryptor = Encryptor::new(SHARED.provider, certificate).unwrap();
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
