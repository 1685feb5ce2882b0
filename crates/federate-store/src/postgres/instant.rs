//! Instants in columns: nanoseconds since 1970, exact from 1677 to 2262.
//!
//! `timestamptz` keeps microseconds, and an expiry that is rounded is one that is wrong. What
//! lies outside of those years is kept as their first or last instant.

use chrono::{DateTime, Utc};

/// The instant as a number.
pub(super) fn nanos(instant: DateTime<Utc>) -> i64 {
    match instant.timestamp_nanos_opt() {
        Some(nanos) => nanos,
        None if instant.timestamp() < 0 => i64::MIN,
        None => i64::MAX,
    }
}

/// The number as an instant.
pub(super) fn instant(nanos: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(nanos)
}

/// The day of an instant, counted from 1970-01-01.
pub(super) fn day(instant: DateTime<Utc>) -> i32 {
    // The calendar of `DateTime` ends long before this number does.
    i32::try_from(instant.timestamp().div_euclid(86_400)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_exact_and_saturate() {
        let now = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap();
        assert_eq!(instant(nanos(now)), now);
        assert_eq!(nanos(DateTime::<Utc>::MAX_UTC), i64::MAX);
        assert_eq!(nanos(DateTime::<Utc>::MIN_UTC), i64::MIN);
    }

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(
            day(DateTime::from_timestamp(86_399, 999_999_999).unwrap()),
            0
        );
        assert_eq!(day(DateTime::from_timestamp(86_400, 0).unwrap()), 1);
        assert_eq!(day(DateTime::from_timestamp(-1, 0).unwrap()), -1);
        assert!(day(DateTime::<Utc>::MAX_UTC) < i32::MAX);
    }
}
