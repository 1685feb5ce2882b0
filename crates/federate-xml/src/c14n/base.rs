//! Joining `xml:base` values, as `[C14N11] 2.4` has it: `[RFC3986] 5.2` without the need for
//! a scheme, keeping relative references relative.

#[derive(Default)]
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// `[RFC3986]` appendix B; the fragment is dropped.
    fn of(reference: &'a str) -> Self {
        let reference = reference.split('#').next().unwrap_or_default();
        let (reference, query) = match reference.split_once('?') {
            Some((before, query)) => (before, Some(query)),
            None => (reference, None),
        };
        let (scheme, rest) = match reference.split_once(':') {
            Some((scheme, rest)) if !scheme.is_empty() && !scheme.contains('/') => {
                (Some(scheme), rest)
            }
            _ => (None, reference),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            None => (None, rest),
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (Some(authority), path)
            }
        };
        Self {
            scheme,
            authority,
            path,
            query,
        }
    }

    fn write(&self, path: &str) -> String {
        let mut out = String::new();
        if let Some(scheme) = self.scheme {
            out.push_str(scheme);
            out.push(':');
        }
        if let Some(authority) = self.authority {
            out.push_str("//");
            out.push_str(authority);
        }
        out.push_str(path);
        if let Some(query) = self.query {
            out.push('?');
            out.push_str(query);
        }
        out
    }
}

/// Resolves a reference against a base, either of which may be relative.
pub(super) fn join(base: &str, reference: &str) -> String {
    let (base, mut target) = (Parts::of(base), Parts::of(reference));
    if target.scheme.is_some() {
        return target.write(&remove_dots(target.path));
    }
    target.scheme = base.scheme;
    if target.authority.is_some() {
        return target.write(&remove_dots(target.path));
    }
    target.authority = base.authority;
    if target.path.is_empty() {
        target.query = target.query.or(base.query);
        return target.write(base.path);
    }
    if target.path.starts_with('/') {
        return target.write(&remove_dots(target.path));
    }
    let merged = match base.path.rsplit_once('/') {
        // A last `..` names a directory: it is not replaced.
        _ if base.path == ".." || base.path.ends_with("/..") => {
            format!("{}/{}", base.path, target.path)
        }
        Some((directory, _)) => format!("{directory}/{}", target.path),
        None if base.authority.is_some() => format!("/{}", target.path),
        None => target.path.to_owned(),
    };
    target.write(&remove_dots(&merged))
}

/// `[RFC3986] 5.2.4`, but a relative path keeps the `..` that lead out of it, adjacent
/// slashes become one, and a last `..` ends with a slash.
fn remove_dots(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    let mut directory = path.ends_with('/');
    for segment in path.split('/').filter(|s| !s.is_empty()) {
        directory = path.ends_with('/');
        match segment {
            "." => directory = true,
            ".." => {
                directory = true;
                match kept.last() {
                    Some(&last) if last != ".." => {
                        kept.pop();
                    }
                    _ if absolute => {}
                    _ => kept.push(".."),
                }
            }
            other => kept.push(other),
        }
    }
    let mut out = String::from(if absolute { "/" } else { "" });
    out.push_str(&kept.join("/"));
    if directory && !kept.is_empty() {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn references_are_joined_as_rfc_3986_says() {
        let base = "http://a/b/c/d;p?q";
        for (reference, expected) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../../g", "http://a/g"),
            ("mailto:x", "mailto:x"),
        ] {
            assert_eq!(join(base, reference), expected, "{reference}");
        }
    }

    #[test]
    fn relative_bases_stay_relative() {
        assert_eq!(join("foo/bar", ".."), "");
        assert_eq!(join("..", ".."), "../../");
        assert_eq!(join("../bar/", "../x"), "../x");
        assert_eq!(join("a//b/", "c"), "a/b/c");
        assert_eq!(join("foo", "bar"), "bar");
    }
}
