//! What is read beside keys and endpoints.

use super::codes;
use crate::testing::*;
use crate::{ContactPerson, ContactType, EntityDescriptor, KeyUse, Location};
use federate_types::Binding;

/// An entity with these extensions.
fn extended(extensions: &str) -> EntityDescriptor {
    let namespaces = "xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\" \
         xmlns:mdrpi=\"urn:oasis:names:tc:SAML:metadata:rpi\" \
         xmlns:mdattr=\"urn:oasis:names:tc:SAML:metadata:attribute\" \
         xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\" \
         xmlns:alg=\"urn:oasis:names:tc:SAML:metadata:algsupport\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    parse(&entity_xml(&format!(
        "<md:Extensions {namespaces}>{extensions}</md:Extensions>"
    )))
}

fn service(name: &str, binding: Binding, attributes: &str) -> String {
    format!(
        "<md:{name} Binding=\"{}\" Location=\"https://a.example/{name}\" {attributes}/>",
        binding.uri()
    )
}

#[test]
fn every_service_of_a_role_is_read() {
    let soap = |name| service(name, Binding::Soap, "index=\"1\"");
    let entity = idp(&[
        soap("SingleSignOnService"),
        soap("ArtifactResolutionService"),
        soap("SingleLogoutService"),
        soap("ManageNameIDService"),
        soap("NameIDMappingService"),
        soap("AssertionIDRequestService"),
    ]
    .concat());
    let idp = entity.idp.unwrap();
    let found = [
        &idp.single_sign_on,
        &idp.single_logout,
        &idp.manage_name_id,
        &idp.name_id_mapping,
        &idp.assertion_id_request,
    ];
    assert!(found.iter().all(|endpoints| endpoints.len() == 1));
    assert_eq!(idp.artifact_resolution[0].index, 1);
    for (role, name) in [
        ("AttributeAuthorityDescriptor", "AttributeService"),
        ("AuthnAuthorityDescriptor", "AuthnQueryService"),
        ("PDPDescriptor", "AuthzService"),
    ] {
        let entity = parse(&entity_xml(&role_xml(
            role,
            &(soap(name) + &soap("AssertionIDRequestService") + &soap("SingleLogoutService")),
        )));
        let authority = entity
            .attribute_authority
            .map(|a| (a.attribute_service, a.assertion_id_request));
        let authn = entity
            .authn_authority
            .map(|a| (a.authn_query_service, a.assertion_id_request));
        let pdp = entity
            .pdp
            .map(|a| (a.authz_service, a.assertion_id_request));
        let found: Vec<_> = [authority, authn, pdp].into_iter().flatten().collect();
        let [(service, by_id)] = &found[..] else {
            panic!("{role}")
        };
        assert_eq!((service.len(), by_id.len()), (1, 1));
    }
}

#[test]
fn a_role_without_which_sign_ins_go_on_is_skipped_when_it_is_bad() {
    for bad in [
        "<md:AttributeAuthorityDescriptor/>".to_owned(),
        role_xml("PDPDescriptor", "text"),
        role_xml("AuthnAuthorityDescriptor", "").replace(" proto", " validUntil=\"soon\" proto"),
        "<md:AffiliationDescriptor affiliationOwnerID=\"\"/>".to_owned(),
    ] {
        let entity = parse(&entity_xml(&(bad + &role_xml("IDPSSODescriptor", ""))));
        assert!(entity.idp.is_some());
        assert_eq!(codes(&entity), ["metadata.role_skipped"]);
    }
}

#[test]
fn attribute_consuming_services_are_found_by_index_or_by_default() {
    let consuming = |attributes: &str, name: &str| {
        format!(
            "<md:AttributeConsumingService {attributes}>\
             <md:ServiceName xml:lang=\"en\"> {name} </md:ServiceName><md:ServiceName/>\
             <md:RequestedAttribute Name=\"{name}\" isRequired=\"1\"/>\
             <md:RequestedAttribute/><md:RequestedAttribute Name=\"n\" isRequired=\"maybe\"/>\
             </md:AttributeConsumingService>"
        )
    };
    let entity = sp(&[
        consuming("index=\"2\"", "a"),
        consuming("index=\"2\"", "b"),
        consuming("isDefault=\"true\"", "c"),
        consuming("index=\"x\"", "d"),
    ]
    .concat());
    let sp = entity.sp.as_ref().unwrap();
    let name = |index| {
        let service = sp.attribute_consuming_service_by_index(index)?;
        Some(service.service_names[0].value.as_str())
    };
    assert_eq!((name(2), name(0), name(1)), (Some("a"), Some("c"), None));
    let default = sp.default_attribute_consuming_service().unwrap();
    assert_eq!((default.index, default.requested_attributes.len()), (0, 2));
    assert!(default.requested_attributes[0].is_required);
    assert!(!default.requested_attributes[1].is_required);
    let of = |code: &str| {
        codes(&entity)
            .iter()
            .filter(|found| **found == code)
            .count()
    };
    assert_eq!(of("metadata.duplicate_index"), 1);
    assert_eq!(of("metadata.missing_index"), 1);
    assert_eq!(of("metadata.element_ignored"), 3 * 2 + 1);
}

