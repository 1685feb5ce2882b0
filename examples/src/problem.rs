use std::fmt;

/// Why the program cannot start: one line that names the option, the file or the key.
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
        f.write_str(&self.0)
    }
}

impl From<federate::FederateError> for Problem {
    fn from(error: federate::FederateError) -> Self {
        Self(error.to_string())
    }
}
