//! Properties: what is written is read back, what is issued is accepted, what is changed is
//! refused, and nothing panics.

use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use federate_saml::binding::{PostMessage, RedirectMessage, redirect_url};
use federate_saml::{
    Assertion, Attribute, AttributeValue, AuthnRequest, AuthnStatement, Comparison, Conditions,
    IssuePolicy, LogoutRequest, LogoutResponse, Message, MessageKind, NameIdPolicy,
    RequestedAuthnContext, Response, SignedPart, Subject, SubjectConfirmation, issue_response,
    signed_xml, unsigned_xml,
};
use federate_types::{
    Binding, ClockSkew, EntityId, MessageId, NameId, NameIdFormat, RelayState, SessionIndex,
    Status, StatusCode,
};
use federate_xml::{FromElement, Limits, Unverified};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::sync::LazyLock;

/// A character that XML can carry; markup and white space often.
fn character() -> impl Strategy<Value = char> {
    let xml = |c: &char| {
        !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}') || matches!(c, '\t' | '\n' | '\r')
    };
    prop_oneof![
        3 => prop::sample::select("<>&\"'=-!?[];#/: \t\r\nabcXYZ019".chars().collect::<Vec<_>>()),
        1 => prop::sample::select("éßİıﬁ中🔑\u{a0}\u{200b}\u{feff}\u{301}\u{2028}\u{85}".chars().collect::<Vec<_>>()),
        1 => any::<char>().prop_filter("a character of XML", xml),
    ]
}

fn text() -> impl Strategy<Value = String> {
    vec(character(), 0..24).prop_map(String::from_iter)
}

/// For types that allow neither control characters nor nothing.
fn printable() -> impl Strategy<Value = String> {
    vec(character(), 1..24).prop_map(|chars| {
        let text: String = chars.into_iter().filter(|c| !c.is_control()).collect();
        if text.is_empty() { "x".to_owned() } else { text }
    })
}

/// For URIs that are read without white space around them.
fn uri() -> impl Strategy<Value = String> {
    printable().prop_map(|text| format!("u{text}u"))
}

fn entity_id() -> impl Strategy<Value = EntityId> {
    printable().prop_map(|text| {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        EntityId::new(format!("u{text}")).unwrap()
    })
}

fn message_id() -> impl Strategy<Value = MessageId> {
    any::<[u8; 20]>().prop_map(MessageId::from_random)
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    // Years 1 to 9999.
    (-62_135_596_800i64..253_402_300_800).prop_map(|s| DateTime::from_timestamp(s, 0).unwrap())
}

fn format() -> impl Strategy<Value = NameIdFormat> {
    prop_oneof![
        Just(NameIdFormat::EmailAddress),
        Just(NameIdFormat::Persistent),
        Just(NameIdFormat::Unspecified),
        text().prop_map(|uri| NameIdFormat::from_uri(&uri)),
    ]
}

fn name_id() -> impl Strategy<Value = NameId> {
    let parts = (printable(), of(format()), of(entity_id()), of(entity_id()));
    parts.prop_map(|(value, format, name_qualifier, sp_name_qualifier)| {
        let mut name_id = NameId::new(value, format).unwrap();
        name_id.name_qualifier = name_qualifier;
        name_id.sp_name_qualifier = sp_name_qualifier;
        name_id
    })
}

fn session_index() -> impl Strategy<Value = SessionIndex> {
    printable().prop_map(|text| SessionIndex::new(text).unwrap())
}

fn attribute() -> impl Strategy<Value = Attribute> {
    let value = prop_oneof![
        text().prop_map(AttributeValue::Text),
        name_id().prop_map(AttributeValue::NameId),
    ];
    (text(), of(text()), of(text()), vec(value, 0..4)).prop_map(
        |(name, name_format, friendly_name, values)| Attribute {
            name,
            name_format,
            friendly_name,
            values,
        },
    )
}

fn confirmation() -> impl Strategy<Value = SubjectConfirmation> {
    let parts = (text(), of(instant()), of(instant()), of(text()), of(message_id()));
    parts.prop_map(|(method, not_before, not_on_or_after, recipient, in_response_to)| {
        SubjectConfirmation {
            method,
            not_before,
            not_on_or_after,
            recipient,
            in_response_to,
        }
    })
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let parts = (of(instant()), of(instant()), vec(vec(text(), 0..3), 0..3), any::<[bool; 2]>());
    parts.prop_map(|(not_before, not_on_or_after, audience_restrictions, flags)| Conditions {
        not_before,
        not_on_or_after,
        audience_restrictions,
        one_time_use: flags[0],
        proxy_restriction: flags[1],
        unknown: 0,
    })
}

