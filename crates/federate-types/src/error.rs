/// A value that does not satisfy the rule of its type.
///
/// The offending text is not part of the message: it may come from an attacker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: expected {expected}")]
pub struct InvalidValue {
    /// Which value was refused, for example `entityID`.
    pub what: &'static str,
    /// What would have been accepted.
    pub expected: &'static str,
}

impl InvalidValue {
    /// Names the refused value and the rule it broke.
    #[must_use]
    pub const fn new(what: &'static str, expected: &'static str) -> Self {
        Self { what, expected }
    }

    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "value.invalid"
    }
}
