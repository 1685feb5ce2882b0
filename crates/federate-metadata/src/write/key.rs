//! Writing keys.

use crate::key_info::KeyNumbers;
use crate::names::{MGF, dsig11};
use crate::{EncryptionMethod, KeyDescriptor};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::PublicKey;
use federate_xml::{Name, Writer, XENC};

/// [SAMLMeta] 2.4.1.1. A descriptor without a key would say nothing.
pub(super) fn write(writer: &mut Writer, key: &KeyDescriptor) {
    if key.public_keys().next().is_none() {
        return;
    }
    writer.start(Name::md("KeyDescriptor"));
    writer.optional_attribute(Name::local("use"), key.key_use.attribute());
    writer.start(Name::ds("KeyInfo"));
    for name in &key.key_names {
        writer.element(Name::ds("KeyName"), name);
    }
    for value in &key.key_values {
        key_value(writer, value);
    }
    // Each in an X509Data of its own: together they would be a chain.
    for certificate in &key.certificates {
        writer.start(Name::ds("X509Data"));
        writer.element(Name::ds("X509Certificate"), &certificate.to_base64());
        writer.end();
    }
    writer.end();
    for method in &key.encryption_methods {
        encryption_method(writer, method);
    }
    writer.end();
}

/// [XMLDSig] 4.5.2.
fn key_value(writer: &mut Writer, key: &PublicKey) {
    let base64 = |octets: &[u8]| STANDARD.encode(octets);
    match KeyNumbers::of(key) {
        KeyNumbers::Rsa(modulus, exponent) => {
            writer.start(Name::ds("KeyValue"));
            writer.start(Name::ds("RSAKeyValue"));
            writer.element(Name::ds("Modulus"), &base64(modulus));
            writer.element(Name::ds("Exponent"), &base64(exponent));
            writer.end();
            writer.end();
        }
        KeyNumbers::Ec(curve, point) => {
            writer.start(Name::ds("KeyValue"));
            writer.start(dsig11("ECKeyValue"));
            writer.start(dsig11("NamedCurve"));
            writer.attribute(Name::local("URI"), curve);
            writer.end();
            writer.element(dsig11("PublicKey"), &base64(point));
            writer.end();
            writer.end();
        }
        KeyNumbers::Der(der) => writer.element(dsig11("DEREncodedKeyValue"), &base64(der)),
    }
}

fn encryption_method(writer: &mut Writer, method: &EncryptionMethod) {
    let xenc = |local| Name::new(XENC, "xenc", local);
    let algorithm = |writer: &mut Writer, name, algorithm: &Option<String>| {
        if let Some(algorithm) = algorithm {
            writer.start(name);
            writer.attribute(Name::local("Algorithm"), algorithm);
            writer.end();
        }
    };
    writer.start(Name::md("EncryptionMethod"));
    writer.attribute(Name::local("Algorithm"), &method.algorithm);
    if let Some(size) = method.key_size {
        writer.element(xenc("KeySize"), &size.to_string());
    }
    if let Some(params) = &method.oaep_params {
        writer.element(xenc("OAEPparams"), params);
    }
    algorithm(writer, Name::ds("DigestMethod"), &method.digest_method);
    algorithm(writer, MGF, &method.mgf);
    writer.end();
}
