use crate::terminal::visible;
use std::fmt;

/// Why the command cannot do what was asked: wrong usage or an unreadable file. One line that
/// names the option or the file.
#[derive(Debug)]
pub(crate) struct Problem(String);

impl Problem {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }

    /// The problem of a thing that is named first.
    pub(crate) fn of(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self(format!("{what}: {why}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible(&self.0))
    }
}
