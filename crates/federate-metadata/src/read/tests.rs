use crate::testing::*;
use crate::{Diagnostic, KeyUse, MAX_CACHE_DURATION, parse_entity};
use chrono::TimeDelta;
use federate_crypto::Certificate;
use federate_types::{Binding, NameIdFormat};
use federate_xml::Limits;

mod model;

fn codes(entity: &crate::EntityDescriptor) -> Vec<&'static str> {
    entity.diagnostics.iter().map(Diagnostic::code).collect()
}

fn refusal(text: &str) -> &'static str {
    let error = parse_entity(text.as_bytes(), &Limits::default()).unwrap_err();
    error.code()
}

#[test]
fn elements_come_in_any_order_with_unknown_ones_between() {
    let entity = sp(&format!(
        "<?decoration?><!-- a --><md:Unknown/>{}<md:NameIDFormat> urn:x </md:NameIDFormat>\
         <x:Y xmlns:x=\"urn:x\">text</x:Y>{}",
        acs_xml("index=\"7\" Location=\" https://a.example/acs\n\""),
        key_xml("", &[&certificate(0).to_base64()]),
    ));
    let sp = entity.sp.unwrap();
    assert_eq!(entity.diagnostics, []);
    assert_eq!(sp.keys[0].key_use, KeyUse::Both);
    assert_eq!(sp.name_id_formats, [NameIdFormat::Other("urn:x".into())]);
    let found = sp.assertion_consumer_by_url("https://a.example/acs");
    assert_eq!(found, sp.assertion_consumer_by_index(7));
    assert_eq!(found, sp.default_assertion_consumer());
    assert!(found.is_some());
    assert_eq!(sp.assertion_consumer_by_url("https://a.example/acs/"), None);
    assert_eq!(sp.assertion_consumer_by_index(8), None);
}

#[test]
fn consumers_are_found_by_address_and_binding() {
    let url = "https://a.example/acs";
    let paos = format!(
        "<md:AssertionConsumerService Binding=\"{}\" Location=\"{url}\" index=\"0\" isDefault=\"1\"/>",
        Binding::Paos.uri()
    );
    let post = acs_xml(&format!("Location=\"{url}\" index=\"1\""));
    let sp = sp(&(paos + &post)).sp.unwrap();
    let index = |found: Option<&crate::IndexedEndpoint>| found.map(|consumer| consumer.index);
    let post = Binding::HttpPost;
    assert_eq!(index(sp.default_assertion_consumer()), Some(0));
    assert_eq!(index(sp.default_assertion_consumer_for(post)), Some(1));
    assert_eq!(index(sp.assertion_consumer_by_url(url)), Some(0));
    assert_eq!(index(sp.assertion_consumer_by_url_for(url, post)), Some(1));
    assert_eq!(sp.assertion_consumer_by_url_for(url, Binding::Soap), None);
}

#[test]
fn a199_javascript_endpoints_are_dropped() {
    let bad = [
        "javascript:alert(1)",
        "JAVASCRIPT://a.example/%0aalert(1)",
        "data:text/html,x",
        "vbscript:x",
        "/relative",
        "",
    ];
    for bad in bad {
        let good = "https://a.example/good";
        let services = |name: &str, index: &str| {
            format!(
                "<md:{name} Binding=\"{binding}\" {index} Location=\"{bad}\"/>\
                 <md:{name} Binding=\"{binding}\" {index} Location=\"{good}\" ResponseLocation=\"{bad}\"/>\
                 <md:{name} Binding=\"{binding}\" {index} Location=\"{good}\"/>",
                binding = Binding::HttpPost.uri()
            )
        };
        let logout = services("SingleLogoutService", "");
        let consumers = services("AssertionConsumerService", "index=\"1\"");
        let entity = sp(&(logout.clone() + &consumers));
        let sp = entity.sp.as_ref().unwrap();
        let [consumer] = &sp.assertion_consumer[..] else {
            panic!("{bad}")
        };
        assert_eq!(consumer.endpoint.location.as_str(), good);
        assert_eq!(sp.single_logout.len(), 1);
        assert_eq!(codes(&entity), ["metadata.endpoint_dropped"; 4]);

        let entity = idp(&(logout + &services("SingleSignOnService", "")));
        let idp = entity.idp.as_ref().unwrap();
        let sso = idp.single_sign_on_for(Binding::HttpPost).unwrap();
        assert_eq!(sso.location.as_str(), good);
        assert_eq!((idp.single_sign_on.len(), idp.single_logout.len()), (1, 1));
        assert_eq!(codes(&entity), ["metadata.endpoint_dropped"; 4]);
        assert!(!entity.diagnostics[0].to_string().contains("script"));
    }
}

