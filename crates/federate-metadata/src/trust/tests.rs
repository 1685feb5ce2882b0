use crate::testing::*;
use crate::{KeyDescriptor, KeyUse, MetadataError};
use chrono::TimeDelta;
use federate_crypto::Certificate;

/// The certificates' keys that verify signatures of an identity provider with these keys.
fn trusted(keys: Vec<KeyDescriptor>) -> Option<Vec<federate_crypto::PublicKey>> {
    let mut idp = everything().idp.unwrap();
    idp.keys = keys;
    let keys = idp.signing_keys(&provider())?;
    let keys = keys.as_slice().iter();
    Some(keys.map(|key| key.public_key().clone()).collect())
}

#[test]
fn a088_encryption_key_never_verifies_signatures() {
    let key = |key_use, number| KeyDescriptor::new(key_use, certificate(number));
    let public = |number| certificate(number).public_key().clone();
    assert_eq!(trusted(vec![key(KeyUse::Encryption, 0)]), None);
    assert_eq!(
        trusted(vec![
            key(KeyUse::Encryption, 0),
            key(KeyUse::Signing, 1),
            key(KeyUse::Both, 2)
        ]),
        Some(vec![public(1), public(2)])
    );
    let mut sp = everything().sp.unwrap();
    sp.keys = vec![key(KeyUse::Encryption, 0)];
    assert!(sp.signing_keys(&provider()).is_none());
    assert_eq!(
        sp.encryption_certificates().collect::<Vec<_>>(),
        [&certificate(0)]
    );
    sp.keys = vec![key(KeyUse::Signing, 0)];
    assert_eq!(sp.encryption_certificates().count(), 0);
}

#[test]
fn a088_read_from_a_document() {
    let key = |key_use: &str, number| {
        key_xml(
            &format!("use=\"{key_use}\""),
            &[&certificate(number).to_base64()],
        )
    };
    let idp = idp(&(key("encryption", 0) + &key("signing", 1)))
        .idp
        .unwrap();
    let keys = idp.signing_keys(&provider()).unwrap();
    let [key] = keys.as_slice() else { panic!() };
    assert_eq!(key.public_key(), certificate(1).public_key());
    let encrypting: Vec<&Certificate> = idp.encryption_certificates().collect();
    assert_eq!(encrypting, [&certificate(0)]);
}

#[test]
fn no_key_is_not_an_empty_set_of_keys() {
    assert_eq!(trusted(Vec::new()), None);
}

#[test]
fn a_key_is_tried_once() {
    let key = |key_use| KeyDescriptor::new(key_use, certificate(0));
    let found = trusted(vec![key(KeyUse::Signing), key(KeyUse::Both)]).unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn a232_expired_metadata_is_refused_at_sign_in() {
    let entity = everything();
    let (entity_end, idp_end) = (at("2026-12-31T00:00:00Z"), at("2026-11-30T00:00:00Z"));
    let second = TimeDelta::seconds(1);
    assert!(entity.idp_at(idp_end - second).is_ok());
    assert_eq!(entity.idp_at(idp_end), Err(MetadataError::Expired));
    assert!(entity.is_valid_at(idp_end));
    assert!(entity.sp_at(entity_end - second).is_ok());
    assert!(entity.is_valid_at(entity_end - second));
    for over in [entity_end, entity_end + second] {
        assert!(!entity.is_valid_at(over));
        let error = entity.sp_at(over).unwrap_err();
        assert_eq!(
            (&error, error.code()),
            (&MetadataError::Expired, "metadata.expired")
        );
        assert_eq!(entity.idp_at(over), Err(MetadataError::Expired));
    }
}

#[test]
fn a_role_that_is_not_there_has_its_own_error() {
    let now = at("2026-06-01T00:00:00Z");
    let entity = idp("");
    assert!(entity.idp_at(now).is_ok());
    assert_eq!(entity.sp_at(now).unwrap_err().code(), "metadata.no_sp_role");
    let entity = sp("");
    assert_eq!(
        entity.idp_at(now).unwrap_err().code(),
        "metadata.no_idp_role"
    );
}
