//! Two parties, an honest response between them, and the means to bend it.

use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::{CryptoProvider, aws_lc_provider};
use federate_saml::{
    Assertion, Attribute, IssuePolicy, Login, LoginExpectation, LoginPolicy, Response, Rule,
    SamlError, SentRequest, SignedPart, ValidatedLogin, issue_response, validate_response,
    verify_response,
};
use federate_testkit::keys;
use federate_types::{
    ClockSkew, EntityId, MessageId, NameId, NameIdFormat, Provenance, SessionIndex,
};
use federate_xml::{
    Limits, SignatureError, SignaturePolicy, Signer, TrustedKeys, Unverified, VerificationContext,
    Writer, XmlError,
};

pub(crate) const IDP: &str = "https://idp.example/saml";
pub(crate) const SP: &str = "https://sp.example/saml";
pub(crate) const ACS: &str = "https://sp.example/saml/acs";
pub(crate) const SSO: &str = "https://idp.example/saml/sso";
pub(crate) const SLO: &str = "https://idp.example/saml/slo";
pub(crate) const ALICE: &str = "alice@example.com";
pub(crate) const PASSWORD: &str =
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
pub(crate) const PARTS: [SignedPart; 3] = [
    SignedPart::Assertion,
    SignedPart::Response,
    SignedPart::Both,
];

pub(crate) fn provider() -> CryptoProvider {
    aws_lc_provider()
}

pub(crate) fn entity(text: &str) -> EntityId {
    EntityId::new(text).unwrap()
}

pub(crate) fn id(text: &str) -> MessageId {
    MessageId::new(text).unwrap()
}

pub(crate) fn now() -> DateTime<Utc> {
    keys::fixed_now()
}

pub(crate) fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

pub(crate) fn signer() -> Signer {
    let provider = provider();
    Signer::new(provider, keys::signing_key(&provider), keys::certificate()).unwrap()
}

/// Somebody whom nobody trusts.
pub(crate) fn attacker() -> Signer {
    let provider = provider();
    let key = keys::other_signing_key(&provider);
    Signer::new(provider, key, keys::other_certificate()).unwrap()
}

pub(crate) fn trusted() -> TrustedKeys {
    keys::verifying_key(&provider()).into()
}

/// Calls with a context of the default policy.
pub(crate) fn with_context<T>(call: impl FnOnce(&VerificationContext<'_>) -> T) -> T {
    let provider = provider();
    call(&VerificationContext {
        provider: &provider,
        policy: &SignaturePolicy::default(),
        now: now(),
    })
}

/// Alice has signed in a minute ago.
pub(crate) fn login<'a>(
    identity_provider: &'a EntityId,
    service_provider: &'a EntityId,
    request: Option<&'a MessageId>,
) -> Login<'a> {
    let name_id = NameId::new(ALICE, Some(NameIdFormat::EmailAddress)).unwrap();
    Login {
        identity_provider,
        service_provider,
        assertion_consumer_service: ACS,
        in_response_to: request,
        name_id,
        attributes: &*GROUPS,
        authn_instant: now() - seconds(60),
        authn_context: PASSWORD,
        session_index: SessionIndex::new("_session").unwrap(),
        session_not_on_or_after: now() + seconds(8 * 3600),
        provenance: &OWN,
    }
}

/// What the identity provider says, still to be bent, and then signed by its own key.
#[derive(Clone)]
pub(crate) struct Honest {
    pub(crate) response: Response,
    pub(crate) assertion: Assertion,
    pub(crate) part: SignedPart,
}

