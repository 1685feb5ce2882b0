use super::*;
use crate::testing::*;
use crate::{
    Attribute, ContactPerson, Diagnostic, Endpoint, EndpointBinding, GroupMember, IdpDescriptor,
    IndexedEndpoint, KeyDescriptor, KeyUse, Localized, Organization, RegistrationInfo, Scope,
    SpDescriptor, UiInfo,
};
use federate_crypto::{Certificate, Curve, SignatureAlgorithm, self_signed};
use federate_types::{Binding, NameIdFormat};
use std::collections::BTreeSet;

/// A certificate of 1024 bits, which the provider does not make.
const WEAK: &str = "MIIB+jCCAWOgAwIBAgIUXDLPF4lV1J6HevfpRCln8eUXRKEwDQYJKoZIhvcNAQELBQAwDzENMAsGA1UEAwwE \
    d2VhazAeFw0yNjExMjExOTIxMjVaFw0zNjExMTgxOTIxMjVaMA8xDTALBgNVBAMMBHdlYWswgZ8wDQYJKoZI \
    hvcNAQEBBQADgY0AMIGJAoGBAOvmk8l6Ku49b//bXwTEpkqqxZ9QhbUNy3WkVllcTys6yBRPw164CxA/6O6q \
    c1dDO3/xZy+LajV/85jg7+HoUP8CGhUya/oK3FPnIbuwgAWMn94rvthLNSzqq6U0nMScjPKfQZwgjezv+9bY \
    Xzk84DDidreVINGJCA+PuctlzddnAgMBAAGjUzBRMB0GA1UdDgQWBBSA0KiFZ3E9JeD6//LUXwvHGTjEhzAf \
    BgNVHSMEGDAWgBSA0KiFZ3E9JeD6//LUXwvHGTjEhzAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUA \
    A4GBALVi7iZkMGTpXsyndkio8enPEuy77h3KLQWLNZaFgLXg7xYm9VbQ0R0G99Bbxs7PiXh2hHSZtrWa256E \
    nX5waugDpQ8fx8tB3KjDulqvHez/CajGc7HqdgsKqsQ4FUe4/FPkLrq9yzMqd7tOR/STSp6a0bj6rGaq+svH \
    rbZ3N9a3";

const URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";

fn context() -> LintContext {
    LintContext {
        adfs: true,
        entra: true,
        ..LintContext::new(at("2027-06-01T00:00:00Z"))
    }
}

fn acs(index: u16, path: &str) -> IndexedEndpoint {
    let location = location(&format!("https://sp.example.org/{path}"));
    IndexedEndpoint::new(index, Endpoint::new(Binding::HttpPost, location))
}

fn redirect(path: &str) -> Endpoint {
    let location = location(&format!("https://login.example.org/{path}"));
    Endpoint::new(Binding::HttpRedirect, location)
}

fn keys(number: usize) -> Vec<KeyDescriptor> {
    vec![KeyDescriptor::new(KeyUse::Both, certificate(number))]
}

/// An entity with which nothing is wrong.
fn good(id: &str, key: usize) -> EntityDescriptor {
    let ui_info = UiInfo {
        display_names: vec![Localized::new("en", "Example")],
        ..UiInfo::default()
    };
    let mut idp = IdpDescriptor {
        keys: keys(key),
        single_sign_on: vec![redirect("sso")],
        single_logout: vec![redirect("slo")],
        ..IdpDescriptor::default()
    };
    idp.details.extensions.ui_info = Some(Box::new(ui_info.clone()));
    idp.details.extensions.scopes = vec![Scope::new("example.org")];
    let mut consumers = vec![acs(0, "acs"), acs(1, "other")];
    consumers[0].is_default = Some(true);
    let mut sp = SpDescriptor {
        keys: keys(key),
        assertion_consumer: consumers,
        single_logout: vec![redirect("sp/slo")],
        name_id_formats: vec![NameIdFormat::Unspecified],
        authn_requests_signed: true,
        ..SpDescriptor::default()
    };
    sp.details.extensions.ui_info = Some(Box::new(ui_info));
    let mut entity = EntityDescriptor::new(EntityId::new(id).unwrap());
    entity.valid_until = Some(at("2027-06-08T00:00:00Z"));
    entity.cache_duration = Some(TimeDelta::hours(6));
    entity.idp = Some(idp);
    entity.sp = Some(sp);
    entity.organization = Some(Box::new(Organization::default()));
    entity.contacts = vec![ContactPerson {
        contact_type: crate::ContactType::Technical,
        ..ContactPerson::default()
    }];
    entity.extensions.registration_info = Some(Box::new(RegistrationInfo {
        registration_authority: "https://registrar.example".into(),
        ..RegistrationInfo::default()
    }));
    entity
}

