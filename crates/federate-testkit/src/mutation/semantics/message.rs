//! From whom, in which version, with which outcome and how many: A135, A141 to A147.

use super::{FUTURE, OTHER, PAST, Parts, near, say};
use crate::mutation::Engine;
use crate::mutation::Expect::{Refused, RefusedOrSame};
use crate::mutation::names::{SAML, SAMLP};
use crate::mutation::tree::{Element, Path, Tree};

pub(super) fn issuers(engine: &mut Engine, p: &Parts) {
    let direct = |t: &Tree, path: &Path| {
        let mut children = t.element(path).child_elements();
        let found = children.find(|(_, e)| e.local() == "Issuer");
        found.map(|(at, _)| [&path[..], &[at][..]].concat())
    };
    let of_response = direct(&engine.tree, &p.response);
    let of_assertion = direct(&engine.tree, &p.assertion);
    let places = [("response", &of_response), ("assertion", &of_assertion)];
    for (what, path) in places {
        let Some(path) = path else { continue };
        let own = engine
            .tree
            .element(path)
            .only_text()
            .unwrap_or_default()
            .to_owned();
        for value in near(&own) {
            say(
                engine,
                "A141",
                Refused,
                format!("issuer of the {what} {value:?}"),
                |t| {
                    t.element_mut(path).set_text(&value);
                },
            );
        }
        // [SAMLProf] 4.1.4.2: the format of an entity, or none.
        let formats = "urn:oasis:names:tc:SAML:2.0:nameid-format:";
        for (expect, format) in [
            (Refused, format!("{formats}persistent")),
            (
                Refused,
                "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".to_owned(),
            ),
            (RefusedOrSame, format!("{formats}entity")),
        ] {
            say(
                engine,
                "A141",
                expect,
                format!("issuer of the {what} has format {format}"),
                |t| {
                    t.element_mut(path).set("Format", &format);
                },
            );
        }
        let optional = what == "response" && !p.response_is_signed;
        let expect = if optional { RefusedOrSame } else { Refused };
        say(
            engine,
            "A141",
            expect,
            format!("no issuer of the {what}"),
            |t| {
                drop(t.remove(path));
            },
        );
        say(
            engine,
            "A141",
            Refused,
            format!("two issuers of the {what}"),
            |t| {
                let mut second = t.element(path).clone();
                second.set_text(OTHER);
                t.insert(path, second);
            },
        );
    }
    say(
        engine,
        "A135",
        Refused,
        "another identity provider, in both places",
        |t| {
            for path in [&of_response, &of_assertion].into_iter().flatten() {
                t.element_mut(path).set_text("https://other-idp.example");
            }
        },
    );
}

pub(super) fn headers(engine: &mut Engine, p: &Parts) {
    for (what, path) in [("response", &p.response), ("assertion", &p.assertion)] {
        for (name, value) in [
            ("Version", "1.1"),
            ("Version", "2.1"),
            ("Version", ""),
            ("Version", "2.0 "),
            ("IssueInstant", PAST),
            ("IssueInstant", FUTURE),
            ("IssueInstant", ""),
            ("IssueInstant", "now"),
            ("ID", ""),
            ("ID", "1 2"),
        ] {
            say(
                engine,
                "A142",
                Refused,
                format!("{name}={value:?} of the {what}"),
                |t| {
                    t.element_mut(path).set(name, value);
                },
            );
        }
        let mut names = vec!["Version", "IssueInstant"];
        if engine.signatures.iter().any(|s| s.parent == *path) {
            names.push("ID");
        }
        for name in names {
            say(
                engine,
                "A142",
                Refused,
                format!("no {name} of the {what}"),
                |t| {
                    t.element_mut(path).unset(name);
                },
            );
        }
        let own = engine
            .tree
            .element(path)
            .attribute("IssueInstant")
            .unwrap_or_default();
        if let Some(start) = own.strip_suffix('Z').filter(|s| !s.contains('.')) {
            let finer = format!("{start}.123Z");
            say(
                engine,
                "A142",
                RefusedOrSame,
                format!("milliseconds of the {what}"),
                |t| {
                    t.element_mut(path).set("IssueInstant", &finer);
                },
            );
        }
    }
}

