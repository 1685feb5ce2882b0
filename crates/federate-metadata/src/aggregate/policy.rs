use super::AggregateError;
use crate::MetadataError;
use chrono::{DateTime, TimeDelta, Utc};
use federate_xml::StreamLimits;

/// What an aggregate must be like, and what it may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregatePolicy {
    /// Whether it must say until when it is valid; yes. Otherwise whoever can hold back newer
    /// documents could make this one last for ever.
    pub require_valid_until: bool,
    /// The longest time from now for which it may be valid; 30 days.
    pub max_validity: Option<TimeDelta>,
    /// What reading it may cost.
    pub limits: StreamLimits,
    /// Entities and groups; 200,000. Each needs some 150 octets of memory.
    pub entities: usize,
    /// Octets of the descriptions that are held in memory because they were asked for lately;
    /// 8 MiB.
    pub cached: usize,
}

impl Default for AggregatePolicy {
    fn default() -> Self {
        Self {
            require_valid_until: true,
            max_validity: Some(TimeDelta::days(30)),
            limits: StreamLimits::default(),
            entities: 200_000,
            cached: 8 * 1024 * 1024,
        }
    }
}

impl AggregatePolicy {
    /// [SAMLMeta] 2.3.1: validUntil is the expiration instant; at it, it is over.
    pub(super) fn check(
        &self,
        valid_until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), AggregateError> {
        let Some(until) = valid_until else {
            return match self.require_valid_until {
                true => Err(AggregateError::NoValidUntil),
                false => Ok(()),
            };
        };
        if now >= until {
            return Err(MetadataError::Expired.into());
        }
        match self.max_validity {
            Some(most) if until - now > most => Err(AggregateError::ValidTooLong {
                days: most.num_days(),
            }),
            _ => Ok(()),
        }
    }
}
