//! A tree that keeps the spelling of a document: every name, value, text and space as it came.

mod element;

use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::BTreeMap;

/// Where a node stands: the number of the child, from the top level down.
pub(super) type Path = Vec<usize>;

/// What is in scope: prefixes and the namespaces to which they are bound.
pub(super) type Scope = BTreeMap<String, String>;

#[derive(Debug, Clone)]
pub(super) enum Node {
    Element(Element),
    /// Text with its references, as written.
    Text(String),
    /// A comment, CDATA section, processing instruction or declaration, as written.
    Markup(String),
}

#[derive(Debug, Clone)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) children: Vec<Node>,
    /// White space before the end of the start tag.
    tail: String,
    /// White space in the end tag; `None` for an empty-element tag.
    closing: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub(super) name: String,
    /// The value as written, without its quotes.
    pub(super) value: String,
    before: String,
    equals: String,
    quote: char,
}

/// An element and where it was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) path: Path,
    pub(super) namespace: String,
    pub(super) local: String,
}

impl Found {
    pub(super) fn is(&self, namespace: &str, local: &str) -> bool {
        self.namespace == namespace && self.local == local
    }
}

#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

impl Tree {
    /// Reads a document, or a fragment of one: nothing is refused but what has no tree.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let body = text.trim_start_matches('\u{feff}');
        let mut reader = Reader::from_str(body);
        let mut open: Vec<Element> = Vec::new();
        let mut nodes = Vec::new();
        if body.len() < text.len() {
            nodes.push(Node::Text(text[..text.len() - body.len()].to_owned()));
        }
        let mut from = 0;
        loop {
            let event = reader.read_event().ok()?;
            let to = usize::try_from(reader.buffer_position()).ok()?;
            let raw = body.get(from..to)?;
            from = to;
            let node = match event {
                Event::Eof => break,
                Event::Start(_) => {
                    open.push(Element::tag(raw)?);
                    continue;
                }
                Event::End(_) => {
                    let mut element = open.pop()?;
                    let inside = raw.strip_prefix("</")?.strip_suffix('>')?;
                    element.closing = Some(inside.strip_prefix(&element.name)?.to_owned());
                    Node::Element(element)
                }
                Event::Empty(_) => Node::Element(Element::tag(raw)?),
                Event::Text(_) | Event::GeneralRef(_) => Node::Text(raw.to_owned()),
                _ => Node::Markup(raw.to_owned()),
            };
            let siblings = open.last_mut().map_or(&mut nodes, |e| &mut e.children);
            match (siblings.last_mut(), node) {
                (Some(Node::Text(text)), Node::Text(more)) => text.push_str(&more),
                (_, node) => siblings.push(node),
            }
        }
        let elements = nodes.iter().filter(|n| matches!(n, Node::Element(_)));
        (open.is_empty() && elements.count() > 0).then_some(Self { nodes })
    }

    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        self.nodes.iter().for_each(|n| n.write(&mut text));
        text
    }

    /// The path of the first element of the top level.
    pub(super) fn root(&self) -> Path {
        let is_element = |n: &Node| matches!(n, Node::Element(_));
        vec![self.nodes.iter().position(is_element).unwrap_or_default()]
    }

    fn children(&self, path: &[usize]) -> &Vec<Node> {
        let mut nodes = &self.nodes;
        for at in path {
            let Node::Element(element) = &nodes[*at] else {
                panic!("no element at {path:?}");
            };
            nodes = &element.children;
        }
        nodes
    }

    pub(super) fn children_mut(&mut self, path: &[usize]) -> &mut Vec<Node> {
        let mut nodes = &mut self.nodes;
        for at in path {
            let Node::Element(element) = &mut nodes[*at] else {
                panic!("no element at {path:?}");
            };
            nodes = &mut element.children;
        }
        nodes
    }

    pub(super) fn element(&self, path: &[usize]) -> &Element {
        let (last, up) = path.split_last().expect("the path of an element");
        match &self.children(up)[*last] {
            Node::Element(element) => element,
            other => panic!("{other:?} at {path:?}"),
        }
    }

    pub(super) fn element_mut(&mut self, path: &[usize]) -> &mut Element {
        let (last, up) = path.split_last().expect("the path of an element");
        match &mut self.children_mut(up)[*last] {
            Node::Element(element) => element,
            other => panic!("{other:?} at {path:?}"),
        }
    }

    pub(super) fn remove(&mut self, path: &[usize]) -> Node {
        let (last, up) = path.split_last().expect("the path of a node");
        self.children_mut(up).remove(*last)
    }

    /// Takes a node out and leaves an empty text, so that no other path changes.
    pub(super) fn take(&mut self, path: &[usize]) -> Node {
        let (last, up) = path.split_last().expect("the path of a node");
        std::mem::replace(&mut self.children_mut(up)[*last], Node::text(""))
    }

    pub(super) fn replace(&mut self, path: &[usize], element: Element) {
        *self.element_mut(path) = element;
    }

    /// Puts a node before the one at the path.
    pub(super) fn insert(&mut self, path: &[usize], node: impl Into<Node>) {
        let (last, up) = path.split_last().expect("the path of a node");
        let siblings = self.children_mut(up);
        siblings.insert((*last).min(siblings.len()), node.into());
    }

    /// Puts a node after the one at the path.
    pub(super) fn insert_after(&mut self, path: &[usize], node: impl Into<Node>) {
        let mut path = path.to_vec();
        if let Some(last) = path.last_mut() {
            *last += 1;
        }
        self.insert(&path, node);
    }

    /// What is in scope at an element, its own declarations included.
    pub(super) fn scope(&self, path: &[usize]) -> Scope {
        let mut scope = Scope::new();
        for depth in 1..=path.len() {
            self.element(&path[..depth]).declare(&mut scope);
        }
        scope
    }

    /// Every element, in document order.
    pub(super) fn elements(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let (mut path, scope) = (Vec::new(), Scope::new());
        walk(&self.nodes, &mut path, &scope, &mut found);
        found
    }

    /// A copy of an element that stands on its own: with the declarations around it.
    pub(super) fn detached(&self, path: &[usize]) -> Element {
        let mut element = self.element(path).clone();
        for (prefix, namespace) in self.scope(path) {
            let name = match prefix.as_str() {
                "" => "xmlns".to_owned(),
                prefix => format!("xmlns:{prefix}"),
            };
            if element.attribute(&name).is_none() {
                element.set(&name, &namespace);
            }
        }
        element
    }
}

fn walk(nodes: &[Node], path: &mut Path, scope: &Scope, found: &mut Vec<Found>) {
    for (at, node) in nodes.iter().enumerate() {
        let Node::Element(element) = node else {
            continue;
        };
        path.push(at);
        let mut scope = scope.clone();
        element.declare(&mut scope);
        found.push(Found {
            path: path.clone(),
            namespace: scope.get(element.prefix()).cloned().unwrap_or_default(),
            local: element.local().to_owned(),
        });
        walk(&element.children, path, &scope, found);
        path.pop();
    }
}

impl Node {
    fn write(&self, text: &mut String) {
        match self {
            Self::Element(element) => element.write(text),
            Self::Text(raw) | Self::Markup(raw) => text.push_str(raw),
        }
    }

    pub(super) fn text(raw: impl Into<String>) -> Self {
        Self::Text(raw.into())
    }
}

impl From<Element> for Node {
    fn from(element: Element) -> Self {
        Self::Element(element)
    }
}
