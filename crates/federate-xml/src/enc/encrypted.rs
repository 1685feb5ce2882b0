//! `xenc:EncryptedData` and `xenc:EncryptedKey` (`[XMLEnc] 3`), read strictly. All of this is
//! public data.

use super::error::{EncryptionError, EncryptionStructure as Structure};
use super::method::{self, malformed};
use super::{
    CIPHER_DATA, CIPHER_VALUE, ENCRYPTED_DATA, ENCRYPTED_KEY, ENCRYPTION_METHOD, TYPE_CONTENT,
    TYPE_ELEMENT, TYPE_ENCRYPTED_KEY, xenc,
};
use crate::name::Name;
use crate::read::Children;
use crate::tree::Element;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::RsaOaep;

const KEY_INFO: Name = Name::ds("KeyInfo");
const RETRIEVAL_METHOD: Name = Name::ds("RetrievalMethod");
const ENCRYPTION_PROPERTIES: Name = xenc("EncryptionProperties");
const REFERENCE_LIST: Name = xenc("ReferenceList");
const CARRIED_KEY_NAME: Name = xenc("CarriedKeyName");

/// The most encrypted keys that are read: one per recipient, and a message has few.
const MAX_KEYS: usize = 8;

const ELEMENTS: EncryptionError = malformed(Structure::Elements);

/// Something encrypted with everything that belongs to it.
pub(super) struct Encrypted<'d> {
    /// The `xenc:EncryptedData`.
    pub element: Element<'d>,
    /// How the content was encrypted.
    pub method: Element<'d>,
    /// Initialization vector, ciphertext and tag.
    pub octets: Vec<u8>,
    /// The encrypted keys: those inside KeyInfo first, then those to which it refers, then
    /// the siblings.
    keys: Vec<Element<'d>>,
}

/// A content key encrypted to one recipient.
pub(super) struct TransportedKey {
    pub oaep: RsaOaep,
    pub octets: Vec<u8>,
}

impl<'d> Encrypted<'d> {
    /// Reads an `xenc:EncryptedData`, or the element of type `saml:EncryptedElementType` that
    /// contains it (`[SAMLCore] 2.2.4`).
    pub(super) fn of(element: Element<'d>) -> Result<Self, EncryptionError> {
        if element.is(ENCRYPTED_DATA) {
            return Self::data(element);
        }
        let mut inside = children(element, ENCRYPTED_DATA)?;
        let mut encrypted = Self::data(required(&mut inside, ENCRYPTED_DATA)?)?;
        while let Some(key) = inside.optional(ENCRYPTED_KEY) {
            encrypted.add(key)?;
        }
        done(inside)?;
        Ok(encrypted)
    }

    fn data(element: Element<'d>) -> Result<Self, EncryptionError> {
        let known = ["Id", "Type", "MimeType", "Encoding"];
        let parts = Parts::of(element, ENCRYPTED_DATA, &known)?;
        // [SAMLCore] 2.3.4: Type, if present, says Element. Some peers say Content: it makes no
        // difference, for exactly one element must be inside.
        if !matches!(
            element.attribute("Type"),
            None | Some(TYPE_ELEMENT | TYPE_CONTENT)
        ) {
            return Err(malformed(Structure::Type));
        }
        done(parts.rest)?;
        let mut encrypted = Self {
            element,
            method: parts.method,
            octets: parts.octets,
            keys: Vec::new(),
        };
        if let Some(info) = parts.key_info {
            encrypted.look_in(info)?;
        }
        Ok(encrypted)
    }

