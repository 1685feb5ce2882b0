//! What inclusive canonicalization takes along of the attributes around an element.

use super::{CanonicalizationAlgorithm, Walk, base};
use crate::tree::{Attribute, Document, XML_NAMESPACE};

impl Walk<'_, '_> {
    /// Adds what the apex inherits from the elements around it, and gives the value of its
    /// `xml:base` if that has to be computed.
    pub(super) fn inherit(&self, attributes: &mut Vec<Attribute>) -> Option<String> {
        let document = self.document;
        if self.algorithm == CanonicalizationAlgorithm::Exclusive {
            return None;
        }
        let mut bases = Vec::new();
        let mut around = self.apex.parent();
        while let Some(element) = around {
            around = element.parent();
            let data = element.data();
            let of_xml = document.attributes_of(&data).iter();
            for attribute in of_xml.filter(|a| a.namespace == XML_NAMESPACE) {
                let local = document.str(attribute.local);
                let base = local == "base";
                if self.algorithm == CanonicalizationAlgorithm::Inclusive11 {
                    if base {
                        bases.push(*attribute);
                        continue;
                    }
                    if local != "lang" && local != "space" {
                        continue; // [C14N11] 2.4: xml:id is not inherited
                    }
                }
                let known =
                    |a: &Attribute| a.namespace == XML_NAMESPACE && document.str(a.local) == local;
                if !attributes.iter().any(known) {
                    attributes.push(*attribute);
                }
            }
        }
        let outermost = *bases.last()?;
        let own = attributes.iter().find(|a| is_base(document, a)).copied();
        let mut joined = String::new();
        for attribute in bases.iter().rev().chain(&own) {
            joined = base::join(&joined, document.str(attribute.value));
        }
        if joined.is_empty() {
            attributes.retain(|a| !is_base(document, a));
        } else if own.is_none() {
            attributes.push(outermost); // its value is replaced by the joined one
        }
        Some(joined)
    }
}

pub(super) fn is_base(document: &Document<'_>, attribute: &Attribute) -> bool {
    attribute.namespace == XML_NAMESPACE && document.str(attribute.local) == "base"
}