#[test]
fn contacts_and_organizations_are_read_leniently() {
    let contact = |attributes: &str, inside: &str| {
        format!("<md:ContactPerson {attributes}>{inside}</md:ContactPerson>")
    };
    let remd = "xmlns:remd=\"http://refeds.org/metadata\" contactType=\"other\" \
         remd:contactType=\"http://refeds.org/metadata/contactType/security\"";
    let url = |url: &str| format!("<md:OrganizationURL xml:lang=\"en\">{url}</md:OrganizationURL>");
    let organization = format!(
        "<md:Organization>{}{}{}</md:Organization>",
        url(" https://a.example/ "),
        url("javascript:alert(1)"),
        url("")
    );
    let entity = parse(&entity_xml(&[
        contact("contactType=\"technical\"", "<md:EmailAddress>a@a.example</md:EmailAddress>"),
        contact(remd, "<md:GivenName/><md:SurName>b</md:SurName>"),
        contact("contactType=\"boss\"", ""),
        contact("", "<md:Company><x/></md:Company>"),
        organization.clone(),
        organization,
        "<md:AdditionalMetadataLocation namespace=\"urn:x\">https://a.example/x</md:AdditionalMetadataLocation>".into(),
        "<md:AdditionalMetadataLocation>https://a.example/x</md:AdditionalMetadataLocation>".into(),
    ]
    .concat()));
    let types: Vec<_> = entity
        .contacts
        .iter()
        .map(|contact| contact.contact_type)
        .collect();
    let other = ContactType::Other;
    assert_eq!(types, [ContactType::Technical, other, other, other]);
    let security: Vec<_> = entity
        .contacts
        .iter()
        .map(ContactPerson::is_for_security)
        .collect();
    assert_eq!(security, [false, true, false, false]);
    assert_eq!(entity.contacts[1].given_name, None);
    let urls = &entity.organization.as_ref().unwrap().urls;
    let urls: Vec<_> = urls.iter().map(|url| url.value.as_str()).collect();
    assert_eq!(urls, ["https://a.example/"]);
    assert_eq!(entity.additional_metadata.len(), 1);
    assert_eq!(codes(&entity), ["metadata.element_ignored"; 6]);
}

#[test]
fn a199_nobody_is_shown_a_script() {
    let bad = "javascript:alert(1)";
    let entity = extended(&format!(
        "<mdui:UIInfo><mdui:InformationURL xml:lang=\"en\">{bad}</mdui:InformationURL>\
         <mdui:PrivacyStatementURL xml:lang=\"en\">{bad}</mdui:PrivacyStatementURL>\
         <mdui:Logo height=\"1\" width=\"1\">{bad}</mdui:Logo>\
         <mdui:Logo height=\"1\" width=\"1\">data:text/html,x</mdui:Logo>\
         <mdui:Logo height=\"0\" width=\"1\">https://a.example/logo</mdui:Logo>\
         <mdui:Logo height=\"1\">https://a.example/logo</mdui:Logo></mdui:UIInfo>\
         <mdrpi:RegistrationInfo registrationAuthority=\"a\">\
         <mdrpi:RegistrationPolicy xml:lang=\"en\">{bad}</mdrpi:RegistrationPolicy>\
         </mdrpi:RegistrationInfo>"
    ));
    let info = entity.extensions.ui_info.as_ref().unwrap();
    assert_eq!(**info, crate::UiInfo::default());
    assert_eq!(codes(&entity), ["metadata.element_ignored"; 7]);
    let role =
        role_xml("IDPSSODescriptor", "").replace(" proto", &format!(" errorURL=\"{bad}\" proto"));
    let entity = parse(&entity_xml(&role));
    assert_eq!(
        entity.idp.as_ref().unwrap().details.error_url,
        None::<Location>
    );
    assert_eq!(codes(&entity), ["metadata.element_ignored"]);
}

