/// A scope for which an identity provider may speak: the part after `@` in a scoped attribute
/// (`shibmd:Scope`).
///
/// A regular expression (`regexp="true"`) is never run. One form of it is understood, the one
/// that federations use: every name below a domain, as in `^.+\.example\.org$`. Others match
/// nothing, and so does one that stands for all names or those of a whole top-level domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Scope {
    /// The scope, or the regular expression.
    pub value: String,
    /// Whether it is a regular expression.
    pub regexp: bool,
}

/// The ways to write "something and a dot", and whether the domain itself is meant, too.
const BELOW: [(&str, bool); 6] = [
    (r".*\.", false),
    (r".+\.", false),
    (r"(.*\.)", false),
    (r"(.+\.)", false),
    (r"(.*\.)?", true),
    (r"(.+\.)?", true),
];

impl Scope {
    /// The scope of this name.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            regexp: false,
        }
    }

    /// Whether this is the scope of a value, compared byte for byte.
    #[must_use]
    pub fn matches(&self, scope: &str) -> bool {
        if !self.regexp {
            return !self.value.is_empty() && self.value == scope;
        }
        let Some((domain, itself)) = self.domain() else {
            return false;
        };
        match scope.strip_suffix(domain.as_str()) {
            Some("") => itself,
            Some(below) => below.strip_suffix('.').is_some_and(is_name),
            None => false,
        }
    }

    /// Whether it can match anything.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        !self.regexp || self.domain().is_some()
    }

    /// The domain of which a regular expression means the names below, and whether it means
    /// the domain itself.
    fn domain(&self) -> Option<(String, bool)> {
        let pattern = self.value.strip_prefix('^').unwrap_or(&self.value);
        let pattern = pattern.strip_suffix('$').unwrap_or(pattern);
        BELOW.iter().find_map(|(start, itself)| {
            // What is left must be literal, with every dot escaped.
            let literal = pattern.strip_prefix(start)?.replace(r"\.", "\n");
            let domain = literal.replace('\n', ".");
            let one_domain = !literal.contains('.') && is_name(&domain) && domain.contains('.');
            one_domain.then_some((domain, *itself))
        })
    }
}

/// Whether a text is a name of DNS: labels of letters, digits and hyphens with dots between.
fn is_name(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn regexp(value: &str) -> Scope {
        Scope {
            regexp: true,
            ..Scope::new(value)
        }
    }

    #[test]
    fn a_literal_scope_is_itself() {
        let scope = Scope::new("example.org");
        assert!(scope.matches("example.org"));
        for other in [
            "",
            "Example.org",
            "a.example.org",
            "example.org.",
            "exampleXorg",
        ] {
            assert!(!scope.matches(other), "{other}");
        }
        assert!(!Scope::new("").matches(""));
    }

    #[test]
    fn names_below_a_domain_are_understood() {
        for (pattern, itself) in [
            (r"^.*\.example\.org$", false),
            (r".+\.example\.org", false),
            (r"^(.+\.)?example\.org$", true),
        ] {
            let scope = regexp(pattern);
            assert!(scope.is_supported());
            assert!(scope.matches("a.example.org"));
            assert!(scope.matches("a.b-c.example.org"));
            assert_eq!(scope.matches("example.org"), itself);
            for other in [
                "",
                ".example.org",
                "a..example.org",
                "a@b.example.org",
                "aexample.org",
                "a.exampleXorg",
                "a.example.org.evil.example",
            ] {
                assert!(!scope.matches(other), "{pattern} {other}");
            }
        }
    }

    #[test]
    fn a241_regular_expressions_are_never_run() {
        for pattern in [
            // Everything, or nearly so.
            "",
            ".*",
            "^.*$",
            ".+",
            r"^.*\.$",
            r"^.*\.org$",
            r"^.*\.example.org$",
            r"^.*\.$|example\.org",
            // Patterns that take some engines years.
            r"^(a+)+$",
            r"^(([a-z])+.)+[A-Z]([a-z])+$",
            r"^([a-z0-9]{1,63})\.example\.org$",
            r"^(.*\.)*example\.org$",
            r"(.*\.)?(.*\.)?example\.org",
            r"^.*\.example\.org\n$",
        ] {
            let scope = regexp(pattern);
            assert!(!scope.is_supported(), "{pattern}");
            let long = "a".repeat(100_000);
            for name in ["", "org", "example.org", "a.example.org", pattern, &long] {
                assert!(!scope.matches(name), "{pattern} {name}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_pattern_panics_or_matches_what_is_no_name(
            pattern in "\\PC{0,30}|\\^?\\(?[.][*+]\\\\[.]\\)?[?]?[a-z.\\\\]{0,20}\\$?",
            scope in "\\PC{0,30}|[a-z.]{0,20}",
        ) {
            if regexp(&pattern).matches(&scope) {
                prop_assert!(is_name(&scope) && scope.contains('.'));
            }
        }
    }
}
