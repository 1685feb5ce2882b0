use super::{ForeignDocument, JudgeError};
use federate_crypto::{Certificate, PublicKey};
use xmlsec::{XmlSecKey, XmlSecKeyFormat, XmlSecResult, XmlSecSignatureContext};

/// A key as libxmlsec1 keeps it.
///
/// A signature is verified with this key alone: the binding has no key manager, so that
/// neither KeyInfo nor any certificate of the system matters.
#[derive(Debug, Clone)]
pub struct JudgeKey(XmlSecKey);

impl JudgeKey {
    /// The key of a certificate.
    ///
    /// # Errors
    /// [`JudgeError::Key`] when libxmlsec1 does not know this kind.
    pub fn from_certificate(certificate: &Certificate) -> Result<Self, JudgeError> {
        load(certificate.der(), XmlSecKeyFormat::CertDer)
    }

    /// A bare public key.
    ///
    /// # Errors
    /// [`JudgeError::Key`] when libxmlsec1 does not know this kind.
    pub fn from_public_key(key: &PublicKey) -> Result<Self, JudgeError> {
        load(key.to_pem().as_bytes(), XmlSecKeyFormat::Pem)
    }

    /// A private key in PEM, to sign with.
    ///
    /// # Errors
    /// [`JudgeError::Key`] when libxmlsec1 cannot read it.
    pub fn from_private_pem(pem: &str) -> Result<Self, JudgeError> {
        load(pem.as_bytes(), XmlSecKeyFormat::Pem)
    }

    fn context(&self) -> XmlSecSignatureContext {
        // A context takes the key for good and serves one signature.
        let mut context = XmlSecSignatureContext::new();
        drop(context.insert_key(self.0.clone()));
        context
    }
}

fn load(octets: &[u8], format: XmlSecKeyFormat) -> Result<JudgeKey, JudgeError> {
    let key = XmlSecKey::from_memory(octets, format, None);
    key.map(JudgeKey)
        .map_err(|e| JudgeError::Key(e.to_string()))
}

/// What libxmlsec1 says of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The signature and all of its digests are right.
    Good,
    /// The signature or a digest is wrong.
    Bad,
    /// It could not be verified; why, as far as the binding tells. The details go to the
    /// standard error stream, by libxmlsec1 itself.
    Error(String),
}

impl Verdict {
    fn of(result: XmlSecResult<bool>) -> Self {
        match result {
            Ok(true) => Self::Good,
            Ok(false) => Self::Bad,
            Err(error) => Self::Error(error.to_string()),
        }
    }
}

impl ForeignDocument {
    /// Verifies one `ds:Signature`.
    ///
    /// `Good` says nothing about which element was signed: see
    /// [`ForeignDocument::covers`]. A signature with a reference to outside the document is an
    /// error at once: libxmlsec1 would go and read the file or the address that it names.
    #[must_use]
    pub fn verify(&self, signature: usize, key: &JudgeKey) -> Verdict {
        if let Some(problem) = &self.id_problem {
            return Verdict::Error(problem.clone());
        }
        if self.refers_outside(signature) {
            return Verdict::Error("a reference to outside the document".to_owned());
        }
        match self.elements.get(signature) {
            Some(node) => Verdict::of(key.context().verify_node(node)),
            None => Verdict::Error("there is no such element".to_owned()),
        }
    }

    /// Whether a signature has one reference, and that to the element with this number.
    #[must_use]
    pub fn covers(&self, signature: usize, element: usize) -> bool {
        let references = self.references_of(signature);
        let [reference] = references.as_slice() else {
            return false;
        };
        let id = reference.uri.as_deref().and_then(|u| u.strip_prefix('#'));
        id.is_some() && id == self.attribute_of(element, "ID").as_deref()
    }

    /// Signs: fills in the values of a `ds:Signature` that is there as a template.
    ///
    /// # Errors
    /// [`JudgeError::Sign`] when libxmlsec1 refuses the template or the key.
    pub fn sign(&self, signature: usize, key: &JudgeKey) -> Result<(), JudgeError> {
        let failed = |why: String| JudgeError::Sign(why);
        if let Some(problem) = &self.id_problem {
            return Err(failed(problem.clone()));
        }
        let node = self.elements.get(signature);
        let node = node.ok_or_else(|| failed("there is no such element".to_owned()))?;
        let signed = key.context().sign_node(node);
        signed.map_err(|e| failed(e.to_string()))
    }
}
