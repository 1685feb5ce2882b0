use super::*;
use chrono::DateTime;
use federate_types::{NameId, Provenance};
use std::collections::BTreeMap;

fn connection(domains: &[&str]) -> Connection {
    let metadata = br#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/></IDPSSODescriptor></EntityDescriptor>"#;
    let mut connection = Connection::from_metadata(metadata).unwrap();
    connection.email_domains = domains.iter().map(|&domain| domain.to_owned()).collect();
    connection
}

fn login(name_id: &str, attributes: &[(&str, &[&str])]) -> Login {
    let values = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    let attributes = attributes.iter();
    Login {
        identity_provider: EntityId::new("https://idp.example").unwrap(),
        name_id: NameId::new(name_id, Some(NameIdFormat::EmailAddress)).unwrap(),
        attributes: Profile {
            attributes: attributes
                .map(|(name, list)| ((*name).to_owned(), values(list)))
                .collect::<BTreeMap<_, _>>(),
        },
        dropped: Profile::default(),
        authn_instant: DateTime::UNIX_EPOCH,
        authn_context: None,
        session_index: None,
        session_not_on_or_after: None,
        provenance: Provenance::default(),
    }
}

#[test]
fn a152_an_address_counts_in_the_domains_of_its_identity_provider_alone() {
    let claim = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
    let said = |domains: &[&str], name_id: &str, attributes: &[(&str, &[&str])]| {
        let kept = profile(&login(name_id, attributes), &connection(domains));
        kept.attributes.get("email").cloned()
    };
    let both: &[&str] = &["ceo@other.example", "alice@Acme.example"];
    let ours = Some(vec!["alice@Acme.example".to_owned()]);
    assert_eq!(said(&["acme.example"], "x", &[(claim, both)]), ours);
    assert_eq!(said(&[], "alice@acme.example", &[(claim, both)]), None);
    let any = Some(both.iter().map(|&one| one.to_owned()).collect());
    assert_eq!(said(&["*"], "x", &[("mail", both)]), any);
    let name = Some(vec!["bob@acme.example".to_owned()]);
    assert_eq!(said(&["acme.example"], "bob@acme.example", &[]), name);
    for odd in [
        "bob",
        "@acme.example",
        "a@b@acme.example",
        "bob@sub.acme.example",
    ] {
        assert_eq!(
            said(&["acme.example"], odd, &[("email", &[odd])]),
            None,
            "{odd}"
        );
    }
}

#[test]
fn an_address_that_is_not_vouched_for_is_kept_by_no_name() {
    let odd: &[&str] = &["ceo@other.example"];
    let attributes = [
        ("email", odd),
        ("mail", odd),
        ("User.Email", odd),
        ("team", odd),
    ];
    let kept = profile(&login("x", &attributes), &connection(&["acme.example"]));
    assert_eq!(kept.attributes.keys().collect::<Vec<_>>(), ["team"]);
}

#[test]
fn the_usual_names_are_kept_as_ours() {
    let attributes: [(&str, &[&str]); 1] = [("urn:oid:2.16.840.1.113730.3.1.241", &["Alice"])];
    let kept = profile(&login("x", &attributes), &connection(&[]));
    assert_eq!(kept.first("name"), Some("Alice"));
}
