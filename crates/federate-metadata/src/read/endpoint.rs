//! Reading endpoints: a bad one is dropped, the others stay.

use super::SPACE;
use crate::{Diagnostic, Endpoint, EndpointBinding, IndexedEndpoint, Location};
use federate_xml::{Element, Name, ReadProblem};
use std::collections::HashSet;

/// The endpoints of one service.
pub(super) fn all(
    role: Element<'_>,
    service: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Vec<Endpoint> {
    role.child_elements()
        .filter(|child| child.is(Name::md(service)))
        .filter_map(|child| {
            endpoint(child)
                .map_err(|reason| found.push(Diagnostic::EndpointDropped { service, reason }))
                .ok()
        })
        .collect()
}

/// The endpoints of one service whose endpoints have an index.
pub(super) fn all_indexed(
    role: Element<'_>,
    service: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Vec<IndexedEndpoint> {
    let mut read = Vec::new();
    for child in role
        .child_elements()
        .filter(|child| child.is(Name::md(service)))
    {
        match indexed(child) {
            Ok(endpoint) => read.push(endpoint),
            Err(reason) => found.push(Diagnostic::EndpointDropped { service, reason }),
        }
    }
    let mut taken = HashSet::new();
    for index in read.iter().filter_map(|endpoint| endpoint.index) {
        if !taken.insert(index) {
            found.push(Diagnostic::DuplicateIndex { service, index });
        }
    }
    let defaults = read.iter().filter(|e| e.is_default == Some(true)).count();
    if defaults > 1 {
        found.push(Diagnostic::SeveralDefaults { service });
    }
    let mut free = (0..=u16::MAX).filter(|index| !taken.contains(index));
    read.into_iter()
        .filter_map(|endpoint| {
            let index = endpoint.index.or_else(|| {
                found.push(Diagnostic::MissingIndex { service });
                free.next()
            });
            Some(IndexedEndpoint {
                index: index?,
                is_default: endpoint.is_default,
                endpoint: endpoint.endpoint,
            })
        })
        .collect()
}

struct Indexed {
    index: Option<u16>,
    is_default: Option<bool>,
    endpoint: Endpoint,
}

fn indexed(element: Element<'_>) -> Result<Indexed, ReadProblem> {
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
        endpoint: endpoint(element)?,
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

fn location(
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
