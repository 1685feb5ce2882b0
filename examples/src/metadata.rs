//! Metadata of applications and identity providers, from files and addresses, kept fresh while the hub runs.

use crate::application::ApplicationEntry;
use crate::config::Config;
use crate::problem::Problem;
use crate::upstream::UpstreamEntry;
use chrono::{TimeDelta, Utc};
use federate::crypto::CryptoProvider;
use federate::metadata::EntityDescriptor;
use federate::{Application, Connection};
use federate_feed::{Feed, Fetch, Origin, Outcome, Refreshed, Source, Trust};
use federate_http::{Client, Fetched, HttpError, Options, Validators};
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::sleep;
use url::{Host, Url};

/// The largest document that is read. One entity is a few kilobytes.
const MOST: usize = 2 * 1024 * 1024;

/// How long an address may take to answer.
const TIME: Duration = Duration::from_secs(10);

/// How many changes of one document the log tells one by one.
const MOST_TOLD: usize = 50;

/// How often a file is read again.
const FILES: TimeDelta = TimeDelta::minutes(5);

/// The metadata of single peers: each is a source of its own, named as the peer.
pub(crate) type Metadata = Feed<Peers>;

/// A peer of the configuration file, and where it describes itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Described<'a> {
    /// By which key of the file: `application` or `upstream`.
    pub(crate) key: &'static str,
    pub(crate) name: &'a str,
    pub(crate) metadata: &'a str,
}

/// A feed of these peers, with what they have now. Of what is fetched, copies are kept in the
/// folder; one serves while its address does not answer.
pub(crate) fn feed(
    config: &Config,
    peers: &[Described<'_>],
    provider: &CryptoProvider,
    copies: PathBuf,
) -> Result<Metadata, Problem> {
    std::fs::create_dir_all(&copies).map_err(|e| Problem::of(copies.display(), e))?;
    let sources = peers.iter().map(|peer| source(config, peer));
    let feed = Feed::new(sources, Peers::new(), *provider, Some(copies));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Problem::of("the runtime cannot start", e))?;
    let refreshed = runtime.block_on(async {
        feed.load_copies(Utc::now()).await;
        feed.refresh_due(Utc::now(), 0).await
    });
    for (peer, refreshed) in peers.iter().zip(&refreshed) {
        if let Outcome::Failed(error) | Outcome::Closed(error) = &refreshed.outcome {
            let copy = feed.registry().source(&refreshed.source);
            if copy.is_none() {
                return Err(Problem::of(what(config, peer), error));
            }
            tell(refreshed); // the copy serves
        }
    }
    Ok(feed)
}

fn source(config: &Config, peer: &Described<'_>) -> Source {
    let origin = origin(config, peer.metadata);
    let file = matches!(origin, Origin::File(_));
    // Keys come with the document: who answers at the address, or can write the file, is trusted.
    let mut source = Source::new(peer.name.trim(), origin, Trust::Origin);
    source.limits.bytes = MOST;
    if file {
        source.refresh.at_most = FILES;
    }
    source
}

/// An address, or a path relative to the configuration.
pub(crate) fn origin(config: &Config, text: &str) -> Origin {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => Origin::Url(url.into()),
        _ => Origin::File(config.folder.join(text)),
    }
}

fn what(config: &Config, peer: &Described<'_>) -> String {
    let Described {
        key,
        name,
        metadata,
    } = peer;
    format!("{}: {key}.metadata of {name:?}: {metadata}", config.file)
}

/// What the feed has of a peer, and what to say of it when it does not suit.
fn entity(
    config: &Config,
    peer: Described<'_>,
    feed: &Metadata,
) -> Result<EntityDescriptor, Problem> {
    let problem = |why: String| Problem::of(what(config, &peer), why);
    let source = feed.registry().source(peer.name.trim());
    let ids = source.as_ref().map(|source| source.entity_ids());
    let ids = ids.unwrap_or_default();
    let [id] = ids.as_slice() else {
        let why = format!("it describes {} entities, expected one", ids.len());
        return Err(problem(why));
    };
    let entity = source.map(|source| source.entity(id)).transpose();
    let entity = entity.map_err(|e| problem(e.to_string()))?.flatten();
    let entity = entity.ok_or_else(|| problem("it cannot be read".to_owned()))?;
    Ok(entity.as_ref().clone())
}

