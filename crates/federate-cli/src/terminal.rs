//! Text of messages on a terminal: whoever wrote a message must not write the screen.

use crate::problem::Problem;
use serde::Serialize;
use std::fmt::Write as _;

/// Characters that a terminal acts on, or that make text look like other text.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line of text, with such characters as `\u{1b}`.
pub(crate) fn visible(text: &str) -> String {
    escape(text, |_| false)
}

/// As [`visible`], but line ends and tabs stay.
pub(crate) fn visible_lines(text: &str) -> String {
    escape(text, |c| matches!(c, '\n' | '\t'))
}

fn escape(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) && !stays(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c)); // a String never fails
        } else {
            out.push(c);
        }
    }
    out
}

/// JSON on a line, with such characters as `\u009b`.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Problem> {
    let text = serde_json::to_string(value).map_err(|e| Problem::of("JSON", e))?;
    let mut out = String::with_capacity(text.len() + 1);
    let mut units = [0; 2];
    for c in text.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}"); // a String never fails
            }
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_escaped() {
        let hostile = "a\u{1b}[2J\u{9b}1m\u{202e}b\r\nc\u{e0041}";
        assert_eq!(
            visible(hostile),
            "a\\u{1b}[2J\\u{9b}1m\\u{202e}b\\u{d}\\u{a}c\\u{e0041}"
        );
        assert_eq!(visible_lines("a\n\tb"), "a\n\tb");
        let json = json(&hostile).unwrap();
        assert!(json.trim_end().chars().all(|c| !acts(c)), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }
}
