//! Exclusive canonicalization without comments of this engine's own tree: what an attacker's
//! program would hash.

use super::tree::{Element, Node, Scope, Tree};
use std::collections::BTreeSet;

/// The canonical form of an element; the node at `without` is left out.
pub(super) fn canonical(tree: &Tree, path: &[usize], without: Option<&[usize]>) -> String {
    let around = path.split_last().map_or(&[][..], |(_, up)| up);
    let mut out = String::new();
    let mut here = path.to_vec();
    write(
        tree.element(path),
        &tree.scope(around),
        &Scope::new(),
        &mut here,
        without,
        &mut out,
    );
    out
}

fn write(
    element: &Element,
    scope: &Scope,
    rendered: &Scope,
    path: &mut Vec<usize>,
    without: Option<&[usize]>,
    out: &mut String,
) {
    let (mut scope, mut rendered) = (scope.clone(), rendered.clone());
    element.declare(&mut scope);
    let is_declaration = |name: &str| name == "xmlns" || name.starts_with("xmlns:");
    let mut used = BTreeSet::from([element.prefix()]);
    let mut attributes = Vec::new();
    for a in element
        .attributes
        .iter()
        .filter(|a| !is_declaration(&a.name))
    {
        let (prefix, local) = a.name.split_once(':').unwrap_or(("", &a.name));
        if !prefix.is_empty() && prefix != "xml" {
            used.insert(prefix);
        }
        let namespace = match prefix {
            "" => "",
            "xml" => "http://www.w3.org/XML/1998/namespace",
            prefix => scope.get(prefix).map_or("", String::as_str),
        };
        attributes.push((namespace, local, &a.name, plain(&a.value, true)));
    }
    attributes.sort();
    out.push_str(&format!("<{}", element.name));
    for prefix in used {
        let namespace = scope.get(prefix).map_or("", String::as_str);
        if prefix == "xml" || rendered.get(prefix).map_or("", String::as_str) == namespace {
            continue;
        }
        rendered.insert(prefix.to_owned(), namespace.to_owned());
        let name = if prefix.is_empty() { "xmlns" } else { "xmlns:" };
        let value = escaped(&plain(namespace, true), true);
        out.push_str(&format!(" {name}{prefix}=\"{value}\""));
    }
    for (_, _, name, value) in attributes {
        out.push_str(&format!(" {name}=\"{}\"", escaped(&value, true)));
    }
    out.push('>');
    for (at, node) in element.children.iter().enumerate() {
        path.push(at);
        if without != Some(path.as_slice()) {
            match node {
                Node::Element(child) => write(child, &scope, &rendered, path, without, out),
                Node::Text(raw) => out.push_str(&escaped(&plain(raw, false), false)),
                Node::Markup(raw) => markup(raw, out),
            }
        }
        path.pop();
    }
    out.push_str(&format!("</{}>", element.name));
}

fn markup(raw: &str, out: &mut String) {
    let cdata = raw
        .strip_prefix("<![CDATA[")
        .and_then(|r| r.strip_suffix("]]>"));
    if let Some(text) = cdata {
        out.push_str(&escaped(
            &text.replace("\r\n", "\n").replace('\r', "\n"),
            false,
        ));
    } else if raw.starts_with("<?") {
        out.push_str(raw);
    }
}

/// What a text or value means: line ends and references resolved.
pub(super) fn plain(raw: &str, is_value: bool) -> String {
    let mut raw = raw.replace("\r\n", "\n").replace('\r', "\n");
    if is_value {
        raw = raw.replace(['\n', '\t'], " ");
    }
    let mut text = String::new();
    let mut rest = raw.as_str();
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        let Some((name, more)) = after.split_once(';') else {
            text.push('&');
            rest = after;
            continue;
        };
        rest = more;
        let number = name.strip_prefix('#').and_then(|digits| {
            let hexadecimal = digits.strip_prefix('x').map(|h| u32::from_str_radix(h, 16));
            hexadecimal.unwrap_or_else(|| digits.parse()).ok()
        });
        match (name, number.and_then(char::from_u32)) {
            ("amp", _) => text.push('&'),
            ("lt", _) => text.push('<'),
            ("gt", _) => text.push('>'),
            ("quot", _) => text.push('"'),
            ("apos", _) => text.push('\''),
            (_, Some(c)) => text.push(c),
            (name, None) => text.push_str(&format!("&{name};")),
        }
    }
    text.push_str(rest);
    text
}

/// As canonical XML writes it.
fn escaped(text: &str, is_value: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '\r' => out.push_str("&#xD;"),
            '>' if !is_value => out.push_str("&gt;"),
            '"' if is_value => out.push_str("&quot;"),
            '\t' if is_value => out.push_str("&#x9;"),
            '\n' if is_value => out.push_str("&#xA;"),
            c => out.push(c),
        }
    }
    out
}
