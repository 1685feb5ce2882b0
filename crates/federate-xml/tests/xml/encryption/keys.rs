//! Where the key is, whose it is, and how it was encrypted.

use super::*;
use federate_crypto::{CryptoError, DigestAlgorithm};
use federate_xml::DS;

const CIPHER: BlockCipher = BlockCipher::Aes256Gcm;

fn content() -> Vec<u8> {
    sealed(CIPHER, &KEY, plaintext().as_bytes())
}

/// With this inside KeyInfo and this behind EncryptedData.
fn document(key_info: &str, siblings: &str) -> String {
    let data = data(&cipher_method(CIPHER), key_info, &content());
    wrap("EncryptedAssertion", &format!("{data}{siblings}"))
}

fn ours(attributes: &str) -> String {
    encrypted_key(attributes, RsaOaep::SHA1, &KEY)
}

/// A key for somebody else.
fn theirs(attributes: &str) -> String {
    let octets = provider()
        .key_transport
        .encrypt_key(
            testkit::other_certificate().public_key(),
            RsaOaep::SHA1,
            &KEY,
        )
        .unwrap();
    raw_key(attributes, &method("rsa-oaep-mgf1p", ""), &octets)
}

fn retrieval(uri: &str) -> String {
    format!("<ds:RetrievalMethod Type=\"{XENC}EncryptedKey\" URI=\"{uri}\"/>")
}

#[test]
fn a177_where_the_key_may_be() {
    let hints = "<ds:KeyName>k</ds:KeyName><ds:X509Data/>";
    let mine = " Recipient=\"https://sp.example\"";
    let other = " Recipient=\"https://other.example\"";
    let with_lists = swap(
        &ours(" Id=\"_k\""),
        "</xenc:EncryptedKey>",
        "<xenc:ReferenceList><xenc:DataReference URI=\"#_d\"/></xenc:ReferenceList>\
         <xenc:CarriedKeyName>k</xenc:CarriedKeyName></xenc:EncryptedKey>",
    );
    for document in [
        document(&ours(""), ""),
        document(&format!("{hints}{}", ours("")), ""),
        document("", &ours("")),
        document(hints, &ours("")),
        document(&retrieval("#_k"), &ours(" Id=\"_k\"")),
        document(&retrieval("#_k"), &with_lists),
        document("<ds:RetrievalMethod URI=\"#_k\"/>", &ours(" Id=\"_k\"")),
        // Several recipients, wherever ours stands, and whatever the hints say.
        document("", &[theirs(""), theirs(other), ours(mine)].concat()),
        document("", &[ours(mine), theirs(other)].concat()),
        document("", &[theirs(mine), ours(other)].concat()),
        document(&theirs(""), &ours("")),
        document(
            &[retrieval("#_1"), retrieval("#_2")].concat(),
            &[theirs(" Id=\"_1\""), ours(" Id=\"_2\"")].concat(),
        ),
        // The same key by three ways is one key.
        document(&[&retrieval("#_k")[..]; 9].concat(), &ours(" Id=\"_k\"")),
        // One of them with an algorithm that we do not have.
        document(
            "",
            &[swap(&theirs(""), "rsa-oaep-mgf1p", "rsa-1_5"), ours("")].concat(),
        ),
        // The data alone, without an element around it.
        data(&cipher_method(CIPHER), &ours(""), &content()),
    ] {
        for recipient in [None, Some("https://sp.example")] {
            let receiver = Receiver {
                recipient,
                ..Receiver::new()
            };
            assert_eq!(receiver.decrypt(&document).unwrap(), plaintext());
        }
    }
    // Anywhere in the same document.
    let inside = document(&retrieval("#_k"), "");
    let apart = format!("<Response>{inside}<x>{}</x></Response>", ours(" Id=\"_k\""));
    assert_eq!(Receiver::new().decrypt(&apart).unwrap(), plaintext());
}

