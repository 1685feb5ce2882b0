//! What an attacker has: hash functions, a key of their own, and a certificate for it that bears
//! the name and the number of the one that the tests trust (A072).
//!
//! Made with `openssl req -x509 -newkey rsa:2048 -subj "/CN=Federate test" -set_serial 1`.

use super::canonical::canonical;
use super::names::{DS, ENVELOPED, EXCLUSIVE, RSA_SHA256, SHA256};
use super::tree::{Element, Tree};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::sync::LazyLock;

static KEY: LazyLock<SigningKey<Sha256>> = LazyLock::new(|| {
    let key = rsa::RsaPrivateKey::from_pkcs8_pem(CLONE_KEY).expect("a private key");
    SigningKey::new(key)
});

/// Signs with the attacker's own key, by RSA-SHA256.
pub(super) fn sign(octets: &[u8]) -> Vec<u8> {
    KEY.sign(octets).to_vec()
}

/// The attacker's key as `ds:KeyValue` has it.
pub(super) fn key_value() -> String {
    let key: &rsa::RsaPrivateKey = KEY.as_ref();
    let (modulus, exponent) = (key.n().to_bytes_be(), key.e().to_bytes_be());
    format!(
        "<ds:RSAKeyValue><ds:Modulus>{}</ds:Modulus><ds:Exponent>{}</ds:Exponent></ds:RSAKeyValue>",
        STANDARD.encode(modulus),
        STANDARD.encode(exponent)
    )
}

/// The inside of a PEM block.
pub(super) fn bare_pem(pem: &str) -> String {
    pem.lines().filter(|l| !l.starts_with("-----")).collect()
}

/// The base64 of the digest, by the identifier of its algorithm.
pub(super) fn digest(uri: &str, octets: &[u8]) -> String {
    match uri {
        super::names::SHA1 => STANDARD.encode(Sha1::digest(octets)),
        super::names::SHA384 => STANDARD.encode(Sha384::digest(octets)),
        super::names::SHA512 => STANDARD.encode(Sha512::digest(octets)),
        _ => STANDARD.encode(Sha256::digest(octets)),
    }
}

/// HMAC of RFC 2104 over SHA-1 or SHA-256.
pub(super) fn hmac(sha1: bool, secret: &[u8], octets: &[u8]) -> Vec<u8> {
    let hash = |parts: &[&[u8]]| match sha1 {
        true => Sha1::digest(parts.concat()).to_vec(),
        false => Sha256::digest(parts.concat()).to_vec(),
    };
    let mut block = if secret.len() > 64 {
        hash(&[secret])
    } else {
        secret.to_vec()
    };
    block.resize(64, 0);
    let padded = |with: u8| block.iter().map(|b| b ^ with).collect::<Vec<u8>>();
    hash(&[&padded(0x5c), &hash(&[&padded(0x36), octets])])
}

/// Signs the element at `path` anew, where its signature at `at` stands: one reference to the
/// element's ID, the two transforms of SAML, SHA-256.
pub(super) fn sign_again(
    tree: &mut Tree,
    path: &[usize],
    at: &[usize],
    key_info: &str,
    sign: &mut dyn FnMut(&[u8]) -> Vec<u8>,
) {
    let octets = canonical(tree, path, Some(at));
    let id = tree.element(path).attribute("ID").map(str::to_owned);
    let uri = id.map_or(String::new(), |id| format!("#{id}"));
    let body = format!(
        "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"></ds:SignatureMethod>\
         <ds:Reference URI=\"{uri}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
         <ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod>\
         <ds:DigestValue>{}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        digest(SHA256, octets.as_bytes())
    );
    let value = sign(format!("<ds:SignedInfo xmlns:ds=\"{DS}\">{body}").as_bytes());
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>{body}\
         <ds:SignatureValue>{}</ds:SignatureValue>{key_info}</ds:Signature>",
        STANDARD.encode(value)
    );
    tree.replace(at, Element::parse(&signature));
}

/// A KeyInfo with this inside; nothing for nothing.
pub(super) fn key_info(inside: &str) -> String {
    match inside {
        "" => String::new(),
        inside => format!("<ds:KeyInfo>{inside}</ds:KeyInfo>"),
    }
}

/// The certificate in `ds:X509Data`.
pub(super) fn x509_data(pem: &str) -> String {
    let certificate = bare_pem(pem);
    format!("<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>")
}

