//! Signed documents: by our `Signer`, by hand over our canonical octets, and by libxmlsec1.

use crate::documents::{ID, Maker, Taste};
use crate::random::Random;
use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::{DigestAlgorithm, SignatureAlgorithm, SigningKey};
use federate_testkit::judge::{ForeignDocument, JudgeKey};
use federate_testkit::keys;
use federate_types::MessageId;
use federate_xml::dsig::own_signature;
use federate_xml::{Canonicalization, DS, Document, Element, Name, Signer, Writer, canonicalize};
use std::sync::Arc;

/// A document with a good signature on the element whose ID is `_signed`.
pub(crate) struct Honest {
    pub(crate) text: String,
    pub(crate) signed_by: &'static str,
    /// Whether processing instructions are allowed in it.
    pub(crate) instructions: bool,
}

/// How a signature is to be made.
struct Plan {
    method: SignatureAlgorithm,
    digest: DigestAlgorithm,
    info_form: &'static str,
    /// The transform after the enveloped one, if any, and its prefix list.
    form: Option<(&'static str, String)>,
    prefix: &'static str,
    key_info: bool,
}

const DIGEST: &str = "@DIGEST@";
const VALUE: &str = "@VALUE@";

pub(crate) fn honest(seed: u64) -> Honest {
    let mut random = Random::new(seed);
    let instructions = random.once_in(3);
    let taste = Taste {
        instructions,
        base: random.once_in(4),
        saml: true,
    };
    let (text, signed_by) = match random.below(3) {
        0 => (written(&mut random), "our signer"),
        1 => (by_hand(&mut random, taste), "our canonical octets"),
        _ => (by_libxmlsec1(&mut random, taste), "libxmlsec1"),
    };
    Honest {
        text,
        signed_by,
        instructions,
    }
}

fn signer() -> Signer {
    let provider = provider();
    Signer::new(provider, keys::signing_key(&provider), keys::certificate()).unwrap()
}

/// What our own functions write and sign.
fn written(random: &mut Random) -> String {
    let mut inside = String::new();
    let taste = Taste {
        instructions: false,
        base: false,
        saml: false,
    };
    {
        let fragment = Maker::new(random, taste).fragment();
        let limits = limits(false);
        let document = Document::parse(fragment.as_bytes(), &limits).unwrap();
        let mut octets = Vec::new();
        canonicalize(
            document.root(),
            None,
            &Canonicalization::default(),
            &mut octets,
        );
        inside.push_str(&String::from_utf8(octets).unwrap());
    }
    let mut writer = Writer::new();
    writer.start(Name::saml("Assertion"));
    writer.attribute(Name::local("ID"), ID);
    writer.element(Name::saml("Issuer"), "https://idp.example/?a&b<c>\r\n");
    writer.signature_belongs_here();
    writer.embed(inside.as_bytes());
    writer.end();
    let id = MessageId::new(ID).unwrap();
    String::from_utf8(signer().sign(writer, &id).unwrap()).unwrap()
}

impl Plan {
    fn new(random: &mut Random) -> Self {
        use DigestAlgorithm as D;
        use SignatureAlgorithm as S;
        let methods = [&S::RsaSha256, &S::RsaSha384, &S::RsaSha512, &S::EcdsaSha256];
        let digests = [&D::Sha256, &D::Sha1, &D::Sha384, &D::Sha512];
        let forms = [EXCLUSIVE, EXCLUSIVE, EXCLUSIVE, C14N_10, C14N_11];
        let lists = [
            "",
            "",
            "a",
            "#default",
            "saml  xs\n\u{e9} #default",
            "unknown b",
        ];
        let form = (!random.once_in(8)).then(|| {
            let form = random.of(&forms);
            let list = random.of(&lists);
            (
                form,
                if form == EXCLUSIVE {
                    list.to_owned()
                } else {
                    String::new()
                },
            )
        });
        Self {
            method: *random.of(&methods),
            digest: *random.of(&digests),
            info_form: random.of(&forms),
            form,
            prefix: random.of(&["ds:", "", "dsig:"]),
            key_info: random.once_in(3),
        }
    }