#[test]
fn a177_where_the_key_must_not_be() {
    use EncryptionStructure as S;
    let key = ours(" Id=\"_k\"");
    let elements = |from: &str, to: &str| swap(&document(&key, ""), from, to);
    let transforms = format!(
        "<ds:RetrievalMethod URI=\"#_k\"><ds:Transforms><ds:Transform Algorithm=\"{DS}base64\"/>\
         </ds:Transforms></ds:RetrievalMethod>"
    );
    for (document, structure) in [
        (document("", ""), S::NoKey),
        (document("<ds:KeyName>k</ds:KeyName>", ""), S::NoKey),
        (document(&retrieval("http://x/#_k"), &key), S::KeyElsewhere),
        (document(&retrieval("file:///k"), &key), S::KeyElsewhere),
        (document(&retrieval(""), &key), S::KeyElsewhere),
        (document(&retrieval("#"), &key), S::KeyElsewhere),
        (document(&retrieval("#_x"), &key), S::KeyElsewhere),
        (document(&retrieval("#xpointer(/)"), &key), S::KeyElsewhere),
        (document("<ds:RetrievalMethod/>", &key), S::KeyElsewhere),
        // An element that is no key; a reference to a reference.
        (
            document(
                &(retrieval("#_r") + "<ds:RetrievalMethod Id=\"_r\" URI=\"#_k\" Type=\"x\"/>"),
                &key,
            ),
            S::KeyElsewhere,
        ),
        (document(&transforms, &key), S::Transforms),
        (document("", &theirs("").repeat(9)), S::TooManyKeys),
        (
            document(&theirs("").repeat(5), &theirs("").repeat(4)),
            S::TooManyKeys,
        ),
        (elements(&cipher_method(CIPHER), ""), S::Elements),
        (elements(&method("rsa-oaep-mgf1p", ""), ""), S::Elements),
        (elements("Algorithm=", "algorithm="), S::Elements),
        (elements(" Type=", " Kind="), S::Elements),
        (elements("#Element", "#EncryptedKey"), S::Type),
        (
            elements("<xenc:CipherValue>", "<xenc:CipherValue>*"),
            S::Base64,
        ),
        (
            elements("<xenc:CipherValue>", "<xenc:CipherValue><x/>"),
            S::Elements,
        ),
        (
            elements("<xenc:CipherData>", "<xenc:CipherData>x"),
            S::Elements,
        ),
        (
            elements(
                "</saml:EncryptedAssertion>",
                "<x/></saml:EncryptedAssertion>",
            ),
            S::Elements,
        ),
        (wrap("EncryptedAssertion", ""), S::Elements),
        (wrap("EncryptedAssertion", &key), S::Elements),
        (assertion("_a", ALICE), S::Elements),
    ] {
        Receiver::new().malformed(&document, structure);
    }
    // KeyInfo left out altogether, as with the key as a sibling.
    let bare = document("", "");
    let info = cut(&bare, "ds:KeyInfo").1;
    Receiver::new().malformed(&swap(&bare, info, ""), S::NoKey);
    let sibling = document("", &key);
    let document = swap(&sibling, info, "");
    assert_eq!(Receiver::new().decrypt(&document).unwrap(), plaintext());
}