#[test]
fn a234_absurd_cache_durations_are_clamped() {
    for (text, expected) in [
        ("PT1H", Some(TimeDelta::hours(1))),
        ("-PT1H", Some(TimeDelta::zero())),
        ("P99999999999999999999Y", Some(MAX_CACHE_DURATION)),
    ] {
        let document =
            entity_xml("").replace(" entityID", &format!(" cacheDuration=\"{text}\" entityID"));
        let entity = parse(&document);
        assert_eq!(
            (entity.cache_duration, entity.diagnostics.len()),
            (expected, 0)
        );
    }
    let document = entity_xml("").replace(" entityID", " cacheDuration=\"P1DT\" entityID");
    let entity = parse(&document);
    assert_eq!(
        (entity.cache_duration, codes(&entity)),
        (None, vec!["metadata.cache_duration_ignored"])
    );
}

#[test]
fn a237_near_spellings_are_distinct_entities() {
    let id = |id: &str| parse(&entity_xml("").replace("https://a.example", id)).entity_id;
    assert_ne!(id("https://a.example"), id("https://a.example/"));
    assert_ne!(id("https://a.example"), id("https://A.example"));
    for spaced in ["https://a.example ", " https://a.example", "&#10;", ""] {
        let document = entity_xml("").replace("https://a.example", spaced);
        assert_eq!(refusal(&document), "schema.invalid_value");
    }
}

#[test]
fn a238_bad_certificate_is_skipped() {
    let good = certificate(0);
    let base64 = good.to_base64();
    let broken = base64.get(..base64.len() - 8).unwrap();
    let lines = base64
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap());
    let lines = format!("\n  {}\n  ", lines.collect::<Vec<_>>().join("\r\n  "));
    let pem = good.to_pem();
    for bad in [
        "",
        "!",
        "MIIB",
        broken,
        &pem,
        "<x/>",
        &(base64.clone() + "AAAA"),
    ] {
        let keys = key_xml("use=\"signing\"", &[bad]) + &key_xml("use=\"signing\"", &[bad, &lines]);
        let entity = idp(&keys);
        let idp = entity.idp.as_ref().unwrap();
        assert_eq!(
            codes(&entity),
            [
                "metadata.certificate_skipped",
                "metadata.key_skipped",
                "metadata.certificate_skipped"
            ]
        );
        assert_eq!(idp.keys.len(), 1);
        assert_eq!(idp.keys[0].certificates, std::slice::from_ref(&good));
        assert_eq!(idp.signing_keys(&provider()).unwrap().as_slice().len(), 1);
    }
}

#[test]
fn a239_keys_come_in_several_forms() {
    let base64 = certificate(0).to_base64();
    let several = key_xml("", &[&base64, &certificate(1).to_base64()]);
    let named =
        "<md:KeyDescriptor><ds:KeyInfo><ds:KeyName>a</ds:KeyName></ds:KeyInfo></md:KeyDescriptor>";
    let empty = "<md:KeyDescriptor/>";
    let entity = sp(&(several + named + empty));
    let sp = entity.sp.as_ref().unwrap();
    assert_eq!(sp.keys.len(), 1);
    assert_eq!(codes(&entity), ["metadata.key_skipped"; 2]);
    assert_eq!(sp.signing_keys(&provider()).unwrap().as_slice().len(), 2);
    assert_eq!(sp.encryption_certificates().count(), 2);
}