fn idp_of(entity: &mut EntityDescriptor) -> &mut IdpDescriptor {
    entity.idp.as_mut().unwrap()
}

fn sp_of(entity: &mut EntityDescriptor) -> &mut SpDescriptor {
    entity.sp.as_mut().unwrap()
}

fn claim(entity: &mut EntityDescriptor, name: &str, value: &str) {
    entity.extensions.entity_attributes.push(Attribute {
        name: name.into(),
        name_format: Some(URI.into()),
        values: vec![value.into()],
        ..Attribute::default()
    });
}

fn certified(from: &str, to: &str) -> KeyDescriptor {
    let key = provider().keys.generate_rsa(2048).unwrap();
    let signer = provider()
        .keys
        .load_signing_key(&key, SignatureAlgorithm::RsaSha256)
        .unwrap();
    let made = self_signed(&provider(), &*signer, "Test", at(from), at(to)).unwrap();
    KeyDescriptor::new(KeyUse::Both, made)
}

fn of_curve() -> KeyDescriptor {
    let key = provider().keys.generate_ec(Curve::P256).unwrap();
    let signer = provider()
        .keys
        .load_signing_key(&key, SignatureAlgorithm::EcdsaSha256)
        .unwrap();
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2036-01-01T00:00:00Z"));
    let made = self_signed(&provider(), &*signer, "Test", from, to).unwrap();
    KeyDescriptor::new(KeyUse::Both, made)
}

/// A certificate that says it is signed with SHA-1: nobody verifies that.
fn with_sha1() -> KeyDescriptor {
    let mut der = certificate(0).der().to_vec();
    let sha256 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    let at = |der: &[u8]| der.windows(sha256.len()).position(|w| w == sha256);
    while let Some(position) = at(&der) {
        der[position + sha256.len() - 1] = 0x05;
    }
    KeyDescriptor::new(KeyUse::Both, Certificate::from_der(&der).unwrap())
}

type Spoil = fn(&mut EntityDescriptor);

