//! Changes for the operator. What the document wrote is escaped.

use super::{Difference, EntityChange, PublishedEndpoint, PublishedKey};
use crate::KeyUse;
use crate::duration::format_duration;
use chrono::{DateTime, TimeDelta, Utc};
use federate_xml::format_instant;
use std::fmt;

impl fmt::Display for EntityChange {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.entity_id().as_str().escape_debug();
        match self {
            Self::Added { .. } => write!(f, "{id} was added"),
            Self::Removed { .. } => write!(f, "{id} was removed"),
            Self::Changed { differences, .. } => {
                write!(f, "{id} changed")?;
                for (number, difference) in differences.iter().enumerate() {
                    f.write_str(if number == 0 { ": " } else { "; " })?;
                    difference.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoleAdded { role } => write!(f, "{role} was added"),
            Self::RoleRemoved { role } => write!(f, "{role} was removed"),
            Self::KeyAdded { role, key } => write!(f, "{role}: key added: {key}"),
            Self::KeyRemoved { role, key } => write!(f, "{role}: key removed: {key}"),
            Self::EndpointAdded { endpoint } => {
                write!(f, "{}: added {endpoint}", endpoint.role)
            }
            Self::EndpointRemoved { endpoint } => {
                write!(f, "{}: removed {endpoint}", endpoint.role)
            }
            Self::EndpointMoved { before, after } => {
                let to = &after.endpoint.location;
                write!(f, "{}: moved {before} to {to}", after.role)
            }
            Self::EndpointChanged { before, after } => {
                write!(f, "{}: {before} became {after}", after.role)
            }
            Self::ValidUntilChanged { of, before, after } => {
                let (before, after) = (instant(*before), instant(*after));
                write!(f, "{of}: validUntil was {before} and is {after}")
            }
            Self::CacheDurationChanged { of, before, after } => {
                let (before, after) = (duration(*before), duration(*after));
                write!(f, "{of}: cacheDuration was {before} and is {after}")
            }
            Self::SigningChanged {
                role,
                attribute,
                after,
            } => write!(f, "{role}: {attribute} is {after} now"),
            Self::OtherChanged { of, what } => write!(f, "{of}: {what} changed"),
        }
    }
}

impl fmt::Display for PublishedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.key_use {
            KeyUse::Signing => "signing",
            KeyUse::Encryption => "encryption",
            KeyUse::Both => "signing and encryption",
        })?;
        write!(f, ", SHA-256 {}", self.fingerprint.to_fingerprint())
    }
}

impl fmt::Display for PublishedEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.endpoint.binding.uri();
        // The last part says all that people need.
        let binding = uri.rsplit(':').next().unwrap_or(uri).escape_debug();
        write!(f, "{} {binding}", self.service)?;
        if let Some(index) = self.index {
            write!(f, " {index}")?;
        }
        if self.is_default == Some(true) {
            f.write_str(" (default)")?;
        }
        write!(f, " {}", self.endpoint.location)?;
        match &self.endpoint.response_location {
            Some(location) => write!(f, " (responses to {location})"),
            None => Ok(()),
        }
    }
}

fn instant(instant: Option<DateTime<Utc>>) -> String {
    instant.map_or_else(|| "none".to_owned(), format_instant)
}

fn duration(duration: Option<TimeDelta>) -> String {
    duration.map_or_else(|| "none".to_owned(), format_duration)
}
