//! The interoperability suites of canonicalization and XML signatures, as xmlsec1,
//! santuario-java and xmldsig-ruby keep them: every case passes, or it stands in the list of
//! those that are out of scope, for exactly the reason given there.
//!
//! The library accepts few of these signatures, because SAML needs few of their forms. Here its
//! canonicalization is put behind a reader of XML signatures that knows more forms, so that
//! nearly every SignedInfo and every digest of the suites tells whether the octets are right.

#[path = "suites/bad_key_info.rs"]
mod bad_key_info;
#[path = "suites/canonical.rs"]
mod canonical;
#[path = "suites/key_info.rs"]
mod key_info;
#[path = "suites/reference.rs"]
mod reference;
#[path = "suites/scope.rs"]
mod scope;
#[path = "suites/signature.rs"]
mod signature;
#[path = "suites/signatures.rs"]
mod signatures;

use federate_xml::{Element, ParseError};
use std::path::{Path, PathBuf};

/// The sources of the suites.
const SOURCES: [&str; 3] = ["santuario-java", "xmldsig-ruby", "xmlsec1"];

/// Why a case, or a part of it, cannot be judged by what the library has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// A template: nothing is signed yet.
    Template,
    /// A document type declaration.
    DocumentType,
    /// The parser refuses it for another reason: this is the code.
    Refused(&'static str),
    /// Another canonicalization than the six.
    Canonicalization,
    /// XPath beyond whole subtrees.
    XPath,
    /// XPath filter 2.
    XPathFilter,
    /// Style sheets.
    Xslt,
    /// Decoding base64.
    Base64,
    /// A transform that nobody else uses.
    Transform,
    /// An XPointer that is no ID.
    XPointer,
    /// A document elsewhere, which is not fetched.
    External,
    /// What is signed only the application knows.
    Application,
    /// No element has the ID.
    NoSuchId,
    /// MD5, RIPEMD, SHA-224, SHA-3, GOST.
    Digest,
    /// DSA.
    Dsa,
    /// ECDSA with SHA-1, SHA-224 or SHA-3.
    Ecdsa,
    /// RSA with MD5, RIPEMD, SHA-224, SHA-3, and PSS with SHA-1 or with parameters.
    Rsa,
    /// GOST, Ed448, Ed25519 with a context, ML-DSA, SLH-DSA.
    Signature,
    /// HMAC that is cut, or of a digest that is not known here.
    Hmac,
    /// No key that is known here made the signature.
    NoKey,
    /// The signature is wrong, by intent.
    BadValue,
    /// A digest is wrong, by intent.
    BadDigest,
}

impl Why {
    fn of(error: &ParseError) -> Self {
        match error.code() {
            "xml.doctype_forbidden" => Self::DocumentType,
            code => Self::Refused(code),
        }
    }

    fn transform(transform: Element<'_>) -> Self {
        match transform.attribute("Algorithm").unwrap_or_default() {
            "http://www.w3.org/TR/1999/REC-xpath-19991116" => Self::XPath,
            "http://www.w3.org/2002/06/xmldsig-filter2" => Self::XPathFilter,
            "http://www.w3.org/TR/1999/REC-xslt-19991116" => Self::Xslt,
            "http://www.w3.org/2000/09/xmldsig#base64" => Self::Base64,
            _ => Self::Transform,
        }
    }
}

/// The files of the suites, as paths inside the folder of the vectors.
fn paths(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for source in SOURCES {
        federate_testkit::vectors::files(&folder.join(source), &mut found);
    }
    let inside = |path: PathBuf| {
        let path = path.strip_prefix(folder).unwrap().to_owned();
        path.into_os_string().into_string().unwrap()
    };
    found.into_iter().map(inside).collect()
}
