//! Connecting, and looking at whom one has connected to.

use super::RedisOptions;
use super::keys::Keys;
use super::server::{Link, Server};
use crate::OpenError;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{
    Client, ConnectionInfo, ErrorKind, IntoConnectionInfo as _, ProtocolVersion, RedisError, Value,
};
use std::time::Duration;

type Result<T> = std::result::Result<T, OpenError>;

/// The version of what is stored under a prefix, but for the values, which have their own.
const FORMAT: u64 = 1;
/// What stands before it, so that no other program's number is taken for it.
const OURS: &str = "federate-store ";

/// How many connections writes go over that wait for replicas: one that waits does nothing
/// else.
const WAITING_LINKS: usize = 8;

/// How often a broken connection is made anew before the verbs that need it fail.
const RECONNECTS: usize = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn connect(options: RedisOptions) -> Result<Server> {
    if options.prefix.contains(['{', '}', ':']) {
        let expected = "a prefix without braces and colons";
        return Err(unsuitable(expected, &options.prefix));
    }
    let nodes = nodes(&options)?;
    let (first, about) = first_of(&nodes, &options).await?;
    let cluster = field(&about, "cluster_enabled") == Some("1");
    let further = options.wait.map_or(0, |_| WAITING_LINKS - 1);
    let mut others = Vec::with_capacity(further);
    let first = if cluster {
        let link = connect_cluster(&nodes, &options).await?;
        for about in about_each(link.clone()).await? {
            check(&about, &options)?;
        }
        for _ in 0..further {
            others.push(Link::Cluster(connect_cluster(&nodes, &options).await?));
        }
        Link::Cluster(link)
    } else {
        if nodes.len() > 1 {
            let found = format!("{} addresses of single servers", nodes.len());
            return Err(unsuitable("one address, or those of a cluster", &found));
        }
        check(&about, &options)?;
        for node in nodes.iter().cycle().take(further) {
            let link = connect_single(node, &options).await;
            others.push(Link::Single(link.map_err(refused)?));
        }
        Link::Single(first)
    };
    let server = Server::new(Keys::new(options.prefix), first, others, options.wait);
    check_format(&server).await?;
    Ok(server)
}

fn nodes(options: &RedisOptions) -> Result<Vec<ConnectionInfo>> {
    let mut nodes = Vec::with_capacity(options.urls.len());
    for url in &options.urls {
        let node = url.as_str().into_connection_info().map_err(refused)?;
        // The newer protocol tells at once when a connection is lost.
        let settings = node
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        nodes.push(node.set_redis_settings(settings));
        #[cfg(feature = "redis-tls")]
        if url.starts_with("rediss:") && rustls::crypto::CryptoProvider::get_default().is_none() {
            // When somebody else is first, that one holds: they agree on TLS all the same.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
    }
    Ok(nodes)
}

/// Connects to the first node that answers, and asks it about itself.
async fn first_of(
    nodes: &[ConnectionInfo],
    options: &RedisOptions,
) -> Result<(ConnectionManager, String)> {
    let mut last = RedisError::from((ErrorKind::InvalidClientConfig, "no address"));
    for node in nodes {
        let mut link = match connect_single(node, options).await {
            Ok(link) => link,
            Err(error) => {
                last = error;
                continue;
            }
        };
        match redis::cmd("INFO").query_async(&mut link).await {
            Ok(about) => return Ok((link, about)),
            Err(error) => last = error,
        }
    }
    Err(refused(last))
}

/// How long the whole answer to a write may take that waits for replicas.
fn response_timeout(options: &RedisOptions) -> Duration {
    let wait = options.wait.map_or(Duration::ZERO, |wait| wait.timeout);
    options.response_timeout.saturating_add(wait)
}

async fn connect_single(
    node: &ConnectionInfo,
    options: &RedisOptions,
) -> redis::RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(options.connect_timeout))
        .set_response_timeout(Some(response_timeout(options)))
        .set_number_of_retries(RECONNECTS)
        .set_min_delay(FIRST_PAUSE)
        .set_pipeline_buffer_size(1024);
    ConnectionManager::new_with_config(client(node, options)?, config).await
}

#[cfg(not(feature = "redis-tls"))]
fn client(node: &ConnectionInfo, _: &RedisOptions) -> redis::RedisResult<Client> {
    Client::open(node.clone())
}

