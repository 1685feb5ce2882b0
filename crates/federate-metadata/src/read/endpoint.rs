//! Reading endpoints and what else has an index: a bad one is dropped, the others stay.

use super::SPACE;
use crate::{Diagnostic, Endpoint, EndpointBinding, IndexedEndpoint, Location};
use federate_xml::{Element, Name, ReadProblem};
use std::collections::BTreeSet;

/// Adds an endpoint of a service.
pub(super) fn push(
    endpoints: &mut Vec<Endpoint>,
    element: Element<'_>,
    service: &'static str,
    found: &mut Vec<Diagnostic>,
) {
    match endpoint(element) {
        Ok(endpoint) => endpoints.push(endpoint),
        Err(reason) => found.push(Diagnostic::EndpointDropped { service, reason }),
    }
}

/// What has an index, as it was written: the index may be absent.
pub(super) struct Indexed<T> {
    pub(super) index: Option<u16>,
    pub(super) is_default: Option<bool>,
    pub(super) value: T,
}

/// Adds an endpoint with an index of a service.
pub(super) fn push_indexed(
    endpoints: &mut Vec<Indexed<Endpoint>>,
    element: Element<'_>,
    service: &'static str,
    found: &mut Vec<Diagnostic>,
) {
    match indexed(element, endpoint) {
        Ok(endpoint) => endpoints.push(endpoint),
        Err(reason) => found.push(Diagnostic::EndpointDropped { service, reason }),
    }
}

/// The endpoints of one service with the indexes that they have or get.
pub(super) fn with_indexes(
    endpoints: Vec<Indexed<Endpoint>>,
    service: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Vec<IndexedEndpoint> {
    numbered(endpoints, service, found, |index, is_default, endpoint| {
        IndexedEndpoint {
            index,
            is_default,
            endpoint,
        }
    })
}

/// What one list of things with indexes holds: whoever has no index gets the lowest free one.
pub(super) fn numbered<T, U>(
    read: Vec<Indexed<T>>,
    service: &'static str,
    found: &mut Vec<Diagnostic>,
    make: impl Fn(u16, Option<bool>, T) -> U,
) -> Vec<U> {
    let mut taken = BTreeSet::new();
    for index in read.iter().filter_map(|one| one.index) {
        if !taken.insert(index) {
            found.push(Diagnostic::DuplicateIndex { service, index });
        }
    }
    let defaults = read.iter().filter(|one| one.is_default == Some(true));
    if defaults.count() > 1 {
        found.push(Diagnostic::SeveralDefaults { service });
    }
    let mut free = (0..=u16::MAX).filter(|index| !taken.contains(index));
    let with_index = read.into_iter().filter_map(|one| {
        let index = one.index.or_else(|| {
            found.push(Diagnostic::MissingIndex { service });
            free.next()
        });
        Some(make(index?, one.is_default, one.value))
    });
    with_index.collect()
}

/// Reads something with its index.
pub(super) fn indexed<T>(
    element: Element<'_>,
    read: impl FnOnce(Element<'_>) -> Result<T, ReadProblem>,
) -> Result<Indexed<T>, ReadProblem> {
    // [SAMLMeta] 2.2.3: index is required; the publisher vouched for the address all the
    // same, so without an index it is still known by its address.
    let index = match element
        .attribute("index")
        .map(|text| text.trim_matches(SPACE))
    {
        None | Some("") => None,
        Some(text) => Some(text.parse().map_err(|_| ReadProblem::InvalidValue {
            what: "index",
            expected: "a number from 0 to 65535",
        })?),
    };
    let is_default = element
        .boolean(Name::md("IndexedEndpoint"), "isDefault")
        .map_err(|error| error.problem)?;
    Ok(Indexed {
        index,
        is_default,
        value: read(element)?,
    })
}

fn endpoint(element: Element<'_>) -> Result<Endpoint, ReadProblem> {
    let binding = element
        .attribute("Binding")
        .map(|uri| uri.trim_matches(SPACE))
        .filter(|uri| !uri.is_empty())
        .ok_or(ReadProblem::MissingAttribute("Binding"))?;
    let location =
        location(element, "Location")?.ok_or(ReadProblem::MissingAttribute("Location"))?;
    Ok(Endpoint {
        binding: EndpointBinding::from_uri(binding),
        location,
        // An endpoint that sends answers somewhere unacceptable is dropped as a whole: sent
        // to its Location, they would reach something that does not expect them.
        response_location: self::location(element, "ResponseLocation")?,
    })
}

/// The address that an attribute holds, if there is one.
pub(super) fn location(
    element: Element<'_>,
    attribute: &'static str,
) -> Result<Option<Location>, ReadProblem> {
    let Some(text) = element.attribute(attribute) else {
        return Ok(None);
    };
    let invalid = ReadProblem::InvalidValue {
        what: attribute,
        expected: Location::EXPECTED,
    };
    // xs:anyURI collapses white space.
    let location = Location::new(text.trim_matches(SPACE)).map_err(|_| invalid)?;
    Ok(Some(location))
}