/// The response that `issue_response` makes for Alice, taken apart.
pub(crate) fn honest(part: SignedPart) -> Honest {
    let (idp, sp, request) = (entity(IDP), entity(SP), id("_request"));
    let policy = IssuePolicy {
        signed_part: part,
        ..IssuePolicy::default()
    };
    let login = login(&idp, &sp, Some(&request));
    let (response_id, assertion_id) = (id("_response"), id("_assertion"));
    let octets =
        issue_response(&login, response_id, assertion_id, &policy, &signer(), now()).unwrap();
    let mut response = Unverified::<Response>::parse(&octets, &Limits::default())
        .unwrap()
        .read_unsigned()
        .unwrap();
    let assertion = response.assertions.pop().unwrap();
    Honest {
        response,
        assertion,
        part,
    }
}

impl Honest {
    pub(crate) fn xml(&self) -> String {
        self.xml_edited(str::to_owned, str::to_owned)
    }

    /// The message with its text changed before each signature is made; the changed text
    /// must be canonical.
    pub(crate) fn xml_edited(
        &self,
        assertion: impl Fn(&str) -> String,
        response: impl Fn(&str) -> String,
    ) -> String {
        let mut text = assertion(&assertion_text(&self.assertion));
        if self.part != SignedPart::Response {
            text = sign_text(&signer(), &text, &self.assertion.id);
        }
        let text = response(&around(&self.response, &[&text]));
        match self.part {
            SignedPart::Assertion => text,
            _ => sign_text(&signer(), &text, &self.response.id),
        }
    }
}

pub(crate) fn assertion_text(assertion: &Assertion) -> String {
    let mut w = Writer::new();
    assertion.write(&mut w);
    String::from_utf8(w.finish()).unwrap()
}

pub(crate) fn signed_assertion(assertion: &Assertion) -> String {
    sign_text(&signer(), &assertion_text(assertion), &assertion.id)
}

/// The response around assertions that were written before; not signed.
pub(crate) fn around(response: &Response, assertions: &[&str]) -> String {
    let assertions: Vec<_> = assertions.iter().map(|a| a.as_bytes().to_vec()).collect();
    let mut w = Writer::new();
    response.write_around(&mut w, &assertions);
    String::from_utf8(w.finish()).unwrap()
}

/// Signs canonical text, where the schema wants the signature: after the Issuer, if there is
/// one, or else first.
pub(crate) fn sign_text(signer: &Signer, text: &str, id: &MessageId) -> String {
    // A `>` inside an attribute value does not end the start tag.
    let quotes = |at: usize| text[..at].matches('"').count();
    let mut ends = text.match_indices('>').map(|(at, _)| at);
    let start = ends.find(|at| quotes(*at) % 2 == 0).unwrap() + 1;
    let at = if text[start..].starts_with("<saml:Issuer") {
        text.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len()
    } else {
        start
    };
    let mut w = Writer::new();
    w.embed(&text.as_bytes()[..at]);
    w.signature_belongs_here();
    w.embed(&text.as_bytes()[at..]);
    String::from_utf8(signer.sign(w, id).unwrap()).unwrap()
}

/// Replaces something that must be there.
pub(crate) fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}

/// What the service provider expects.
#[derive(Clone)]
pub(crate) struct Expect {
    pub(crate) sp: EntityId,
    pub(crate) acs: String,
    pub(crate) idp: EntityId,
    pub(crate) request: Option<SentRequest>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) policy: LoginPolicy,
}

pub(crate) fn expect() -> Expect {
    Expect {
        sp: entity(SP),
        acs: ACS.to_owned(),
        idp: entity(IDP),
        request: Some(SentRequest {
            id: id("_request"),
            identity_provider: Some(entity(IDP)),
            issue_instant: now() - seconds(90),
            force_authn: false,
            requested_authn_context: None,
        }),
        now: now(),
        policy: LoginPolicy {
            skew: ClockSkew::ZERO,
            ..LoginPolicy::default()
        },
    }
}

impl Expect {
    pub(crate) fn as_expectation(&self) -> LoginExpectation<'_> {
        LoginExpectation {
            service_provider: &self.sp,
            assertion_consumer_service: &self.acs,
            identity_provider: &self.idp,
            request: self.request.as_ref(),
            now: self.now,
            policy: &self.policy,
        }
    }
}