    /// A `ds:Signature` without values.
    fn template(&self, digest: &str, value: &str, random: &mut Random) -> String {
        let p = self.prefix;
        let space = random.of(&["", "\n", " <!-- c -->\t"]);
        let declare = match p {
            "" => format!("xmlns='{DS}'"),
            _ => format!("xmlns:{}='{DS}'", p.trim_end_matches(':')),
        };
        let second = self.form.as_ref().map_or_else(String::new, |(form, list)| {
            let inside = match list.as_str() {
                "" => String::new(),
                _ => format!("<c:InclusiveNamespaces xmlns:c='{EXCLUSIVE}' PrefixList='{list}'/>"),
            };
            format!("<{p}Transform Algorithm='{form}'>{inside}</{p}Transform>{space}")
        });
        let somebody = match self.key_info {
            false => String::new(),
            true => format!(
                "<{p}KeyInfo><{p}X509Data><{p}X509Certificate>{}</{p}X509Certificate></{p}X509Data></{p}KeyInfo>",
                keys::other_certificate().to_base64()
            ),
        };
        format!(
            "<{p}Signature {declare}>{space}<{p}SignedInfo>{space}\
             <{p}CanonicalizationMethod Algorithm=\"{}\"/>{space}\
             <{p}SignatureMethod  Algorithm='{}' />{space}<{p}Reference URI='#{ID}'>\
             <{p}Transforms>{space}<{p}Transform Algorithm='{ENVELOPED}'></{p}Transform>\
             {second}</{p}Transforms>{space}<{p}DigestMethod Algorithm='{}'/>\
             <{p}DigestValue>{digest}</{p}DigestValue></{p}Reference>{space}</{p}SignedInfo>\
             <{p}SignatureValue>{value}</{p}SignatureValue>{somebody}</{p}Signature>",
            self.info_form,
            self.method.uri(),
            self.digest.uri(),
        )
    }

    fn key(&self) -> Arc<dyn SigningKey> {
        match self.method {
            SignatureAlgorithm::EcdsaSha256 => keys::ec_signing_key(&provider()),
            method => keys::signing_key_with(&provider(), method),
        }
    }
}

fn form(uri: &str, list: &str) -> Canonicalization {
    let words = list.split_ascii_whitespace().map(str::to_owned);
    Canonicalization {
        inclusive_prefixes: words.collect(),
        ..Canonicalization::from_uri(uri).unwrap()
    }
}

fn octets_of(element: Element<'_>, omit: Option<Element<'_>>, form: &Canonicalization) -> Vec<u8> {
    let mut octets = Vec::new();
    canonicalize(element, omit, form, &mut octets);
    octets
}

/// A template inside a document in any way of writing, its values over our canonical octets.
fn by_hand(random: &mut Random, taste: Taste) -> String {
    let made = Maker::new(random, taste).assertion();
    let plan = Plan::new(random);
    let mut text = made.text;
    text.insert_str(made.signature_at, &plan.template(DIGEST, VALUE, random));
    let limits = limits(true);

    let document = Document::parse(text.as_bytes(), &limits).unwrap();
    let all = elements(&document);
    let signed = all.iter().find(|e| e.attribute("ID") == Some(ID)).unwrap();
    let signature = own_signature(*signed).unwrap();
    let (uri, list) = plan.form.clone().unwrap_or((C14N_10, String::new()));
    let octets = octets_of(*signed, signature, &form(uri, &list));
    let digest = provider().digester.digest(plan.digest, &octets);
    let text = text.replace(DIGEST, &STANDARD.encode(digest.as_bytes()));

    let document = Document::parse(text.as_bytes(), &limits).unwrap();
    let all = elements(&document);
    let info = all.iter().find(|e| e.is(Name::ds("SignedInfo"))).unwrap();
    let octets = octets_of(*info, None, &form(plan.info_form, ""));
    let value = plan.key().sign(&octets).unwrap();
    text.replace(VALUE, &STANDARD.encode(value))
}

/// A template inside a document in any way of writing, filled in by libxmlsec1.
fn by_libxmlsec1(random: &mut Random, taste: Taste) -> String {
    let made = Maker::new(random, taste).assertion();
    let mut plan = Plan::new(random);
    if plan.method == SignatureAlgorithm::EcdsaSha256 {
        plan.method = SignatureAlgorithm::RsaSha256; // the key is at hand as PEM
    }
    plan.key_info = false; // libxmlsec1 would fill it in
    let mut text = made.text;
    text.insert_str(made.signature_at, &plan.template("", "", random));
    let foreign = ForeignDocument::parse(text.as_bytes()).unwrap();
    let signed = foreign.signed_elements()[0];
    let signature = foreign.signatures_of(signed)[0];
    let key = JudgeKey::from_private_pem(keys::RSA_KEY).unwrap();
    foreign.sign(signature, &key).unwrap();
    foreign.text()
}
