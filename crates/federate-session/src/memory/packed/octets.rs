//! Numbers, texts and instants as few octets.

use super::super::words::{Table, Word};
use chrono::{DateTime, TimeDelta, Utc};

/// In nanoseconds.
const MILLISECOND: u64 = 1_000_000;

/// Writes octets.
pub(super) struct Writer(Vec<u8>);

impl Default for Writer {
    fn default() -> Self {
        Self(Vec::with_capacity(512))
    }
}

impl Writer {
    /// What was written, in a new place of exactly that size: to shrink the old one would
    /// leave a hole behind each session.
    pub(super) fn finish(self) -> Box<[u8]> {
        Box::from(self.0.as_slice())
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn octets(&mut self, octets: &[u8]) {
        self.0.extend_from_slice(octets);
    }

    /// Seven bits to the octet, the lowest first.
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    /// An instant near `base`, exactly.
    pub(super) fn instant(&mut self, at: DateTime<Utc>, base: i64) {
        let distance = at.timestamp().wrapping_sub(base);
        // The sign goes to the lowest bit, so small numbers of both signs are short.
        self.number(((distance << 1) ^ (distance >> 63)) as u64);
        // Most clocks of other parties tell seconds or milliseconds.
        let nanos = u64::from(at.timestamp_subsec_nanos());
        match nanos % MILLISECOND {
            0 => self.number((nanos / MILLISECOND) << 1),
            _ => self.number(nanos << 1 | 1),
        }
    }

    /// A duration, exactly.
    pub(super) fn delta(&mut self, delta: TimeDelta) {
        self.octets(&delta.num_seconds().to_le_bytes());
        self.octets(&delta.subsec_nanos().to_le_bytes());
    }

    /// A text; `_` and an even number of hexadecimal digits, as random identifiers are
    /// written, takes half.
    pub(super) fn text(&mut self, text: &str) {
        if let Some(octets) = hexadecimal(text) {
            self.number((octets.len() as u64) << 1 | 1);
            self.octets(&octets);
        } else {
            self.number((text.len() as u64) << 1);
            self.octets(text.as_bytes());
        }
    }

    /// A word by its number, or as it is.
    pub(super) fn word<T: Word>(&mut self, word: &T, number: Option<u32>) {
        match number {
            Some(number) => self.number(u64::from(number) + 1),
            None => {
                self.byte(0);
                self.text(&word.to_text());
            }
        }
    }
}

/// Reads what a [`Writer`] wrote; `None` for anything else.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn octets(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn instant(&mut self, base: i64) -> Option<DateTime<Utc>> {
        let number = self.number()?;
        let distance = (number >> 1) as i64 ^ -((number & 1) as i64);
        let number = self.number()?;
        let nanos = match number & 1 {
            0 => (number >> 1).checked_mul(MILLISECOND)?,
            _ => number >> 1,
        };
        let nanos = u32::try_from(nanos).ok()?;
        DateTime::from_timestamp(base.wrapping_add(distance), nanos)
    }

    pub(super) fn delta(&mut self) -> Option<TimeDelta> {
        let seconds = i64::from_le_bytes(self.array()?);
        let nanos = i32::from_le_bytes(self.array()?);
        let seconds = TimeDelta::try_seconds(seconds)?;
        seconds.checked_add(&TimeDelta::nanoseconds(i64::from(nanos)))
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let head = self.number()?;
        let octets = self.octets(usize::try_from(head >> 1).ok()?)?;
        if head & 1 == 0 {
            return String::from_utf8(octets.to_vec()).ok();
        }
        let mut text = String::with_capacity(1 + 2 * octets.len());
        text.push('_');
        let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]);
        text.extend(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
        Some(text)
    }

    pub(super) fn word<T: Word>(&mut self, table: &Table<T>) -> Option<T> {
        match self.number()?.checked_sub(1) {
            Some(number) => table.word(u32::try_from(number).ok()?).cloned(),
            None => T::from_text(self.text()?),
        }
    }
}

/// The octets of a text that is `_` and their digits, in lower case.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix('_')?.as_bytes();
    if digits.is_empty() || digits.len() % 2 != 0 {
        return None;
    }
    let mut octets = Vec::with_capacity(digits.len() / 2);
    for pair in digits.chunks_exact(2) {
        let [high, low] = pair else { return None };
        octets.push(digit(*high)? << 4 | digit(*low)?);
    }
    Some(octets)
}

const fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}
