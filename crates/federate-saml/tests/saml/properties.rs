//! Properties: what is written is read back, what is issued is accepted, what is changed is
//! refused, and nothing panics.

use crate::arbitrary::*;
use crate::encryption::{encryptor, verify as decrypt};
use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use federate_saml::binding::{
    ArtifactMessage, PostMessage, RedirectMessage, SimpleSignForm, SimpleSignMessage, artifact_url,
    redirect_url, soap,
};
use federate_saml::{
    ArtifactResponse, AuthnRequest, IssuePolicy, LogoutRequest, Message, MessageKind, Response,
    SentRequest, SignedPart, issue_response, signed_xml, unsigned_xml, validate_response,
};
use federate_types::{ClockSkew, RelayState};
use federate_xml::{FromElement, Limits, Unverified};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::sync::LazyLock;

/// Written and read again: unsigned, signed, by redirect with and without signature, by
/// SimpleSign and by SOAP.
fn round_trip<T: Message + PartialEq + std::fmt::Debug>(
    message: &T,
    state: Option<&RelayState>,
    location: &str,
) {
    let limits = Limits::default();
    let read = |xml: &[u8]| {
        Unverified::<T>::parse(xml, &limits)
            .unwrap()
            .read_unsigned()
            .unwrap()
    };
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
    let xml = unsigned_xml(message);
    let form = SimpleSignForm::new(location, T::KIND, &xml, state.cloned(), &signer()).unwrap();
    let pair = |(name, value)| format!("{name}={}", crate::redirect::escape(value, true));
    let body: Vec<_> = form.fields().into_iter().map(pair).collect();
    let form = SimpleSignMessage::parse(&body.join("&"), T::KIND, &limits).unwrap();
    assert_eq!(form.relay_state(), state);
    let verified = with_context(|c| form.verify::<T>(&trusted(), c)).unwrap();
    assert_eq!(&*verified, message);
    let envelope = soap::envelope(&signed_xml(message, &signer()).unwrap());
    let inside = soap::body::<T>(&envelope, &limits).unwrap();
    let verified = with_context(|c| inside.verify(&trusted(), c)).unwrap();
    assert_eq!(&*verified, message);
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
    fn artifact_resolves_survive_every_binding(m in artifact_resolve(), state in of(relay_state())) {
        round_trip(&m, state.as_ref(), "https://idp.example/artifact");
    }

    #[test]
    fn artifact_responses_survive_every_binding(m in artifact_response(), state in of(relay_state())) {
        round_trip(&m, state.as_ref(), ACS);
    }

    /// Whatever message is inside, it is read as it was written, and by the outer signature.
    #[test]
    fn a_message_in_an_artifact_response_reads_as_written(
        outer in artifact_response(), inner in logout_request(), signed: bool,
    ) {
        let xml = match signed {
            true => signed_xml(&inner, &signer()).unwrap(),
            false => unsigned_xml(&inner),
        };
        let outer = ArtifactResponse { message: Some(xml), ..outer };
        let written = signed_xml(&outer, &signer()).unwrap();
        let read = Unverified::<ArtifactResponse>::parse(&written, &Limits::default()).unwrap();
        let read = with_context(|c| read.verify(&trusted(), c)).unwrap().into_inner();
        let message = read.message.clone().unwrap();
        prop_assert_eq!(ArtifactResponse { message: outer.message.clone(), ..read }, outer);
        let message = Unverified::<LogoutRequest>::parse(&message, &Limits::default()).unwrap();
        prop_assert_eq!(message.read_unsigned().unwrap(), inner);
    }

    #[test]
    fn artifacts_survive_the_browser(artifact in artifact(), state in of(relay_state())) {
        let url = artifact_url("https://sp.example/acs?a=b", &artifact, state.as_ref());
        let read = ArtifactMessage::parse(url.split_once('?').unwrap().1).unwrap();
        prop_assert_eq!(read.artifact(), &artifact);
        prop_assert_eq!(read.relay_state(), state.as_ref());
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
        (encrypted, typed_attributes) in any::<(bool, bool)>(),
    ) {
        let ((idp, sp), (response_id, assertion_id, asked)) = (parties, ids);
        let mut name_id = name;
        name_id.sp_name_qualifier = name_id.sp_name_qualifier.map(|_| sp.clone());
        let (lifetime, ago, session, skew) = times;
        let mut login = login(&idp, &sp, asked.as_ref());
        login.assertion_consumer_service = &acs;
        login.name_id = name_id.clone();
        login.attributes = &attributes;
        login.session_index = index.clone();
        login.authn_context = &context;
        login.authn_instant = now() - seconds(ago);
        login.session_not_on_or_after = now() + seconds(session);
        let policy = IssuePolicy {
            lifetime: TimeDelta::seconds(lifetime + 1),
            skew: ClockSkew::new(seconds(skew)).unwrap(),
            signed_part: part,
            encryption: encrypted.then(encryptor),
            typed_attributes,
        };
        let octets = issue_response(
            &login, response_id, assertion_id.clone(), &policy, &signer(), now(),
        ).unwrap();
        let mut expect = expect();
        (expect.idp, expect.sp, expect.acs) = (idp.clone(), sp.clone(), acs.clone());
        expect.request = asked.clone().map(|id| SentRequest {
            id,
            identity_provider: Some(idp.clone()),
            ..expect.request.clone().unwrap()
        });
        let verified = decrypt(std::str::from_utf8(&octets).unwrap()).unwrap();
        prop_assert_eq!(verified.was_encrypted(), encrypted);
        let got = validate_response(verified, &expect.as_expectation()).unwrap();
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

    /// A query and a body that are cut off anywhere are refused or say less, never more: what is
    /// read of them is what stands in them.
    #[test]
    fn a116_what_is_cut_off_gives_nothing_from_beyond(
        message in logout_request(), state in of(relay_state()), at: prop::sample::Index,
    ) {
        let limits = Limits::default();
        let url = redirect_url(SLO, &message, state.as_ref(), Some(&signer())).unwrap();
        let query = url.split_once('?').unwrap().1;
        let cut = &query[..at.index(query.len())];
        if let Ok(redirect) = RedirectMessage::parse(cut, LogoutRequest::KIND, &limits) {
            // The message is whole; relay state may be shorter.
            let read = redirect.unverified::<LogoutRequest>().unwrap().read_unsigned();
            prop_assert_eq!(read.unwrap(), message.clone());
            let cut = redirect.relay_state().map_or("", RelayState::as_str);
            prop_assert!(state.as_ref().map_or("", RelayState::as_str).starts_with(cut));
            prop_assert!(with_context(|c| redirect.verify::<LogoutRequest>(&trusted(), c)).is_err());
        }
        let xml = signed_xml(&message, &signer()).unwrap();
        let value = crate::redirect::escape(&STANDARD.encode(&xml), false);
        let body = format!("SAMLRequest={value}");
        let cut = &body[..at.index(body.len())];
        if let Ok(form) = PostMessage::parse(cut, LogoutRequest::KIND, &limits) {
            prop_assert!(xml.starts_with(form.xml()) && form.xml().len() < xml.len());
            prop_assert!(Unverified::<LogoutRequest>::parse(form.xml(), &limits).is_err());
        }
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
                format!("SAMLart={value}"),
                format!("{name}={value}&RelayState={relay}"),
                format!("{name}={deflated}&SigAlg={text}&Signature={value}"),
            ] {
                let limits = Limits::default();
                if let Ok(message) = RedirectMessage::parse(&query, kind, &limits) {
                    let _ = message.unverified::<AuthnRequest>();
                    let result = with_context(|c| message.verify::<LogoutRequest>(&trusted(), c));
                    prop_assert!(result.is_err());
                }
                if let Ok(message) = SimpleSignMessage::parse(&query, kind, &limits) {
                    let result = with_context(|c| message.verify::<LogoutRequest>(&trusted(), c));
                    prop_assert!(result.is_err());
                }
                let _ = ArtifactMessage::parse(&query);
                let _ = soap::body::<LogoutRequest>(query.as_bytes(), &limits);
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