#[test]
fn the_first_of_repeated_extensions_counts() {
    let registered = |by: &str| format!("<mdrpi:RegistrationInfo registrationAuthority=\"{by}\"/>");
    let entity = extended(&(registered("") + &registered("a") + &registered("b")));
    let info = entity.extensions.registration_info.as_ref().unwrap();
    assert_eq!(info.registration_authority, "a");
    assert_eq!(codes(&entity), ["metadata.element_ignored"; 2]);
}

#[test]
fn a241_scopes_that_would_match_everything_match_nothing() {
    let scope =
        |attributes: &str, text: &str| format!("<shibmd:Scope {attributes}>{text}</shibmd:Scope>");
    let scopes = [
        scope("", " example.org "),
        scope("regexp=\"false\"", ".*"),
        scope("regexp=\"true\"", ".*"),
        scope("regexp=\"1\"", r"^(([a-z])+.)+[A-Z]([a-z])+$"),
        scope("regexp=\"1\"", r"^.+\.example\.net$"),
        scope("regexp=\"maybe\"", "example.com"),
        scope("", ""),
    ]
    .concat();
    let namespace = "xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\"";
    let entity = idp(&format!(
        "<md:Extensions {namespace}>{scopes}</md:Extensions>"
    ));
    assert_eq!(
        codes(&entity),
        [
            "metadata.scope_not_supported",
            "metadata.scope_not_supported",
            "metadata.element_ignored"
        ]
    );
    let allowed = |name: &str| entity.idp_scopes().any(|scope| scope.matches(name));
    for (name, expected) in [
        ("example.org", true),
        ("a.example.net", true),
        (".*", true),
        ("", false),
        ("example.net", false),
        ("example.com", false),
        ("evil.example", false),
        ("a.example.org", false),
    ] {
        assert_eq!(allowed(name), expected, "{name}");
    }
    // Those of other roles are not an identity provider's.
    let other = role_xml(
        "SPSSODescriptor",
        &format!("<md:Extensions {namespace}>{scopes}</md:Extensions>"),
    );
    assert_eq!(parse(&entity_xml(&other)).idp_scopes().count(), 0);
}

#[test]
fn a242_categories_count_where_a_registrar_puts_them() {
    let attribute = |name: &str, format: &str, value: &str| {
        format!(
            "<saml:Attribute xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Name=\"{name}\" {format}>\
             <saml:AttributeValue>\n {value}\n</saml:AttributeValue></saml:Attribute>"
        )
    };
    let format = "NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:uri\"";
    let category = EntityDescriptor::ENTITY_CATEGORY;
    let certified = EntityDescriptor::ASSURANCE_CERTIFICATION;
    let in_role = format!(
        "<md:Extensions xmlns:mdattr=\"urn:oasis:names:tc:SAML:metadata:attribute\">\
         <mdattr:EntityAttributes>{}</mdattr:EntityAttributes></md:Extensions>",
        attribute(category, format, "urn:role")
    );
    let document = entity_xml(&format!(
        "<md:Extensions xmlns:mdattr=\"urn:oasis:names:tc:SAML:metadata:attribute\">\
         <mdattr:EntityAttributes>{}{}{}{}\
         <saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}</saml:Assertion>\
         </mdattr:EntityAttributes>{}<x:EntityAttributes xmlns:x=\"urn:x\">{}</x:EntityAttributes>\
         </md:Extensions>{}{}",
        attribute(category, format, "urn:registered"),
        attribute(category, "", "urn:without-format"),
        attribute(certified, format, "https://refeds.org/sirtfi"),
        attribute(
            EntityDescriptor::ENTITY_CATEGORY_SUPPORT,
            format,
            "urn:supported"
        ),
        attribute(category, format, "urn:asserted"),
        attribute(category, format, "urn:beside"),
        attribute(category, format, "urn:elsewhere"),
        attribute(category, format, "urn:outside"),
        role_xml("SPSSODescriptor", &in_role),
    ));
    let entity = parse(&document);
    assert_eq!(
        entity.entity_categories().collect::<Vec<_>>(),
        ["urn:registered"]
    );
    let certified: Vec<_> = entity.assurance_certifications().collect();
    assert_eq!(certified, ["https://refeds.org/sirtfi"]);
    assert_eq!(
        entity.entity_category_support().collect::<Vec<_>>(),
        ["urn:supported"]
    );
    assert_eq!(entity.diagnostics, []);
    assert_eq!(entity.extensions.other.len(), 2);
    assert_eq!(entity.extensions.entity_assertions.len(), 1);
}