/// How each rule for single entities is broken.
const BROKEN: &[(&str, Spoil)] = &[
    ("lint.valid_until_past", |e| {
        e.valid_until = Some(at("2027-06-01T00:00:00Z"))
    }),
    ("lint.valid_until_past", |e| {
        idp_of(e).valid_until = Some(at("2027-06-01T00:00:00Z"))
    }),
    ("lint.valid_until_missing", |e| e.valid_until = None),
    ("lint.valid_until_far", |e| {
        e.valid_until = Some(at("2028-06-01T00:00:00Z"))
    }),
    ("lint.cache_outlives", |e| {
        e.cache_duration = Some(TimeDelta::days(8))
    }),
    ("lint.certificate_expired", |e| {
        idp_of(e).keys = vec![certified("2026-01-01T00:00:00Z", "2027-05-31T23:59:59Z")];
    }),
    ("lint.certificate_expiring", |e| {
        idp_of(e).keys = vec![certified("2026-01-01T00:00:00Z", "2027-06-30T23:59:59Z")];
    }),
    ("lint.certificate_not_yet_valid", |e| {
        idp_of(e).keys = vec![certified("2027-06-01T00:00:01Z", "2036-01-01T00:00:00Z")];
    }),
    ("lint.certificate_sha1", |e| {
        idp_of(e).keys = vec![with_sha1()]
    }),
    ("lint.weak_key", |e| {
        let weak = Certificate::from_base64(WEAK).unwrap();
        idp_of(e).keys = vec![KeyDescriptor::new(KeyUse::Both, weak)];
    }),
    ("lint.no_signing_key", |e| idp_of(e).keys.clear()),
    ("lint.no_signing_key", |e| {
        sp_of(e).keys[0].key_use = KeyUse::Encryption;
        sp_of(e).single_logout.clear();
    }),
    ("lint.no_signing_key", |e| {
        sp_of(e).keys[0].key_use = KeyUse::Encryption;
        sp_of(e).authn_requests_signed = false;
    }),
    ("lint.no_encryption_key", |e| {
        sp_of(e).keys[0].key_use = KeyUse::Signing
    }),
    ("lint.endpoint_http", |e| {
        idp_of(e).single_sign_on[0].location = location("http://login.example.org/sso");
    }),
    ("lint.endpoint_http", |e| {
        let location = location("http://login.example.org/slo");
        idp_of(e).single_logout[0].response_location = Some(location);
    }),
    ("lint.endpoint_unreachable", |e| {
        sp_of(e).single_logout[0].location = location("https://10.1.2.3/slo");
    }),
    ("lint.endpoint_unreachable", |e| {
        sp_of(e).single_logout[0].location = location("https://[fd00::1]/slo");
    }),
    ("lint.endpoint_unreachable", |e| {
        sp_of(e).single_logout[0].location = location("https://intranet/slo");
    }),
    ("lint.endpoint_unreachable", |e| {
        sp_of(e).single_logout[0].location = location("https://sp.corp.local/slo");
    }),
    ("lint.endpoint_duplicate", |e| {
        idp_of(e).single_sign_on.push(redirect("sso"))
    }),
    ("lint.binding_unsupported", |e| {
        let mut consumer = acs(2, "redirect");
        consumer.endpoint.binding = Binding::HttpRedirect.into();
        sp_of(e).assertion_consumer.push(consumer);
    }),
    ("lint.binding_unsupported", |e| {
        let mut sso = redirect("old");
        sso.binding = EndpointBinding::from_uri("urn:mace:shibboleth:1.0:profiles:AuthnRequest");
        idp_of(e).single_sign_on.push(sso);
    }),
    ("lint.duplicate_index", |e| {
        sp_of(e).assertion_consumer[1].index = 0
    }),
    ("lint.several_defaults", |e| {
        sp_of(e).assertion_consumer[1].is_default = Some(true)
    }),
    ("lint.no_default_acs", |e| {
        sp_of(e).assertion_consumer[0].is_default = None
    }),
    ("lint.no_acs_post", |e| sp_of(e).assertion_consumer.clear()),
    ("lint.no_sso", |e| {
        idp_of(e).single_sign_on[0].binding = Binding::Soap.into()
    }),
    ("lint.scope_regexp", |e| {
        let regexp = r"^.+\.example\.org$";
        idp_of(e).details.extensions.scopes.push(regular(regexp));
    }),
    ("lint.host_outside_scopes", |e| {
        idp_of(e).details.extensions.scopes = vec![Scope::new("xample.org")];
    }),
    ("lint.entity_id_form", |e| {
        e.entity_id = EntityId::new("Example").unwrap()
    }),
    ("lint.no_role", |e| (e.idp, e.sp) = (None, None)),
    ("lint.no_display_name", |e| {
        sp_of(e).details.extensions.ui_info = None
    }),
    ("lint.no_contact", |e| e.contacts.clear()),
    ("lint.no_security_contact", |e| {
        claim(
            e,
            EntityDescriptor::ASSURANCE_CERTIFICATION,
            "https://refeds.org/sirtfi",
        );
    }),
    ("lint.no_organization", |e| e.organization = None),
    ("lint.read_leniently", |e| {
        e.diagnostics.push(Diagnostic::KeySkipped)
    }),
    ("lint.adfs.endpoint_http", |e| {
        idp_of(e).single_sign_on[0].location = location("http://login.example.org/sso");
    }),
    ("lint.adfs.key_type", |e| idp_of(e).keys = vec![of_curve()]),
    ("lint.adfs.certificate_missing", |e| {
        let key = certificate(0).public_key().clone();
        idp_of(e).keys = vec![KeyDescriptor::from_key(KeyUse::Both, key)];
    }),
    ("lint.adfs.several_encryption_certificates", |e| {
        sp_of(e)
            .keys
            .push(KeyDescriptor::new(KeyUse::Encryption, certificate(2)));
    }),
    ("lint.adfs.duplicate_index", |e| {
        sp_of(e).assertion_consumer[1].index = 0
    }),
    ("lint.adfs.duplicate_endpoint", |e| {
        idp_of(e).single_sign_on.push(redirect("sso"))
    }),
    ("lint.adfs.no_acs_post", |e| {
        sp_of(e).assertion_consumer.clear()
    }),
    ("lint.adfs.binding_skipped", |e| {
        let mut consumer = acs(2, "paos");
        consumer.endpoint.binding = Binding::Paos.into();
        sp_of(e).assertion_consumer.push(consumer);
    }),
    ("lint.entra.reply_url_http", |e| {
        let plain = location("http://sp.example.org/acs");
        sp_of(e).assertion_consumer[0].endpoint.location = plain;
    }),
    ("lint.entra.reply_url_wildcard", |e| {
        let wild = location("https://*.example.org/acs");
        sp_of(e).assertion_consumer[0].endpoint.location = wild;
    }),
    ("lint.entra.reply_url_long", |e| {
        let long = location(&format!("https://sp.example.org/{}", "a".repeat(240)));
        sp_of(e).assertion_consumer[0].endpoint.location = long;
    }),
    ("lint.entra.no_acs_post", |e| {
        sp_of(e).assertion_consumer.clear()
    }),
    ("lint.entra.name_id_format", |e| {
        sp_of(e).name_id_formats = vec![NameIdFormat::Kerberos];
    }),
    ("lint.entra.key_type", |e| idp_of(e).keys = vec![of_curve()]),
    ("lint.entra.certificate_missing", |e| {
        let key = certificate(0).public_key().clone();
        idp_of(e).keys = vec![KeyDescriptor::from_key(KeyUse::Both, key)];
    }),
    ("lint.entra.logout_binding", |e| {
        sp_of(e).single_logout[0].binding = Binding::HttpPost.into();
    }),
];