/// The application of an entry of the configuration, by what the feed has of it.
pub(crate) fn application(
    config: &Config,
    entry: &ApplicationEntry,
    feed: &Metadata,
) -> Result<Application, Problem> {
    let peer = entry.described();
    let problem = |why: String| Problem::of(what(config, &peer), why);
    let application = Application::from_entity(peer.name.trim(), entity(config, peer, feed)?);
    let mut application = application.map_err(|e| problem(e.to_string()))?;
    entry.apply(&mut application).map_err(|why| {
        let what = format_args!("{}: application {:?}", config.file, entry.name);
        Problem::of(what, why)
    })?;
    Ok(application)
}

/// The identity provider of an entry of the configuration, by what the feed has of it.
pub(crate) fn connection(
    config: &Config,
    entry: &UpstreamEntry,
    feed: &Metadata,
) -> Result<Connection, Problem> {
    let peer = entry.described();
    let connection = Connection::from_entity(entity(config, peer, feed)?);
    let mut connection = connection.map_err(|e| Problem::of(what(config, &peer), e))?;
    connection.email_domains.clone_from(&entry.email_domains);
    Ok(connection)
}

/// Reads again whatever is due, as long as the hub runs.
pub(crate) async fn keep_fresh<F: Fetch>(feed: Feed<F>) {
    if feed.health().is_empty() {
        return;
    }
    loop {
        let jitter = u64::from(Utc::now().timestamp_subsec_nanos());
        for refreshed in feed.refresh_due(Utc::now(), jitter).await {
            tell(&refreshed);
        }
        let next = feed.next_due().await.unwrap_or_else(Utc::now);
        let wait = (next - Utc::now()).clamp(TimeDelta::seconds(1), TimeDelta::minutes(5));
        sleep(wait.to_std().unwrap_or(TIME)).await;
    }
}

fn tell(refreshed: &Refreshed) {
    let source = &*refreshed.source;
    match &refreshed.outcome {
        Outcome::Changed(changes) => {
            if changes.len() > MOST_TOLD {
                tracing::info!(source, "metadata: {} entities have changed", changes.len());
            }
            let told = changes.iter().filter(|_| changes.len() <= MOST_TOLD);
            for change in told {
                tracing::info!(source, code = change.code(), "metadata: {change}");
            }
        }
        Outcome::Failed(error) | Outcome::Closed(error) => {
            tracing::warn!(source, code = error.code(), "metadata: {error}");
        }
        _ => {}
    }
    if let Some(error) = &refreshed.copy {
        tracing::warn!(source, code = error.code(), "metadata: {error}");
    }
}

/// A client that is made when something is fetched: who configures no addresses needs none, nor
/// the certificates of authorities without which there is none.
#[derive(Debug)]
pub(crate) struct Fetcher {
    options: Options,
    client: OnceLock<Client>,
}

impl Fetcher {
    pub(crate) const fn new(options: Options) -> Self {
        let client = OnceLock::new();
        Self { options, client }
    }
}

impl Fetch for Fetcher {
    async fn fetch(
        &self,
        url: &str,
        known: Option<&Validators>,
        sink: &mut (impl Write + Send),
    ) -> Result<Fetched, HttpError> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let made = Client::new(&self.options)?;
                self.client.get_or_init(|| made)
            }
        };
        client.fetch(url, known, sink).await
    }
}

/// Fetches from anywhere by TLS, and from this very machine without.
#[derive(Debug)]
pub(crate) struct Peers {
    anywhere: Fetcher,
    here: Fetcher,
}

impl Peers {
    fn new() -> Self {
        let options = Options {
            // The operator has written the address, and peers may live beside the hub.
            allow_private_addresses: true,
            timeout: TIME,
            max_bytes: MOST as u64,
            ..Options::default()
        };
        let local = Options {
            allow_http: true,
            max_redirects: 0,
            ..options.clone()
        };
        Self {
            anywhere: Fetcher::new(options),
            here: Fetcher::new(local),
        }
    }
}

impl Fetch for Peers {
    async fn fetch(
        &self,
        url: &str,
        known: Option<&Validators>,
        sink: &mut (impl Write + Send),
    ) -> Result<Fetched, HttpError> {
        let fetcher = match is_local(url) {
            true => &self.here,
            false => &self.anywhere,
        };
        fetcher.fetch(url, known, sink).await
    }
}

fn is_local(url: &str) -> bool {
    let url = Url::parse(url).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
