use super::{ForeignDocument, JudgeError};
use libxml::tree::Node;
use libxml::tree::c14n::{CanonicalizationMode, CanonicalizationOptions};

const MODES: [(&str, CanonicalizationMode); 3] = [
    (
        "http://www.w3.org/2001/10/xml-exc-c14n",
        CanonicalizationMode::ExclusiveCanonical1_0,
    ),
    (
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        CanonicalizationMode::Canonical1_0,
    ),
    (
        "http://www.w3.org/2006/12/xml-c14n11",
        CanonicalizationMode::Canonical1_1,
    ),
];

fn options(uri: &str, prefixes: &[&str]) -> Option<CanonicalizationOptions> {
    let (name, comments) = match uri.strip_suffix("#WithComments") {
        Some(name) => (name, true),
        None => (uri.strip_suffix('#').unwrap_or(uri), false),
    };
    let (_, mode) = MODES.into_iter().find(|(known, _)| *known == name)?;
    // "xml-exc-c14n#WithComments" has one `#`, like the plain one.
    Some(CanonicalizationOptions {
        mode,
        with_comments: comments,
        inclusive_ns_prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(),
    })
}

impl ForeignDocument {
    /// The canonical form of an element with everything inside it, but for `omit`, by the
    /// method with this identifier.
    ///
    /// The binding replaces what is not UTF-8 in each piece that libxml2 hands it, and so
    /// damages a character that lies across 16,000 octets of one text.
    ///
    /// # Errors
    /// [`JudgeError::Canonicalize`] when the method is unknown or libxml2 refuses.
    pub fn canonicalize(
        &self,
        element: usize,
        omit: Option<usize>,
        uri: &str,
        prefixes: &[&str],
    ) -> Result<String, JudgeError> {
        let failed = |why: &str| JudgeError::Canonicalize(why.to_owned());
        let options = options(uri, prefixes).ok_or_else(|| failed("unknown method"))?;
        let mut element = self.node(element)?;
        let place = match omit {
            Some(omit) => Some(Place::take_out(self.node(omit)?)?),
            None => None,
        };
        let octets = element.canonicalize(options);
        if let Some(place) = place {
            place.put_back()?;
        }
        octets.map_err(|()| failed("an error of libxml2"))
    }

    fn node(&self, number: usize) -> Result<Node, JudgeError> {
        let node = self.elements.get(number).cloned();
        node.ok_or_else(|| JudgeError::Canonicalize("there is no such element".to_owned()))
    }
}

/// Where an element was that is out of the tree for a while.
struct Place {
    element: Node,
    parent: Node,
    next: Option<Node>,
}

impl Place {
    fn take_out(mut element: Node) -> Result<Self, JudgeError> {
        let parent = element.get_parent();
        let parent = parent.ok_or_else(|| failed("the root cannot be left out"))?;
        let next = element.get_next_sibling();
        element.unlink_node();
        Ok(Self {
            element,
            parent,
            next,
        })
    }

    fn put_back(mut self) -> Result<(), JudgeError> {
        let done = match self.next.as_mut() {
            Some(next) => next.add_prev_sibling(&mut self.element).is_ok(),
            None => self.parent.add_child(&mut self.element).is_ok(),
        };
        match done {
            true => Ok(()),
            false => Err(failed("the tree cannot be restored")),
        }
    }
}

fn failed(why: &str) -> JudgeError {
    JudgeError::Canonicalize(why.to_owned())
}
