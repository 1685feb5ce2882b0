//! Changes that are in no row: every piece taken out, doubled, exchanged, emptied or changed.

use super::names::DS;
use super::tree::{Node, Path};
use super::{Engine, GENERIC};

/// At most so many pieces of one kind, evenly chosen, so that a large document takes no longer.
const OF_ONE_KIND: usize = 24;

pub(super) fn apply(engine: &mut Engine) {
    exchanged_signatures(engine);
    elements(engine);
    attributes(engine);
    texts(engine);
    markup(engine);
}

fn chosen<T: Clone>(all: &[T]) -> Vec<T> {
    let step = all.len().div_ceil(OF_ONE_KIND).max(1);
    all.iter().step_by(step).cloned().collect()
}

fn exchanged_signatures(engine: &mut Engine) {
    let signatures = engine.signatures.clone();
    for (one, other) in signatures.iter().zip(signatures.iter().skip(1)) {
        for local in ["SignatureValue", "SignedInfo", "DigestValue", "KeyInfo"] {
            let a = engine.first(&one.at, DS, local);
            let b = engine.first(&other.at, DS, local);
            if let (Some(a), Some(b)) = (a, b) {
                engine.edit(
                    GENERIC,
                    format!("{local} of two signatures exchanged"),
                    |t| {
                        let (first, second) = (t.element(&a).clone(), t.element(&b).clone());
                        t.replace(&a, second);
                        t.replace(&b, first);
                    },
                );
            }
        }
        let nested = one.at.starts_with(&other.at) || other.at.starts_with(&one.at);
        if !nested {
            engine.edit(GENERIC, "two signatures exchanged", |t| {
                let (first, second) = (t.detached(&one.at), t.detached(&other.at));
                t.replace(&one.at, second);
                t.replace(&other.at, first);
            });
        }
    }
}

fn elements(engine: &mut Engine) {
    let all: Vec<Path> = engine.elements.iter().map(|e| e.path.clone()).collect();
    for path in chosen(&all) {
        let name = engine.tree.element(&path).name.clone();
        if path.len() > 1 {
            engine.edit(GENERIC, format!("without {name}"), |t| {
                drop(t.remove(&path))
            });
        }
        engine.edit(GENERIC, format!("{name} twice"), |t| {
            let own = t.element(&path).clone();
            t.insert(&path, own);
        });
        engine.edit(GENERIC, format!("{name} empty"), |t| {
            t.element_mut(&path).children.clear()
        });
        engine.edit(GENERIC, format!("{name} has another name"), |t| {
            t.element_mut(&path).name.push('x');
        });
        engine.edit(GENERIC, format!("{name} after its neighbour"), |t| {
            let own = t.remove(&path);
            t.insert_after(&path, own);
        });
        engine.edit(GENERIC, format!("{name} without its tags"), |t| {
            let Node::Element(own) = t.remove(&path) else {
                return;
            };
            for child in own.children.into_iter().rev() {
                t.insert(&path, child);
            }
        });
        engine.edit(GENERIC, format!("{name} in an element of its name"), |t| {
            let own = t.element(&path).clone();
            let mut outer = own.clone();
            outer.children = vec![own.into()];
            t.replace(&path, outer);
        });
    }
}

fn attributes(engine: &mut Engine) {
    let mut all = Vec::new();
    for found in &engine.elements {
        let element = engine.tree.element(&found.path);
        all.extend((0..element.attributes.len()).map(|at| (found.path.clone(), at)));
    }
    for (path, at) in chosen(&all) {
        let name = engine.tree.element(&path).attributes[at].name.clone();
        engine.edit(GENERIC, format!("without attribute {name}"), |t| {
            drop(t.element_mut(&path).attributes.remove(at));
        });
        for other in ["", "x"] {
            engine.edit(GENERIC, format!("attribute {name}={other:?}"), |t| {
                t.element_mut(&path).attributes[at].value = other.to_owned();
            });
        }
        engine.edit(GENERIC, format!("attribute {name} longer"), |t| {
            t.element_mut(&path).attributes[at].value.push('x');
        });
        engine.edit(GENERIC, format!("attribute {name} has another name"), |t| {
            t.element_mut(&path).attributes[at].name.push('x');
        });
        engine.edit(GENERIC, format!("attribute {name} comes first"), |t| {
            t.element_mut(&path).attributes.swap(0, at);
        });
    }
}

/// Every text, where it stands among its parent's children.
fn text_places(engine: &Engine) -> Vec<(Path, usize)> {
    let mut all = Vec::new();
    for found in &engine.elements {
        let children = engine.tree.element(&found.path).children.iter().enumerate();
        let texts = children.filter(|(_, n)| matches!(n, Node::Text(_)));
        all.extend(texts.map(|(at, _)| (found.path.clone(), at)));
    }
    all
}

fn texts(engine: &mut Engine) {
    for (path, at) in chosen(&text_places(engine)) {
        let name = engine.tree.element(&path).name.clone();
        let mut change = |what: &str, to: &dyn Fn(&str) -> String| {
            engine.edit(GENERIC, format!("text in {name} {what}"), |t| {
                let node = &mut t.element_mut(&path).children[at];
                if let Node::Text(text) = node {
                    *text = to(text);
                }
            });
        };
        change("is gone", &|_| String::new());
        change("is longer", &|text| format!("{text}x"));
        change("has a space more", &|text| format!("{text} "));
        change("is trimmed", &|text| text.trim().to_owned());
        change("is in the other case", &|text| {
            let upper = text.to_uppercase();
            if upper == text {
                text.to_lowercase()
            } else {
                upper
            }
        });
        change("ends its lines otherwise", &|text| {
            text.replace('\n', "\r\n")
        });
        change("ends its lines by references", &|text| {
            text.replace('\n', "&#10;")
        });
        change("has a carriage return", &|text| {
            text.replace('\n', "&#13;\n")
        });
    }
}

/// Comments and instructions between all that is there.
fn markup(engine: &mut Engine) {
    let all: Vec<Path> = engine.elements.iter().map(|e| e.path.clone()).collect();
    for path in chosen(&all) {
        for raw in ["<!-- c -->", "<?pi x?>", " ", "&#32;", "<![CDATA[ ]]>", "x"] {
            let name = engine.tree.element(&path).name.clone();
            engine.edit(GENERIC, format!("{raw:?} before {name}"), |t| {
                t.insert(&path, Node::Markup(raw.to_owned()));
            });
            engine.edit(GENERIC, format!("{raw:?} first in {name}"), |t| {
                t.insert(
                    &[&path[..], &[0][..]].concat(),
                    Node::Markup(raw.to_owned()),
                );
            });
        }
    }
}
