//! Enhanced clients: what they carry is believed only for its signature, and they do not carry it
//! to another address than the service provider named.

use crate::artifact_vectors::vector;
use crate::redirect::state;
use crate::support::*;
use federate_saml::binding::soap::{self, Envelope, FaultCode};
use federate_saml::ecp::{
    ECP_RELAY_STATE, ECP_REQUEST, ECP_REQUEST_AUTHENTICATED, ECP_RESPONSE, PAOS_REQUEST,
    PAOS_RESPONSE, PaosResponse, RequestHeaders, ResponseHeaders, request_envelope,
    response_envelope, validate_consumer,
};
use federate_saml::{
    AuthnRequest, AuthnRequestExpectation, BindingError, IssuePolicy, MessageHints, Rule,
    SamlError, SignedPart, ValidatedLogin, issue_response, signed_xml, validate_authn_request,
    validate_response, verify_response,
};
use federate_testkit::mutation::some_mutations;
use federate_types::{Binding, ClockSkew, InvalidValue, MessageId, RelayState};
use federate_xml::{Limits, Name, ReadError, ReadProblem, SignatureError, Writer, XmlError};

const EVIL: &str = "https://evil.example/acs";

fn request() -> AuthnRequest {
    let mut request = AuthnRequest::new(id("_request"), now(), entity(SP));
    request.assertion_consumer_service_url = Some(ACS.to_owned());
    request.protocol_binding = Some(Binding::Paos);
    request
}

/// The service provider asks.
pub(crate) fn asks() -> Vec<u8> {
    let (issuer, message_id, relay_state) = (entity(SP), id("_envelope"), state());
    let headers = RequestHeaders {
        response_consumer_url: ACS,
        message_id: Some(&message_id),
        issuer: &issuer,
        provider_name: Some("A & B"),
        is_passive: false,
        identity_providers: &[entity(IDP), entity("https://other.example")],
        relay_state: Some(&relay_state),
    };
    request_envelope(&headers, &signed_xml(&request(), &signer()).unwrap())
}

/// The identity provider reads the request, and answers with what it says of Alice.
fn answers(octets: &[u8], part: SignedPart) -> Result<Vec<u8>, SamlError> {
    let message = soap::body::<AuthnRequest>(octets, &Limits::default())?;
    let request = with_context(|c| message.verify(&trusted(), c))?;
    let expect = AuthnRequestExpectation {
        service_provider: &entity(SP),
        single_sign_on_service: SSO,
        signed: true,
        must_be_signed: true,
        now: now(),
        skew: ClockSkew::ZERO,
        binding: Binding::Soap,
    };
    validate_authn_request(&request, &expect)?;
    let (idp, sp) = (entity(IDP), entity(SP));
    let login = login(&idp, &sp, Some(&request.id));
    let policy = IssuePolicy {
        signed_part: part,
        ..IssuePolicy::default()
    };
    let ids = (id("_response"), id("_assertion"));
    let response = issue_response(&login, ids.0, ids.1, &policy, &signer(), now())?;
    Ok(to_client(ACS, &response))
}

pub(crate) fn to_client(assertion_consumer_service: &str, response: &[u8]) -> Vec<u8> {
    let headers = ResponseHeaders {
        assertion_consumer_service,
        request_authenticated: true,
    };
    response_envelope(&headers, response)
}

fn body(envelope: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(envelope).unwrap();
    let message = text.split_once("<soap:Body>").unwrap().1;
    message
        .split_once("</soap:Body>")
        .unwrap()
        .0
        .as_bytes()
        .to_vec()
}

/// What a client remembers of the service provider's envelope.
struct Asked {
    response_consumer_url: String,
    message_id: Option<String>,
    relay_state: Option<String>,
}

