//! For whom, where, when and in answer to what: A130 to A134, A136, A138 to A140, A149.

use super::{FUTURE, OTHER, PAST, Parts, near, say};
use crate::mutation::Engine;
use crate::mutation::Expect::{Refused, RefusedOrSame};
use crate::mutation::names::SAML;
use crate::mutation::tree::Path;

pub(super) fn audience(engine: &mut Engine, p: &Parts) {
    let audiences = engine.inside(&p.assertion, SAML, "Audience");
    let restrictions = engine.inside(&p.assertion, SAML, "AudienceRestriction");
    let Some(first) = audiences.first().cloned() else {
        return;
    };
    let own = engine
        .tree
        .element(&first)
        .only_text()
        .unwrap_or_default()
        .to_owned();
    for value in near(&own) {
        say(
            engine,
            "A130",
            Refused,
            format!("audience {value:?}"),
            |t| {
                audiences
                    .iter()
                    .for_each(|a| t.element_mut(a).set_text(&value));
            },
        );
        say(
            engine,
            "A130",
            Refused,
            format!("another restriction to {value:?}"),
            |t| {
                let mut second = t.element(&restrictions[0]).clone();
                second.each(&mut |e| {
                    if e.local() == "Audience" {
                        e.set_text(&value)
                    }
                });
                t.insert_after(&restrictions[0], second);
            },
        );
    }
    say(
        engine,
        "A130",
        Refused,
        "no audience in the restriction",
        |t| {
            restrictions
                .iter()
                .for_each(|r| t.element_mut(r).children.clear());
        },
    );
    say(engine, "A130", Refused, "no restriction", |t| {
        restrictions.iter().for_each(|r| drop(t.take(r)));
    });
    if let Some(conditions) = engine.first(&p.assertion, SAML, "Conditions") {
        say(engine, "A130", Refused, "no conditions", |t| {
            drop(t.remove(&conditions))
        });
    }
    say(
        engine,
        "A130",
        RefusedOrSame,
        "another audience beside",
        |t| {
            let mut second = t.element(&first).clone();
            second.set_text(OTHER);
            t.insert(&first, second);
        },
    );
}

pub(super) fn addresses(engine: &mut Engine, p: &Parts) {
    let data = engine.inside(&p.assertion, SAML, "SubjectConfirmationData");
    let own = data
        .iter()
        .find_map(|d| engine.tree.element(d).attribute("Recipient"));
    let own = own.unwrap_or_default().to_owned();
    for value in near(&own) {
        say(
            engine,
            "A131",
            Refused,
            format!("recipient {value:?}"),
            |t| {
                data.iter()
                    .for_each(|d| t.element_mut(d).set("Recipient", &value));
            },
        );
    }
    say(engine, "A131", Refused, "no recipient", |t| {
        data.iter()
            .for_each(|d| t.element_mut(d).unset("Recipient"));
    });
    let own = engine
        .tree
        .element(&p.response)
        .attribute("Destination")
        .unwrap_or(&own);
    for value in near(own) {
        say(
            engine,
            "A132",
            Refused,
            format!("destination {value:?}"),
            |t| {
                t.element_mut(&p.response).set("Destination", &value);
            },
        );
    }
    // [SAMLBind] 3.5.5.2: an unsigned message may leave it out.
    let expect = if p.response_is_signed {
        Refused
    } else {
        RefusedOrSame
    };
    say(engine, "A132", expect, "no destination", |t| {
        t.element_mut(&p.response).unset("Destination");
    });
}

pub(super) fn requests(engine: &mut Engine, p: &Parts) {
    let data = engine.inside(&p.assertion, SAML, "SubjectConfirmationData");
    let both: Vec<Path> = data.iter().chain([&p.response]).cloned().collect();
    let own = engine.tree.element(&p.response).attribute("InResponseTo");
    let attack = if own.is_some() { "A133" } else { "A136" };
    let values = [
        own.map_or("_asked".to_owned(), |o| format!("{o}x")),
        "_other".to_owned(),
    ];
    let is_asked = own.is_some();
    for value in values {
        for (what, paths) in [
            ("both", &both),
            ("the subject", &data),
            ("the response", &vec![p.response.clone()]),
        ] {
            say(
                engine,
                attack,
                Refused,
                format!("{what} in response to {value}"),
                |t| {
                    paths
                        .iter()
                        .for_each(|d| t.element_mut(d).set("InResponseTo", &value));
                },
            );
        }
    }
    say(engine, attack, Refused, "in response to nothing", |t| {
        both.iter()
            .for_each(|d| t.element_mut(d).set("InResponseTo", ""));
    });
    if is_asked {
        say(engine, "A136", Refused, "unsolicited", |t| {
            both.iter()
                .for_each(|d| t.element_mut(d).unset("InResponseTo"));
        });
        say(engine, "A134", Refused, "only the response answers", |t| {
            data.iter()
                .for_each(|d| t.element_mut(d).unset("InResponseTo"));
        });
        say(engine, "A134", Refused, "only the subject answers", |t| {
            t.element_mut(&p.response).unset("InResponseTo");
        });
    }
}

