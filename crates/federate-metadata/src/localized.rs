/// A value in a language: a name (`[SAMLMeta] 2.2.4`) or an address (`[SAMLMeta] 2.2.5`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Localized<T = String> {
    /// `xml:lang`, a language tag such as `en` or `pt-BR`; empty when the document has none.
    pub lang: String,
    /// The value.
    pub value: T,
}

impl<T> Localized<T> {
    /// A value in a language.
    #[must_use]
    pub fn new(lang: impl Into<String>, value: impl Into<T>) -> Self {
        Self {
            lang: lang.into(),
            value: value.into(),
        }
    }

    /// The value for a person who reads these languages, in order of preference: of the first
    /// that there is (`en` also finds `en-GB`), else the first value of all.
    #[must_use]
    pub fn best_of<'a>(values: &'a [Self], languages: &[&str]) -> Option<&'a T> {
        let spoken = languages
            .iter()
            .find_map(|language| values.iter().find(|value| speaks(&value.lang, language)));
        spoken.or(values.first()).map(|found| &found.value)
    }
}

/// Whether a language tag is this language or a variety of it, in whatever case.
fn speaks(tag: &str, language: &str) -> bool {
    let Some((start, rest)) = tag.split_at_checked(language.len()) else {
        return false;
    };
    start.eq_ignore_ascii_case(language) && (rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_value_is_in_the_first_language_that_there_is() {
        let value = |lang, value| Localized::<String>::new(lang, value);
        let values = [
            value("sv", "ett"),
            value("en-GB", "two"),
            value("", "3"),
            value("pt", "4"),
        ];
        let best = |languages: &[&str]| Localized::best_of(&values, languages).unwrap().as_str();
        assert_eq!(best(&["EN", "sv"]), "two");
        assert_eq!(best(&["e", "pt"]), "4");
        assert_eq!(best(&["pt-BR"]), "ett");
        assert_eq!(best(&["é"]), "ett");
        assert_eq!(best(&[]), "ett");
        assert_eq!(Localized::<String>::best_of(&[], &["en"]), None);
    }
}