/// Every pair of digests by both identifiers, and what contradicts itself.
#[test]
fn a171_parameters_of_key_transport() {
    let receiver = Receiver::with(rustcrypto_provider());
    let oaep11 = |inside: &str| {
        format!(
            "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#rsa-oaep\">\
             {inside}</xenc:EncryptionMethod>"
        )
    };
    let digest_method =
        |uri: &str| format!("<ds:DigestMethod xmlns:ds=\"{DS}\" Algorithm=\"{uri}\"/>");
    let mgf_method = |name: &str| {
        let namespace = "http://www.w3.org/2009/xmlenc11#";
        format!("<m:MGF xmlns:m=\"{namespace}\" Algorithm=\"{namespace}{name}\"/>")
    };
    let key = |oaep: RsaOaep, method: &str| {
        let certificate = testkit::certificate();
        let octets = rustcrypto_provider()
            .key_transport
            .encrypt_key(certificate.public_key(), oaep, &KEY)
            .unwrap();
        document(&raw_key("", method, &octets), "")
    };
    let mgfs = ["mgf1sha1", "mgf1sha256", "mgf1sha384", "mgf1sha512"];
    for digest in DigestAlgorithm::ALL {
        for (mgf1, mgf) in DigestAlgorithm::ALL.into_iter().zip(mgfs) {
            let oaep = RsaOaep { digest, mgf1 };
            let inside = digest_method(digest.uri()) + &mgf_method(mgf);
            let document = key(oaep, &oaep11(&inside));
            assert_eq!(receiver.decrypt(&document).unwrap(), plaintext());
            let aws = Receiver::new();
            if digest == mgf1 {
                assert_eq!(aws.decrypt(&document).unwrap(), plaintext());
            } else {
                let uri = "RSA-OAEP with digests that the provider does not combine";
                aws.refuses(&document, "the key transport", uri);
            }
        }
        // Without MGF it is MGF1 with SHA-1, and an empty label is no label.
        let oaep = RsaOaep {
            digest,
            mgf1: DigestAlgorithm::Sha1,
        };
        for label in [
            "",
            "<xenc:OAEPparams/>",
            "<xenc:OAEPparams> </xenc:OAEPparams>",
        ] {
            let inside = format!("{label}{}", digest_method(digest.uri()));
            for method in [oaep11(&inside), method("rsa-oaep-mgf1p", &inside)] {
                let document = key(oaep, &method);
                assert_eq!(receiver.decrypt(&document).unwrap(), plaintext());
            }
        }
    }
    // [XMLEnc] 5.8.4 has another identifier of SHA-384 than XML signatures.
    let sha384 = digest_method("http://www.w3.org/2001/04/xmlenc#sha384");
    let oaep = RsaOaep {
        digest: DigestAlgorithm::Sha384,
        mgf1: DigestAlgorithm::Sha1,
    };
    let document = key(oaep, &method("rsa-oaep-mgf1p", &sha384));
    assert_eq!(receiver.decrypt(&document).unwrap(), plaintext());

    let transported = |inside: &str| key(RsaOaep::SHA1, &method("rsa-oaep-mgf1p", inside));
    let unknown = "an unknown algorithm";
    receiver.refuses(
        &transported("<xenc:OAEPparams>bGFiZWw=</xenc:OAEPparams>"),
        "the label of the key transport",
        "one that is not empty",
    );
    receiver.refuses(
        &transported(&digest_method("http://www.w3.org/2001/04/xmldsig-more#md5")),
        "the digest of the key transport",
        unknown,
    );
    receiver.refuses(
        &key(RsaOaep::SHA1, &oaep11(&mgf_method("mgf1md5"))),
        "the mask generation function of the key transport",
        unknown,
    );
    let sha1 = digest_method(DigestAlgorithm::Sha1.uri());
    for inside in [
        mgf_method("mgf1sha256"),
        sha1.repeat(2),
        mgf_method("mgf1sha1").repeat(2),
        "<xenc:KeySize>2048</xenc:KeySize>".to_owned(),
        "<x/>".to_owned(),
        "text".to_owned(),
    ] {
        receiver.malformed(&transported(&inside), EncryptionStructure::Elements);
    }
}

/// The key size of a block cipher may be told, if it is told rightly; nothing else may.
#[test]
fn parameters_of_block_ciphers() {
    let with = |inside: &str| {
        let named = format!(
            "<xenc:EncryptionMethod Algorithm=\"{}\">{inside}",
            CIPHER.uri()
        );
        let named = named + "</xenc:EncryptionMethod>";
        swap(&document(&ours(""), ""), &cipher_method(CIPHER), &named)
    };
    let receiver = Receiver::new();
    let told = with("<xenc:KeySize>256</xenc:KeySize>");
    assert_eq!(receiver.decrypt(&told).unwrap(), plaintext());
    for inside in [
        "<xenc:KeySize>128</xenc:KeySize>",
        "<xenc:KeySize>x</xenc:KeySize>",
        "<xenc:OAEPparams/>",
        "<x/>",
    ] {
        receiver.malformed(&with(inside), EncryptionStructure::Elements);
    }
    let unknown = swap(&document(&ours(""), ""), "#aes256-gcm", "#aes257-gcm");
    receiver.refuses(&unknown, "the block cipher", "an unknown algorithm");
}

