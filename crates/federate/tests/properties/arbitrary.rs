//! Arbitrary parties, people and wishes.

use crate::world::incoming;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate::Outgoing;
use federate::crypto::{BlockCipher, SignatureAlgorithm};
use federate::idp::AttributeRelease;
use federate::saml::binding::PostForm;
use federate::saml::{Comparison, RequestedAuthnContext, SignedPart};
use federate::types::{Binding, NameIdFormat, RelayState};
use federate_testkit::mutation::some_mutations;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::collections::BTreeMap;

/// How the hub signs in.
pub(crate) const PASSWORD_CLASS: &str =
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
/// Another way.
pub(crate) const OTHER_CLASS: &str = "https://classes.example/with a blank & <markup>";

/// The attributes of people.
pub(crate) const NAMES: [&str; 7] = [
    "email",
    "groups",
    "urn:oid:2.5.4.42",
    "a b\t<&\">",
    "",
    "\u{e9}\u{1f511}",
    "beyond XML\u{b}",
];

/// Two parties, a person, and what is asked.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// With what the hub and the application sign.
    pub(crate) algorithms: (SignatureAlgorithm, SignatureAlgorithm),
    /// What the application says of itself.
    pub(crate) metadata: Metadata,
    /// How the hub answers it.
    pub(crate) answers: Answers,
    pub(crate) release: AttributeRelease,
    /// What is known of the person.
    pub(crate) profile: BTreeMap<String, Vec<String>>,
    pub(crate) request: Request,
    pub(crate) relay_state: Option<RelayState>,
    pub(crate) return_to: Option<String>,
    /// Whether the person has a session at the hub already, and since when: in seconds.
    pub(crate) signed_in: bool,
    pub(crate) before: i64,
    /// How long everything else takes, in seconds.
    pub(crate) signing_in: i64,
    pub(crate) on_its_way: i64,
    /// How long sessions of the hub last: at most, and idle, in hours.
    pub(crate) session: (i64, i64),
}

#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    pub(crate) requests_signed: bool,
    pub(crate) wants_assertions_signed: bool,
    pub(crate) formats: Vec<NameIdFormat>,
    /// The number of its address for responses, and those of others before and after it.
    pub(crate) index: u16,
    pub(crate) others: (Vec<u16>, Vec<u16>),
    /// How it is reached for logout, both ways.
    pub(crate) logout: (Binding, Binding),
}

#[derive(Debug, Clone)]
pub(crate) struct Answers {
    pub(crate) name_id_format: NameIdFormat,
    pub(crate) name_id_probes: Vec<String>,
    pub(crate) signed_part: SignedPart,
    pub(crate) encryption: Option<BlockCipher>,
    pub(crate) typed_attributes: bool,
    /// In seconds.
    pub(crate) lifetime: i64,
    pub(crate) skew: i64,
    /// Whether assertions are for somebody else.
    pub(crate) for_another: bool,
    pub(crate) authn_context: Option<&'static str>,
    pub(crate) requires_signed_requests: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) binding: Binding,
    /// Whether it is signed though nobody insists.
    pub(crate) signed: bool,
    pub(crate) answer_to: AnswerTo,
    pub(crate) force_authn: bool,
    pub(crate) is_passive: bool,
    pub(crate) name_id_format: Option<NameIdFormat>,
    pub(crate) context: Option<RequestedAuthnContext>,
    pub(crate) subject: Option<Who>,
}

/// How a request names where the answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerTo {
    Url,
    Index,
    Default,
}

/// Who is to be the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever it is, by the e-mail address, with its format or without.
    Address(bool),
    Nobody,
}

/// A character that XML can carry; markup and white space often.
fn character() -> impl Strategy<Value = char> {
    let odd = "<>&\"'=-!?[]#/: \t\r\nabcXYZ019\u{e9}\u{130}\u{fb01}\u{1f511}\u{a0}\u{200b}\u{feff}\u{301}\u{2028}\u{85}";
    let xml = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    prop_oneof![
        3 => select(odd.chars().collect::<Vec<_>>()),
        1 => any::<char>().prop_filter("a character of XML", xml),
    ]
}

/// A value of an attribute, empty or long too, or such that XML cannot carry it.
fn value() -> impl Strategy<Value = String> {
    let text = |length| vec(character(), length).prop_map(String::from_iter);
    let beyond = select(vec!["\0", "a\u{1}b", "\u{fffe}"]).prop_map(str::to_owned);
    prop_oneof![8 => text(0..20), 1 => text(2000..3000), 1 => beyond]
}