/// A certificate with the subject `CN=CA`, and one with `CN=idp` that it issued.
const ISSUER: &str = "MIIBcDCCARegAwIBAgIUNOBU28r9q3v+WeaD1UgL6yFYpd4wCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCQ0EwIBcN\
MjYxMTIxMTIzOTAyWhgPMjEyNjEwMjgxMjM5MDJaMA0xCzAJBgNVBAMMAkNBMFkwEwYHKoZIzj0CAQYIKoZIzj0D\
AQcDQgAEVHNgnzPI2uDNHarqAx2Z0kIjt7Bs/RTSgUwTx3a3YXDquWudsdSZ7alV5DWaJats2A84Gku1gmqHr6l1\
3A/8+aNTMFEwHQYDVR0OBBYEFKQlv1vCcjzxNEpJvWtCY+MfmSuoMB8GA1UdIwQYMBaAFKQlv1vCcjzxNEpJvWtC\
Y+MfmSuoMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgOLWw1BJ7XCXvf2WgeSXm3i7S38nL2SJM\
EORBO+omuSACIGy8egTXHeeoKXOUjkeUM2nAz48XtAQBwtgVPWrSepMY";
const ISSUED: &str = "MIIBFjCBvgIUFx/yP0B5IoR8VlgjWb9SdI9CZ5YwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCQ0EwIBcNMjYxMTIx\
MTIzOTAyWhgPMjEyNjEwMjgxMjM5MDJaMA4xDDAKBgNVBAMMA2lkcDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA\
BHK+9fgJd6WoESajSVayRXv6DQuHa20/J+tqPpypK9wxKQuG5HBSwJOvjDZHU4JtehzOP5n1i9T88s/Evmv6fDQw\
CgYIKoZIzj0EAwIDRwAwRAIgZ7qtkB2C/dtR0rWpgHLgAvcZvHKwrGv71xGWAk4P65MCIDLdxMum60XvzAeOy89+\
CCuYK1TFJ9uOGVjbvrVg2+xV";

