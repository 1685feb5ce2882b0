//! A040 to A043 and A056: markup and white space inside values.

use super::Engine;
use super::forge::MALLORY;
use super::names::{DS, SAML};

/// Elements whose text is a value that somebody decides on.
const VALUES: [(&str, &str); 16] = [
    (SAML, "NameID"),
    (SAML, "Issuer"),
    (SAML, "Audience"),
    (SAML, "AttributeValue"),
    (SAML, "AuthnContextClassRef"),
    (SAML, "AuthnContextDeclRef"),
    ("urn:oasis:names:tc:SAML:2.0:protocol", "SessionIndex"),
    ("urn:oasis:names:tc:SAML:2.0:protocol", "StatusMessage"),
    ("urn:oasis:names:tc:SAML:2.0:metadata", "NameIDFormat"),
    ("urn:oasis:names:tc:SAML:2.0:metadata", "OrganizationName"),
    (DS, "DigestValue"),
    (DS, "SignatureValue"),
    (DS, "X509Certificate"),
    (DS, "Modulus"),
    (DS, "KeyName"),
    (DS, "X509IssuerName"),
];

/// How many elements of one name are changed.
const OF_ONE_NAME: usize = 3;

pub(super) fn apply(engine: &mut Engine) {
    let mut places = Vec::new();
    for (namespace, local) in VALUES {
        let all = engine.inside(&[], namespace, local);
        places.extend(all.into_iter().take(OF_ONE_NAME).map(|path| (path, local)));
    }
    // A document of another vocabulary has values too.
    let leaf = |path: &[usize]| {
        let text = engine.tree.element(path).only_text();
        text.is_some_and(|t| !t.trim().is_empty())
    };
    let others = engine.elements.iter().filter(|e| {
        let known = e.namespace == DS || places.iter().any(|(path, _)| *path == e.path);
        !known && leaf(&e.path)
    });
    let others: Vec<_> = others.take(OF_ONE_NAME).map(|e| e.path.clone()).collect();
    places.extend(others.into_iter().map(|path| (path, "another value")));
    for (path, local) in places {
        let Some(text) = engine.tree.element(&path).only_text().map(str::to_owned) else {
            continue;
        };
        inside_value(engine, &path, local, &text);
        if ["DigestValue", "SignatureValue", "X509Certificate"].contains(&local) {
            spaces(engine, &path, local, &text);
        }
    }
}

/// Somewhere in the middle, but not in a reference.
fn halves(text: &str) -> (&str, &str) {
    let outside = |at: usize| {
        let start = text.get(..at);
        start.is_some_and(|s| s.rfind('&').is_none_or(|amp| s[amp..].contains(';')))
    };
    let at = (text.len() / 2..text.len()).find(|at| outside(*at));
    text.split_at(at.unwrap_or(text.len()))
}

fn inside_value(engine: &mut Engine, path: &[usize], local: &str, text: &str) {
    let (start, end) = halves(text);
    let raw = |s: &str| super::canonical::plain(s, false).replace("]]>", "");
    let variants: Vec<(&'static str, String)> = vec![
        ("A040", format!("{start}<!-- -->{end}")),
        ("A040", format!("<!---->{text}")),
        ("A040", format!("{text}<!---->")),
        ("A040", format!("{MALLORY}<!--{text}-->")),
        ("A040", format!("{MALLORY}<!---->{text}")),
        ("A040", format!("{text}<!---->.evil.example")),
        ("A040", format!("{start}<!----><!---->{end}<!-- x -->")),
        ("A041", format!("{start}<?x?>{end}")),
        ("A041", format!("<?x y?>{text}")),
        ("A041", format!("{text}<?x?>.evil.example")),
        (
            "A041",
            format!("{MALLORY}<?x {}?>", raw(text).replace("?>", "")),
        ),
        ("A042", format!("{start}<![CDATA[{}]]>", raw(end))),
        ("A042", format!("<![CDATA[{}]]>", raw(text))),
        ("A042", format!("{text}<![CDATA[]]>")),
        ("A042", format!("{start}<![CDATA[<!-- -->]]>{end}")),
        ("A042", format!("<![CDATA[{}]]>{text}", MALLORY)),
        ("A042", format!("{text}<![CDATA[.evil.example]]>")),
        ("A043", format!("{start}<b/>{end}")),
        ("A043", format!("{start}<b>c</b>{end}")),
        ("A043", format!("<b>{text}</b>")),
        ("A043", format!("{text}<b>{MALLORY}</b>")),
        ("A043", format!("<b>{MALLORY}</b>{text}")),
    ];
    for (attack, inside) in variants {
        let short: String = inside.chars().take(60).collect();
        engine.edit(attack, format!("{local}: {short}"), |t| {
            t.element_mut(path).set_inside(&inside);
        });
    }
    // An element of the same name inside: the outer one's text, or the inner one's?
    let own = engine.tree.element(path).clone();
    engine.edit("A043", format!("{local} in {local}"), |t| {
        let mut inner = own.clone();
        inner.set_text(MALLORY);
        t.element_mut(path).children.push(inner.into());
    });
    engine.edit("A043", format!("{local} around {local}"), |t| {
        let mut outer = own.clone();
        outer.children.insert(0, own.clone().into());
        t.replace(path, outer);
    });
}

/// White space in base64 is allowed; it must not change what is read.
fn spaces(engine: &mut Engine, path: &[usize], local: &str, text: &str) {
    let (start, end) = halves(text);
    for space in [
        "&#13;", "&#xD;\n", " ", "\n", "\r\n", "\t", "&#x20;", "&#xA0;", "\u{2028}", "=", "&#0;",
    ] {
        for inside in [
            format!("{start}{space}{end}"),
            format!("{text}{space}"),
            format!("{space}{text}"),
        ] {
            let short: String = inside.chars().take(60).collect();
            engine.edit("A056", format!("{local}: {space:?} in {short}"), |t| {
                t.element_mut(path).set_text(&inside);
            });
        }
    }
}