pub(super) fn windows(engine: &mut Engine, p: &Parts) {
    if let Some(conditions) = engine.first(&p.assertion, SAML, "Conditions") {
        for (name, value) in [
            ("NotOnOrAfter", PAST),
            ("NotBefore", FUTURE),
            ("NotOnOrAfter", ""),
            ("NotBefore", "tomorrow"),
            ("NotOnOrAfter", "2100-01-01"),
            ("NotOnOrAfter", "2100-02-30T00:00:00Z"),
            ("NotOnOrAfter", "2100-01-01T25:00:00Z"),
        ] {
            say(
                engine,
                "A138",
                Refused,
                format!("conditions {name}={value:?}"),
                |t| {
                    t.element_mut(&conditions).set(name, value);
                },
            );
        }
        for (what, behind) in [("before", false), ("behind", true)] {
            say(
                engine,
                "A138",
                Refused,
                format!("other conditions {what}, expired"),
                |t| {
                    let mut second = t.element(&conditions).clone();
                    second.set("NotOnOrAfter", PAST);
                    match behind {
                        true => t.insert_after(&conditions, second),
                        false => t.insert(&conditions, second),
                    }
                },
            );
        }
        say(
            engine,
            "A138",
            RefusedOrSame,
            "conditions without a window",
            |t| {
                t.element_mut(&conditions).unset("NotBefore");
                t.element_mut(&conditions).unset("NotOnOrAfter");
            },
        );
    }
    let data = engine.inside(&p.assertion, SAML, "SubjectConfirmationData");
    for (name, value) in [
        ("NotOnOrAfter", PAST),
        ("NotOnOrAfter", ""),
        ("NotOnOrAfter", "never"),
        ("NotBefore", PAST),
        ("NotBefore", FUTURE),
    ] {
        say(
            engine,
            "A139",
            Refused,
            format!("confirmation {name}={value:?}"),
            |t| {
                data.iter().for_each(|d| t.element_mut(d).set(name, value));
            },
        );
    }
    say(
        engine,
        "A139",
        Refused,
        "confirmation without an end",
        |t| {
            data.iter()
                .for_each(|d| t.element_mut(d).unset("NotOnOrAfter"));
        },
    );
}

pub(super) fn confirmation(engine: &mut Engine, p: &Parts) {
    let every = engine.inside(&p.assertion, SAML, "SubjectConfirmation");
    let data = engine.inside(&p.assertion, SAML, "SubjectConfirmationData");
    let Some(first) = every.first().cloned() else {
        return;
    };
    for method in [
        "",
        "bearer",
        "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches",
        "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key",
        "urn:oasis:names:tc:SAML:1.0:cm:bearer",
        "urn:oasis:names:tc:SAML:2.0:cm:bearer ",
        "URN:OASIS:NAMES:TC:SAML:2.0:CM:BEARER",
    ] {
        say(engine, "A140", Refused, format!("method {method:?}"), |t| {
            every
                .iter()
                .for_each(|c| t.element_mut(c).set("Method", method));
        });
    }
    say(engine, "A140", Refused, "no method", |t| {
        every.iter().for_each(|c| t.element_mut(c).unset("Method"));
    });
    say(engine, "A140", Refused, "no confirmation", |t| {
        every.iter().for_each(|c| drop(t.take(c)));
    });
    say(engine, "A140", Refused, "no confirmation data", |t| {
        data.iter().for_each(|c| drop(t.take(c)));
    });
    say(engine, "A140", Refused, "empty confirmation data", |t| {
        data.iter()
            .for_each(|c| t.element_mut(c).attributes.clear());
    });
    for subject in engine.inside(&p.assertion, SAML, "Subject") {
        say(engine, "A140", Refused, "no subject", |t| {
            drop(t.remove(&subject))
        });
        say(engine, "A140", Refused, "two subjects", |t| {
            let mut second = t.element(&subject).clone();
            second.each(&mut |e| {
                if e.local() == "NameID" {
                    e.set_text(crate::mutation::forge::MALLORY);
                }
            });
            t.insert_after(&subject, second);
        });
    }
    say(
        engine,
        "A140",
        RefusedOrSame,
        "two confirmations, one for somebody else",
        |t| {
            let mut second = t.element(&first).clone();
            second.each(&mut |e| {
                if e.attribute("Recipient").is_some() {
                    e.set("Recipient", OTHER);
                }
            });
            t.insert(&first, second);
        },
    );
}

pub(super) fn names(engine: &mut Engine, p: &Parts) {
    let Some(subject) = engine.first(&p.assertion, SAML, "Subject") else {
        return;
    };
    let Some(name) = engine.first(&subject, SAML, "NameID") else {
        return;
    };
    say(engine, "A149", Refused, "no NameID", |t| {
        drop(t.remove(&name))
    });
    say(engine, "A149", Refused, "an empty NameID", |t| {
        t.element_mut(&name).children.clear()
    });
    for value in [OTHER, "other"] {
        say(
            engine,
            "A149",
            Refused,
            format!("SPNameQualifier={value}"),
            |t| {
                t.element_mut(&name).set("SPNameQualifier", value);
            },
        );
    }
    say(engine, "A149", Refused, "two NameIDs", |t| {
        let mut second = t.element(&name).clone();
        second.set_text(crate::mutation::forge::MALLORY);
        t.insert(&name, second);
    });
}
