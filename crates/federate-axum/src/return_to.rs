use url::Url;

/// A path of our own, to which a browser may be sent after a login; `None` for anything that a
/// browser could take for another place.
///
/// ```
/// use federate_axum::local_path;
///
/// assert_eq!(local_path("/reports?year=2026"), Some("/reports?year=2026"));
/// assert_eq!(local_path("//evil.example"), None);
/// ```
#[must_use]
pub fn local_path(text: &str) -> Option<&str> {
    // Browsers read `\` as `/` and drop tabs and line ends: none of them may occur.
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if !plain || !text.starts_with('/') || text.starts_with("//") || text.len() > 2048 {
        return None;
    }
    let base = Url::parse("https://own.invalid").ok()?;
    let url = base.join(text).ok()?;
    (url.origin() == base.origin()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a201_only_local_paths() {
        for hostile in [
            "",
            "evil",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "\t//evil.example",
            "/\n/evil.example",
            "/\r\nSet-Cookie: a=b",
            "/a\0b",
            " /a",
            "/ a",
            "https:evil.example",
            "https://evil.example",
            "https://own.invalid/",
            "https://own.invalid@evil.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "@evil.example",
            ".evil.example",
            "?a",
            "#a",
            "/a\\b",
            "/\u{2028}",
            "/\u{ff0f}evil.example",
        ] {
            assert_eq!(local_path(hostile), None, "{hostile:?}");
        }
        assert_eq!(local_path(&format!("/{}", "a".repeat(2048))), None);
        for good in [
            "/",
            "/a",
            "/a/b?c=d&e=%2F%2Fx#f",
            "/a//b",
            "/a:b@c",
            "/?https://x",
        ] {
            assert_eq!(local_path(good), Some(good));
        }
    }
}
