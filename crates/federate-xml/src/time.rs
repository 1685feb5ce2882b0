use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};

/// Reads an `xs:dateTime` (`[SAMLCore] 1.3.3`): UTC, written with `Z`, with an offset, or
/// without either. Fractions beyond nanoseconds are cut off; the text is at most 64 octets.
#[must_use]
pub fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    let (date, time) = text.split_once('T')?;
    let (time, offset) = match time.find(['Z', '+', '-']) {
        None => (time, TimeDelta::zero()),
        Some(at) => {
            let (time, zone) = time.split_at(at);
            (time, parse_offset(zone)?)
        }
    };
    let mut fields = date.split('-');
    let year = number(fields.next()?, 4)?;
    let month = number(fields.next()?, 2)?;
    let day = number(fields.next()?, 2)?;
    if fields.next().is_some() {
        return None;
    }
    let (clock, fraction) = match time.split_once('.') {
        None => (time, 0),
        Some((clock, fraction)) => (clock, parse_fraction(fraction)?),
    };
    let mut fields = clock.split(':');
    let hour = number(fields.next()?, 2)?;
    let minute = number(fields.next()?, 2)?;
    let second = number(fields.next()?, 2)?;
    if fields.next().is_some() {
        return None;
    }
    let midnight_after = hour == 24 && minute == 0 && second == 0 && fraction == 0;
    let hour = if midnight_after { 0 } else { hour };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?
        .and_hms_nano_opt(hour, minute, second, fraction)?
        .and_utc()
        .checked_sub_signed(offset)?
        .checked_add_signed(TimeDelta::days(i64::from(midnight_after)))
}

/// Writes an `xs:dateTime` in UTC with whole seconds; a fraction is cut off, so that a limit
/// is never written later than it is.
#[must_use]
pub fn format_instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    let valid = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| text.parse().ok()).flatten()
}

fn parse_fraction(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .try_fold(0u32, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u32::from(digit - b'0'))
        })
}

fn parse_offset(zone: &str) -> Option<TimeDelta> {
    if zone == "Z" {
        return Some(TimeDelta::zero());
    }
    let (sign, rest) = match zone.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, zone.strip_prefix('-')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let minutes = number(hours, 2)? * 60 + number(minutes, 2)?;
    (minutes <= 14 * 60).then(|| TimeDelta::minutes(sign * i64::from(minutes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_that_peers_write() {
        let expected = "2026-01-31T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        for text in [
            "2026-01-31T12:00:00Z",
            " 2026-01-31T12:00:00Z\n",
            "2026-01-31T12:00:00.000Z",
            "2026-01-31T12:00:00.0000000Z",
            "2026-01-31T13:30:00+01:30",
            "2026-01-31T12:00:00",
        ] {
            assert_eq!(parse_instant(text), Some(expected), "{text}");
        }
        let next_day = "2026-02-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap();
        assert_eq!(parse_instant("2026-01-31T24:00:00Z"), Some(next_day));
    }

    #[test]
    fn a112_absurd_dates_are_refused_at_once() {
        let long_year = format!("{}-01-01T00:00:00Z", "9".repeat(100_000));
        let long_fraction = format!("2026-01-01T00:00:00.{}Z", "9".repeat(100_000));
        for text in [
            "",
            "T",
            "2026-01-31",
            "2026-02-30T00:00:00Z",
            "2026-1-31T00:00:00Z",
            "-026-01-31T00:00:00Z",
            "2026-01-31T25:00:00Z",
            "2026-01-31T24:00:01Z",
            "2026-01-31T00:00:00.Z",
            "2026-01-31T00:00:00ZZ",
            "2026-01-31T00:00:00+99:00",
            "2026-01-31T00:00:00 Z",
            long_year.as_str(),
            long_fraction.as_str(),
        ] {
            assert_eq!(parse_instant(text), None, "{}", text.len());
        }
    }

    #[test]
    fn writing_cuts_fractions_off() {
        let instant = parse_instant("2026-01-31T12:00:00.999Z").unwrap();
        assert_eq!(format_instant(instant), "2026-01-31T12:00:00Z");
    }
}
