//! Whose key it is: A070 to A074.

use super::attacker::{CLONE, bare_pem, key_info, key_value, sign, sign_again, x509_data};
use super::forge::{Id, forged, without_signatures};
use super::names::DS;
use super::tree::{Element, Node, Tree};
use super::{Engine, Signed};
use crate::keys::RSA_CERTIFICATE;

pub(super) fn apply(engine: &mut Engine) {
    exclusion(engine);
    for s in engine.signatures.clone() {
        by_the_attacker(engine, &s);
        foreign_key_info(engine, &s);
    }
}

fn exclusion(engine: &mut Engine) {
    let root = engine.tree.root();
    let own = engine.tree.element(&root).clone();
    engine.edit("A070", "no signature", |t| {
        t.replace(&root, without_signatures(&own))
    });
    for id in Id::BOTH {
        let evil = forged(&own, id);
        let what = format!("no signature, content forged, {}", id.word());
        engine.edit("A070", what, |t| t.replace(&root, evil));
    }
    for s in engine.signatures.clone() {
        engine.edit("A070", "one signature less", |t| drop(t.remove(&s.at)));
        engine.edit("A070", "the signature is a comment", |t| {
            let Node::Element(own) = t.remove(&s.at) else {
                return;
            };
            let text = own.render().replace("--", "");
            t.insert(&s.at, Node::Markup(format!("<!--{text}-->")));
        });
        engine.edit("A070", "the signature has another name", |t| {
            let element = t.element_mut(&s.at);
            element.name = element.beside("signature");
        });
        engine.edit("A070", "content forged, outer signature only", |t| {
            let inner = forged(&t.element(&s.target).clone(), Id::Same);
            t.replace(&s.target, inner);
        });
    }
}

/// The signed element, honest or forged, signed again with the attacker's key.
fn by_the_attacker(engine: &mut Engine, s: &Signed) {
    let key = key_value();
    let clone = x509_data(CLONE);
    let trusted = x509_data(RSA_CERTIFICATE);
    let loop_back = "<ds:RetrievalMethod URI=\"#loop\"/>";
    let kinds: [(&'static str, &str, String); 9] = [
        ("A071", "their certificate", clone.clone()),
        ("A071", "no KeyInfo", String::new()),
        ("A071", "the trusted certificate", trusted.clone()),
        (
            "A072",
            "a certificate of the same name and number",
            clone.clone(),
        ),
        (
            "A072",
            "that and the trusted one",
            format!("{clone}{trusted}"),
        ),
        (
            "A072",
            "the trusted one and that",
            format!("{trusted}{clone}"),
        ),
        (
            "A073",
            "their key",
            format!("<ds:KeyValue>{key}</ds:KeyValue>"),
        ),
        (
            "A073",
            "their key and the trusted certificate",
            format!("<ds:KeyValue>{key}</ds:KeyValue>{trusted}"),
        ),
        ("A074", "a loop", loop_back.to_owned()),
    ];
    for is_forged in [true, false] {
        let Some(signed) = signed_by_attacker(&engine.tree, s, is_forged) else {
            return;
        };
        for (attack, what, inside) in &kinds {
            let mut tree = signed.clone();
            let info = key_info(inside);
            if !info.is_empty() {
                let info = info.replacen(
                    "<ds:KeyInfo>",
                    &format!("<ds:KeyInfo xmlns:ds=\"{DS}\">"),
                    1,
                );
                tree.element_mut(&s.at)
                    .children
                    .push(Element::parse(&info).into());
            }
            let what = format!("signed by the attacker, forged: {is_forged}, {what}");
            engine.octets(attack, what, tree.render().into_bytes());
        }
    }
}

fn signed_by_attacker(tree: &Tree, s: &Signed, is_forged: bool) -> Option<Tree> {
    let mut tree = tree.clone();
    if s.parent != s.target {
        return None;
    }
    if is_forged {
        let signature = tree.element(&s.at).clone();
        let mut evil = forged(&tree.element(&s.target).clone(), Id::Same);
        let at = s.at[s.at.len() - 1];
        while evil.children.len() < at {
            evil.children.push(Node::text(""));
        }
        evil.children.insert(at, signature.into());
        tree.replace(&s.target, evil);
    }
    sign_again(&mut tree, &s.parent, &s.at, "", &mut |octets| sign(octets));
    Some(tree)
}

/// KeyInfo of the attacker in the honest signature: it names a key, it does not make one good.
fn foreign_key_info(engine: &mut Engine, s: &Signed) {
    let dsig11 = "http://www.w3.org/2009/xmldsig11#";
    let certificate = bare_pem(CLONE);
    let all: [(&'static str, String); 9] = [
        ("A071", x509_data(CLONE)),
        ("A072", format!("<ds:X509Data><ds:X509SubjectName>CN=Federate test</ds:X509SubjectName><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>")),
        ("A073", format!("<ds:KeyValue>{}</ds:KeyValue>", key_value())),
        ("A073", format!("<d:DEREncodedKeyValue xmlns:d=\"{dsig11}\">{certificate}</d:DEREncodedKeyValue>")),
        ("A074", "<ds:RetrievalMethod URI=\"http://evil.example/key\"/>".to_owned()),
        ("A074", "<ds:RetrievalMethod URI=\"file:///etc/passwd\"/>".to_owned()),
        ("A074", "<ds:RetrievalMethod URI=\"\"><ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"/></ds:Transforms></ds:RetrievalMethod>".to_owned()),
        ("A074", format!("<d:KeyInfoReference xmlns:d=\"{dsig11}\" URI=\"#loop\"/>")),
        ("A074", format!("<ds:RetrievalMethod URI=\"#{}\"/>", s.id)),
    ];
    for (attack, inside) in all {
        let short: String = inside.chars().take(60).collect();
        let own = format!("<ds:KeyInfo xmlns:ds=\"{DS}\" Id=\"loop\">{inside}</ds:KeyInfo>");
        for is_forged in [false, true] {
            engine.edit(
                attack,
                format!("KeyInfo {short}, forged: {is_forged}"),
                |t| {
                    let signature = t.element_mut(&s.at);
                    signature
                        .children
                        .retain(|n| !matches!(n, Node::Element(e) if e.local() == "KeyInfo"));
                    signature.children.push(Element::parse(&own).into());
                    if is_forged {
                        let signature = t.element(&s.at).clone();
                        let mut evil = forged(&t.element(&s.target).clone(), Id::Same);
                        let at = s.at[s.at.len() - 1].min(evil.children.len());
                        evil.children.insert(at, signature.into());
                        t.replace(&s.target, evil);
                    }
                },
            );
        }
    }
}