fn statement() -> impl Strategy<Value = AuthnStatement> {
    let parts = (instant(), of(session_index()), of(instant()), of(uri()), vec(uri(), 0..3));
    parts.prop_map(|(authn_instant, session_index, until, authn_context, authorities)| {
        AuthnStatement {
            authn_instant,
            session_index,
            session_not_on_or_after: until,
            authn_context,
            authenticating_authorities: authorities,
        }
    })
}

fn assertion() -> impl Strategy<Value = Assertion> {
    let subject = (of(name_id()), vec(confirmation(), 0..3)).prop_map(|(name_id, confirmations)| {
        Subject {
            name_id,
            confirmations,
        }
    });
    let parts = (
        (message_id(), instant(), entity_id()),
        of(subject),
        of(conditions()),
        vec(statement(), 0..3),
        vec(attribute(), 0..4),
    );
    parts.prop_map(
        |((id, issue_instant, issuer), subject, conditions, authn_statements, attributes)| {
            Assertion {
                id,
                issue_instant,
                issuer,
                subject,
                conditions,
                authn_statements,
                attributes,
            }
        },
    )
}

fn status() -> impl Strategy<Value = Status> {
    let code = || {
        prop_oneof![
            Just(StatusCode::Success),
            Just(StatusCode::PartialLogout),
            text().prop_map(|uri| StatusCode::from_uri(&uri)),
        ]
    };
    (code(), of(code()), of(text())).prop_map(|(code, subcode, message)| Status {
        code,
        subcode,
        message,
    })
}

type Head = (MessageId, DateTime<Utc>, Option<String>, Option<EntityId>);

fn head() -> impl Strategy<Value = Head> {
    (message_id(), instant(), of(text()), of(entity_id()))
}

fn response() -> impl Strategy<Value = Response> {
    (head(), of(message_id()), status(), vec(assertion(), 0..3)).prop_map(
        |((id, issue_instant, destination, issuer), in_response_to, status, assertions)| Response {
            id,
            issue_instant,
            destination,
            in_response_to,
            issuer,
            status,
            assertions,
        },
    )
}

fn authn_request() -> impl Strategy<Value = AuthnRequest> {
    let policy = (of(format()), any::<bool>()).prop_map(|(format, allow_create)| NameIdPolicy {
        format,
        allow_create,
    });
    let comparison = prop::sample::select(vec![
        Comparison::Exact,
        Comparison::Minimum,
        Comparison::Maximum,
        Comparison::Better,
    ]);
    let context = (comparison, vec(uri(), 0..3)).prop_map(|(comparison, class_refs)| {
        RequestedAuthnContext {
            comparison,
            class_refs,
        }
    });
    let bindings = vec![Binding::HttpPost, Binding::HttpRedirect, Binding::Paos];
    let parts = (
        head(),
        any::<[bool; 2]>(),
        (of(text()), of(any::<u16>())),
        of(prop::sample::select(bindings)),
        of(policy),
        of(context),
        of(text()),
    );
    parts.prop_map(|(head, flags, acs, protocol_binding, policy, context, provider_name)| {
        AuthnRequest {
            id: head.0,
            issue_instant: head.1,
            destination: head.2,
            issuer: head.3,
            force_authn: flags[0],
            is_passive: flags[1],
            assertion_consumer_service_url: acs.0,
            assertion_consumer_service_index: acs.1,
            protocol_binding,
            name_id_policy: policy,
            requested_authn_context: context,
            provider_name,
        }
    })
}

fn logout_request() -> impl Strategy<Value = LogoutRequest> {
    (head(), of(instant()), of(text()), name_id(), vec(session_index(), 0..3)).prop_map(
        |(head, not_on_or_after, reason, name_id, session_indexes)| LogoutRequest {
            id: head.0,
            issue_instant: head.1,
            destination: head.2,
            issuer: head.3,
            not_on_or_after,
            reason,
            name_id,
            session_indexes,
        },
    )
}

fn logout_response() -> impl Strategy<Value = LogoutResponse> {
    (head(), of(message_id()), status()).prop_map(|(head, in_response_to, status)| LogoutResponse {
        id: head.0,
        issue_instant: head.1,
        destination: head.2,
        issuer: head.3,
        in_response_to,
        status,
    })
}

fn relay_state() -> impl Strategy<Value = RelayState> {
    printable().prop_map(|text| {
        let mut text = text;
        while text.len() > RelayState::MAX_BYTES {
            text.pop();
        }
        RelayState::new(text).unwrap()
    })
}