fn regular(value: &str) -> Scope {
    Scope {
        regexp: true,
        ..Scope::new(value)
    }
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(Finding::code).collect()
}

/// What is found of a good entity that was changed.
fn found(spoil: impl FnOnce(&mut EntityDescriptor)) -> Vec<&'static str> {
    let mut entity = good("https://a.example.org/", 0);
    spoil(&mut entity);
    codes(&lint(&entity, &context()))
}

#[test]
fn nothing_is_wrong_with_good_metadata() {
    assert_eq!(found(|_| {}), [""; 0]);
    // What is near to being wrong, and is not.
    let fine: &[Spoil] = &[
        |e| {
            idp_of(e).keys = vec![certified("2027-06-01T00:00:00Z", "2027-07-01T00:00:00Z")];
        },
        |e| sp_of(e).assertion_consumer.truncate(1),
        |e| {
            let local = location("https://sp.xlocal.org/slo");
            sp_of(e).single_logout[0].location = local;
        },
        |e| e.entity_id = EntityId::new("urn:x:y").unwrap(),
        |e| sp_of(e).name_id_formats.clear(),
        |e| idp_of(e).keys.extend(keys(0)),
    ];
    for (number, change) in fine.iter().enumerate() {
        assert_eq!(found(change), [""; 0], "{number}");
    }
}

#[test]
fn every_rule_is_found() {
    for (code, spoil) in BROKEN {
        let codes = found(spoil);
        assert!(codes.contains(code), "{code}: {codes:?}");
    }
    // These have tests of their own.
    let others = [
        "lint.scope_wildcard",
        "lint.scope_unsupported",
        "lint.category_self_asserted",
        "lint.key_shared",
        "lint.duplicate_entity",
        "lint.adfs.entity_id_case",
        "lint.adfs.certificate_shared",
    ];
    let tested: BTreeSet<_> = BROKEN.iter().map(|row| row.0).chain(others).collect();
    let all: BTreeSet<_> = RULES.iter().map(|rule| rule.code).collect();
    assert_eq!(tested, all);
    assert_eq!(all.len(), RULES.len(), "a code stands there twice");
}

#[test]
fn a241_scopes_that_mean_everybody_are_errors() {
    let scoped = |scope: Scope| found(|e| idp_of(e).details.extensions.scopes.push(scope));
    for wild in ["*", "*.example.org", "org", "", "example."] {
        assert_eq!(scoped(Scope::new(wild)), ["lint.scope_wildcard"], "{wild}");
    }
    for regexp in [".*", r"^.*\.org$", r"^(a+)+$", r"^.*\.example.org$"] {
        assert_eq!(
            scoped(regular(regexp)),
            ["lint.scope_unsupported"],
            "{regexp}"
        );
    }
}

#[test]
fn a242_self_asserted_categories_are_told() {
    let category = "http://refeds.org/category/research-and-scholarship";
    let claimed = |registrar: Option<&str>, believed: &[&str]| {
        let mut entity = good("https://a.example.org/", 0);
        claim(&mut entity, EntityDescriptor::ENTITY_CATEGORY, category);
        entity.extensions.registration_info = registrar.map(|name| {
            Box::new(RegistrationInfo {
                registration_authority: name.into(),
                ..RegistrationInfo::default()
            })
        });
        let registrars = believed.iter().map(|name| (*name).to_owned()).collect();
        let context = LintContext {
            registrars,
            ..context()
        };
        codes(&lint(&entity, &context))
    };
    let told = ["lint.category_self_asserted"];
    assert_eq!(claimed(None, &[]), told);
    assert_eq!(claimed(Some("urn:r"), &[]), [""; 0]);
    assert_eq!(claimed(Some("urn:r"), &["urn:other"]), told);
    assert_eq!(claimed(Some("urn:r"), &["urn:other", "urn:r"]), [""; 0]);
}

