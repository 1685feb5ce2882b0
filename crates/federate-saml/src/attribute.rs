//! Attributes of a person (`[SAMLCore] 2.7.3`).

use crate::names::{ATTRIBUTE, ATTRIBUTE_VALUE, NAME_ID};
use crate::subject::{read_name_id, write_name_id};
use federate_types::NameId;
use federate_xml::{Element, Name, ReadError, Writer, XSI};
use std::fmt;

/// The name is a URI (`[SAMLCore] 8.2.2`).
pub const NAME_FORMAT_URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
/// The name is an XML name (`[SAMLCore] 8.2.3`).
pub const NAME_FORMAT_BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";
/// The name is to be understood as the parties agreed (`[SAMLCore] 8.2.1`).
pub const NAME_FORMAT_UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified";

/// The prefix of the types of values, as in `xs:string`.
pub(crate) const XS_PREFIX: &str = "xs";

/// A named attribute with its values (`[SAMLCore] 2.7.3.1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// How to understand the name, such as [`NAME_FORMAT_URI`].
    pub name_format: Option<String>,
    /// A name for people to read; never used for comparison.
    pub friendly_name: Option<String>,
    /// Its values, in the order given.
    pub values: Vec<AttributeValue>,
}

/// One value of an [`Attribute`]. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeValue {
    /// Text.
    Text(String),
    /// A name identifier, as `eduPersonTargetedID` has it.
    NameId(NameId),
    /// Other markup, which is not kept.
    Structured,
}

impl AttributeValue {
    /// The value as text: the text itself or the name identifier's value.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::NameId(name_id) => Some(name_id.value()),
            Self::Structured => None,
        }
    }
}

impl fmt::Debug for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Attribute {
    /// An attribute with text values, and the name format that fits its name: `uri` for a
    /// URI, `basic` for an XML name, else `unspecified`.
    pub fn new(
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let name = name.into();
        let format = name_format_for(&name);
        Self {
            name,
            name_format: Some(format.to_owned()),
            friendly_name: None,
            values: values
                .into_iter()
                .map(|v| AttributeValue::Text(v.into()))
                .collect(),
        }
    }

    pub(crate) fn read(element: Element<'_>) -> Result<Self, ReadError> {
        let mut values = Vec::new();
        let mut children = element.children(ATTRIBUTE)?;
        while let Some(value) = children.optional(ATTRIBUTE_VALUE) {
            values.push(AttributeValue::read(value)?);
        }
        children.finish()?;
        Ok(Self {
            name: element.required(ATTRIBUTE, "Name")?.to_owned(),
            name_format: element.attribute("NameFormat").map(str::to_owned),
            friendly_name: element.attribute("FriendlyName").map(str::to_owned),
            values,
        })
    }

    pub(crate) fn write(&self, typed: bool, w: &mut Writer) {
        w.start(ATTRIBUTE);
        w.attribute(Name::local("Name"), &self.name);
        w.optional_attribute(Name::local("NameFormat"), self.name_format.as_deref());
        w.optional_attribute(Name::local("FriendlyName"), self.friendly_name.as_deref());
        for value in &self.values {
            match value {
                AttributeValue::Text(text) => {
                    w.start(ATTRIBUTE_VALUE);
                    if typed {
                        w.attribute(Name::new(XSI, "xsi", "type"), "xs:string");
                    }
                    w.text(text);
                    w.end();
                }
                AttributeValue::NameId(name_id) => {
                    w.start(ATTRIBUTE_VALUE);
                    write_name_id(w, name_id);
                    w.end();
                }
                AttributeValue::Structured => {}
            }
        }
        w.end();
    }
}

impl AttributeValue {
    fn read(element: Element<'_>) -> Result<Self, ReadError> {
        let mut inside = element.child_elements();
        match (inside.next(), inside.next()) {
            (None, _) => Ok(Self::Text(element.text()?.into_owned())),
            (Some(only), None) if only.is(NAME_ID) => Ok(Self::NameId(read_name_id(only)?)),
            _ => Ok(Self::Structured),
        }
    }
}

fn name_format_for(name: &str) -> &'static str {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let starts = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    match name.split_once(':') {
        Some((scheme, _)) if !scheme.is_empty() && scheme.chars().all(is_name) && starts => {
            NAME_FORMAT_URI
        }
        None if starts && name.chars().all(is_name) => NAME_FORMAT_BASIC,
        _ => NAME_FORMAT_UNSPECIFIED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_formats_fit_names() {
        for (name, format) in [
            (
                "https://aws.amazon.com/SAML/Attributes/Role",
                NAME_FORMAT_URI,
            ),
            ("urn:oid:0.9.2342.19200300.100.1.3", NAME_FORMAT_URI),
            ("User.Email", NAME_FORMAT_BASIC),
            ("first name", NAME_FORMAT_UNSPECIFIED),
            ("1st", NAME_FORMAT_UNSPECIFIED),
        ] {
            assert_eq!(name_format_for(name), format, "{name}");
        }
    }

    #[test]
    fn debug_hides_values() {
        let attribute = Attribute::new("email", ["alice@example.com"]);
        assert!(!format!("{attribute:?}").contains("alice"));
    }
}