/// A client takes the header blocks off, and carries the request on.
fn client_asks(octets: &[u8]) -> (Asked, Vec<u8>) {
    let known = [PAOS_REQUEST, ECP_REQUEST, ECP_RELAY_STATE];
    let envelope = Envelope::parse(octets, &Limits::default(), &known).unwrap();
    let paos = envelope.block_hint(PAOS_REQUEST).unwrap();
    let relay_state = envelope.block_hint(ECP_RELAY_STATE);
    let asked = Asked {
        response_consumer_url: paos
            .required(PAOS_REQUEST, "responseConsumerURL")
            .unwrap()
            .to_owned(),
        message_id: paos.attribute("messageID").map(str::to_owned),
        relay_state: relay_state.map(|state| state.text().unwrap().into_owned()),
    };
    (asked, soap::envelope(&body(octets)))
}

/// It carries the answer back, or says why not.
fn client_answers(asked: &Asked, octets: &[u8]) -> Vec<u8> {
    let known = [ECP_RESPONSE, ECP_REQUEST_AUTHENTICATED];
    let envelope = Envelope::parse(octets, &Limits::default(), &known).unwrap();
    let block = envelope.block_hint(ECP_RESPONSE).unwrap();
    let url = block.required(ECP_RESPONSE, "AssertionConsumerServiceURL");
    if let Err(refusal) = validate_consumer(&asked.response_consumer_url, url.unwrap()) {
        return soap::fault(FaultCode::Client, refusal.rule.sentence());
    }
    from_client(
        &body(octets),
        asked.message_id.as_deref(),
        asked.relay_state.as_deref(),
    )
}

pub(crate) fn from_client(
    response: &[u8],
    message_id: Option<&str>,
    relay_state: Option<&str>,
) -> Vec<u8> {
    soap::envelope_with(response, |w| {
        let mut block = |name: Name, more: &dyn Fn(&mut Writer)| {
            w.start(name);
            soap::for_next(w);
            more(w);
            w.end();
        };
        if let Some(id) = message_id {
            block(PAOS_RESPONSE, &|w| {
                w.attribute(Name::local("refToMessageID"), id);
            });
        }
        if let Some(state) = relay_state {
            block(ECP_RELAY_STATE, &|w| w.text(state));
        }
    })
}

/// The service provider reads what the client brings.
fn signs_in(octets: &[u8]) -> Result<(ValidatedLogin, Option<RelayState>), SamlError> {
    let message = PaosResponse::parse(octets, &Limits::default())?;
    message.answers(Some(&id("_envelope")))?;
    let response = message.response();
    let verified = with_context(|c| verify_response(response, &trusted(), c, None))?;
    let login = validate_response(verified, &expect().as_expectation())?;
    Ok((login, message.relay_state().cloned()))
}

fn brought(response: &str) -> Vec<u8> {
    from_client(response.as_bytes(), Some("_envelope"), Some("x"))
}

#[test]
fn a_whole_conversation() {
    for part in PARTS {
        let (asked, to_idp) = client_asks(&asks());
        assert_eq!(asked.relay_state.as_deref(), Some(state().as_str()));
        let answer = answers(&to_idp, part).unwrap();
        let brought = client_answers(&asked, &answer);
        let message = PaosResponse::parse(&brought, &Limits::default()).unwrap();
        assert_eq!(message.response().issuer_hint(), Some(entity(IDP)));
        let (login, relay_state) = signs_in(&brought).unwrap();
        assert_eq!(login.name_id().value(), ALICE);
        assert_eq!(relay_state, Some(state()));
    }
}

/// The identity provider answers to another address than the service provider named, because
/// somebody in between asked in its name: the client keeps the Response to itself.
#[test]
fn a155_the_client_does_not_carry_a_response_to_another_address() {
    let (asked, _) = client_asks(&asks());
    let response = honest(SignedPart::Both).xml();
    for other in [
        EVIL,
        "",
        "https://sp.example/saml/acs/",
        "https://SP.example/saml/acs",
        "/saml/acs",
    ] {
        let (rule, code) = (Rule::ResponseConsumer, "ecp.response_consumer_mismatch");
        refused(validate_consumer(ACS, other), rule, code);
        let carried = client_answers(&asked, &to_client(other, response.as_bytes()));
        let text = std::str::from_utf8(&carried).unwrap();
        assert!(!text.contains("Assertion"), "{text}");
        let fault = BindingError::SoapFault(FaultCode::Client);
        fails(signs_in(&carried), fault, "binding.soap_fault");
    }
    assert_eq!(validate_consumer(ACS, ACS), Ok(()));
}

