use crate::Localized;

/// An attribute that a party can give, or that a federation says of an entity: `saml:Attribute`
/// (`[SAMLCore] 2.7.3.1`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// How the name is to be understood, a URI.
    pub name_format: Option<String>,
    /// A name for people, which identifies nothing.
    pub friendly_name: Option<String>,
    /// Its values, if they are told.
    pub values: Vec<String>,
}

/// An attribute that a service provider asks for (`[SAMLMeta] 2.4.4.2`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RequestedAttribute {
    /// Its name.
    pub name: String,
    /// How the name is to be understood, a URI.
    pub name_format: Option<String>,
    /// A name for people, which identifies nothing.
    pub friendly_name: Option<String>,
    /// Whether the service needs it in order to work; absent means false.
    pub is_required: bool,
    /// The values it can use; none means any.
    pub values: Vec<String>,
}

/// A set of attributes that a service provider asks for, which requests can name by number
/// (`[SAMLMeta] 2.4.4.1`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AttributeConsumingService {
    /// The number by which requests name it.
    pub index: u16,
    /// Whether it claims to be the default, or not to be it.
    pub is_default: Option<bool>,
    /// What the service is called.
    pub service_names: Vec<Localized>,
    /// What the service is.
    pub service_descriptions: Vec<Localized>,
    /// What it asks for.
    pub requested_attributes: Vec<RequestedAttribute>,
}
