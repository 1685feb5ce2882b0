//! One element: its tag, its attributes and what is inside.

use super::{Attribute, Element, Node, Scope, Tree};

impl Element {
    /// Reads one element.
    ///
    /// # Panics
    /// The text was written in this module's neighbours: it is one.
    pub(in crate::mutation) fn parse(text: &str) -> Self {
        let mut tree = Tree::parse(text).expect("an element");
        match tree.nodes.swap_remove(0) {
            Node::Element(element) => element,
            other => panic!("{other:?} is no element"),
        }
    }

    pub(in crate::mutation) fn tag(raw: &str) -> Option<Self> {
        let inside = raw.strip_prefix('<')?.strip_suffix('>')?;
        let closing = inside.strip_suffix('/');
        let mut rest = closing.unwrap_or(inside);
        let space = |c: char| c.is_ascii_whitespace();
        let name = &rest[..rest.find(space).unwrap_or(rest.len())];
        rest = &rest[name.len()..];
        let mut attributes = Vec::new();
        loop {
            let before = &rest[..rest.len() - rest.trim_start_matches(space).len()];
            rest = &rest[before.len()..];
            if rest.is_empty() {
                return Some(Self {
                    name: name.to_owned(),
                    attributes,
                    children: Vec::new(),
                    tail: before.to_owned(),
                    closing: closing.is_none().then(String::new),
                });
            }
            let (left, _) = rest.split_once('=')?;
            let after = &rest[left.len() + 1..];
            let quoted = after.trim_start_matches(space);
            let quote = quoted.chars().next().filter(|c| ['"', '\''].contains(c))?;
            let (value, remaining) = quoted[1..].split_once(quote)?;
            let name = left.trim_end_matches(space);
            attributes.push(Attribute {
                name: name.to_owned(),
                value: value.to_owned(),
                before: before.to_owned(),
                equals: [
                    &left[name.len()..],
                    "=",
                    &after[..after.len() - quoted.len()],
                ]
                .concat(),
                quote,
            });
            rest = remaining;
        }
    }

    pub(in crate::mutation) fn write(&self, text: &mut String) {
        text.push('<');
        text.push_str(&self.name);
        for a in &self.attributes {
            for part in [&a.before, &a.name, &a.equals] {
                text.push_str(part);
            }
            text.push(a.quote);
            text.push_str(&a.value);
            text.push(a.quote);
        }
        text.push_str(&self.tail);
        let Some(closing) = self
            .closing
            .as_deref()
            .or((!self.children.is_empty()).then_some(""))
        else {
            text.push_str("/>");
            return;
        };
        text.push('>');
        self.children.iter().for_each(|n| n.write(text));
        text.push_str(&format!("</{}{closing}>", self.name));
    }

    pub(in crate::mutation) fn render(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    pub(in crate::mutation) fn prefix(&self) -> &str {
        self.name.split_once(':').map_or("", |(prefix, _)| prefix)
    }

    pub(in crate::mutation) fn local(&self) -> &str {
        self.name
            .split_once(':')
            .map_or(self.name.as_str(), |(_, local)| local)
    }

    /// The name with the same prefix and another local part.
    pub(in crate::mutation) fn beside(&self, local: &str) -> String {
        match self.prefix() {
            "" => local.to_owned(),
            prefix => format!("{prefix}:{local}"),
        }
    }

    pub(in crate::mutation) fn declare(&self, scope: &mut Scope) {
        for a in &self.attributes {
            let prefix = match a.name.as_str() {
                "xmlns" => "",
                name => match name.strip_prefix("xmlns:") {
                    Some(prefix) => prefix,
                    None => continue,
                },
            };
            scope.insert(prefix.to_owned(), a.value.clone());
        }
    }

    pub(in crate::mutation) fn attribute(&self, name: &str) -> Option<&str> {
        let own = self.attributes.iter().find(|a| a.name == name);
        own.map(|a| a.value.as_str())
    }

    /// Changes an attribute or adds it at the end; the value is as it shall be written.
    pub(in crate::mutation) fn set(&mut self, name: &str, value: &str) {
        if let Some(own) = self.attributes.iter_mut().find(|a| a.name == name) {
            own.value = value.to_owned();
            return;
        }
        self.attributes.push(Attribute {
            name: name.to_owned(),
            value: value.to_owned(),
            before: " ".to_owned(),
            equals: "=".to_owned(),
            quote: if value.contains('"') { '\'' } else { '"' },
        });
    }

    /// The same, in front of all others.
    pub(in crate::mutation) fn set_first(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.set(name, value);
        self.attributes.rotate_right(1);
    }

    pub(in crate::mutation) fn unset(&mut self, name: &str) {
        self.attributes.retain(|a| a.name != name);
    }

    /// The text, if there is nothing else.
    pub(in crate::mutation) fn only_text(&self) -> Option<&str> {
        match self.children.as_slice() {
            [Node::Text(text)] => Some(text),
            _ => None,
        }
    }

    pub(in crate::mutation) fn set_text(&mut self, raw: &str) {
        self.children = vec![Node::text(raw)];
    }

    /// Replaces the inside by a piece of a document.
    pub(in crate::mutation) fn set_inside(&mut self, raw: &str) {
        let own = Self::parse(&format!("<a>{raw}</a>"));
        self.children = own.children;
    }

    pub(in crate::mutation) fn child_elements(&self) -> impl Iterator<Item = (usize, &Element)> {
        let element = |(at, node): (usize, &'_ Node)| match node {
            Node::Element(_) => Some(at),
            _ => None,
        };
        let places: Vec<usize> = self
            .children
            .iter()
            .enumerate()
            .filter_map(element)
            .collect();
        places
            .into_iter()
            .filter_map(|at| match &self.children[at] {
                Node::Element(element) => Some((at, element)),
                _ => None,
            })
    }

    /// Calls for this element and all within.
    pub(in crate::mutation) fn each(&mut self, change: &mut dyn FnMut(&mut Self)) {
        change(self);
        for node in &mut self.children {
            if let Node::Element(element) = node {
                element.each(change);
            }
        }
    }
}
