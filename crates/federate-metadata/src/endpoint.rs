use crate::Location;
use federate_types::Binding;

/// The binding of an endpoint: one of SAML 2.0's, or another one by its URI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EndpointBinding {
    /// A binding of `[SAMLBind]`.
    Known(Binding),
    /// Any other URI, for example of SAML 1.1; we do not speak it, and keep it.
    Other(String),
}

impl EndpointBinding {
    /// The binding that an identifier names.
    #[must_use]
    pub fn from_uri(uri: &str) -> Self {
        Binding::from_uri(uri).map_or_else(|| Self::Other(uri.to_owned()), Self::Known)
    }

    /// The identifier, as metadata has it.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self {
            Self::Known(binding) => binding.uri(),
            Self::Other(uri) => uri,
        }
    }

    /// The binding, if it is one of SAML 2.0's.
    #[must_use]
    pub const fn known(&self) -> Option<Binding> {
        match self {
            Self::Known(binding) => Some(*binding),
            Self::Other(_) => None,
        }
    }
}

impl From<Binding> for EndpointBinding {
    fn from(binding: Binding) -> Self {
        Self::Known(binding)
    }
}

/// Where a party takes messages, and by which binding (`[SAMLMeta] 2.2.2`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Endpoint {
    /// How messages come.
    pub binding: EndpointBinding,
    /// Where they come to.
    pub location: Location,
    /// Where responses come to, if elsewhere.
    pub response_location: Option<Location>,
}

impl Endpoint {
    /// An endpoint that takes requests and responses at one address.
    #[must_use]
    pub fn new(binding: impl Into<EndpointBinding>, location: Location) -> Self {
        Self {
            binding: binding.into(),
            location,
            response_location: None,
        }
    }

    /// Where responses are sent to (`[SAMLMeta] 2.2.2`): the `ResponseLocation`, and without
    /// one the `Location`.
    #[must_use]
    pub fn response_location_or_location(&self) -> &Location {
        self.response_location.as_ref().unwrap_or(&self.location)
    }

    /// Whether messages come by this binding.
    #[must_use]
    pub fn is_for(&self, binding: Binding) -> bool {
        self.binding.known() == Some(binding)
    }

    /// The first of the endpoints with this binding: the order is the publisher's preference.
    pub(crate) fn first_for(endpoints: &[Endpoint], binding: Binding) -> Option<&Endpoint> {
        endpoints.iter().find(|endpoint| endpoint.is_for(binding))
    }
}

/// One of several like endpoints, which messages can name by number (`[SAMLMeta] 2.2.3`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct IndexedEndpoint {
    /// The number by which requests name it.
    pub index: u16,
    /// Whether it claims to be the default, or not to be it.
    pub is_default: Option<bool>,
    /// The endpoint itself.
    pub endpoint: Endpoint,
}

impl IndexedEndpoint {
    /// An endpoint that says nothing about being the default.
    #[must_use]
    pub const fn new(index: u16, endpoint: Endpoint) -> Self {
        Self {
            index,
            is_default: None,
            endpoint,
        }
    }

    /// The default of several endpoints (`[SAMLMeta] 2.2.3`): the first with `isDefault` true;
    /// else the first that has no `isDefault`; else the first.
    pub(crate) fn default_of<'a>(
        endpoints: impl Iterator<Item = &'a Self> + Clone,
    ) -> Option<&'a Self> {
        default_by(endpoints, |endpoint| endpoint.is_default)
    }
}

/// The first that claims to be the default; else the first that claims nothing; else the first.
pub(crate) fn default_by<'a, T>(
    all: impl Iterator<Item = &'a T> + Clone,
    is_default: impl Fn(&T) -> Option<bool>,
) -> Option<&'a T> {
    let first = |claim| all.clone().find(|one| is_default(one) == claim);
    first(Some(true))
        .or_else(|| first(None))
        .or_else(|| first(Some(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexed(index: u16, is_default: Option<bool>) -> IndexedEndpoint {
        let location = Location::new(format!("https://sp.example/{index}")).unwrap();
        let endpoint = Endpoint::new(Binding::HttpPost, location);
        IndexedEndpoint {
            is_default,
            ..IndexedEndpoint::new(index, endpoint)
        }
    }

    #[test]
    fn the_default_follows_the_rule() {
        const YES: Option<bool> = Some(true);
        const NO: Option<bool> = Some(false);
        for (claims, expected) in [
            (&[][..], None),
            (&[None, None], Some(0)),
            (&[NO, None, YES], Some(2)),
            (&[YES, YES], Some(0)),
            (&[NO, None, None], Some(1)),
            (&[NO, NO], Some(0)),
        ] {
            let endpoints: Vec<_> = (0..).zip(claims).map(|(i, c)| indexed(i, *c)).collect();
            let default = IndexedEndpoint::default_of(endpoints.iter());
            assert_eq!(default.map(|e| e.index), expected, "{claims:?}");
        }
    }

    #[test]
    fn responses_go_to_the_response_location_if_there_is_one() {
        let mut endpoint = indexed(1, None).endpoint;
        assert_eq!(endpoint.response_location_or_location(), &endpoint.location);
        let elsewhere = Location::new("https://sp.example/responses").unwrap();
        endpoint.response_location = Some(elsewhere.clone());
        assert_eq!(endpoint.response_location_or_location(), &elsewhere);
    }

    #[test]
    fn unknown_bindings_keep_their_uri() {
        let binding = EndpointBinding::from_uri("urn:x");
        assert_eq!((binding.uri(), binding.known()), ("urn:x", None));
        let post = EndpointBinding::from_uri(Binding::HttpPost.uri());
        assert_eq!(post.known(), Some(Binding::HttpPost));
    }
}