/// What can name a person.
fn printable() -> impl Strategy<Value = String> {
    vec(character(), 1..20).prop_map(|chars| {
        let text: String = chars.into_iter().filter(|c| !c.is_control()).collect();
        format!("a{text}@example.com")
    })
}

fn profile() -> impl Strategy<Value = BTreeMap<String, Vec<String>>> {
    let names = select(NAMES.to_vec()).prop_map(str::to_owned);
    let odd = btree_map(names, vec(value(), 0..4), 0..5);
    // Some addresses are none.
    let before = prop_oneof![3 => Just(Vec::new()), 1 => vec(value(), 1..3)];
    let email = prop::option::weighted(0.9, printable());
    (odd, before, email).prop_map(|(mut profile, mut emails, email)| {
        emails.extend(email);
        profile.insert("email".to_owned(), emails);
        profile
    })
}

fn release() -> impl Strategy<Value = AttributeRelease> {
    let name = || select(NAMES.to_vec()).prop_map(str::to_owned);
    let names = prop_oneof![name(), Just("User.Email".to_owned())];
    (
        btree_map(name(), vec(names, 0..3), 0..4),
        any::<[bool; 3]>(),
    )
        .prop_map(|(mappings, flags)| AttributeRelease {
            mappings,
            pass_unmapped: flags[0],
            create_upn: flags[1],
            name_formats: flags[2],
            ..AttributeRelease::default()
        })
}

fn algorithm() -> impl Strategy<Value = SignatureAlgorithm> {
    let made = |algorithm: &SignatureAlgorithm| *algorithm != SignatureAlgorithm::RsaSha1;
    select(
        SignatureAlgorithm::ALL
            .into_iter()
            .filter(made)
            .collect::<Vec<_>>(),
    )
}

fn format() -> impl Strategy<Value = NameIdFormat> {
    let seldom = [
        NameIdFormat::Kerberos,
        NameIdFormat::from_uri("urn:example:format"),
    ];
    prop_oneof![
        4 => Just(NameIdFormat::EmailAddress),
        3 => Just(NameIdFormat::Unspecified),
        2 => Just(NameIdFormat::Persistent),
        2 => Just(NameIdFormat::Transient),
        1 => select(seldom.to_vec()),
    ]
}

fn front_channel() -> impl Strategy<Value = Binding> {
    select(vec![Binding::HttpRedirect, Binding::HttpPost])
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let others = || vec(0u16..100, 0..3);
    let parts = (
        any::<[bool; 2]>(),
        vec(format(), 0..3),
        100u16..,
        (others(), others()),
        (front_channel(), front_channel()),
    );
    parts.prop_map(|(flags, formats, index, others, logout)| Metadata {
        requests_signed: flags[0],
        wants_assertions_signed: flags[1],
        formats,
        index,
        others,
        logout,
    })
}

fn answers() -> impl Strategy<Value = Answers> {
    let parts = [
        SignedPart::Assertion,
        SignedPart::Response,
        SignedPart::Both,
    ];
    let ciphers = [
        BlockCipher::Aes128Gcm,
        BlockCipher::Aes192Gcm,
        BlockCipher::Aes256Gcm,
    ];
    let probes = prop_oneof![
        6 => Just(Vec::new()),
        1 => select(vec!["none", "email"]).prop_map(|probe| vec!["none".to_owned(), probe.to_owned()]),
    ];
    let class = prop_oneof![
        4 => Just(None),
        1 => select(vec![Some(PASSWORD_CLASS), Some(OTHER_CLASS)]),
    ];
    let strategy = (
        (format(), probes),
        select(parts.to_vec()),
        of(select(ciphers.to_vec())),
        (1i64..300, 0i64..180),
        any::<[bool; 2]>(),
        prop::bool::weighted(0.05),
        class,
    );
    strategy.prop_map(
        |(names, signed_part, encryption, times, flags, for_another, class)| Answers {
            name_id_format: names.0,
            name_id_probes: names.1,
            signed_part,
            encryption,
            typed_attributes: flags[0],
            lifetime: times.0,
            skew: times.1,
            for_another,
            authn_context: class,
            requires_signed_requests: flags[1],
        },
    )
}

