use super::error::{SignatureError, SignatureStructure as Structure};
use crate::name::{EC, Name};
use crate::read::Children;
use crate::tree::Element;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const SIGNED_INFO: Name = Name::ds("SignedInfo");
const SIGNATURE_METHOD: Name = Name::ds("SignatureMethod");
const CANONICALIZATION_METHOD: Name = Name::ds("CanonicalizationMethod");
const REFERENCE: Name = Name::ds("Reference");
const TRANSFORMS: Name = Name::ds("Transforms");
const TRANSFORM: Name = Name::ds("Transform");
const DIGEST_METHOD: Name = Name::ds("DigestMethod");
const DIGEST_VALUE: Name = Name::ds("DigestValue");
const INCLUSIVE_NAMESPACES: Name = Name::new(EC, "ec", "InclusiveNamespaces");

/// The most prefixes that an `InclusiveNamespaces` list may name.
const MAX_PREFIXES: usize = 64;

fn malformed(structure: Structure) -> SignatureError {
    SignatureError::Malformed(structure)
}

/// The elements of a `ds:Signature` (`[XMLDSig] 4.2`): SignedInfo, SignatureValue, and a
/// KeyInfo that nobody reads. `ds:Object` is refused: SAML has no use for it, attacks do.
pub(super) struct SignatureElements<'d> {
    pub signed_info: Element<'d>,
    pub value: Vec<u8>,
}

impl<'d> SignatureElements<'d> {
    pub(super) fn of(signature: Element<'d>) -> Result<Self, SignatureError> {
        let mut children = children(signature, Name::ds("Signature"))?;
        let signed_info = required(&mut children, SIGNED_INFO)?;
        let value = required(&mut children, Name::ds("SignatureValue"))?;
        children.optional(Name::ds("KeyInfo"));
        done(children)?;
        Ok(Self {
            signed_info,
            value: base64_text(value)?,
        })
    }
}

/// How SignedInfo says that it is canonicalized and signed.
pub(super) struct Methods<'d> {
    pub canonicalization: (&'d str, Vec<String>),
    pub signature: &'d str,
}

/// What SignedInfo says (`[XMLDSig] 4.4`): of an unverified one only the methods matter, the
/// rest is read from the octets that were verified.
pub(super) struct SignedInfo<'d> {
    pub methods: Methods<'d>,
    pub uri: Option<&'d str>,
    /// Identifiers of the transforms, with the prefixes of an InclusiveNamespaces list.
    pub transforms: Vec<(&'d str, Vec<String>)>,
    pub digest_method: &'d str,
    pub digest: Vec<u8>,
}

impl<'d> Methods<'d> {
    fn take(children: &mut Children<'d>) -> Result<Self, SignatureError> {
        let canonicalization = required(children, CANONICALIZATION_METHOD)?;
        let signature = required(children, SIGNATURE_METHOD)?;
        // A parameter such as HMACOutputLength changes what is verified; none is known here.
        done(self::children(signature, SIGNATURE_METHOD)?)?;
        Ok(Self {
            canonicalization: with_prefixes(canonicalization, CANONICALIZATION_METHOD)?,
            signature: algorithm(signature)?,
        })
    }
}

impl<'d> SignedInfo<'d> {
    pub(super) fn of(signed_info: Element<'d>) -> Result<Self, SignatureError> {
        let mut children = children(signed_info, SIGNED_INFO)?;
        let methods = Methods::take(&mut children)?;
        let reference = children
            .optional(REFERENCE)
            .ok_or(malformed(Structure::References))?;
        if children.peek().is_some() {
            return Err(malformed(Structure::References));
        }
        let mut inside = self::children(reference, REFERENCE)?;
        let transforms = match inside.optional(TRANSFORMS) {
            None => Vec::new(),
            Some(transforms) => read_transforms(transforms)?,
        };
        let digest_method = required(&mut inside, DIGEST_METHOD)?;
        done(self::children(digest_method, DIGEST_METHOD)?)?;
        let digest = required(&mut inside, DIGEST_VALUE)?;
        done(inside)?;
        Ok(Self {
            methods,
            uri: reference.attribute("URI"),
            transforms,
            digest_method: algorithm(digest_method)?,
            digest: base64_text(digest)?,
        })
    }
}

fn read_transforms(transforms: Element<'_>) -> Result<Vec<(&str, Vec<String>)>, SignatureError> {
    let mut children = children(transforms, TRANSFORMS)?;
    let mut found = Vec::new();
    while let Some(transform) = children.optional(TRANSFORM) {
        // Enveloped signature and one canonicalization: a third is one too many.
        if found.len() == 2 {
            return Err(malformed(Structure::Transforms));
        }
        found.push(with_prefixes(transform, TRANSFORM)?);
    }
    done(children)?;
    Ok(found)
}

/// An algorithm with its optional `InclusiveNamespaces` (`[EXC-C14N] 4`).
fn with_prefixes<'d>(
    element: Element<'d>,
    name: Name,
) -> Result<(&'d str, Vec<String>), SignatureError> {
    let mut inside = children(element, name).map_err(|_| malformed(Structure::Transforms))?;
    let mut prefixes = Vec::new();
    if let Some(list) = inside.optional(INCLUSIVE_NAMESPACES) {
        if list.child_elements().next().is_some() {
            return Err(malformed(Structure::Transforms));
        }
        let list = list.attribute("PrefixList").unwrap_or_default();
        prefixes.extend(list.split_ascii_whitespace().map(str::to_owned));
    }
    if inside.peek().is_some() || prefixes.len() > MAX_PREFIXES {
        return Err(malformed(Structure::Transforms));
    }
    Ok((algorithm(element)?, prefixes))
}

fn children(element: Element<'_>, name: Name) -> Result<Children<'_>, SignatureError> {
    element
        .children(name)
        .map_err(|_| malformed(Structure::Elements))
}

fn required<'d>(children: &mut Children<'d>, name: Name) -> Result<Element<'d>, SignatureError> {
    children
        .optional(name)
        .ok_or(malformed(Structure::Elements))
}

fn done(children: Children<'_>) -> Result<(), SignatureError> {
    children
        .finish()
        .map_err(|_| malformed(Structure::Elements))
}

fn algorithm<'d>(element: Element<'d>) -> Result<&'d str, SignatureError> {
    element
        .attribute("Algorithm")
        .ok_or(malformed(Structure::Elements))
}

/// Base64 with white space anywhere, as `xs:base64Binary` allows.
fn base64_text(element: Element<'_>) -> Result<Vec<u8>, SignatureError> {
    let text = element.text().map_err(|_| malformed(Structure::Elements))?;
    let compact: Vec<u8> = text
        .bytes()
        .filter(|b| !crate::parse::chars::is_space(*b))
        .collect();
    let octets = STANDARD
        .decode(compact)
        .map_err(|_| malformed(Structure::Base64))?;
    if octets.is_empty() {
        return Err(malformed(Structure::Base64));
    }
    Ok(octets)
}
