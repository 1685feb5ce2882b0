use crate::address::is_public;
use crate::error::HttpError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use url::{Host, Url};

/// What a [`Client`] may do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether it may connect to private addresses, too; see [`is_public`](crate::is_public).
    pub allow_private_addresses: bool,
    /// Whether it may speak without encryption. What comes is signed, but who listens learns it.
    pub allow_http: bool,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long an answer may take as a whole.
    pub timeout: Duration,
    /// How long the largest answer may be, unpacked, in bytes.
    pub max_bytes: u64,
    /// How many redirects are followed when something is fetched; none are when a peer is asked.
    pub max_redirects: usize,
    /// Certificates of authorities to be trusted besides the system's, as PEM.
    pub authorities: Vec<String>,
}

impl Default for Options {
    /// Public addresses by `https:`, 5 seconds to connect, 30 seconds and 2 MiB for an answer,
    /// 3 redirects.
    fn default() -> Self {
        Self {
            allow_private_addresses: false,
            allow_http: false,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            max_bytes: 2 * 1024 * 1024,
            max_redirects: 3,
            authorities: Vec::new(),
        }
    }
}

/// An HTTP client that goes only where it may, for as long as it may. Clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) rules: Rules,
}

/// The bounds that are checked here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    allow_private_addresses: bool,
    allow_http: bool,
    pub(crate) timeout: Duration,
    pub(crate) max_bytes: u64,
    pub(crate) max_redirects: usize,
}

impl Client {
    /// A client with these options.
    ///
    /// # Errors
    /// [`HttpError::Setup`] when a certificate cannot be read, or the system has no authorities.
    pub fn new(options: &Options) -> Result<Self, HttpError> {
        let setup = |error: reqwest::Error| HttpError::Setup {
            reason: because(&error),
        };
        let rules = Rules {
            allow_private_addresses: options.allow_private_addresses,
            allow_http: options.allow_http,
            timeout: options.timeout,
            max_bytes: options.max_bytes,
            max_redirects: options.max_redirects,
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("federate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .timeout(options.timeout)
            // Each address on the way is looked at before it is asked: see `fetch`.
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .dns_resolver(PublicNames {
                allow_private_addresses: options.allow_private_addresses,
            });
        for pem in &options.authorities {
            let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
            for certificate in certificates.map_err(setup)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let http = builder.build().map_err(setup)?;
        Ok(Self { http, rules })
    }
}

impl Rules {
    /// Whether an address may be asked; names are looked at again when they are resolved.
    pub(crate) fn check(&self, url: &Url) -> Result<(), HttpError> {
        let scheme = match url.scheme() {
            "https" => true,
            "http" => self.allow_http,
            _ => false,
        };
        let expected = match self.allow_http {
            true => "http: or https:",
            false => "https:",
        };
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(HttpError::Scheme { expected }),
        };
        if !scheme {
            return Err(HttpError::Scheme { expected });
        }
        match address {
            Some(address) if !self.allow_private_addresses && !is_public(address) => {
                Err(HttpError::AddressRefused)
            }
            _ => Ok(()),
        }
    }

    /// What became of a request that got no answer, or not all of it.
    pub(crate) fn failure(&self, error: &reqwest::Error) -> HttpError {
        if is_refused(error) {
            HttpError::AddressRefused
        } else if error.is_timeout() && !error.is_connect() {
            HttpError::Timeout {
                seconds: self.timeout.as_secs(),
            }
        } else if error.is_body() || error.is_decode() {
            HttpError::Incomplete {
                reason: because(error),
            }
        } else {
            HttpError::Unreachable {
                reason: because(error),
            }
        }
    }
}

/// The innermost cause: the outer ones repeat the address.
fn because(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn is_refused(error: &reqwest::Error) -> bool {
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        if error.is::<PrivateAddress>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// Resolves names as the system does, and forgets the addresses that may not be connected to.
struct PublicNames {
    allow_private_addresses: bool,
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private_addresses = self.allow_private_addresses;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut found: Vec<SocketAddr> = found.collect();
            let any = !found.is_empty();
            found.retain(|address| allow_private_addresses || is_public(address.ip()));
            if any && found.is_empty() {
                return Err(PrivateAddress.into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

#[derive(Debug)]
struct PrivateAddress;

impl fmt::Display for PrivateAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name resolves to private addresses only")
    }
}

impl Error for PrivateAddress {}
