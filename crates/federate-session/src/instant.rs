//! How instants and durations are stored: exact, and compact in a binary format.
//!
//! For `#[serde(with = "federate_session::instant")]` on a `DateTime<Utc>`; `option` does
//! the same for an `Option`, and `delta` for a `TimeDelta`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Writes an instant as seconds since 1970 and nanoseconds.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(instant: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    (instant.timestamp(), instant.timestamp_subsec_nanos()).serialize(to)
}

/// Reads what [`serialize`] wrote.
///
/// # Errors
/// Those of the deserializer, and a number outside of the calendar.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    let (seconds, nanos) = <(i64, u32)>::deserialize(from)?;
    DateTime::from_timestamp(seconds, nanos).ok_or_else(|| D::Error::custom("no such instant"))
}

/// The same for an instant that may be absent.
pub mod option {
    use super::*;

    /// Writes an instant, if there is one.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        instant: &Option<DateTime<Utc>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        instant
            .map(|at| (at.timestamp(), at.timestamp_subsec_nanos()))
            .serialize(to)
    }

    /// Reads what [`serialize`] wrote.
    ///
    /// # Errors
    /// Those of the deserializer, and a number outside of the calendar.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        Option::<(i64, u32)>::deserialize(from)?
            .map(|(seconds, nanos)| {
                DateTime::from_timestamp(seconds, nanos)
                    .ok_or_else(|| D::Error::custom("no such instant"))
            })
            .transpose()
    }
}

/// The same for a duration.
pub mod delta {
    use super::*;
    use chrono::TimeDelta;

    /// Writes a duration as whole seconds, rounded down, and nanoseconds.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(delta: &TimeDelta, to: S) -> Result<S::Ok, S::Error> {
        let nanos = delta.subsec_nanos();
        // `num_seconds` rounds towards zero; the stored form wants 0 <= nanoseconds.
        let (seconds, nanos) = if nanos < 0 {
            (delta.num_seconds() - 1, nanos + 1_000_000_000)
        } else {
            (delta.num_seconds(), nanos)
        };
        (seconds, nanos.unsigned_abs()).serialize(to)
    }

    /// Reads what [`serialize`] wrote.
    ///
    /// # Errors
    /// Those of the deserializer, and a number beyond the longest duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TimeDelta, D::Error> {
        let (seconds, nanos) = <(i64, u32)>::deserialize(from)?;
        TimeDelta::new(seconds, nanos).ok_or_else(|| D::Error::custom("no such duration"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Stored {
        #[serde(with = "crate::instant")]
        at: DateTime<Utc>,
        #[serde(with = "crate::instant::option")]
        cap: Option<DateTime<Utc>>,
        #[serde(with = "crate::instant::delta")]
        idle: TimeDelta,
    }

    proptest::proptest! {
        #[test]
        fn reads_back_exactly(
            seconds in -8_000_000_000_000_i64..8_000_000_000_000,
            nanos in 0_u32..1_000_000_000,
            millis in proptest::num::i64::ANY,
            cap in proptest::bool::ANY,
        ) {
            let at = DateTime::from_timestamp(seconds, nanos).unwrap();
            let idle = TimeDelta::try_milliseconds(millis).unwrap_or_default();
            let stored = Stored { at, cap: cap.then_some(at), idle };
            let octets = postcard::to_allocvec(&stored).unwrap();
            let read: Stored = postcard::from_bytes(&octets).unwrap();
            proptest::prop_assert_eq!(read, stored);
        }
    }
}
