//! The judge: libxmlsec1 verifies signatures, libxml2 writes canonical octets.
//!
//! They share no line with our own code, so where both say the same, both are probably right.
//! Tests compare verdict with verdict and octet with octet; nothing that ships uses this
//! (`docs/design/0006`). Everything goes through the safe functions of the crates `xmlsec` and
//! `libxml`.
//!
//! The feature `xmlsec` of this crate needs the Debian packages `libxmlsec1-dev libxml2-dev
//! libssl-dev libclang-dev pkg-config`.
//!
//! ```
//! use federate_testkit::judge::{ForeignDocument, JudgeKey};
//! use federate_testkit::keys;
//! let key = JudgeKey::from_certificate(&keys::certificate())?;
//! let document = ForeignDocument::parse(b"<a z='1' b=\"2\" ><c/></a>")?;
//! assert!(document.signatures_of(0).is_empty());
//! let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
//! let octets = document.canonicalize(0, None, exclusive, &[])?;
//! assert_eq!(octets, r#"<a b="2" z="1"><c></c></a>"#);
//! # drop(key);
//! # Ok::<(), federate_testkit::judge::JudgeError>(())
//! ```

mod canonical;
mod document;
mod verify;

pub use document::{ForeignDocument, Reference};
pub use verify::{JudgeKey, Verdict};

/// Why the judge could not judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JudgeError {
    /// libxml2 does not take the octets for an XML document; its first complaint.
    Parse(String),
    /// libxmlsec1 cannot use the key.
    Key(String),
    /// libxmlsec1 could not sign.
    Sign(String),
    /// libxml2 gives no canonical form.
    Canonicalize(String),
}

impl std::fmt::Display for JudgeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, why) = match self {
            Self::Parse(why) => ("libxml2 does not parse it", why),
            Self::Key(why) => ("libxmlsec1 does not take the key", why),
            Self::Sign(why) => ("libxmlsec1 does not sign it", why),
            Self::Canonicalize(why) => ("libxml2 does not canonicalize it", why),
        };
        write!(f, "{what}: {why}")
    }
}

impl std::error::Error for JudgeError {}
