use crate::InvalidValue;
use chrono::{DateTime, TimeDelta, Utc};

/// How far two parties' clocks may differ (`[SAMLCore] 1.3.3` leaves the amount to them).
///
/// From 0 to [`ClockSkew::MAX`]; 2 minutes by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockSkew(TimeDelta);

impl ClockSkew {
    /// The largest allowance: beyond it time windows stop protecting.
    pub const MAX: TimeDelta = TimeDelta::minutes(10);

    /// No allowance at all.
    pub const ZERO: ClockSkew = ClockSkew(TimeDelta::zero());

    /// Checks the amount.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is negative or more than [`ClockSkew::MAX`].
    pub fn new(allowance: TimeDelta) -> Result<Self, InvalidValue> {
        if allowance < TimeDelta::zero() || allowance > Self::MAX {
            return Err(InvalidValue::new("clock skew", "0 to 10 minutes"));
        }
        Ok(Self(allowance))
    }

    /// The amount.
    #[must_use]
    pub const fn as_delta(self) -> TimeDelta {
        self.0
    }

    /// Whether `now` lies before `instant`, even for the fastest clock allowed.
    #[must_use]
    pub fn is_before(self, now: DateTime<Utc>, instant: DateTime<Utc>) -> bool {
        instant
            .checked_sub_signed(self.0)
            .is_some_and(|earliest| now < earliest)
    }

    /// Whether `instant` has been reached, even for the slowest clock allowed: windows are
    /// half-open, at `NotOnOrAfter` itself the time is over.
    #[must_use]
    pub fn is_reached(self, now: DateTime<Utc>, instant: DateTime<Utc>) -> bool {
        instant
            .checked_add_signed(self.0)
            .is_some_and(|latest| now >= latest)
    }
}

impl Default for ClockSkew {
    fn default() -> Self {
        Self(TimeDelta::minutes(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    #[test]
    fn windows_are_half_open() {
        let exact = ClockSkew::ZERO;
        assert!(!exact.is_before(at(0), at(0)));
        assert!(exact.is_reached(at(0), at(0)));
        assert!(!exact.is_reached(at(-1), at(0)));

        let minute = ClockSkew::new(TimeDelta::seconds(60)).unwrap();
        assert!(!minute.is_before(at(-60), at(0)));
        assert!(minute.is_before(at(-61), at(0)));
        assert!(!minute.is_reached(at(59), at(0)));
        assert!(minute.is_reached(at(60), at(0)));
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let skew = ClockSkew::default();
        assert!(!skew.is_reached(DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MAX_UTC));
        assert!(!skew.is_before(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MIN_UTC));
    }

    #[test]
    fn refuses_negative_and_large_amounts() {
        assert!(ClockSkew::new(TimeDelta::seconds(-1)).is_err());
        assert!(ClockSkew::new(TimeDelta::minutes(11)).is_err());
    }
}
