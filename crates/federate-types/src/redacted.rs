use std::fmt;

/// A value that must not reach a log: `Debug` and `Display` print `[redacted]`.
///
/// ```
/// use federate_types::Redacted;
/// let mail = Redacted::new("alice@example.com");
/// assert_eq!(format!("{mail} {mail:?}"), "[redacted] [redacted]");
/// assert_eq!(*mail.expose(), "alice@example.com");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for code that may see it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