#[test]
fn a248_keys_of_other_roles_sign_nothing_for_this_one() {
    let key = |number| key_xml("use=\"signing\"", &[&certificate(number).to_base64()]);
    let affiliation = format!(
        "<md:AffiliationDescriptor affiliationOwnerID=\"b\">{}</md:AffiliationDescriptor>",
        key(2)
    );
    let entity = parse(&entity_xml(
        &[
            role_xml("AttributeAuthorityDescriptor", &key(0)),
            role_xml("AuthnAuthorityDescriptor", &key(0)),
            role_xml("PDPDescriptor", &key(0)),
            affiliation,
            role_xml("RoleDescriptor", &key(0)),
            role_xml("SPSSODescriptor", &key(2)),
            role_xml("IDPSSODescriptor", &key(1)),
        ]
        .concat(),
    ));
    let idp = entity.idp.as_ref().unwrap();
    let keys = idp.signing_keys(&provider()).unwrap();
    let [key] = keys.as_slice() else { panic!() };
    assert_eq!(key.public_key(), certificate(1).public_key());
    assert_eq!(entity.attribute_authority.as_ref().unwrap().keys.len(), 1);
    assert_eq!(entity.affiliation.as_ref().unwrap().keys.len(), 1);
    assert_eq!(entity.other_roles.len(), 1);
}

#[test]
fn a239_keys_without_a_certificate_count_where_none_is() {
    let value = certificate(1).public_key().clone();
    let crate::key_info::KeyNumbers::Rsa(modulus, exponent) =
        crate::key_info::KeyNumbers::of(&value)
    else {
        panic!("no RSA key")
    };
    let base64 = |octets: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(octets)
    };
    let (modulus, exponent) = (base64(modulus), base64(exponent));
    let value_xml = |modulus: &str| {
        format!(
            "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>\n{modulus}\n</ds:Modulus>\
             <ds:Exponent>{exponent}</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"
        )
    };
    let der = format!(
        "<e:DEREncodedKeyValue xmlns:e=\"http://www.w3.org/2009/xmldsig11#\">{}</e:DEREncodedKeyValue>",
        base64(value.spki_der())
    );
    let key = |inside: &str| {
        idp(&format!(
            "<md:KeyDescriptor><ds:KeyInfo>{inside}</ds:KeyInfo></md:KeyDescriptor>"
        ))
    };
    for good in [
        value_xml(&modulus),
        der,
        "<ds:KeyName>n</ds:KeyName>".to_owned() + &value_xml(&modulus),
    ] {
        let entity = key(&good);
        assert_eq!(entity.diagnostics, []);
        let idp = entity.idp.unwrap();
        assert_eq!(
            (idp.keys[0].key_use, &idp.keys[0].key_values[..]),
            (KeyUse::Both, &[value.clone()][..])
        );
        let keys = idp.signing_keys(&provider()).unwrap();
        assert_eq!(keys.as_slice().len(), 1);
        assert_eq!(idp.encryption_keys().collect::<Vec<_>>(), [&value]);
        assert_eq!(idp.encryption_certificates().count(), 0);
    }
    for bad in [
        value_xml("AQAB"),
        value_xml("!"),
        value_xml(""),
        "<ds:KeyValue/>".into(),
    ] {
        let entity = key(&bad);
        assert_eq!(
            codes(&entity),
            ["metadata.element_ignored", "metadata.key_skipped"]
        );
        assert!(entity.idp.unwrap().keys.is_empty());
    }
    // Beside a certificate, no other key can slip in.
    let data = format!(
        "<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>",
        certificate(0).to_base64()
    );
    let entity = key(&(value_xml(&modulus) + &data));
    let keys = entity
        .idp
        .as_ref()
        .unwrap()
        .signing_keys(&provider())
        .unwrap();
    let [only] = keys.as_slice() else { panic!() };
    assert_eq!(only.public_key(), certificate(0).public_key());
}

#[test]
fn how_to_encrypt_is_read() {
    let method = "<md:EncryptionMethod Algorithm=\"urn:a\" \
         xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"><xenc:KeySize>x</xenc:KeySize>\
         <ds:DigestMethod Algorithm=\"urn:d\"/><unknown/></md:EncryptionMethod><md:EncryptionMethod/>";
    let key = key_xml("", &[&certificate(0).to_base64()]).replace(
        "</md:KeyDescriptor>",
        &format!("{method}</md:KeyDescriptor>"),
    );
    let entity = sp(&key);
    let methods = &entity.sp.as_ref().unwrap().keys[0].encryption_methods;
    let [method] = &methods[..] else { panic!() };
    assert_eq!(
        (method.algorithm.as_str(), method.key_size),
        ("urn:a", None)
    );
    assert_eq!(method.digest_method.as_deref(), Some("urn:d"));
    assert_eq!(codes(&entity), ["metadata.element_ignored"]);
}
