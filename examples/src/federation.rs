//! Federations: every service provider of one may ask the hub.

use crate::config::Config;
use crate::metadata::{Fetcher, origin};
use crate::problem::Problem;
use chrono::Utc;
use federate::crypto::{Certificate, CryptoProvider, VerifyingKey};
use federate::xml::{SignaturePolicy, TrustedKeys};
use federate_feed::{Feed, Filter, Outcome, Role, Source, Trust};
use federate_http::Options;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// The largest document that is read, unpacked; eduGAIN has 83 MB.
const MOST: usize = 512 * 1024 * 1024;

/// How long an address may take to give all of it.
const TIME: Duration = Duration::from_secs(300);

/// A federation in the configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FederationEntry {
    pub(crate) name: String,
    metadata: String,
    /// A file with the certificates of the federation's keys.
    certificate: PathBuf,
    /// Which registrars' entities are taken; all if there is none.
    #[serde(default)]
    registered_by: Vec<String>,
}

/// The federations' metadata: a feed of its own, so that no application's document can make
/// anybody else trusted.
pub(crate) type Federations = Feed<Fetcher>;

/// A feed of the configuration's federations. One that cannot be read has nobody in it until it
/// can; the hub starts all the same.
pub(crate) fn feed(
    config: &Config,
    provider: &CryptoProvider,
    copies: PathBuf,
) -> Result<Federations, Problem> {
    let sources = config
        .federations
        .iter()
        .map(|entry| source(config, entry, provider))
        .collect::<Result<Vec<_>, _>>()?;
    let options = Options {
        timeout: TIME,
        max_bytes: MOST as u64,
        ..Options::default()
    };
    std::fs::create_dir_all(&copies).map_err(|e| Problem::of(copies.display(), e))?;
    let feed = Feed::new(sources, Fetcher::new(options), *provider, Some(copies));
    let loaded = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|e| Problem::of("the runtime cannot start", e))?
        .block_on(feed.load_copies(Utc::now()));
    for copy in loaded {
        if let Outcome::Failed(error) = copy.outcome {
            tracing::warn!(federation = &*copy.source, code = error.code(), "{error}");
        }
    }
    Ok(feed)
}

fn source(
    config: &Config,
    entry: &FederationEntry,
    provider: &CryptoProvider,
) -> Result<Source, Problem> {
    let path = config.folder.join(&entry.certificate);
    let problem = |why: String| {
        let what = format!(
            "{}: federation.certificate of {:?}",
            config.file, entry.name
        );
        Problem::of(format_args!("{what}: {}", path.display()), why)
    };
    let pem = std::fs::read_to_string(&path).map_err(|e| problem(e.to_string()))?;
    let certificates = Certificate::all_from_pem(&pem).map_err(|e| problem(e.to_string()))?;
    let keys = certificates
        .into_iter()
        .map(|certificate| VerifyingKey::new(provider, certificate.public_key().clone()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| problem(e.to_string()))?;
    let keys = TrustedKeys::new(keys).ok_or_else(|| problem("no certificate in it".to_owned()))?;
    let trust = Trust::Signed {
        keys,
        policy: SignaturePolicy::default(),
    };
    let mut source = Source::new(entry.name.trim(), origin(config, &entry.metadata), trust);
    source.limits.bytes = MOST;
    source.filters = vec![Filter::Role(Role::ServiceProvider)];
    if !entry.registered_by.is_empty() {
        let registrars = entry.registered_by.iter().cloned().collect();
        source.filters.push(Filter::RegisteredBy(registrars));
    }
    Ok(source)
}