/// Written and read again: unsigned, signed, and by redirect with and without signature.
fn round_trip<T: Message + PartialEq + std::fmt::Debug>(
    message: &T,
    state: Option<&RelayState>,
    location: &str,
) {
    let limits = Limits::default();
    let read = |xml: &[u8]| Unverified::<T>::parse(xml, &limits).unwrap().read_unsigned().unwrap();
    assert_eq!(&read(&unsigned_xml(message)), message);
    let signed = signed_xml(message, &signer()).unwrap();
    assert_eq!(&read(&signed), message);
    let signed = Unverified::<T>::parse(&signed, &limits).unwrap();
    let verified = with_context(|c| signed.verify(&trusted(), c)).unwrap();
    assert_eq!(&*verified, message);
    for signer in [None, Some(signer())] {
        let url = redirect_url(location, message, state, signer.as_ref()).unwrap();
        assert!(url.is_ascii() && url.starts_with(location));
        let query = url.split_once('?').unwrap().1;
        let redirect = RedirectMessage::parse(query, T::KIND, &limits).unwrap();
        assert_eq!(redirect.relay_state(), state);
        assert_eq!(redirect.is_signed(), signer.is_some());
        let unverified = redirect.unverified::<T>().unwrap();
        assert_eq!(&unverified.read_unsigned().unwrap(), message);
        let result = with_context(|c| redirect.verify::<T>(&trusted(), c));
        match signer {
            Some(_) => assert_eq!(&*result.unwrap(), message),
            None => assert_eq!(result.unwrap_err().code(), "signature.missing"),
        }
    }
}

/// One login by SAML per part; what it says is compared after every change.
static ISSUED: LazyLock<Vec<String>> =
    LazyLock::new(|| PARTS.into_iter().map(|part| honest(part).xml()).collect());

