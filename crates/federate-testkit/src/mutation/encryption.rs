//! What is encrypted, bent without its key: A013 and A171 to A177.

use super::Engine;
use super::forge::{MALLORY, around};
use super::names::{SAML, XENC};
use super::tree::{Element, Node, Path};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const ALGORITHMS: [&str; 9] = [
    "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
    "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    "urn:x",
    "",
];

pub(super) fn apply(engine: &mut Engine) {
    for data in engine.inside(&[], XENC, "EncryptedData") {
        if data.len() < 2 {
            continue;
        }
        beside(engine, &data);
        types(engine, &data);
        keys(engine, &data);
        for local in ["EncryptionMethod", "CipherValue"] {
            for path in engine.inside(&data, XENC, local) {
                match local {
                    "CipherValue" => ciphertext(engine, &path),
                    _ => methods(engine, &path),
                }
            }
        }
    }
}

/// An assertion of the attacker's, signed by nobody.
fn forged() -> Element {
    let inside = format!(
        "<x xmlns:saml=\"{SAML}\"><saml:Issuer>https://idp.example</saml:Issuer><saml:Subject>\
         <saml:NameID>{MALLORY}</saml:NameID></saml:Subject></x>"
    );
    let attributes = " ID=\"_evil\" Version=\"2.0\" IssueInstant=\"2026-01-31T12:00:00Z\"";
    around(
        "saml:Assertion",
        attributes,
        Element::parse(&inside).children,
    )
}

/// Something plain or encrypted beside what was encrypted.
fn beside(engine: &mut Engine, data: &Path) {
    let holder = &data[..data.len() - 1];
    for (place, path) in [("the holder", holder), ("what is encrypted", data)] {
        engine.edit("A013", format!("forged before {place}"), |t| {
            t.insert(path, forged())
        });
        engine.edit("A013", format!("forged behind {place}"), |t| {
            t.insert_after(path, forged());
        });
        engine.edit("A013", format!("forged in the place of {place}"), |t| {
            t.replace(path, forged());
        });
        engine.edit("A013", format!("{place} twice"), |t| {
            let own = t.element(path).clone();
            t.insert(path, own);
        });
        engine.edit("A013", format!("{place} inside the forged one"), |t| {
            let mut outer = forged();
            outer.children.push(t.element(path).clone().into());
            t.replace(path, outer);
        });
        engine.edit("A013", format!("forged inside {place}"), |t| {
            t.element_mut(path).children.push(forged().into());
        });
    }
}

fn types(engine: &mut Engine, data: &Path) {
    for (name, value) in [
        ("Type", "http://www.w3.org/2001/04/xmlenc#Content"),
        ("Type", "http://www.w3.org/2001/04/xmlenc#EncryptedKey"),
        ("Type", ""),
        ("MimeType", "text/html"),
        ("Encoding", "UTF-16"),
        ("Id", "_x"),
    ] {
        engine.edit("A175", format!("{name}={value:?}"), |t| {
            t.element_mut(data).set(name, value);
        });
    }
    engine.edit("A175", "no Type", |t| t.element_mut(data).unset("Type"));
}

fn methods(engine: &mut Engine, path: &Path) {
    let rows = |uri: &str| if uri.contains("rsa") { "A171" } else { "A172" };
    for uri in ALGORITHMS {
        engine.edit(rows(uri), format!("encrypted with {uri:?}"), |t| {
            t.element_mut(path).set("Algorithm", uri);
        });
        engine.edit(
            rows(uri),
            format!("encrypted with {uri:?}, without parameters"),
            |t| {
                t.element_mut(path).set("Algorithm", uri);
                t.element_mut(path).children.clear();
            },
        );
    }
    engine.edit("A172", "no algorithm", |t| {
        t.element_mut(path).unset("Algorithm")
    });
    engine.edit("A172", "no method", |t| drop(t.remove(path)));
    engine.edit("A172", "two methods", |t| {
        let mut other = t.element(path).clone();
        other.set("Algorithm", ALGORITHMS[0]);
        t.insert(path, other);
    });
    engine.edit("A172", "a KeySize", |t| {
        let size = format!("<xenc:KeySize xmlns:xenc=\"{XENC}\">8</xenc:KeySize>");
        t.element_mut(path)
            .children
            .push(Element::parse(&size).into());
    });
}

