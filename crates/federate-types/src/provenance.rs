use crate::EntityId;
use serde::{Deserialize, Serialize};

/// What an assertion rests on besides its issuer's own word (`[SAMLCore] 3.4.1.5`): nothing by
/// default, the issuer asked the person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The identity providers that took part before the issuer, the nearest to it last
    /// (AuthenticatingAuthority, `[SAMLCore] 2.7.2.2`).
    pub authorities: Vec<String>,
    /// Which assertions may be based on it, if that is restricted.
    pub restriction: Option<ProxyRestriction>,
}

impl Provenance {
    /// That of an assertion which is based on one of this provenance by this issuer.
    #[must_use]
    pub fn passed_on(&self, issuer: &EntityId) -> Self {
        let issuer = issuer.as_str().to_owned();
        Self {
            authorities: self.authorities.iter().cloned().chain([issuer]).collect(),
            restriction: self.restriction.as_ref().map(ProxyRestriction::passed_on),
        }
    }

    /// Whether an assertion for this audience may be based on one of this provenance.
    #[must_use]
    pub fn allows(&self, audience: &EntityId) -> bool {
        let restriction = self.restriction.as_ref();
        restriction.is_none_or(|restriction| restriction.allows(audience.as_str()))
    }
}

/// How far an assertion may be passed on: which assertions others may base on it
/// (`[SAMLCore] 2.5.1.6`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyRestriction {
    /// How many times in a row; any number if absent. At 0 nobody may base an assertion on it.
    pub count: Option<u32>,
    /// Whom such assertions may be for; anybody if there is none.
    pub audiences: Vec<String>,
}

impl ProxyRestriction {
    /// Whether an assertion for this audience may be based on one that is restricted so.
    fn allows(&self, audience: &str) -> bool {
        let audiences = &self.audiences;
        self.count != Some(0) && (audiences.is_empty() || audiences.iter().any(|a| a == audience))
    }

    /// What an assertion must say that is based on one that is restricted so: one time less,
    /// and nobody else.
    fn passed_on(&self) -> Self {
        Self {
            count: self.count.map(|count| count.saturating_sub(1)),
            audiences: self.audiences.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "https://a.example";
    const B: &str = "https://b.example";

    #[test]
    fn an_assertion_is_passed_on_as_often_as_it_says() {
        let twice = ProxyRestriction {
            count: Some(2),
            audiences: Vec::new(),
        };
        assert!(twice.allows(A));
        let once = twice.passed_on();
        assert!(once.allows(A));
        let never = once.passed_on();
        assert_eq!(never.count, Some(0));
        assert!(!never.allows(A));
        assert_eq!(never.passed_on(), never);
        assert!(ProxyRestriction::default().allows(A));
        assert_eq!(ProxyRestriction::default().passed_on().count, None);
    }

    #[test]
    fn an_assertion_is_passed_on_to_whom_it_names() {
        let for_a = ProxyRestriction {
            count: None,
            audiences: vec![A.to_owned()],
        };
        assert!(for_a.allows(A));
        assert!(!for_a.allows(B));
        assert!(!for_a.allows("https://a.example/"));
        assert_eq!(for_a.passed_on(), for_a);
    }

    #[test]
    fn who_took_part_is_told_in_order() {
        let [first, second, audience] =
            [A, B, "https://c.example"].map(|id| EntityId::new(id).unwrap());
        let own = Provenance::default();
        assert!(own.allows(&audience));
        let passed = own.passed_on(&first).passed_on(&second);
        assert_eq!(passed.authorities, [A, B]);
        assert_eq!(passed.restriction, None);
        let restricted = Provenance {
            restriction: Some(ProxyRestriction {
                count: Some(1),
                audiences: Vec::new(),
            }),
            ..own
        };
        assert!(restricted.allows(&audience));
        assert!(!restricted.passed_on(&first).allows(&audience));
    }
}