#[test]
fn issuers_in_a_chain_do_not_sign_for_the_entity() {
    let data = |certificates: &[&str]| {
        let inside: String = certificates
            .iter()
            .map(|text| format!("<ds:X509Certificate>{text}</ds:X509Certificate>"))
            .collect();
        format!(
            "<md:KeyDescriptor><ds:KeyInfo><ds:X509Data>{inside}</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    };
    for chain in [[ISSUED, ISSUER], [ISSUER, ISSUED]] {
        let entity = idp(&data(&chain));
        let own = Certificate::from_base64(ISSUED).unwrap();
        assert_eq!(entity.idp.as_ref().unwrap().keys[0].certificates, [own]);
        assert_eq!(codes(&entity), ["metadata.issuer_certificate_skipped"]);
    }
    // Self-signed ones are no chain, even when they have one name: a rollover.
    let (old, new) = (certificate(0), certificate(1));
    assert_eq!(old.subject(), new.subject());
    let entity = idp(&data(&[&old.to_base64(), &new.to_base64(), ISSUER]));
    assert_eq!(entity.idp.as_ref().unwrap().keys[0].certificates.len(), 3);
    assert_eq!(entity.diagnostics, []);
}

#[test]
fn an_unknown_use_is_not_taken_for_every_use() {
    let base64 = certificate(0).to_base64();
    for unknown in ["", "Signing", "sign", "signing encryption"] {
        let entity = idp(&key_xml(&format!("use=\"{unknown}\""), &[&base64]));
        assert_eq!(codes(&entity), ["metadata.unknown_key_use"]);
        assert!(entity.idp.unwrap().keys.is_empty());
    }
}

#[test]
fn a240_duplicate_indexes_and_defaults_are_resolved_by_order() {
    let entity = sp(&[
        acs_xml("index=\"1\" Location=\"https://a.example/1\""),
        acs_xml("index=\"1\" Location=\"https://a.example/2\" isDefault=\"true\""),
        acs_xml("index=\"2\" Location=\"https://a.example/3\" isDefault=\"1\""),
        acs_xml("Location=\"https://a.example/4\""),
        acs_xml("index=\"65536\" Location=\"https://a.example/5\""),
        acs_xml("index=\"-1\" Location=\"https://a.example/6\""),
        acs_xml("index=\"3\" Location=\"https://a.example/7\" isDefault=\"yes\""),
        "<md:AssertionConsumerService index=\"4\" Location=\"https://a.example/8\"/>".into(),
        acs_xml("index=\"5\""),
    ]
    .concat());
    let sp = entity.sp.as_ref().unwrap();
    let address = |found: Option<&crate::IndexedEndpoint>| {
        found.map(|consumer| consumer.endpoint.location.to_string())
    };
    let is = |path: &str| Some(format!("https://a.example/{path}"));
    assert_eq!(sp.assertion_consumer.len(), 4);
    assert_eq!(address(sp.assertion_consumer_by_index(1)), is("1"));
    assert_eq!(address(sp.default_assertion_consumer()), is("2"));
    assert_eq!(address(sp.assertion_consumer_by_index(0)), is("4"));
    assert_eq!(
        codes(&entity),
        [
            "metadata.endpoint_dropped",
            "metadata.endpoint_dropped",
            "metadata.endpoint_dropped",
            "metadata.endpoint_dropped",
            "metadata.endpoint_dropped",
            "metadata.duplicate_index",
            "metadata.several_defaults",
            "metadata.missing_index",
        ]
    );
}

#[test]
fn a240_plain_http_endpoints_can_be_told_apart() {
    let entity = sp(&acs_xml("index=\"0\" Location=\"http://a.example/acs\""));
    let sp = entity.sp.unwrap();
    assert!(!sp.assertion_consumer[0].endpoint.location.is_https());
}

#[test]
fn a248_keys_of_other_roles_and_protocols_are_not_taken() {
    let key = key_xml("use=\"signing\"", &[&certificate(0).to_base64()]);
    let other = role_xml("AttributeAuthorityDescriptor", &key);
    let entity = parse(&entity_xml(&(other + &role_xml("IDPSSODescriptor", ""))));
    assert!(entity.idp.unwrap().keys.is_empty());
    assert_eq!(entity.sp, None);

    let old = role_xml("IDPSSODescriptor", &key).replace("SAML:2.0", "SAML:1.1");
    let entity = parse(&entity_xml(&old));
    assert_eq!(entity.idp, None);
    assert_eq!(codes(&entity), ["metadata.protocol_not_supported"]);
    let entity = parse(&entity_xml(&(old + &role_xml("IDPSSODescriptor", ""))));
    assert!(entity.idp.unwrap().keys.is_empty());
}

#[test]
fn the_first_of_repeated_roles_counts() {
    let key = |number| key_xml("", &[&certificate(number).to_base64()]);
    let roles = role_xml("IDPSSODescriptor", &key(0)) + &role_xml("IDPSSODescriptor", &key(1));
    let entity = parse(&entity_xml(&roles));
    assert_eq!(codes(&entity), ["metadata.repeated_role"]);
    assert_eq!(entity.idp.unwrap().keys[0].certificates, [certificate(0)]);
}

#[test]
fn several_protocols_may_be_enumerated() {
    let role = role_xml("IDPSSODescriptor", "").replace(
        "\"urn:oasis",
        "\"urn:oasis:names:tc:SAML:1.1:protocol\n urn:mace:shibboleth:1.0 urn:oasis",
    );
    assert!(parse(&entity_xml(&role)).idp.is_some());
}

#[test]
fn what_trust_depends_on_is_read_strictly() {
    let role = |from: &str, to: &str| {
        refusal(&entity_xml(
            &role_xml("SPSSODescriptor", "").replace(from, to),
        ))
    };
    assert_eq!(
        role("protocolSupportEnumeration", "x"),
        "schema.missing_attribute"
    );
    let flag = |name: &str| format!("{name}=\"maybe\" protocolSupport");
    for name in ["AuthnRequestsSigned", "WantAssertionsSigned", "validUntil"] {
        assert_eq!(role("protocolSupport", &flag(name)), "schema.invalid_value");
    }
    assert_eq!(refusal(&entity_xml("text")), "schema.unexpected_text");
    let entity = |from: &str, to: &str| refusal(&entity_xml("").replace(from, to));
    assert_eq!(
        entity(" entityID", " validUntil=\"soon\" entityID"),
        "schema.invalid_value"
    );
    assert_eq!(entity(" entityID", " EntityId"), "schema.missing_attribute");
    assert_eq!(
        entity("SAML:2.0:metadata", "SAML:1.0:metadata"),
        "schema.unexpected_root"
    );
}

#[test]
fn values_that_say_nothing_are_ignored() {
    let formats = "<md:NameIDFormat/><md:NameIDFormat>a<b/></md:NameIDFormat>";
    let document = entity_xml(&role_xml("SPSSODescriptor", formats));
    let entity = parse(&document.replace(" entityID", " ID=\"1 2\" entityID"));
    assert_eq!(entity.id, None);
    assert!(entity.sp.as_ref().unwrap().name_id_formats.is_empty());
    assert_eq!(
        codes(&entity),
        [
            "metadata.id_ignored",
            "metadata.name_id_format_ignored",
            "metadata.name_id_format_ignored"
        ]
    );
}

#[test]
fn many_endpoints_without_index_take_no_time() {
    let one = acs_xml("Location=\"https://a.example/acs\"");
    let document = entity_xml(&role_xml("SPSSODescriptor", &one.repeat(70_000)));
    let limits = Limits::for_aggregate();
    let entity = parse_entity(document.as_bytes(), &limits).unwrap();
    assert_eq!(entity.sp.unwrap().assertion_consumer.len(), 65_536);
}