fn ciphertext(engine: &mut Engine, path: &Path) {
    let text = engine.tree.element(path).only_text().unwrap_or_default();
    let compact: String = text.split_whitespace().collect();
    let own = STANDARD.decode(&compact).unwrap_or_default();
    let flipped = |at: usize, bits: u8| {
        let mut octets = own.clone();
        octets.iter_mut().skip(at).take(1).for_each(|b| *b ^= bits);
        octets
    };
    let length = own.len();
    let cut = |to: usize| own[..to.min(length)].to_vec();
    for (what, octets) in [
        ("first octet", flipped(0, 1)),
        ("thirteenth octet", flipped(12, 0x80)),
        ("middle octet", flipped(length / 2, 1)),
        ("last octet", flipped(length.saturating_sub(1), 1)),
        ("padding octet", flipped(length.saturating_sub(17), 1)),
        ("without its last octet", cut(length.saturating_sub(1))),
        ("without its last block", cut(length.saturating_sub(16))),
        ("only its vector", cut(12)),
        ("only its vector and tag", cut(28)),
        ("one octet", cut(1)),
        ("nothing", Vec::new()),
        ("zeros", vec![0; length]),
        ("itself twice", [&own[..], &own[..]].concat()),
        ("one octet more", [&own[..], &[0]].concat()),
    ] {
        engine.edit("A173", format!("ciphertext: {what}"), |t| {
            t.element_mut(path).set_text(&STANDARD.encode(octets));
        });
    }
    for (what, inside) in [
        ("no base64", "!!!!".to_owned()),
        ("a comment", format!("{compact}<!-- -->")),
        ("an element", format!("{compact}<x/>")),
        ("spaces", format!(" {compact}\n")),
    ] {
        engine.edit("A173", format!("ciphertext with {what}"), |t| {
            t.element_mut(path).set_inside(&inside);
        });
    }
    for uri in [
        "http://evil.example/x",
        "file:///etc/passwd",
        "#_assertion",
        "",
    ] {
        engine.edit("A176", format!("a CipherReference to {uri:?}"), |t| {
            let mut reference = t.element(path).clone();
            reference.name = reference.beside("CipherReference");
            reference.children.clear();
            reference.set("URI", uri);
            t.replace(path, reference);
        });
        engine.edit(
            "A176",
            format!("a CipherReference beside, to {uri:?}"),
            |t| {
                let mut reference = t.element(path).clone();
                reference.name = reference.beside("CipherReference");
                reference.children.clear();
                reference.set("URI", uri);
                t.insert(path, reference);
            },
        );
    }
}

/// Where the key stands, for whom it is, and how many there are.
fn keys(engine: &mut Engine, data: &Path) {
    let holder = data[..data.len() - 1].to_vec();
    let keys = engine.inside(&holder, XENC, "EncryptedKey");
    for key in keys {
        let own = engine.tree.detached(&key);
        let mut junk = own.clone();
        junk.each(&mut |e| {
            if e.local() == "CipherValue" {
                e.set_text("AAAA");
            }
        });
        engine.edit("A177", "no key", |t| drop(t.remove(&key)));
        for before in [true, false] {
            engine.edit(
                "A177",
                format!("a useless key, before: {before}"),
                |t| match before {
                    true => t.insert(&key, junk.clone()),
                    false => t.insert_after(&key, junk.clone()),
                },
            );
        }
        engine.edit("A177", "200 useless keys", |t| {
            for _ in 0..200 {
                t.insert(&key, junk.clone());
            }
        });
        engine.edit("A177", "the key beside the data", |t| {
            drop(t.take(&key));
            t.insert_after(data, own.clone());
        });
        engine.edit("A177", "the key in the root", |t| {
            drop(t.take(&key));
            let root = t.root();
            t.element_mut(&root).children.push(own.clone().into());
        });
        for (name, value) in [
            ("Recipient", "https://other.example"),
            ("Recipient", ""),
            ("Id", "_k"),
        ] {
            engine.edit("A177", format!("{name}={value:?} of the key"), |t| {
                t.element_mut(&key).set(name, value);
            });
        }
        for uri in [
            "#_k",
            "#_x",
            "http://evil.example/key",
            "file:///dev/zero",
            "",
        ] {
            engine.edit(
                "A177",
                format!("the key by a RetrievalMethod {uri:?}"),
                |t| {
                    let ds = super::names::DS;
                    let method = format!("<ds:RetrievalMethod xmlns:ds=\"{ds}\" URI=\"{uri}\"/>");
                    let mut own = own.clone();
                    own.set("Id", "_k");
                    t.replace(&key, Element::parse(&method));
                    t.insert_after(data, own);
                },
            );
        }
        engine.edit("A177", "a loop of keys", |t| {
            let outer = t.element(&key).clone();
            t.element_mut(&key).children.push(Node::from(outer));
        });
    }
}
