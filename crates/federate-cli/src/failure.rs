//! A refusal as the command tells it.

use crate::terminal::visible;
use federate_metadata::{AggregateError, MetadataError};
use federate_saml::{SamlError, advice};
use federate_types::Status;
use federate_xml::{EncryptionError, SignatureError, XmlError};
use serde::Serialize;
use std::fmt::Write as _;

/// What was refused, by its code, with what was expected and what came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) expected: Option<String>,
    pub(crate) actual: Option<String>,
}

impl Failure {
    pub(crate) fn expecting(
        mut self,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        self.expected = Some(expected.into());
        self.actual = Some(actual.into());
        self
    }

    /// The failure for people, a line each for what it is, what was expected, what came, and
    /// what to do.
    pub(crate) fn to_lines(&self, indent: &str) -> String {
        let mut out = String::new();
        for (name, value) in [
            ("message", Some(self.message.as_str())),
            ("expected", self.expected.as_deref()),
            ("actual", self.actual.as_deref()),
            ("advice", advice(self.code)),
        ] {
            if let Some(value) = value {
                // A String never fails.
                let _ = writeln!(out, "{indent}{name:<10}{}", visible(value));
            }
        }
        out
    }

    /// The metadata of the identity provider no longer holds at the instant in question.
    pub(crate) fn metadata_expired() -> Self {
        let error = federate_metadata::MetadataError::Expired;
        Self {
            code: error.code(),
            message: error.to_string(),
            expected: Some("metadata that holds at this instant".to_owned()),
            actual: Some("a validUntil that lies before it".to_owned()),
        }
    }
}

impl From<SamlError> for Failure {
    fn from(error: SamlError) -> Self {
        let failure = Self {
            code: error.code(),
            message: error.to_string(),
            expected: None,
            actual: None,
        };
        match error {
            SamlError::Refused(refusal) => Self {
                message: refusal.rule.sentence().to_owned(),
                ..failure
            }
            .expecting(refusal.expected, refusal.actual),
            SamlError::Status(status) => {
                failure.expecting(Status::success().code.uri(), status_text(&status))
            }
            SamlError::Xml(XmlError::Signature(error)) => of_signature(failure, &error),
            SamlError::Xml(XmlError::Encryption(EncryptionError::AlgorithmRefused {
                role,
                uri,
            })) => failure.expecting(format!("{role}: one that is allowed"), uri),
            _ => failure,
        }
    }
}

impl From<SignatureError> for Failure {
    fn from(error: SignatureError) -> Self {
        SamlError::from(error).into()
    }
}

impl From<MetadataError> for Failure {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::Xml(error) => SamlError::from(error).into(),
            error => Self {
                code: error.code(),
                message: error.to_string(),
                expected: None,
                actual: None,
            },
        }
    }
}

impl From<AggregateError> for Failure {
    fn from(error: AggregateError) -> Self {
        match error {
            AggregateError::Metadata(error) => error.into(),
            error => Self {
                code: error.code(),
                message: error.to_string(),
                expected: None,
                actual: None,
            },
        }
    }
}

fn of_signature(failure: Failure, error: &SignatureError) -> Failure {
    match error {
        SignatureError::Missing => failure.expecting("a signature", "none"),
        SignatureError::Malformed(structure) => failure.expecting(
            "a signature as [SAMLCore] 5.4 has it",
            structure.to_string(),
        ),
        SignatureError::AlgorithmRefused { role, uri } => {
            failure.expecting(format!("{role}: one that is allowed"), *uri)
        }
        SignatureError::NoUsableKey { tried } => failure.expecting(
            "a trusted key of the kind and strength that the signature needs",
            format!("{tried} trusted, none of them such"),
        ),
        SignatureError::WrongKey { tried } => failure.expecting(
            format!("a signature by one of {tried} trusted keys"),
            "a signature by another key, or of other octets",
        ),
        _ => failure,
    }
}

fn status_text(status: &Status) -> String {
    let mut text = status.code.uri();
    if let Some(subcode) = &status.subcode {
        text.push_str(" / ");
        text.push_str(&subcode.uri());
    }
    if let Some(message) = &status.message {
        text.push_str(": ");
        text.push_str(message);
    }
    text
}
