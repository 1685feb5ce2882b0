//! Identity providers at which people sign in.

use crate::metadata::Described;
use serde::Deserialize;

/// An identity provider in the configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamEntry {
    /// For the log and for messages; people read what it calls itself.
    pub(crate) name: String,
    metadata: String,
    /// Of which e-mail addresses it may say that they are a person's.
    #[serde(default)]
    pub(crate) email_domains: Vec<String>,
}

impl UpstreamEntry {
    pub(crate) fn described(&self) -> Described<'_> {
        Described {
            key: "upstream",
            name: &self.name,
            metadata: &self.metadata,
        }
    }

    /// Checks what can be checked without the document.
    pub(crate) fn check(&self) -> Result<(), String> {
        let domain = |text: &String| {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b);
            text == "*" || (!text.is_empty() && text.bytes().all(plain))
        };
        match self.email_domains.iter().find(|text| !domain(text)) {
            Some(text) => Err(format!(
                "upstream.email_domains of {:?}: {text:?} is not a domain in lower case, or \"*\"",
                self.name
            )),
            None => Ok(()),
        }
    }
}
