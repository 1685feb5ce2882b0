//! Federate's HTTP client: SOAP to peers, and metadata from those who publish it.
//!
//! Addresses come from metadata and configuration, and whoever writes metadata could name
//! addresses inside this service's own network. So a [`Client`] connects by `https:` to public
//! addresses, unless its [`Options`] say otherwise; it looks at the address to which a name
//! resolves when it connects, so that a name cannot change its meaning in between; and it has
//! bounds of time and size for everything.
//!
//! ```
//! use federate_http::{Client, Options};
//! let client = Client::new(&Options::default())?;
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let refused = client.fetch("https://169.254.169.254/latest", None, &mut Vec::new()).await;
//! assert_eq!(refused.unwrap_err().code(), "http.address_refused");
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod client;
mod error;
mod fetch;
mod soap;

pub use address::is_public;
pub use client::{Client, Options};
pub use error::HttpError;
pub use fetch::{Fetched, Validators};