const CLONE_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDTXFeXvF4pS44x
ihLP/Z58m3QS08pncjl+KJHbQUzMBxBnkA/CS4JZhuCbYTkC7y7L5KJz3DWBWGRo
3ipnYma/ULQH+JcBrNTzF4SMDghiXltDC1PhcXsld9MBJgGxmcyIJ1BRsQE/Bwlj
RYFpNNwIdEgfxKaXBxKR5fBi4lGl9fI0/NZHquvMdaL2jKCTVwfbVg6nuL8Eq1wS
q96IsQXi1CfUYzGsSfauGFbzKQ/AxXnjcKstAuVxxwt038lfh83ouL4QPH+HEIkh
Dxa+90B4m90Ttyi6PmQFKyUjS/zU4BIXL7jO9/sB6wUaF6bE1nz8ZHiXdo3WRvwP
U7o/8glDAgMBAAECggEAL0V0W73n62F4HHFOktEc3K6h78IJf0hnPmWRdZGtvOYJ
j7gDJkfgD+jgHDBK4XKgKz7n7HTATLz5vBCQOE4kP76rfSrmjxvaBsJoRTCwRFvp
Gl4StRW93pvlh9i5wUBuI7dzOcoWRsPqoBbAAkktuwBSzzQatCWDTDk6ocsPSsgG
hh8MsrxVk2lFD9QRSEyPIgU+W7cmZAIl1ZWMgqP144RwN6EShUkdvsuvhxGrDWRj
hkFTzafDHtJ6pJhrkEL+gfxD9ZUPVb0CfhoNXvkldY/iwO4NXFfzXjhr0DISo0Zh
e1Rgz/dcqOl543no9ZWPttS4yzsMYkThYq/5+EFy0QKBgQDpwlvBrjxSSyk6vauA
xAg7+XwIjrtw3QwQn+ju43p22KllxrG6+LYVtOJWr2JvkXLempAI+t1J88+zdmy5
n1XtxPKsc7SfMzA34PIEd1d7GwqBV+gIn9+6aXLHgaTmqVb0EP133styZhwEVdyu
e8JeHb3ZCpNagV0RZe6hd04EcQKBgQDneG0tH+Xml+SKXY36Xb3MocFtA3jNPUvU
fKqa5k6yDLPZXCbYr2jlULAa69wtDS3Bg5lUbmSTBRPHMfruai0p9Tb5qQSrH2Uu
jajQIzwJHn52w8AijMxMW3E1+5oPbllzFgf8GczCcw8u7bbe+CknC6JggDgUpee7
E2vhIEHy8wKBgQCwOtbyLWlMoV1z64pgiWmrzWq1COZHMF7oKaZycwzgjHcpQ6K6
UsbzlmsM7yxG8GCpcd0k5/vsxOLRaXaOepFNsC1D1fdWDkFL30qWE2LgbIJ/AMbt
uZnx742Y2yR2wTPMzQJKXK0EkfaNTi4RXTwruEBoYJC2qtB/TVmaYVdwAQKBgH9v
RKQwSJFAlLk8snrheyoa7/PFko9kLMhqbj7jhvXtmmKTomtvfw+o8ZuQuOIwvD0q
55KdSE/M3suvD5iM6hqMf1zKGeDgYwNTSFp224mluThHoxMicyOiwFxZDcNrHGIJ
AhJgXeO8FuLeSuzMsVNmy1nXnYh4onDTS3RhHw3TAoGBAL7wdMTFu+qhpJDzFcXf
VczZAZl5ibyanj5/xaibWeKrY16rJcH4IkEDOGjv50+JPmRTfqRq7VUCQ4fF1dAB
sDn995/Vw/zQAbhRq4n6WV8U9KZb21me+QerPyFJ/ej6ZR2mRqbXL4lRayHyPExJ
1fl1dgzLvwBngeICqB0HNSTR
-----END PRIVATE KEY-----
";

/// The certificate of the attacker's key.
pub(super) const CLONE: &str = "-----BEGIN CERTIFICATE-----
MIIC/jCCAeagAwIBAgIBATANBgkqhkiG9w0BAQsFADAYMRYwFAYDVQQDDA1GZWRl
cmF0ZSB0ZXN0MB4XDTI2MTEyMTE0NTY1MloXDTQ4MTAxNjE0NTY1MlowGDEWMBQG
A1UEAwwNRmVkZXJhdGUgdGVzdDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoC
ggEBANNcV5e8XilLjjGKEs/9nnybdBLTymdyOX4okdtBTMwHEGeQD8JLglmG4Jth
OQLvLsvkonPcNYFYZGjeKmdiZr9QtAf4lwGs1PMXhIwOCGJeW0MLU+FxeyV30wEm
AbGZzIgnUFGxAT8HCWNFgWk03Ah0SB/EppcHEpHl8GLiUaX18jT81keq68x1ovaM
oJNXB9tWDqe4vwSrXBKr3oixBeLUJ9RjMaxJ9q4YVvMpD8DFeeNwqy0C5XHHC3Tf
yV+Hzei4vhA8f4cQiSEPFr73QHib3RO3KLo+ZAUrJSNL/NTgEhcvuM73+wHrBRoX
psTWfPxkeJd2jdZG/A9Tuj/yCUMCAwEAAaNTMFEwHQYDVR0OBBYEFHbDYniyGyoW
Bw3jgA51bCucc965MB8GA1UdIwQYMBaAFHbDYniyGyoWBw3jgA51bCucc965MA8G
A1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAHJiArY5Znx+8ChfRjaJ
AZinrhvu1VAJcfDqpyXB1dHdTwsjCf6uIA5NYe1f5Mk1a6TP66qqRMJuDRx7CSpw
uXH3mugfASs73daWJVdPhpP+n/Xxse5Cs4P6o2w4LNW5TTzly1Zel72ZrEv2WgB9
ARCkFfzA1zhxvVtSwp4c/KdjW2dSlpIkOxrf/1Qt71WzBaYC9mIHCtZdiu6sV1zc
GAm/ypaAVvioxbnDAM0zfhLBAQL1ONMz5gEJdyn7I4JhgTA/k0eRWQZxyjLfL4Tz
7bgJlCePE6FFBkUkXRrBS5Xh1BBepkMUI0AgRTs7tO2p+33OFd6wvjZB30pPzYSI
qT8=
-----END CERTIFICATE-----
";
