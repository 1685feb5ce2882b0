//! Character classes of XML 1.0 (fifth edition) and Namespaces in XML.

use crate::error::{ParseError, ParseErrorKind};

/// XML white space (production 3).
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Production 2, Char.
pub(crate) const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Production 4, NameStartChar, without the colon.
const fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

/// Production 4a, NameChar, without the colon.
const fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

const START: u8 = 1;
const MIDDLE: u8 = 2;
const COLON: u8 = 3;
const BEYOND_ASCII: u8 = 4;

/// What a byte means in a qualified name; 0 ends it.
const NAME: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8 as char;
        #[allow(clippy::indexing_slicing)] // evaluated at compile time
        {
            table[byte] = match byte {
                0x80.. => BEYOND_ASCII,
                _ if c == ':' => COLON,
                _ if is_name_start(c) => START,
                _ if is_name_char(c) => MIDDLE,
                _ => 0,
            };
        }
        byte += 1;
    }
    table
};

/// Whether an ASCII character can stand in a name, the colon aside.
const IN_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[allow(clippy::indexing_slicing)] // evaluated at compile time
        {
            table[byte] = matches!(NAME[byte], START | MIDDLE);
        }
        byte += 1;
    }
    table
};

fn class(byte: u8) -> u8 {
    NAME.get(byte as usize).copied().unwrap_or(0)
}

/// `[XMLNames]` production 4, NCName.
pub(crate) fn is_ncname(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// The qualified name (`[XMLNames]` production 7) with which a text begins: its length and
/// where its local part begins. `None` if the text begins with none.
pub(crate) fn leading_qname(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let name_chars = |bytes: &[u8]| {
        let in_name = |b: &&u8| IN_NAME.get(**b as usize).copied().unwrap_or(false);
        bytes.iter().take_while(in_name).count()
    };
    let first = name_chars(bytes);
    let (len, local) = match bytes.get(first..)?.split_first() {
        Some((b':', rest)) => (first + 1 + name_chars(rest), first + 1),
        _ => (first, 0),
    };
    let class_at = |at: usize| bytes.get(at).map_or(0, |b| class(*b));
    match class_at(len) {
        BEYOND_ASCII => leading_qname_beyond_ascii(text),
        COLON => None,
        _ => (class_at(0) == START && class_at(local) == START).then_some((len, local)),
    }
}

fn leading_qname_beyond_ascii(text: &str) -> Option<(usize, usize)> {
    let ends = |b: u8| class(b) == 0;
    let len = text.bytes().position(ends).unwrap_or(text.len());
    let name = text.get(..len)?;
    match name.split_once(':') {
        None => is_ncname(name).then_some((len, 0)),
        Some((prefix, local)) => {
            (is_ncname(prefix) && is_ncname(local)).then_some((len, prefix.len() + 1))
        }
    }
}

/// Checks every character of the document once; tells whether there is white space other than
/// blanks.
pub(crate) fn check_characters(text: &str) -> Result<White, ParseError> {
    let bytes = text.as_bytes();
    let mut white = White::default();
    for (index, block) in bytes.chunks(256).enumerate() {
        // Without early exit, so that the compiler can use vectors.
        if !block.iter().fold(false, |found, b| found | (*b < b' ')) {
            continue;
        }
        let mut found = [false; 3];
        for b in block {
            let [carriage_return, tab_or_line_feed, other] = &mut found;
            let white = (*b == b'\t') | (*b == b'\n');
            *carriage_return |= *b == b'\r';
            *tab_or_line_feed |= white;
            *other |= (*b < b' ') & !white & (*b != b'\r');
        }
        let [carriage_return, tab_or_line_feed, other] = found;
        white.carriage_return |= carriage_return;
        white.tab_or_line_feed |= tab_or_line_feed;
        if other {
            let is_other = |b: &u8| *b < b' ' && !is_space(*b);
            let within = block.iter().position(is_other).unwrap_or_default();
            let kind = ParseErrorKind::InvalidCharacter;
            return Err(ParseError::new(index * 256 + within, kind));
        }
    }
    // U+FFFE and U+FFFF are the only others that UTF-8 can carry and XML cannot.
    for offset in memchr::memchr_iter(0xef, bytes) {
        if let Some([0xef, 0xbf, 0xbe | 0xbf]) = bytes.get(offset..offset + 3) {
            return Err(ParseError::new(offset, ParseErrorKind::InvalidCharacter));
        }
    }
    Ok(white)
}

/// Which white space there is in a document besides blanks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct White {
    pub carriage_return: bool,
    pub tab_or_line_feed: bool,
}

impl White {
    pub(crate) const fn any(self) -> bool {
        self.carriage_return || self.tab_or_line_feed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "_a", "A-1.b", "\u{e9}t\u{e9}"] {
            assert!(is_ncname(name), "{name}");
        }
        for name in ["", "1a", "-a", ".a", "a b", "a:b", "a\u{d7}", "\u{300}a"] {
            assert!(!is_ncname(name), "{name}");
        }
        assert_eq!(leading_qname("ds:Object"), Some((9, 3)));
        assert_eq!(leading_qname("a=1"), Some((1, 0)));
        assert_eq!(leading_qname("\u{e9}:\u{e9}t\u{e9} x"), Some((8, 3)));
        assert_eq!(leading_qname("a:\u{e9}"), Some((4, 2)));
        for name in [
            "", ":a", "a:", "::a", "a:b:c", ":", "a:1", "1:a", "a: ", "\u{d7}", "a:\u{d7}",
        ] {
            assert_eq!(leading_qname(name), None, "{name}");
        }
    }

    #[test]
    fn characters() {
        let white = |text| check_characters(text).unwrap();
        assert!(!white("a b\u{fffd}").any());
        assert!(white("a\n\tb").tab_or_line_feed && !white("a\n\tb").carriage_return);
        assert!(white("a\r").carriage_return && !white("a\r").tab_or_line_feed);
        for (text, offset) in [("a\0", 1), ("\u{b}", 0), ("ab\u{ffff}", 2), ("\u{fffe}", 0)] {
            assert_eq!(check_characters(text).unwrap_err().offset, offset);
        }
    }
}
