//! Where a browser may be sent after a logout.

use std::fmt;
use url::{Host, Url};

/// The addresses to which a browser may return after a logout: those of one application, or of
/// the whole account.
///
/// An address is allowed when it equals an entry in scheme, host, port and path; its query and
/// fragment are free. Scheme and host are compared without regard to case, the path byte for
/// byte. An entry may have one `*` in the leftmost label of its host, which stands for a part of
/// exactly that label; never directly below a name under which anybody can have a name (`com`,
/// `co.uk`, `github.io`).
///
/// ```
/// use federate::hub::ReturnToList;
///
/// let list = ReturnToList::new(["https://app.example.com/bye", "https://*.example.com"])?;
/// assert!(list.allow("https://APP.example.com/bye?from=hub").is_some());
/// assert!(list.allow("https://wiki.example.com/#top").is_some());
/// assert!(list.allow("https://a.b.example.com/").is_none());
/// assert!(list.allow("https://example.com.evil.example/").is_none());
/// assert!(ReturnToList::new(["https://*.co.uk"]).is_err());
/// # Ok::<(), federate::hub::InvalidReturnTo>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReturnToList(Vec<Entry>);

/// Why an entry of a [`ReturnToList`] is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} cannot be an address to return to: {why}")]
pub struct InvalidReturnTo {
    /// The entry.
    pub entry: String,
    /// What it should have been.
    pub why: &'static str,
}

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    /// With what stands for the `*` in its host.
    url: Url,
    /// What stands before and after the `*` in the first label, and the labels after that one.
    wildcard: Option<Wildcard>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Wildcard {
    before: String,
    after: String,
    parent: String,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

/// Stands for the `*` while an address is read: a label that every parser leaves as it is.
const STAND_IN: &str = "xxwildcardxx";

/// The longest address that is looked at, in bytes.
const MAX_BYTES: usize = 4096;

impl ReturnToList {
    /// A list of these entries.
    ///
    /// # Errors
    /// [`InvalidReturnTo`] with the first entry that is none.
    pub fn new<T: AsRef<str>>(
        entries: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidReturnTo> {
        let entries = entries.into_iter().map(|text| {
            let text = text.as_ref();
            Entry::parse(text).map_err(|why| InvalidReturnTo {
                entry: text.to_owned(),
                why,
            })
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    /// Whether nothing is allowed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The address as it may be given to the browser, if it is allowed: written out the way in
    /// which it was compared.
    #[must_use]
    pub fn allow(&self, address: &str) -> Option<String> {
        let url = parse(address)?;
        let allowed = self.0.iter().any(|entry| entry.matches(&url));
        allowed.then(|| url.into())
    }
}

/// An address in which nothing can be read in two ways.
fn parse(address: &str) -> Option<Url> {
    // Browsers drop line ends and tabs, and read `\` as `/`.
    let plain = |b: u8| b.is_ascii_graphic() && b != b'\\';
    if address.len() > MAX_BYTES || !address.bytes().all(plain) {
        return None;
    }
    let url = Url::parse(address).ok()?;
    let web = matches!(url.scheme(), "https" | "http");
    let anonymous = url.username().is_empty() && url.password().is_none();
    (web && anonymous && url.has_host()).then_some(url)
}

impl Entry {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let address = "expected an absolute http or https address without user";
        let Some((before, after)) = text.split_once('*') else {
            let url = parse(text).ok_or(address)?;
            return Ok(Self::of(url, None));
        };
        if after.contains('*') || text.to_ascii_lowercase().contains(STAND_IN) {
            return Err("expected one * at most");
        }
        let url = parse(&format!("{before}{STAND_IN}{after}")).ok_or(address)?;
        let leftmost = "expected the * in the leftmost label of the host";
        let Some(Host::Domain(host)) = url.host() else {
            return Err(leftmost);
        };
        let (label, parent) = host.split_once('.').ok_or(leftmost)?;
        let (before, after) = label.split_once(STAND_IN).ok_or(leftmost)?;
        // Below a public suffix, anybody can have the name that the * would stand for.
        let registrable = psl::domain_str(parent.trim_end_matches('.'));
        if registrable.is_none() {
            return Err("expected the * below a domain that can be registered");
        }
        let wildcard = Wildcard {
            before: before.to_owned(),
            after: after.to_owned(),
            parent: parent.to_owned(),
        };
        Ok(Self::of(url, Some(wildcard)))
    }

    fn of(mut url: Url, wildcard: Option<Wildcard>) -> Self {
        url.set_query(None);
        url.set_fragment(None);
        Self { url, wildcard }
    }

    fn matches(&self, url: &Url) -> bool {
        self.url.scheme() == url.scheme()
            && self.url.port_or_known_default() == url.port_or_known_default()
            && self.url.path() == url.path()
            && self.matches_host(url)
    }

    fn matches_host(&self, url: &Url) -> bool {
        let Some(wildcard) = &self.wildcard else {
            return self.url.host() == url.host();
        };
        let Some(Host::Domain(host)) = url.host() else {
            return false;
        };
        let Some((label, parent)) = host.split_once('.') else {
            return false;
        };
        parent == wildcard.parent
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && label.len() > wildcard.before.len() + wildcard.after.len()
            && label.starts_with(&wildcard.before)
            && label.ends_with(&wildcard.after)
    }
}

#[cfg(test)]
mod tests;