/// All that a service provider does with a response but redeeming it.
pub(crate) fn accept(xml: &str, expect: &Expect) -> Result<ValidatedLogin, SamlError> {
    let response = Unverified::<Response>::parse(xml.as_bytes(), &Limits::default())?;
    let verified = with_context(|c| verify_response(&response, &trusted(), c, None))?;
    Ok(validate_response(verified, &expect.as_expectation())?)
}

/// Asserts that the honest message is accepted, as Alice.
#[track_caller]
pub(crate) fn accepted(xml: &str, expect: &Expect) {
    drop(signed_in(xml, expect));
}

/// The login of Alice that an honest message gives.
#[track_caller]
pub(crate) fn signed_in(xml: &str, expect: &Expect) -> ValidatedLogin {
    let login = accept(xml, expect).unwrap_or_else(|e| panic!("{e:?}: {xml}"));
    assert_eq!(login.name_id().value(), ALICE);
    assert_eq!(login.issuer(), &expect.idp);
    login
}

/// Asserts that a rule refuses, this one, with this code.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(
    result: Result<T, impl Into<SamlError>>,
    rule: Rule,
    code: &str,
) {
    let error = result.expect_err("accepted").into();
    assert_eq!(error.code(), code, "{error:?}");
    match error {
        SamlError::Refused(refusal) => assert_eq!(refusal.rule, rule),
        other => panic!("not by a rule: {other:?}"),
    }
}

/// Asserts exactly this error, with this code.
#[track_caller]
pub(crate) fn fails<T: std::fmt::Debug>(
    result: Result<T, impl Into<SamlError>>,
    error: impl Into<SamlError>,
    code: &str,
) {
    let expected = error.into();
    assert_eq!(result.expect_err("accepted").into(), expected);
    assert_eq!(expected.code(), code);
}

/// Asserts that the signature is refused, and why.
#[track_caller]
pub(crate) fn unsigned<T: std::fmt::Debug>(
    result: Result<T, impl Into<SamlError>>,
    error: SignatureError,
    code: &str,
) {
    fails(result, XmlError::from(error), code);
}

/// For each part that may be signed: the honest message is accepted, and once bent (and
/// signed again) it is refused by the rule.
#[track_caller]
pub(crate) fn bent(edit: impl Fn(&mut Honest), rule: Rule, code: &str) {
    bent_for(&PARTS, edit, rule, code);
}

#[track_caller]
pub(crate) fn bent_for(parts: &[SignedPart], edit: impl Fn(&mut Honest), rule: Rule, code: &str) {
    for part in parts {
        let mut message = honest(*part);
        accepted(&message.xml(), &expect());
        edit(&mut message);
        refused(accept(&message.xml(), &expect()), rule, code);
    }
}

/// As [`bent`], by changing the text of the assertion.
#[track_caller]
pub(crate) fn rewritten(from: &str, to: &str, rule: Rule, code: &str) {
    for part in PARTS {
        let message = honest(part);
        accepted(&message.xml(), &expect());
        let xml = message.xml_edited(|a| swap(a, from, to), str::to_owned);
        refused(accept(&xml, &expect()), rule, code);
    }
}

/// As [`bent`], by expecting something else.
#[track_caller]
pub(crate) fn expected_otherwise(edit: impl Fn(&mut Expect), rule: Rule, code: &str) {
    for part in PARTS {
        let xml = honest(part).xml();
        let mut expect = expect();
        accepted(&xml, &expect);
        edit(&mut expect);
        refused(accept(&xml, &expect), rule, code);
    }
}

/// The logins of the tests rest on nobody else's word.
static OWN: Provenance = Provenance {
    authorities: Vec::new(),
    restriction: None,
};

/// What the logins of the tests tell of the person.
static GROUPS: std::sync::LazyLock<[Attribute; 1]> =
    std::sync::LazyLock::new(|| [Attribute::new("groups", ["staff", "admins"])]);
