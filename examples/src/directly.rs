//! Asking applications and identity providers directly, by SOAP.

use federate::{BackChannel, BackChannelError};
use federate_http::{Client, Options};
use std::sync::OnceLock;
use std::time::Duration;

/// How long a peer may take to answer.
const TIME: Duration = Duration::from_secs(5);

/// The largest answer that is read.
const MOST: u64 = 1024 * 1024;

/// A client that is made when somebody is asked: who configures nobody that can be asked needs no
/// certificates of authorities.
///
/// Where it goes, peers' metadata says: not to this machine or its network, unless the operator
/// allows that.
#[derive(Debug)]
pub(crate) struct Directly {
    options: Options,
    client: OnceLock<Client>,
}

impl Directly {
    pub(crate) fn new(allow_private_addresses: bool) -> Self {
        Self {
            options: Options {
                allow_private_addresses,
                allow_http: allow_private_addresses,
                timeout: TIME,
                max_bytes: MOST,
                max_redirects: 0,
                ..Options::default()
            },
            client: OnceLock::new(),
        }
    }
}

impl BackChannel for Directly {
    async fn exchange(
        &self,
        location: &str,
        envelope: Vec<u8>,
        within: Duration,
    ) -> Result<Vec<u8>, BackChannelError> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let made = Client::new(&self.options);
                let made = made.map_err(|e| BackChannelError::Unreachable(e.to_string()))?;
                self.client.get_or_init(|| made)
            }
        };
        client.exchange(location, envelope, within).await
    }
}