/// The header names the address that it should, and the Response another: no header block counts
/// for the service provider.
#[test]
fn a155_the_response_is_for_another_address_than_its_header_says() {
    let (asked, _) = client_asks(&asks());
    let carry = |message: &Honest| {
        let envelope = to_client(ACS, message.xml().as_bytes());
        signs_in(&client_answers(&asked, &envelope))
    };
    for part in PARTS {
        let mut message = honest(part);
        drop(carry(&message).unwrap());
        message.response.destination = Some(EVIL.to_owned());
        let (rule, code) = (Rule::Destination, "message.destination_mismatch");
        refused(carry(&message), rule, code);
        let mut message = honest(part);
        let subject = message.assertion.subject.as_mut().unwrap();
        subject.confirmations[0].recipient = Some(EVIL.to_owned());
        let (rule, code) = (Rule::Recipient, "response.recipient_mismatch");
        refused(carry(&message), rule, code);
    }
}

/// Header blocks that belong to another step are not taken along by mistake, and none comes twice.
#[test]
fn a155_header_blocks_of_another_step_are_refused() {
    let code = "binding.soap_must_understand";
    let answer = answers(&client_asks(&asks()).1, SignedPart::Both);
    drop(answer.unwrap());
    let answer = answers(&asks(), SignedPart::Both);
    fails(answer, BindingError::MustUnderstand, code);
    let response = honest(SignedPart::Both).xml();
    let kept = to_client(ACS, response.as_bytes());
    fails(signs_in(&kept), BindingError::MustUnderstand, code);

    let good = String::from_utf8(brought(&response)).unwrap();
    drop(signs_in(good.as_bytes()).unwrap());
    let header = good.split_once("<soap:Header>").unwrap().1;
    let header = header.split_once("</soap:Header>").unwrap().0;
    let twice = swap(&good, header, &format!("{header}{header}"));
    let problem = ReadError::new("Header", ReadProblem::UnexpectedElement);
    let error = XmlError::from(problem);
    fails(
        signs_in(twice.as_bytes()),
        error,
        "schema.unexpected_element",
    );
    // One for somebody else is not ours.
    let actor = "soap:actor=\"http://schemas.xmlsoap.org/soap/actor/next\"";
    let other = good.replace(actor, "soap:actor=\"urn:other\"");
    let message = PaosResponse::parse(other.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(message.relay_state(), None);
    assert_eq!(message.ref_to_message_id_hint(), None);
}

/// Envelopes that others write: with declarations outside, indented, the blocks in their own order.
#[test]
fn other_peoples_envelopes() {
    let Some(xml) = vector("pysaml2/tests/ecp_soap.xml") else {
        return;
    };
    let known = [PAOS_REQUEST, ECP_REQUEST, ECP_RELAY_STATE];
    let envelope = Envelope::parse(xml.as_bytes(), &Limits::default(), &known).unwrap();
    let attribute = |block, name| envelope.block_hint(block).unwrap().attribute(name);
    let url = attribute(PAOS_REQUEST, "responseConsumerURL");
    assert_eq!(url, Some("https://sp.example.org/PAOSConsumer"));
    let name = attribute(ECP_REQUEST, "ProviderName");
    assert_eq!(name, Some("Example Service Provider"));
    let state = envelope.block_hint(ECP_RELAY_STATE).unwrap();
    assert_eq!(state.trimmed_text().unwrap(), "ABCDEFGHI01234567");
    drop(envelope.body::<AuthnRequest>().unwrap());
    // Meant for the client: the identity provider does not take it so.
    let direct = soap::body::<AuthnRequest>(xml.as_bytes(), &Limits::default());
    let code = "binding.soap_must_understand";
    fails(direct, BindingError::MustUnderstand, code);
}

/// What the client says that it answers.
#[test]
fn the_clients_answer_refers_to_our_envelope() {
    let response = honest(SignedPart::Both).xml();
    let answers = |reference: Option<&str>, expected: Option<&MessageId>| {
        let octets = from_client(response.as_bytes(), reference, None);
        let message = PaosResponse::parse(&octets, &Limits::default())?;
        Ok::<(), SamlError>(message.answers(expected)?)
    };
    let ours = id("_envelope");
    assert_eq!(answers(Some("_envelope"), Some(&ours)), Ok(()));
    assert_eq!(answers(None, None), Ok(()));
    let (rule, code) = (Rule::InResponseTo, "message.in_response_to_mismatch");
    refused(answers(Some("_other"), Some(&ours)), rule, code);
    refused(answers(None, Some(&ours)), rule, code);
    refused(answers(Some("_envelope"), None), rule, code);
    let error = answers(Some("<"), None).unwrap_err();
    assert_eq!(error.code(), "schema.invalid_value");
}

/// A client is no more believed than a browser: the signature counts, and the one message in the
/// body is what it is about.
#[test]
fn a197_what_a_client_brings_is_signed() {
    let message = honest(SignedPart::Both);
    let bare = around(&message.response, &[&assertion_text(&message.assertion)]);
    let missing = SignatureError::Missing;
    unsigned(signs_in(&brought(&bare)), missing, "signature.missing");
    // The signed one in a header block that need not be understood.
    let good = String::from_utf8(brought(&bare)).unwrap();
    let block = format!(
        "{}</soap:Header>",
        message.xml().replace("_assertion", "_a")
    );
    let both = swap(&good, "</soap:Header>", &block.replace("_response", "_r"));
    let missing = SignatureError::Missing;
    unsigned(signs_in(both.as_bytes()), missing, "signature.missing");
    let several = bare.replace("_assertion", "_a").replace("_response", "_r");
    let several = brought(&format!("{}{several}", message.xml()));
    let problem = ReadError::new("Body", ReadProblem::UnexpectedElement);
    fails(
        signs_in(&several),
        XmlError::from(problem),
        "schema.unexpected_element",
    );
}

/// Relay state in a header block has the limits of any other.
#[test]
fn a202_relay_state() {
    let response = honest(SignedPart::Both).xml();
    let relay_state = |text: &str| {
        let octets = from_client(response.as_bytes(), None, Some(text));
        let message = PaosResponse::parse(&octets, &Limits::default())?;
        Ok::<_, SamlError>(message.relay_state().unwrap().as_str().to_owned())
    };
    for good in ["", " a ", "<&>", &"x".repeat(2048)] {
        assert_eq!(relay_state(good).unwrap(), good);
    }
    for bad in ["a\r\nb", &"x".repeat(2049)] {
        let expected = "at most 2048 bytes without control characters";
        let value = InvalidValue::new("RelayState", expected);
        fails(relay_state(bad), BindingError::from(value), "value.invalid");
    }
}

/// Every attack of the mutation engine on what a client brings: refused, or the very same login.
#[test]
fn attacks_are_refused_or_change_nothing() {
    let (mut tried, mut same) = (0, 0);
    for (number, part) in PARTS.into_iter().enumerate() {
        let octets = brought(&honest(part).xml());
        let (honest, _) = signs_in(&octets).unwrap();
        for mutation in some_mutations(&octets, 20, number) {
            tried += 1;
            if let Ok((login, _)) = signs_in(&mutation.octets) {
                assert_eq!(login, honest, "{}", mutation.attack);
                same += 1;
            }
        }
    }
    assert!(tried > 300 && same < tried / 2, "{tried} {same}");
}