    /// KeyInfo is a hint where keys are; which of our own decrypts them is found by trying.
    fn look_in(&mut self, info: Element<'d>) -> Result<(), EncryptionError> {
        for child in info.child_elements().filter(|c| c.is(ENCRYPTED_KEY)) {
            self.add(child)?;
        }
        let is_reference = |c: &Element<'d>| {
            c.is(RETRIEVAL_METHOD) && matches!(c.attribute("Type"), None | Some(TYPE_ENCRYPTED_KEY))
        };
        for child in info.child_elements().filter(is_reference) {
            self.add(retrieve(child)?)?;
        }
        Ok(())
    }

    fn add(&mut self, key: Element<'d>) -> Result<(), EncryptionError> {
        if self.keys.contains(&key) {
            return Ok(());
        }
        if self.keys.len() == MAX_KEYS {
            return Err(malformed(Structure::TooManyKeys));
        }
        self.keys.push(key);
        Ok(())
    }

    /// The keys that may be tried, those for `recipient` first: the attribute is a hint
    /// (`[XMLEnc] 3.5`), and some write an address or a name there.
    pub(super) fn keys(
        &self,
        recipient: Option<&str>,
    ) -> Result<Vec<TransportedKey>, EncryptionError> {
        let mut ordered = self.keys.clone();
        if let Some(recipient) = recipient {
            ordered.sort_by_key(|key| key.attribute("Recipient") != Some(recipient));
        }
        let mut usable = Vec::new();
        let mut refused = None;
        for key in ordered {
            match transported(key) {
                Ok(key) => usable.push(key),
                // For another recipient, perhaps.
                Err(error @ EncryptionError::AlgorithmRefused { .. }) => {
                    refused.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        if usable.is_empty() {
            return Err(refused.unwrap_or(malformed(Structure::NoKey)));
        }
        Ok(usable)
    }
}

fn transported(key: Element<'_>) -> Result<TransportedKey, EncryptionError> {
    let known = ["Id", "Type", "MimeType", "Encoding", "Recipient"];
    let mut parts = Parts::of(key, ENCRYPTED_KEY, &known)?;
    // Both are for other uses than ours: keys are found from the data that they decrypt.
    parts.rest.optional(REFERENCE_LIST);
    parts.rest.optional(CARRIED_KEY_NAME);
    done(parts.rest)?;
    Ok(TransportedKey {
        oaep: method::key_transport(parts.method)?,
        octets: parts.octets,
    })
}

/// What `xenc:EncryptedType` has (`[XMLEnc] 3.1`).
struct Parts<'d> {
    method: Element<'d>,
    key_info: Option<Element<'d>>,
    octets: Vec<u8>,
    rest: Children<'d>,
}

impl<'d> Parts<'d> {
    fn of(element: Element<'d>, name: Name, known: &[&str]) -> Result<Self, EncryptionError> {
        element.only_attributes(name, known).map_err(|_| ELEMENTS)?;
        let mut inside = children(element, name)?;
        // [XMLEnc] 3.2: without it the recipient would have to know the algorithm.
        let method = required(&mut inside, ENCRYPTION_METHOD)?;
        let key_info = inside.optional(KEY_INFO);
        let octets = cipher_value(required(&mut inside, CIPHER_DATA)?)?;
        inside.optional(ENCRYPTION_PROPERTIES);
        Ok(Self {
            method,
            key_info,
            octets,
            rest: inside,
        })
    }
}

/// `[XMLEnc] 3.3`: the ciphertext itself; a reference to it is never followed.
fn cipher_value(data: Element<'_>) -> Result<Vec<u8>, EncryptionError> {
    let mut inside = children(data, CIPHER_DATA)?;
    if inside.peek().is_some_and(|e| e.is(xenc("CipherReference"))) {
        return Err(malformed(Structure::CipherReference));
    }
    let value = required(&mut inside, CIPHER_VALUE)?;
    done(inside)?;
    base64_text(value)
}

/// `[XMLEnc] 3.5.1`: one hop, within the document, without transforms, to an encrypted key.
fn retrieve(reference: Element<'_>) -> Result<Element<'_>, EncryptionError> {
    if reference.child_elements().next().is_some() {
        return Err(malformed(Structure::Transforms));
    }
    let elsewhere = malformed(Structure::KeyElsewhere);
    let id = reference
        .attribute("URI")
        .and_then(|uri| uri.strip_prefix('#'))
        .ok_or(elsewhere.clone())?;
    let mut root = reference;
    while let Some(parent) = root.parent() {
        root = parent;
    }
    let mut found = None;
    let mut open = vec![root];
    while let Some(element) = open.pop() {
        if element.is(ENCRYPTED_KEY) && element.attribute("Id") == Some(id) {
            // The parser refuses an ID that occurs twice; this does not rest on that.
            if found.replace(element).is_some() {
                return Err(elsewhere);
            }
        }
        open.extend(element.child_elements());
    }
    found.ok_or(elsewhere)
}

fn children(element: Element<'_>, name: Name) -> Result<Children<'_>, EncryptionError> {
    element.children(name).map_err(|_| ELEMENTS)
}

fn required<'d>(children: &mut Children<'d>, name: Name) -> Result<Element<'d>, EncryptionError> {
    children.optional(name).ok_or(ELEMENTS)
}

fn done(children: Children<'_>) -> Result<(), EncryptionError> {
    children.finish().map_err(|_| ELEMENTS)
}

/// Base64 with white space anywhere, as `xs:base64Binary` allows.
fn base64_text(element: Element<'_>) -> Result<Vec<u8>, EncryptionError> {
    let text = element.text().map_err(|_| ELEMENTS)?;
    let base64 = malformed(Structure::Base64);
    let decoded = if text.bytes().any(crate::parse::chars::is_space) {
        let compact: Vec<u8> = text
            .bytes()
            .filter(|b| !crate::parse::chars::is_space(*b))
            .collect();
        STANDARD.decode(compact)
    } else {
        STANDARD.decode(text.as_bytes())
    };
    let octets = decoded.map_err(|_| base64.clone())?;
    if octets.is_empty() {
        return Err(base64);
    }
    Ok(octets)
}