fn group(entities: Vec<EntityDescriptor>) -> EntitiesDescriptor {
    let member = |entity| GroupMember::Entity(Box::new(entity));
    EntitiesDescriptor {
        valid_until: Some(at("2027-06-08T00:00:00Z")),
        members: entities.into_iter().map(member).collect(),
        ..EntitiesDescriptor::default()
    }
}

#[test]
fn members_of_a_group_share_nothing() {
    let (a, b) = ("https://a.example.org/", "https://b.example.org/");
    let linted = |entities| lint_group(&group(entities), &context());
    assert_eq!(linted(vec![good(a, 0), good(b, 1)]), []);
    let shared = linted(vec![good(a, 0), good(b, 0)]);
    let expected = ["lint.adfs.certificate_shared", "lint.key_shared"];
    assert_eq!(codes(&shared), expected);
    assert_eq!(shared[0].entity_id.as_ref().unwrap().as_str(), b);
    assert_eq!(shared[0].subject, format!("as {a}"));
    // A service provider beside another may have its certificate at AD FS.
    let mut sp = good(b, 0);
    sp.idp = None;
    assert_eq!(codes(&linted(vec![good(a, 0), sp])), ["lint.key_shared"]);
    let case = linted(vec![good(a, 0), good("https://A.example.org/", 1)]);
    assert_eq!(codes(&case), ["lint.adfs.entity_id_case"]);
    let twice = linted(vec![good(a, 0), good(a, 0)]);
    assert_eq!(codes(&twice), ["lint.duplicate_entity"]);
}

#[test]
fn a_group_ends_as_a_whole() {
    let mut entity = good("https://a.example.org/", 0);
    entity.valid_until = None;
    let mut all = group(vec![entity]);
    assert_eq!(lint_group(&all, &context()), []);
    all.valid_until = None;
    all.diagnostics.push(Diagnostic::GroupTooDeep);
    let expected = ["lint.valid_until_missing", "lint.read_leniently"];
    assert_eq!(codes(&lint_group(&all, &context())), expected);
}

#[test]
fn groups_of_rules_are_asked_for() {
    let mut entity = good("https://a.example.org/", 0);
    idp_of(&mut entity).keys = vec![of_curve()];
    let with = |adfs, entra| {
        let context = LintContext {
            adfs,
            entra,
            ..context()
        };
        codes(&lint(&entity, &context))
    };
    assert_eq!(with(false, false), [""; 0]);
    assert_eq!(with(true, false), ["lint.adfs.key_type"]);
    assert_eq!(with(false, true), ["lint.entra.key_type"]);
}

#[test]
fn the_worst_comes_first_and_text_is_escaped() {
    let mut entity = good("a\u{202e}b", 0);
    idp_of(&mut entity)
        .details
        .extensions
        .scopes
        .push(Scope::new("\u{1b}[2J"));
    let findings = lint(&entity, &context());
    assert_eq!(
        codes(&findings),
        ["lint.scope_wildcard", "lint.entity_id_form"]
    );
    let line = findings[0].to_string();
    assert!(
        line.starts_with("a\\u{202e}b: error lint.scope_wildcard: \\u{1b}[2J: "),
        "{line}"
    );
    assert!(findings[1].severity() < findings[0].severity());
    assert!(findings[0].fix().ends_with('.'));
}

/// The table of the rules in the manual.
#[test]
fn the_manual_has_every_rule() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metadata.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut rows = String::new();
    for rule in RULES {
        let (severity, reason, fix) = (rule.severity.name(), rule.reason, rule.fix);
        rows.push_str(&format!(
            "| `{}` | {severity} | {reason} | {fix} |\n",
            rule.code
        ));
    }
    for (number, row) in rows.lines().enumerate() {
        assert!(
            page.contains(row),
            "row {number} is missing; the rows are:\n{rows}"
        );
    }
    let documented = page.matches("| `lint.").count();
    assert_eq!(
        documented,
        RULES.len(),
        "docs/metadata.md has rules that are none"
    );
}
