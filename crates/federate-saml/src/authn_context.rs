//! How a person proved who they are, and how well that is what was asked for
//! (`[SAMLCore] 3.3.2.2.1`, `[SAMLAuthnCxt]`).

use crate::authn_request::invalid;
use crate::names::{AUTHN_CONTEXT_CLASS_REF, AUTHN_CONTEXT_DECL_REF, REQUESTED_AUTHN_CONTEXT};
use federate_xml::{Element, Name, ReadError, Writer};
use serde::{Deserialize, Serialize};

/// The ways of authentication that will do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedAuthnContext {
    /// How the classes are compared with what happened.
    pub comparison: Comparison,
    /// The classes, by preference.
    pub class_refs: Vec<String>,
    /// Declarations that would do instead of a class. Nobody here makes any: a request for
    /// declarations alone is satisfied by nothing.
    pub decl_refs: Vec<String>,
}

/// How an authentication is compared with the classes requested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// It must be one of them.
    #[default]
    Exact,
    /// It must be at least as strong as one of them.
    Minimum,
    /// It must be as strong as possible without exceeding one of them.
    Maximum,
    /// It must be stronger than any of them.
    Better,
}

impl Comparison {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Exact, "exact"),
        (Self::Minimum, "minimum"),
        (Self::Maximum, "maximum"),
        (Self::Better, "better"),
    ];

    fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, t)| *t == text).map(|(c, _)| *c)
    }

    pub(crate) fn text(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(c, _)| *c == self)
            .map_or("exact", |(_, t)| t)
    }
}

/// Classes from the weakest to the strongest, as far as they can be compared.
///
/// The specification leaves the order to the parties. This one has what identity providers send
/// in practice; a class that is not in it is only equal to itself.
pub const CLASSES: &[&str] = &[
    "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:InternetProtocol",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos",
    "https://refeds.org/profile/sfa",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken",
    "http://schemas.microsoft.com/claims/multipleauthn",
    "https://refeds.org/profile/mfa",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:X509",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI",
];

impl RequestedAuthnContext {
    /// One of these classes, exactly.
    pub fn exact(class_refs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            comparison: Comparison::Exact,
            class_refs: class_refs.into_iter().map(Into::into).collect(),
            decl_refs: Vec::new(),
        }
    }

    /// Whether an authentication of this class will do, by the order of [`CLASSES`].
    ///
    /// ```
    /// use federate_saml::{Comparison, RequestedAuthnContext};
    /// let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    /// let mut requested = RequestedAuthnContext::exact([password]);
    /// assert!(!requested.is_satisfied_by(Some("https://refeds.org/profile/mfa")));
    /// requested.comparison = Comparison::Minimum;
    /// assert!(requested.is_satisfied_by(Some("https://refeds.org/profile/mfa")));
    /// ```
    #[must_use]
    pub fn is_satisfied_by(&self, class_ref: Option<&str>) -> bool {
        if self.class_refs.is_empty() {
            return self.decl_refs.is_empty();
        }
        let Some(actual) = class_ref else {
            return false;
        };
        let strength = |class: &str| CLASSES.iter().position(|known| *known == class);
        let compare = |wanted: &String| match (strength(actual), strength(wanted)) {
            (Some(actual), Some(wanted)) => Some(actual.cmp(&wanted)),
            _ => None,
        };
        let mut wanted = self.class_refs.iter();
        match self.comparison {
            Comparison::Exact => wanted.any(|w| w == actual),
            Comparison::Minimum => {
                wanted.any(|w| w == actual || compare(w).is_some_and(std::cmp::Ordering::is_ge))
            }
            Comparison::Maximum => {
                wanted.any(|w| w == actual || compare(w).is_some_and(std::cmp::Ordering::is_le))
            }
            Comparison::Better => wanted.all(|w| compare(w).is_some_and(std::cmp::Ordering::is_gt)),
        }
    }

    pub(crate) fn read(element: Element<'_>) -> Result<Self, ReadError> {
        let comparison = match element.attribute("Comparison") {
            None => Comparison::Exact,
            Some(text) => Comparison::from_text(text)
                .ok_or(invalid("Comparison", "exact, minimum, maximum or better"))?,
        };
        let mut class_refs = Vec::new();
        let mut children = element.children(REQUESTED_AUTHN_CONTEXT)?;
        while let Some(class) = children.optional(AUTHN_CONTEXT_CLASS_REF) {
            class_refs.push(class.trimmed_text()?.into_owned());
        }
        let mut decl_refs = Vec::new();
        while let Some(declaration) = children.optional(AUTHN_CONTEXT_DECL_REF) {
            decl_refs.push(declaration.trimmed_text()?.into_owned());
        }
        children.finish()?;
        Ok(Self {
            comparison,
            class_refs,
            decl_refs,
        })
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.start(REQUESTED_AUTHN_CONTEXT);
        w.attribute(Name::local("Comparison"), self.comparison.text());
        for class in &self.class_refs {
            w.element(AUTHN_CONTEXT_CLASS_REF, class);
        }
        for declaration in &self.decl_refs {
            w.element(AUTHN_CONTEXT_DECL_REF, declaration);
        }
        w.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = CLASSES[3];
    const MFA: &str = CLASSES[8];
    const OTHER: &str = "urn:example:retina";

    fn satisfied(comparison: Comparison, wanted: &[&str], actual: &str) -> bool {
        let class_refs = wanted.iter().map(|w| (*w).to_owned()).collect();
        let requested = RequestedAuthnContext {
            comparison,
            class_refs,
            decl_refs: Vec::new(),
        };
        requested.is_satisfied_by(Some(actual))
    }

    #[test]
    fn a146_every_comparison() {
        use Comparison::{Better, Exact, Maximum, Minimum};
        for (comparison, wanted, good, bad) in [
            (
                Exact,
                [PASSWORD].as_slice(),
                [PASSWORD].as_slice(),
                [MFA, OTHER].as_slice(),
            ),
            (Exact, &[PASSWORD, OTHER], &[PASSWORD, OTHER], &[MFA]),
            (Minimum, &[PASSWORD], &[PASSWORD, MFA], &[CLASSES[2], OTHER]),
            (Minimum, &[OTHER], &[OTHER], &[PASSWORD, MFA]),
            (Maximum, &[PASSWORD], &[PASSWORD, CLASSES[2]], &[MFA, OTHER]),
            (Better, &[PASSWORD], &[MFA], &[PASSWORD, CLASSES[2], OTHER]),
            (Better, &[PASSWORD, MFA], &[CLASSES[10]], &[MFA]),
            (Better, &[OTHER], &[], &[OTHER, MFA]),
        ] {
            for actual in good {
                assert!(
                    satisfied(comparison, wanted, actual),
                    "{comparison:?} {wanted:?} {actual}"
                );
            }
            for actual in bad {
                assert!(
                    !satisfied(comparison, wanted, actual),
                    "{comparison:?} {wanted:?} {actual}"
                );
            }
        }
        assert!(satisfied(Exact, &[], OTHER));
        assert!(!RequestedAuthnContext::exact([PASSWORD]).is_satisfied_by(None));
        let mut declared = RequestedAuthnContext::default();
        declared
            .decl_refs
            .push("urn:example:declaration".to_owned());
        assert!(!declared.is_satisfied_by(Some(PASSWORD)));
    }
}