pub(super) fn status(engine: &mut Engine, p: &Parts) {
    const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
    let Some(code) = engine.first(&p.response, SAMLP, "StatusCode") else {
        return;
    };
    for value in [
        format!("{STATUS}Responder"),
        format!("{STATUS}Requester"),
        format!("{STATUS}success"),
        format!("{STATUS}Success "),
        format!("{STATUS}SuccessX"),
        "Success".to_owned(),
        String::new(),
    ] {
        say(engine, "A143", Refused, format!("status {value:?}"), |t| {
            t.element_mut(&code).set("Value", &value);
        });
    }
    say(engine, "A143", Refused, "success inside a failure", |t| {
        let inner = t.element(&code).clone();
        let outer = t.element_mut(&code);
        outer.set("Value", &format!("{STATUS}Responder"));
        outer.children.push(inner.into());
    });
    say(engine, "A143", Refused, "no code", |t| {
        drop(t.remove(&code))
    });
    say(engine, "A143", Refused, "no status", |t| {
        drop(t.remove(&code[..code.len() - 1]))
    });
    say(engine, "A143", Refused, "two codes", |t| {
        let mut second = t.element(&code).clone();
        second.set("Value", &format!("{STATUS}Responder"));
        t.insert_after(&code, second);
    });
    say(engine, "A143", Refused, "two statuses", |t| {
        let path = &code[..code.len() - 1];
        let mut second = t.element(path).clone();
        second.each(&mut |e| {
            if e.attribute("Value").is_some() {
                e.set("Value", &format!("{STATUS}Responder"));
            }
        });
        t.insert_after(path, second);
    });
}

pub(super) fn assertions(engine: &mut Engine, p: &Parts) {
    let mut second = engine.tree.element(&p.assertion).clone();
    second.each(&mut |e| {
        if let Some(id) = e.attribute("ID").map(str::to_owned) {
            e.set("ID", &format!("{id}2"));
            for node in &mut e.children {
                if let crate::mutation::tree::Node::Element(signature) = node {
                    signature.each(&mut |r| {
                        if r.attribute("URI") == Some(&format!("#{id}")) {
                            r.set("URI", &format!("#{id}2"));
                        }
                    });
                }
            }
        }
    });
    say(engine, "A144", Refused, "two assertions", |t| {
        t.insert_after(&p.assertion, second)
    });
    if p.response_is_signed {
        say(engine, "A144", Refused, "no assertion", |t| {
            drop(t.remove(&p.assertion))
        });
    }
}

pub(super) fn statements(engine: &mut Engine, p: &Parts) {
    let every = engine.inside(&p.assertion, SAML, "AuthnStatement");
    say(engine, "A145", Refused, "no AuthnStatement", |t| {
        every.iter().for_each(|s| drop(t.take(s)));
    });
    for (name, value) in [
        ("SessionNotOnOrAfter", PAST),
        ("SessionNotOnOrAfter", ""),
        ("SessionNotOnOrAfter", "soon"),
        ("AuthnInstant", FUTURE),
        ("AuthnInstant", ""),
    ] {
        say(engine, "A145", Refused, format!("{name}={value:?}"), |t| {
            every.iter().for_each(|s| t.element_mut(s).set(name, value));
        });
    }
    if let Some(first) = every.first() {
        say(
            engine,
            "A145",
            Refused,
            "another AuthnStatement, over already",
            |t| {
                let mut second = t.element(first).clone();
                second.set("SessionNotOnOrAfter", PAST);
                t.insert_after(first, second);
            },
        );
    }
    say(engine, "A145", Refused, "no AuthnInstant", |t| {
        every
            .iter()
            .for_each(|s| t.element_mut(s).unset("AuthnInstant"));
    });
}

pub(super) fn conditions(engine: &mut Engine, p: &Parts) {
    let Some(path) = engine.first(&p.assertion, SAML, "Conditions") else {
        return;
    };
    let xmlns = format!("xmlns:saml=\"{SAML}\"");
    let xsi = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    for (expect, condition) in [
        (
            Refused,
            format!("<saml:Condition {xmlns} {xsi} xmlns:e=\"urn:evil\" xsi:type=\"e:Never\"/>"),
        ),
        (Refused, format!("<saml:Condition {xmlns}/>")),
        (Refused, "<e:Condition xmlns:e=\"urn:evil\"/>".to_owned()),
        (RefusedOrSame, format!("<saml:OneTimeUse {xmlns}/>")),
    ] {
        let short: String = condition.chars().take(24).collect();
        say(
            engine,
            "A147",
            expect,
            format!("a condition {short}"),
            |t| {
                t.element_mut(&path)
                    .children
                    .push(Element::parse(&condition).into());
            },
        );
    }
}