#[cfg(feature = "redis-tls")]
fn client(node: &ConnectionInfo, options: &RedisOptions) -> redis::RedisResult<Client> {
    let is_tls = matches!(node.addr(), redis::ConnectionAddr::TcpTls { .. });
    match certificates(options).filter(|_| is_tls) {
        Some(certificates) => Client::build_with_tls(node.clone(), certificates),
        None => Client::open(node.clone()),
    }
}

#[cfg(feature = "redis-tls")]
fn certificates(options: &RedisOptions) -> Option<redis::TlsCertificates> {
    let root_cert = Some(options.certificate_authorities.clone()?);
    Some(redis::TlsCertificates {
        client_tls: None,
        root_cert,
    })
}

async fn connect_cluster(
    nodes: &[ConnectionInfo],
    options: &RedisOptions,
) -> Result<redis::cluster_async::ClusterConnection> {
    let retries = u32::try_from(RECONNECTS).unwrap_or(u32::MAX);
    let builder = ClusterClientBuilder::new(nodes.iter().cloned())
        .use_protocol(ProtocolVersion::RESP3)
        .connection_timeout(options.connect_timeout)
        .response_timeout(response_timeout(options))
        .overall_response_timeout(Some(response_timeout(options).saturating_mul(2)))
        .retries(retries)
        .min_retry_wait(50)
        .max_retry_wait(400);
    #[cfg(feature = "redis-tls")]
    let builder = match certificates(options) {
        Some(certificates) => builder.certs(certificates),
        None => builder,
    };
    let client = builder.build().map_err(refused)?;
    client.get_async_connection().await.map_err(refused)
}

/// What each primary of a cluster says about itself.
async fn about_each(mut link: redis::cluster_async::ClusterConnection) -> Result<Vec<String>> {
    let all = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
    let answers = link
        .route_command(redis::cmd("INFO"), all)
        .await
        .map_err(refused)?;
    let Value::Map(answers) = answers else {
        return Err(unsuitable("an answer of each node", "another answer"));
    };
    answers
        .into_iter()
        .map(|(_, about)| redis::from_redis_value(about).map_err(|error| refused(error.into())))
        .collect()
}

/// Checks what a primary says about itself.
fn check(about: &str, options: &RedisOptions) -> Result<()> {
    let version = field(about, "redis_version").unwrap_or("none");
    let major = version.split('.').next().and_then(|part| part.parse().ok());
    if major.is_none_or(|major: u32| major < 7) {
        return Err(unsuitable("Redis 7.0 or newer, or Valkey", version));
    }
    let role = field(about, "role").unwrap_or("none");
    if role != "master" {
        return Err(unsuitable("a primary", role));
    }
    let policy = field(about, "maxmemory_policy").unwrap_or("none");
    if policy != "noeviction" && !options.dangerous_allow_eviction {
        return Err(unsuitable("maxmemory-policy noeviction", policy));
    }
    Ok(())
}

fn field<'a>(about: &'a str, name: &str) -> Option<&'a str> {
    about.lines().find_map(|line| {
        let (found, value) = line.trim_end().split_once(':')?;
        (found == name).then_some(value)
    })
}

/// Writes the format at the first time, and reads it whenever it is there.
async fn check_format(server: &Server) -> Result<()> {
    let key = server.keys.format();
    let mut set = redis::cmd("SET");
    set.arg(&key)
        .arg(format!("{OURS}{FORMAT}"))
        .arg("NX")
        .arg("GET");
    let found: Option<Vec<u8>> = match server.ask(&set).await {
        Ok(found) => found,
        Err(error) if error.code() == Some("WRONGTYPE") => return Err(OpenError::Foreign),
        Err(error) if error.code() == Some("OOM") => {
            return Err(unsuitable("room in memory", "none"));
        }
        Err(error) => return Err(refused(error)),
    };
    let Some(found) = found else {
        return Ok(());
    };
    let found = std::str::from_utf8(&found)
        .ok()
        .and_then(|found| found.strip_prefix(OURS)?.parse().ok())
        .ok_or(OpenError::Foreign)?;
    if found == FORMAT {
        Ok(())
    } else {
        Err(OpenError::UnsupportedFormat { found })
    }
}

fn unsuitable(expected: &'static str, found: &str) -> OpenError {
    OpenError::Unsuitable {
        expected,
        found: found.to_owned(),
    }
}

fn refused(error: RedisError) -> OpenError {
    OpenError::Unreachable(Box::new(error))
}