fn unchanged_or_refused(xml: &[u8], part: usize) {
    let Ok(text) = std::str::from_utf8(xml) else {
        assert!(Unverified::<Response>::parse(xml, &Limits::default()).is_err());
        return;
    };
    if let Ok(login) = accept(text, &expect()) {
        assert_eq!(login, accept(&ISSUED[part], &expect()).unwrap(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn responses_read_as_written(response in response()) {
        let assertions: Vec<_> = response.assertions.iter().map(assertion_text).collect();
        let assertions: Vec<_> = assertions.iter().map(String::as_str).collect();
        let xml = around(&response, &assertions);
        let read = Unverified::<Response>::parse(xml.as_bytes(), &Limits::default()).unwrap();
        prop_assert_eq!(read.read_unsigned().unwrap(), response);
    }

    #[test]
    fn authn_requests_survive_every_binding(m in authn_request(), state in of(relay_state())) {
        round_trip(&m, state.as_ref(), SSO);
    }

    #[test]
    fn logout_requests_survive_every_binding(m in logout_request(), state in of(relay_state())) {
        round_trip(&m, state.as_ref(), "https://idp.example/slo?tenant=a%26b");
    }

    #[test]
    fn logout_responses_survive_every_binding(m in logout_response(), state in of(relay_state())) {
        round_trip(&m, state.as_ref(), SLO);
    }

    #[test]
    fn what_is_issued_is_accepted(
        parties in (entity_id(), entity_id()),
        ids in (message_id(), message_id(), of(message_id())),
        name in name_id(),
        attributes in vec(attribute(), 0..5),
        index in session_index(),
        context in uri(),
        times in (0i64..600, 0i64..100_000, 1i64..1_000_000, 0i64..600),
        acs in text(),
        part in prop::sample::select(PARTS.to_vec()),
    ) {
        let ((idp, sp), (response_id, assertion_id, asked)) = (parties, ids);
        let mut name_id = name;
        name_id.sp_name_qualifier = name_id.sp_name_qualifier.map(|_| sp.clone());
        let (lifetime, ago, session, skew) = times;
        let mut login = login(&idp, &sp, asked.as_ref());
        login.assertion_consumer_service = &acs;
        login.name_id = name_id.clone();
        login.attributes = attributes.clone();
        login.session_index = index.clone();
        login.authn_context = &context;
        login.authn_instant = now() - seconds(ago);
        login.session_not_on_or_after = now() + seconds(session);
        let policy = IssuePolicy {
            lifetime: TimeDelta::seconds(lifetime + 1),
            skew: ClockSkew::new(seconds(skew)).unwrap(),
            signed_part: part,
        };
        let octets = issue_response(
            &login, response_id, assertion_id.clone(), &policy, &signer(), now(),
        ).unwrap();
        let mut expect = expect();
        (expect.idp, expect.sp, expect.acs) = (idp.clone(), sp.clone(), acs.clone());
        expect.request = asked.clone().map(|id| federate_saml::SentRequest {
            id,
            ..expect.request.clone().unwrap()
        });
        let got = accept(std::str::from_utf8(&octets).unwrap(), &expect).unwrap();
        prop_assert_eq!(got.issuer(), &idp);
        prop_assert_eq!(got.name_id(), &name_id);
        prop_assert_eq!(got.attributes(), attributes);
        prop_assert_eq!(got.session_index(), Some(&index));
        prop_assert_eq!(got.authn_context(), Some(context.as_str()));
        prop_assert_eq!(got.authn_instant(), now() - seconds(ago));
        prop_assert_eq!(got.session_not_on_or_after(), Some(now() + seconds(session)));
        prop_assert_eq!(got.assertion_id(), &assertion_id);
        prop_assert_eq!(got.in_response_to(), asked.as_ref());
        prop_assert_eq!(got.replay_until(), now() + seconds(lifetime + 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    /// Any octet of the XML set to any other value.
    #[test]
    fn a_changed_octet_is_refused_or_changes_nothing(part in 0..3usize, at: prop::sample::Index, to: u8) {
        let mut xml = ISSUED[part].clone().into_bytes();
        let at = at.index(xml.len());
        xml[at] = to;
        unchanged_or_refused(&xml, part);
    }

    /// Any bit of the XML, which makes likelier changes: letters for letters.
    #[test]
    fn a_changed_bit_is_refused_or_changes_nothing(part in 0..3usize, at: prop::sample::Index, bit in 0..8u32) {
        let mut xml = ISSUED[part].clone().into_bytes();
        let at = at.index(xml.len());
        xml[at] ^= 1 << bit;
        unchanged_or_refused(&xml, part);
    }

    /// Any octet of the form's base64.
    #[test]
    fn a_changed_octet_of_base64_is_refused_or_changes_nothing(
        part in 0..3usize, at: prop::sample::Index, to in "[ -~\n]",
    ) {
        let mut value = STANDARD.encode(&ISSUED[part]);
        let at = at.index(value.len());
        value.replace_range(at..=at, &to);
        let body = format!("SAMLResponse={}", crate::redirect::escape(&value, false));
        if let Ok(message) = PostMessage::parse(&body, MessageKind::Response, &Limits::default()) {
            unchanged_or_refused(message.xml(), part);
        }
    }

    /// A piece taken out, or doubled.
    #[test]
    fn a_piece_out_or_doubled_is_refused_or_changes_nothing(
        part in 0..3usize, at: prop::sample::Index, length in 1..200usize, double: bool,
    ) {
        let xml = ISSUED[part].as_bytes();
        let from = at.index(xml.len());
        let to = (from + length).min(xml.len());
        let changed = if double {
            [&xml[..to], &xml[from..]].concat()
        } else {
            [&xml[..from], &xml[to..]].concat()
        };
        unchanged_or_refused(&changed, part);
    }

    /// No query and no body makes a panic.
    #[test]
    fn anything_may_arrive(text in any::<Vec<u8>>(), base64 in any::<Vec<u8>>(), relay in any::<String>()) {
        let text = String::from_utf8_lossy(&text);
        let value = crate::redirect::escape(&STANDARD.encode(&base64), false);
        let deflated = crate::redirect::deflate(&base64);
        let deflated = crate::redirect::escape(&STANDARD.encode(deflated), false);
        for kind in [MessageKind::Request, MessageKind::Response] {
            let name = kind.parameter();
            for query in [
                text.to_string(),
                format!("{name}={text}"),
                format!("{name}={value}&RelayState={relay}"),
                format!("{name}={deflated}&SigAlg={text}&Signature={value}"),
            ] {
                let limits = Limits::default();
                if let Ok(message) = RedirectMessage::parse(&query, kind, &limits) {
                    let _ = message.unverified::<AuthnRequest>();
                    let result = with_context(|c| message.verify::<LogoutRequest>(&trusted(), c));
                    prop_assert!(result.is_err());
                }
                if let Ok(message) = PostMessage::parse(&query, kind, &limits) {
                    read::<Response>(message.xml());
                    read::<AuthnRequest>(message.xml());
                }
            }
        }
    }
}

fn read<T: FromElement>(xml: &[u8]) {
    let _ = Unverified::<T>::parse(xml, &Limits::default()).map(|m| m.read_unsigned().map(drop));
}

/// The parts by which the strategies above count.
#[test]
fn every_part_is_issued() {
    assert_eq!(PARTS.len(), ISSUED.len());
    assert_eq!(SignedPart::default(), PARTS[0]);
}
