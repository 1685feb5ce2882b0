use crate::{Localized, Location, OpaqueElement};

/// Who stands behind an entity (`[SAMLMeta] 2.3.2.1`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Organization {
    /// Extensions, kept as they are.
    pub extensions: Vec<OpaqueElement>,
    /// Its names.
    pub names: Vec<Localized>,
    /// Its names for people.
    pub display_names: Vec<Localized>,
    /// Its web sites.
    pub urls: Vec<Localized<Location>>,
}

/// Whom to ask about an entity (`[SAMLMeta] 2.3.2.2`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ContactPerson {
    /// About what.
    pub contact_type: ContactType,
    /// What `contact_type` `other` means, by the URI that REFEDS gave it
    /// (`remd:contactType`).
    pub refeds_type: Option<String>,
    /// Extensions, kept as they are.
    pub extensions: Vec<OpaqueElement>,
    /// The company.
    pub company: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The surname.
    pub sur_name: Option<String>,
    /// Addresses of mail, often with `mailto:` before.
    pub email_addresses: Vec<String>,
    /// Telephone numbers.
    pub telephone_numbers: Vec<String>,
}

impl ContactPerson {
    /// The `refeds_type` of contacts for incidents.
    pub const SECURITY: &'static str = "http://refeds.org/metadata/contactType/security";

    /// Whether this is whom to tell about incidents.
    #[must_use]
    pub fn is_for_security(&self) -> bool {
        self.contact_type == ContactType::Other
            && self.refeds_type.as_deref() == Some(Self::SECURITY)
    }
}

/// What a contact is for (`[SAMLMeta] 2.3.2.2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ContactType {
    /// `technical`.
    Technical,
    /// `support`.
    Support,
    /// `administrative`.
    Administrative,
    /// `billing`.
    Billing,
    /// `other`.
    #[default]
    Other,
}

impl ContactType {
    const ALL: [Self; 5] = [
        Self::Technical,
        Self::Support,
        Self::Administrative,
        Self::Billing,
        Self::Other,
    ];

    /// The type of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Its name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Technical => "technical",
            Self::Support => "support",
            Self::Administrative => "administrative",
            Self::Billing => "billing",
            Self::Other => "other",
        }
    }
}

/// Where there is more about an entity, in another form (`[SAMLMeta] 2.3.2.3`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AdditionalMetadataLocation {
    /// The namespace of what is there.
    pub namespace: String,
    /// Where it is.
    pub location: Location,
}