fn context() -> impl Strategy<Value = Option<RequestedAuthnContext>> {
    let classes = [
        vec![PASSWORD_CLASS],
        vec![OTHER_CLASS, PASSWORD_CLASS],
        vec![OTHER_CLASS],
    ];
    let some = select(classes.to_vec()).prop_map(|classes| {
        Some(RequestedAuthnContext {
            comparison: Comparison::Exact,
            class_refs: classes.into_iter().map(str::to_owned).collect(),
            decl_refs: Vec::new(),
        })
    });
    prop_oneof![4 => Just(None), 1 => some]
}

fn request() -> impl Strategy<Value = Request> {
    let who = select(vec![Who::Address(true), Who::Address(false), Who::Nobody]);
    let strategy = (
        (front_channel(), any::<bool>()),
        select(vec![AnswerTo::Url, AnswerTo::Index, AnswerTo::Default]),
        any::<bool>(),
        prop::bool::weighted(0.1),
        of(format()),
        context(),
        prop_oneof![4 => Just(None), 1 => who.prop_map(Some)],
    );
    strategy.prop_map(
        |(how, answer_to, force_authn, is_passive, format, context, subject)| Request {
            binding: how.0,
            signed: how.1,
            answer_to,
            force_authn,
            is_passive,
            name_id_format: format,
            context,
            subject,
        },
    )
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let state = vec(character(), 0..18).prop_map(|chars| {
        let text: String = chars.into_iter().filter(|c| !c.is_control()).collect();
        RelayState::new(format!("/{text}")).unwrap()
    });
    let times = (1i64..10_000, 0i64..200, any::<Index>());
    let strategy = (
        (algorithm(), algorithm()),
        (metadata(), answers(), release()),
        profile(),
        request(),
        (of(state), of(Just("/in box".to_owned()))),
        any::<bool>(),
        times,
        (4i64..200, 4i64..200),
    );
    strategy.prop_map(
        |(algorithms, hub, profile, request, states, signed_in, times, session)| {
            let (metadata, answers, release) = hub;
            let on_its_way = times.2.index(usize::try_from(answers.lifetime).unwrap());
            Case {
                algorithms,
                metadata,
                answers,
                release,
                profile,
                request,
                relay_state: states.0,
                return_to: states.1,
                signed_in,
                before: times.0,
                signing_in: times.1,
                on_its_way: i64::try_from(on_its_way).unwrap(),
                session,
            }
        },
    )
}

/// A case that comes to a session at both ends, mostly.
pub(crate) fn session() -> impl Strategy<Value = Case> {
    case().prop_map(|mut case| {
        (case.request.is_passive, case.answers.for_another) = (false, false);
        (case.request.context, case.request.subject) = (None, None);
        case
    })
}

/// What somebody does to a message on its way.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// One octet becomes another.
    Octet(Index, u8),
    /// One of the attacks of the testkit.
    Attack(usize, Index),
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), 1u8..).prop_map(|(at, mask)| Change::Octet(at, mask)),
        (0usize..1000, any::<Index>()).prop_map(|(from, which)| Change::Attack(from, which)),
    ]
}

impl Change {
    /// The message as it arrives.
    pub(crate) fn made(&self, message: &Outgoing) -> Outgoing {
        match message {
            Outgoing::Redirect(location) => Outgoing::Redirect(self.of_query(location)),
            Outgoing::Post(form) => {
                let xml = STANDARD.decode(&form.value).unwrap();
                Outgoing::Post(PostForm {
                    value: STANDARD.encode(self.of_xml(xml)),
                    ..form.clone()
                })
            }
            other => panic!("{other:?}"),
        }
    }

    /// The body that arrives.
    pub(crate) fn applied(&self, message: &Outgoing) -> String {
        incoming(&self.made(message)).body().to_owned()
    }

    fn of_xml(&self, mut xml: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Octet(at, mask) => {
                let at = at.index(xml.len());
                xml[at] ^= mask;
                xml
            }
            Self::Attack(from, which) => {
                let attacks = some_mutations(&xml, 1, *from);
                which.get(&attacks).octets.clone()
            }
        }
    }

    /// Another character, of those that queries have.
    fn of_query(&self, location: &str) -> String {
        let (Self::Octet(at, _) | Self::Attack(_, at)) = self;
        let begin = location.find('?').unwrap() + 1;
        let at = begin + at.index(location.len() - begin);
        let other = if &location[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &location[..at], &location[at + 1..])
    }
}