/// After a rollover the old key still decrypts; a key that is not ours never did.
#[test]
fn a178_wrong_keys_and_old_keys() {
    let provider = provider();
    let private = provider.keys.generate_rsa(2048).unwrap();
    let new = provider
        .key_transport
        .load_decryption_key(&private)
        .unwrap();
    let old = decryption_key(&provider, testkit::RSA_KEY);
    let document = document(&ours(""), "");
    let with = |keys: Vec<Arc<dyn DecryptionKey>>| Receiver {
        keys: DecryptionKeys::new(keys).unwrap(),
        ..Receiver::new()
    };
    with(vec![new.clone()]).fails(&document);
    for keys in [vec![new.clone(), old.clone()], vec![old, new]] {
        assert_eq!(with(keys).decrypt(&document).unwrap(), plaintext());
    }
    assert!(DecryptionKeys::new([]).is_none());
    Receiver::new().fails(&super::keys::document(&theirs(""), ""));
}

/// Own keys of 1024 bits: by default not used, and where they are, until a date.
#[test]
fn a178_weak_keys_of_our_own() {
    let error = Encryptor::new(provider(), testkit::weak_certificate()).unwrap_err();
    assert_eq!(error, CryptoError::UnsupportedKeySize { bits: 1024 });
    let error = Encryptor::new(provider(), testkit::ec_certificate()).unwrap_err();
    assert_eq!(error.code(), "crypto.unsupported_key_type");

    // A key that claims to be small, and would be asked if it were accepted.
    #[derive(Debug)]
    struct Weak(federate_crypto::PublicKey);
    impl DecryptionKey for Weak {
        fn public_key(&self) -> &federate_crypto::PublicKey {
            &self.0
        }

        fn decrypt_key(
            &self,
            _: RsaOaep,
            _: &[u8],
        ) -> Result<zeroize::Zeroizing<Vec<u8>>, CryptoError> {
            Ok(zeroize::Zeroizing::new(KEY.to_vec()))
        }
    }
    let weak = testkit::weak_certificate().public_key().clone();
    let keys = DecryptionKeys::from(Arc::new(Weak(weak)) as Arc<dyn DecryptionKey>);
    let mut receiver = Receiver {
        keys,
        ..Receiver::new()
    };
    let document = document(&ours(""), "");
    not_decrypted(
        receiver.decrypt(&document),
        EncryptionError::NoUsableKey { tried: 1 },
        "encryption.no_usable_key",
    );
    let now = testkit::fixed_now();
    for (until, used) in [(now, false), (now + chrono::TimeDelta::seconds(1), true)] {
        receiver.policy = DecryptionPolicy::default().dangerous_allow_rsa_1024_until(until);
        assert_eq!(receiver.decrypt(&document).is_ok(), used);
    }
}

/// The other elements that SAML lets be encrypted, each to the element that it stands for.
#[test]
fn a179_encrypted_id_and_encrypted_attribute() {
    for (element, inside, content) in [
        (
            "EncryptedID",
            Name::saml("NameID"),
            "<saml:NameID xmlns:saml=\"S\">a</saml:NameID>",
        ),
        (
            "EncryptedAttribute",
            Name::saml("Attribute"),
            "<saml:Attribute xmlns:saml=\"S\" Name=\"a\"></saml:Attribute>",
        ),
        (
            "NewEncryptedID",
            Name::samlp("NewID"),
            "<samlp:NewID xmlns:samlp=\"P\">a</samlp:NewID>",
        ),
    ] {
        let content = content
            .replace("\"S\"", &format!("\"{SAML}\""))
            .replace("\"P\"", &format!("\"{}\"", federate_xml::SAMLP));
        let octets = encryptor().encrypt(content.as_bytes()).unwrap();
        let document = wrap(element, &String::from_utf8(octets).unwrap());
        let receiver = Receiver::new();
        let decrypted = receiver.decrypt_as(&document, inside).unwrap();
        assert_eq!(decrypted.octets_hint(), content.as_bytes());
        receiver.fails(&document);
    }
}
