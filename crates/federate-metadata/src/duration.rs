//! `xs:duration`, as far as a caching hint needs it.

use chrono::TimeDelta;

/// The longest `cacheDuration` that is believed; longer ones are read as this one.
pub const MAX_CACHE_DURATION: TimeDelta = TimeDelta::days(366);

/// The designators in the order of `[XMLSchema2] 3.2.6`, with their seconds: date, then time.
/// A month and a year have no fixed length: the short one makes caches refresh earlier.
const DATE: [(char, u64); 3] = [('Y', 365 * 86_400), ('M', 28 * 86_400), ('D', 86_400)];
const TIME: [(char, u64); 3] = [('H', 3600), ('M', 60), ('S', 1)];

/// Reads an `xs:duration` of at most 64 octets: negative ones become zero, those beyond
/// [`MAX_CACHE_DURATION`] become that, fractions of a second are cut off.
pub(crate) fn parse_duration(text: &str) -> Option<TimeDelta> {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    if text.len() > 64 {
        return None;
    }
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let text = text.strip_prefix('P')?;
    let (date, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None if text.is_empty() => return None,
        None => (text, ""),
    };
    let seconds = fields(date, &DATE)?.saturating_add(fields(time, &TIME)?);
    if negative {
        return Some(TimeDelta::zero());
    }
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Some(TimeDelta::seconds(
        seconds.min(MAX_CACHE_DURATION.num_seconds()),
    ))
}

/// The seconds of numbers with designators, which come in order, each at most once.
fn fields(mut text: &str, designators: &[(char, u64)]) -> Option<u64> {
    let mut sum = 0u64;
    for (designator, seconds) in designators {
        // The number before this designator, if it is the next one.
        let Some((number, rest)) = text.split_once(*designator) else {
            continue;
        };
        let number = match number.split_once('.') {
            Some((whole, fraction)) if *designator == 'S' && all_digits(fraction) => whole,
            Some(_) => return None,
            None => number,
        };
        if !all_digits(number) {
            return None;
        }
        // Only the size of the number can be wrong now.
        let number = number.parse::<u64>().unwrap_or(u64::MAX);
        sum = sum.saturating_add(number.saturating_mul(*seconds));
        text = rest;
    }
    text.is_empty().then_some(sum)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Writes an `xs:duration` in whole seconds.
pub(crate) fn format_duration(duration: TimeDelta) -> String {
    format!("PT{}S", duration.num_seconds().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_forms_that_peers_write() {
        for (text, seconds) in [
            ("PT1H", 3600),
            ("P1D", 86_400),
            ("P7D", 604_800),
            ("PT604800S", 604_800),
            (" P0Y0M0DT6H0M0.000S\n", 21_600),
            ("P1M", 28 * 86_400),
            ("PT1M", 60),
            ("P1Y", 365 * 86_400),
            ("P1DT1M", 86_460),
            ("PT0S", 0),
        ] {
            let expected = Some(TimeDelta::seconds(seconds));
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }

    #[test]
    fn a234_absurd_durations_are_clamped() {
        assert_eq!(parse_duration("-P1D"), Some(TimeDelta::zero()));
        assert_eq!(parse_duration("PT0S"), Some(TimeDelta::zero()));
        for text in [
            "P2Y",
            "P99999999999999999999999999999999999999D",
            "P18446744073709551615Y",
            "PT18446744073709551615S",
        ] {
            assert_eq!(parse_duration(text), Some(MAX_CACHE_DURATION), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_duration() {
        let long = format!("P{}D", "9".repeat(100_000));
        for text in [
            "",
            "P",
            "-P",
            "PT",
            "P1",
            "1D",
            "P1DT",
            "P1H",
            "PT1D",
            "P1D1Y",
            "PT1S1M",
            "P1D1D",
            "P-1D",
            "P+1D",
            "P1.5D",
            "PT1.S",
            "PT.5S",
            "P1W",
            "p1d",
            "--P1D",
            "PT1HT1M",
            "P 1D",
            long.as_str(),
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(seconds in 0..MAX_CACHE_DURATION.num_seconds()) {
            let duration = TimeDelta::seconds(seconds);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
        }

        #[test]
        fn every_duration_is_bounded(text in "-?P?[0-9YMDTHS.]{0,30}|\\PC{0,70}") {
            if let Some(duration) = parse_duration(&text) {
                prop_assert!((TimeDelta::zero()..=MAX_CACHE_DURATION).contains(&duration));
            }
        }
    }
}
