use crate::binding::soap::FaultCode;
use crate::validate::Refusal;
use federate_crypto::CryptoError;
use federate_types::{InvalidValue, Status, StatusCode};
use federate_xml::{EncryptionError, ParseError, ReadError, SignatureError, XmlError};
use std::borrow::Cow;

/// Any refusal or failure of this crate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamlError {
    /// The message did not arrive as its binding says.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// The message is not acceptable XML, not as its schema says, or not properly signed.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The message breaks a rule of its profile.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The peer reports that it could not do what was asked.
    #[error("the peer reports a failure: {}", known(&.0.code))]
    Status(Box<Status>),
    /// Our own key or random source failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// A code of the specification; any other is the peer's text and not for display.
fn known(code: &StatusCode) -> Cow<'_, str> {
    match code {
        StatusCode::Other(_) => Cow::Borrowed("a code of its own"),
        known => Cow::Owned(known.uri()),
    }
}

impl SamlError {
    /// The stable machine code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Binding(e) => e.code(),
            Self::Xml(e) => e.code(),
            Self::Refused(e) => e.code(),
            Self::Status(_) => "response.status",
            Self::Crypto(e) => e.code(),
        }
    }
}

impl From<ReadError> for SamlError {
    fn from(error: ReadError) -> Self {
        Self::Xml(error.into())
    }
}

impl From<ParseError> for SamlError {
    fn from(error: ParseError) -> Self {
        Self::Xml(error.into())
    }
}

impl From<EncryptionError> for SamlError {
    fn from(error: EncryptionError) -> Self {
        Self::Xml(error.into())
    }
}

impl From<SignatureError> for SamlError {
    fn from(error: SignatureError) -> Self {
        Self::Xml(error.into())
    }
}

/// Why a message did not arrive as its binding says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindingError {
    /// There is no SAMLRequest or SAMLResponse, or not the one expected here.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// A parameter occurs twice, or a request and a response occur together.
    #[error("the parameter {0} occurs more than once, or beside its opposite")]
    Ambiguous(&'static str),
    /// A parameter name was written with escapes, so that two readers could disagree on it.
    #[error("a parameter name is escaped")]
    EscapedName,
    /// The parameter is not properly escaped.
    #[error("the parameter {0} is not properly escaped")]
    Escaping(&'static str),
    /// The message is not base64.
    #[error("the message is not base64")]
    Base64,
    /// The message is not a DEFLATE stream, or something follows the stream.
    #[error("the message is not a DEFLATE stream")]
    Deflate,
    /// A posted message is deflated, which only redirected ones are.
    #[error("the posted message is deflated")]
    Deflated,
    /// The message is larger than allowed, encoded or inflated.
    #[error("the message is larger than {allowed} bytes")]
    TooLarge {
        /// The limit that was reached, in bytes.
        allowed: usize,
    },
    /// An encoding other than DEFLATE.
    #[error("an unknown SAMLEncoding")]
    UnknownEncoding,
    /// Only one of SigAlg and Signature is present.
    #[error("SigAlg and Signature must come together")]
    HalfSignature,
    /// A redirected message carries a signature inside, which `[SAMLBind] 3.4.4.1` forbids.
    #[error("a redirected message must not be signed inside")]
    EmbeddedSignature,
    /// What a SimpleSign signature covers can be taken apart in another way than the form does.
    #[error("the signed values do not end where the form says")]
    Boundary,
    /// A SOAP header block must be understood (`[SOAP] 4.2.3`), and is not.
    #[error("a SOAP header block that must be understood is not")]
    MustUnderstand,
    /// The peer's SOAP layer reports a failure.
    #[error("the peer reports a SOAP fault: {0:?}")]
    SoapFault(FaultCode),
    /// A value that its type does not allow.
    #[error(transparent)]
    Value(#[from] InvalidValue),
}

impl BindingError {
    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "binding.missing_parameter",
            Self::Ambiguous(_) => "binding.ambiguous_parameter",
            Self::EscapedName => "binding.escaped_name",
            Self::Escaping(_) => "binding.escaping",
            Self::Base64 => "binding.base64",
            Self::Deflate => "binding.deflate",
            Self::Deflated => "binding.deflated_post",
            Self::TooLarge { .. } => "binding.too_large",
            Self::UnknownEncoding => "binding.unknown_encoding",
            Self::HalfSignature => "binding.half_signature",
            Self::EmbeddedSignature => "binding.embedded_signature",
            Self::Boundary => "binding.boundary",
            Self::MustUnderstand => "binding.soap_must_understand",
            Self::SoapFault(_) => "binding.soap_fault",
            Self::Value(e) => e.code(),
        }
    }
}
