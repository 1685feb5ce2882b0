//! The grammar of URIs (`[RFC3986]` appendix A), for the names of namespaces.

/// Whether the text is a URI with a scheme: `scheme:hier-part?query#fragment`.
///
/// Stricter than the grammar where libxml2 is: a port has a digit at least.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((_, rest)) = text.split_once(':') else {
        return false;
    };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = match hierarchy.strip_prefix("//") {
        None => hierarchy,
        Some(after) => {
            let end = after.find('/').unwrap_or(after.len());
            let Some((authority, path)) = after.split_at_checked(end) else {
                return false;
            };
            if !is_authority(authority) {
                return false;
            }
            path
        }
    };
    let path_or_query = |text| consists_of(text, b":@/?");
    has_scheme(text) && consists_of(path, b":@/") && path_or_query(query) && path_or_query(fragment)
}

/// `[RFC3986] 4.3`: an absolute URI begins with a scheme.
pub(super) fn has_scheme(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}

/// `userinfo@host:port`, of which only the host must be there, and may be empty.
fn is_authority(authority: &str) -> bool {
    let (user, rest) = authority.split_once('@').unwrap_or(("", authority));
    let (host, port) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((address, port)) => (address, port),
        None => rest
            .split_at_checked(rest.find(':').unwrap_or(rest.len()))
            .unwrap_or_default(),
    };
    let literal = rest.starts_with('[');
    let port = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()),
    };
    consists_of(user, b":") && consists_of(host, if literal { b":" } else { b"" }) && port
}

/// Unreserved characters, `sub-delims`, percent and two hexadecimal digits, and what else is
/// given.
fn consists_of(text: &str, also: &[u8]) -> bool {
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let good = match octet {
            b'%' => {
                let hexadecimal = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_hexdigit());
                hexadecimal(octets.next()) && hexadecimal(octets.next())
            }
            b'-' | b'.' | b'_' | b'~' => true,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => true,
            other => other.is_ascii_alphanumeric() || also.contains(&other),
        };
        if !good {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::is_uri;

    #[test]
    fn names_of_namespaces_are_uris() {
        for good in [
            "urn:oasis:names:tc:SAML:2.0:assertion",
            "http://www.w3.org/2000/09/xmldsig#",
            "http://user:x@h:80/a/b;c=d?q=/?#f/?",
            "http://[2001:db8::1]:80/",
            "file:///a",
            "x:",
            "urn:%C3%A9?x#y",
            "urn:&'()?x=~#y",
        ] {
            assert!(is_uri(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "../a:b",
            ":a",
            "1:a",
            "urn:a%",
            "urn:a%4",
            "http://h/09%/x",
            "urn:a#b#c",
            "urn:[a]",
            "http://h:/",
            "http://h:8a/",
            "http://[::1",
            "http://[::1]a/",
            "http://a@b@c/",
            "urn:a b",
            "urn:\u{e9}",
            "urn:a{b}",
        ] {
            assert!(!is_uri(bad), "{bad}");
        }
    }
}
