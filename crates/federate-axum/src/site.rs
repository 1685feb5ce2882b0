use url::{Host, Url};

/// Where a party lives on the web, and how its cookies are called.
///
/// Addresses come from here and never from a request's `Host` header.
///
/// ```
/// use federate_axum::Site;
///
/// let site = Site::new("https://hub.example/", "hub", "The Hub")?;
/// assert_eq!(site.url("/saml/sso"), "https://hub.example/saml/sso");
/// assert_eq!(site.origin(), "https://hub.example");
/// assert!(Site::new("http://hub.example", "hub", "The Hub").is_err()); // no TLS
/// # Ok::<(), federate_axum::InvalidSite>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    origin: String,
    secure: bool,
    cookie: String,
    title: String,
}

/// A [`Site`] that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSite {
    /// The base address is not a URL.
    #[error("the base address is not an absolute URL")]
    NotAUrl,
    /// The base address would send cookies and assertions in the clear.
    #[error("the base address must begin with https://, or with http:// on this very machine")]
    Insecure,
    /// The base address is more than a host and a port.
    #[error("the base address must be a host and a port alone, without path, query or user")]
    NotAnOrigin,
    /// The name of the cookies would need quotes.
    #[error("the cookie name has 1 to 64 letters, digits, - and _")]
    CookieName,
}

impl Site {
    /// A party at this base address, such as `https://hub.example`.
    ///
    /// `cookie` begins the names of its cookies: parties that share a host need different
    /// ones. `title` stands at the top of its pages.
    ///
    /// # Errors
    /// [`InvalidSite`].
    pub fn new(
        base: &str,
        cookie: impl Into<String>,
        title: impl Into<String>,
    ) -> Result<Self, InvalidSite> {
        let url = Url::parse(base).map_err(|_| InvalidSite::NotAUrl)?;
        let secure = match (url.scheme(), url.host()) {
            ("https", Some(_)) => true,
            ("http", Some(host)) if is_loopback(&host) => false,
            (_, Some(_)) => return Err(InvalidSite::Insecure),
            (_, None) => return Err(InvalidSite::NotAUrl),
        };
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        let nobody = url.username().is_empty() && url.password().is_none();
        if !bare || !nobody || url.fragment().is_some() {
            return Err(InvalidSite::NotAnOrigin);
        }
        let cookie = cookie.into();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if cookie.is_empty() || cookie.len() > 64 || !cookie.bytes().all(plain) {
            return Err(InvalidSite::CookieName);
        }
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            secure,
            cookie,
            title: title.into(),
        })
    }

    /// The absolute address of a path, which begins with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What stands at the top of its pages.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whether browsers come by TLS.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The full name of a cookie. `__Host-` ties it to this host: no other can plant it.
    pub(crate) fn cookie_name(&self, purpose: &str) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}{}_{purpose}", self.cookie)
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for base in ["http://localhost:1", "http://a.localhost", "http://[::1]:1"] {
            assert!(!Site::new(base, "a", "A").unwrap().is_secure());
        }
        for (base, why) in [
            ("http://a.example", InvalidSite::Insecure),
            ("http://localhost.example", InvalidSite::Insecure),
            ("ftp://localhost", InvalidSite::Insecure),
            ("hub.example", InvalidSite::NotAUrl),
            ("https://a.example/path", InvalidSite::NotAnOrigin),
            ("https://user@a.example", InvalidSite::NotAnOrigin),
            ("https://a.example/?q", InvalidSite::NotAnOrigin),
            ("https://a.example/#f", InvalidSite::NotAnOrigin),
        ] {
            assert_eq!(Site::new(base, "a", "A"), Err(why), "{base}");
        }
        for cookie in ["", "a=b", "a;b", "a b", &"a".repeat(65)] {
            let site = Site::new("https://a.example", cookie, "A");
            assert_eq!(site, Err(InvalidSite::CookieName));
        }
    }

    #[test]
    fn a208_cookies_are_tied_to_the_host() {
        let site = Site::new("https://a.example", "app", "A").unwrap();
        assert_eq!(site.cookie_name("session"), "__Host-app_session");
        let site = Site::new("http://a.localhost:4001", "app", "A").unwrap();
        assert_eq!(site.cookie_name("session"), "app_session");
    }
}
