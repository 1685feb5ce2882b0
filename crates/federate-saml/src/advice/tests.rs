use super::*;
use crate::{BindingError, Rule};
use federate_xml::dsig::SignatureStructure;
use federate_xml::enc::EncryptionStructure;
use federate_xml::{
    EncryptionError, ParseError, ParseErrorKind, ReadError, ReadProblem, SignatureError,
};
use std::collections::BTreeSet;

/// The codes of every error that verifying and validating a message can give.
fn codes() -> BTreeSet<&'static str> {
    let mut codes: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.code()).collect();
    use ParseErrorKind as P;
    let parse = [
        P::InvalidUtf8,
        P::UnsupportedEncoding,
        P::UnsupportedVersion,
        P::InvalidCharacter,
        P::DoctypeForbidden,
        P::ProcessingInstructionForbidden,
        P::UnknownEntity,
        P::NotWellFormed(""),
        P::UndeclaredPrefix,
        P::InvalidNamespaceDeclaration,
        P::RelativeNamespace,
        P::DuplicateAttribute,
        P::DuplicateId,
        P::LimitExceeded {
            limit: "",
            allowed: 0,
        },
    ];
    codes.extend(parse.map(|kind| ParseError { offset: 0, kind }.code()));
    use ReadProblem as R;
    let read = [
        R::UnexpectedRoot,
        R::MissingElement(""),
        R::UnexpectedElement,
        R::UnexpectedText,
        R::UnexpectedMarkup,
        R::MissingAttribute(""),
        R::UnexpectedAttribute,
        R::InvalidValue {
            what: "",
            expected: "",
        },
    ];
    codes.extend(read.map(|problem| ReadError::new("", problem).code()));
    let (role, uri, tried) = ("", "", 0);
    use SignatureError as S;
    let signature = [
        S::Missing,
        S::Malformed(SignatureStructure::Elements),
        S::AlgorithmRefused { role, uri },
        S::NoUsableKey { tried },
        S::WrongKey { tried },
        S::DigestMismatch,
    ];
    codes.extend(signature.map(|e| e.code()));
    use EncryptionError as E;
    let encryption = [
        E::DecryptionFailed,
        E::AlgorithmRefused { role, uri },
        E::Malformed(EncryptionStructure::Elements),
        E::NoUsableKey { tried },
        E::NotCovered,
        E::Provider(federate_crypto::CryptoError::Random),
    ];
    codes.extend(encryption.map(|e| e.code()));
    use BindingError as B;
    let binding = [
        B::Missing(""),
        B::Ambiguous(""),
        B::EscapedName,
        B::Escaping(""),
        B::Base64,
        B::Deflate,
        B::Deflated,
        B::TooLarge { allowed: 0 },
        B::UnknownEncoding,
        B::HalfSignature,
        B::EmbeddedSignature,
        B::Boundary,
        B::MustUnderstand,
        B::SoapFault(crate::binding::soap::FaultCode::Client),
        B::Value(federate_types::InvalidValue::new("", "")),
    ];
    codes.extend(binding.map(|e| e.code()));
    codes.insert("response.status");
    codes
}

#[test]
fn every_code_has_advice_and_all_advice_a_code() {
    for code in codes() {
        assert!(advice(code).is_some(), "{code}");
    }
    let elsewhere = ["metadata.expired"];
    let known = codes();
    let mut seen = BTreeSet::new();
    for (code, text) in ADVICE {
        assert!(known.contains(code) || elsewhere.contains(code), "{code}");
        assert!(seen.insert(code), "{code} occurs twice");
        assert!(text.ends_with('.') && text.len() < 280, "{code}");
    }
}
