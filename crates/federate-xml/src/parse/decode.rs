//! References, line ends and attribute-value normalization.

use super::chars::is_char;
use crate::error::{ParseError, ParseErrorKind};

/// The character that `&name;` stands for, given without its `&` and `;`: one of the five
/// predefined entities (`[XML] 4.6`) or a character reference (`[XML] 4.1`).
pub(super) fn reference(name: &str, offset: usize) -> Result<char, ParseError> {
    let refused = |kind| Err(ParseError::new(offset, kind));
    let code = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "apos" => return Ok('\''),
        "quot" => return Ok('"'),
        _ => match name.strip_prefix('#') {
            None => return refused(ParseErrorKind::UnknownEntity),
            Some(number) => number,
        },
    };
    let (digits, radix) = match code.strip_prefix('x') {
        Some(hex) => (hex, 16),
        None => (code, 10),
    };
    // `from_str_radix` would also take a sign.
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return refused(ParseErrorKind::NotWellFormed("a character reference"));
    }
    u32::from_str_radix(digits, radix)
        .ok()
        .and_then(char::from_u32)
        .filter(|c| is_char(*c))
        .ok_or(ParseError::new(offset, ParseErrorKind::InvalidCharacter))
}

/// Appends text with its line ends normalized: `[XML] 2.11`.
pub(super) fn push_text(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\r') {
        out.push_str(before);
        out.push('\n');
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    out.push_str(rest);
}

/// Appends an attribute value, normalized: `[XML] 3.3.3`. A literal tab or line end becomes
/// a space, one that is written as a reference stays what it is.
pub(super) fn push_attribute(out: &mut String, raw: &str, offset: usize) -> Result<(), ParseError> {
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        let (before, special) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = special.strip_prefix('&') {
            let here = offset + (raw.len() - special.len());
            let Some((name, after)) = after.split_once(';') else {
                return Err(ParseError::new(
                    here,
                    ParseErrorKind::NotWellFormed("a reference is not closed"),
                ));
            };
            out.push(reference(name, here)?);
            rest = after;
        } else {
            out.push(' ');
            rest = match special.strip_prefix("\r\n") {
                Some(after) => after,
                None => special.get(1..).unwrap_or_default(),
            };
        }
    }
    out.push_str(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        assert_eq!(reference("#x41", 0).unwrap(), 'A');
        assert_eq!(reference("#10", 0).unwrap(), '\n');
        for name in [
            "nbsp",
            "",
            "#",
            "#x",
            "#-1",
            "#+65",
            "#x110000",
            "#xd800",
            "#0",
            "#99999999999999999999",
        ] {
            assert!(reference(name, 0).is_err(), "{name}");
        }
    }

    #[test]
    fn a057_attribute_values_are_normalized() {
        let normal = |raw: &str| {
            let mut out = String::new();
            push_attribute(&mut out, raw, 0).map(|()| out)
        };
        assert_eq!(normal("a\tb\nc\r\nd\re").unwrap(), "a b c d e");
        assert_eq!(normal("a&#9;b&#10;c&#13;d").unwrap(), "a\tb\nc\rd");
        assert_eq!(normal("&lt;&amp;amp;").unwrap(), "<&amp;");
        assert_eq!(normal("ab&amp").unwrap_err().offset, 2);
    }

    #[test]
    fn line_ends() {
        let mut out = String::new();
        push_text(&mut out, "a\r\nb\rc\n\r\r\n");
        assert_eq!(out, "a\nb\nc\n\n\n");
    }
}
