//! Listening, sweeping, stopping.

use crate::metadata;
use crate::problem::Problem;
use crate::setup::{Served, Setup};
use axum::extract::{Request, State};
use axum::http::header::{HOST, LOCATION};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use federate::Store;
use federate::session::Sweep;
use federate_axum::Site;
use federate_axum::hub::{METADATA, carry_out_logouts};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long requests that are being answered may take after the signal to stop.
const LAST_REQUESTS: Duration = Duration::from_secs(3);

/// How often what has expired is removed.
const SWEEP: Duration = Duration::from_secs(60);

/// Serves until Ctrl-C or SIGTERM.
pub(crate) async fn serve<S: Store>(setup: Setup<S>) -> Result<(), Problem> {
    let mut signals = Signals::new()?;
    // Every port is ours before the first request is answered.
    let mut listeners = Vec::new();
    for party in &setup.parties {
        listeners.push(bind(party).await?);
    }
    announce(&setup);
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for (party, listeners) in setup.parties.into_iter().zip(listeners) {
        let router = match party.site.is_secure() {
            true => party.router,
            false => party.router.layer(from_fn_with_state(party.site, own_host)),
        };
        for listener in listeners {
            let (router, mut stopped) = (router.clone(), stopped.clone());
            tasks.spawn(async move {
                axum::serve(listener, router)
                    .with_graceful_shutdown(async move {
                        let _ = stopped.wait_for(|stopped| *stopped).await; // or the sender is gone
                    })
                    .await
            });
        }
    }
    let hub_sweeper = tokio::spawn(sweep(vec![Arc::clone(setup.hub.store())]));
    let sweeper = tokio::spawn(sweep(setup.stores));
    let logouts = tokio::spawn(carry_out_logouts(setup.hub));
    let feeder = tokio::spawn(metadata::keep_fresh(setup.feed));
    let upstream_feeder = tokio::spawn(metadata::keep_fresh(setup.upstream_feed));
    let federations = tokio::spawn(metadata::keep_fresh(setup.federations));
    signals.wait().await;
    tracing::info!("stopping");
    let _ = stop.send(true); // a task that has ended need not be told
    // Browsers keep connections open on which nothing is asked: they are not waited for.
    let _ = timeout(LAST_REQUESTS, async {
        while tasks.join_next().await.is_some() {}
    })
    .await;
    tasks.shutdown().await;
    for task in [
        hub_sweeper,
        sweeper,
        logouts,
        feeder,
        upstream_feeder,
        federations,
    ] {
        task.abort();
        let _ = task.await; // it was told to stop
    }
    say("Stopped. Sessions are kept; start again with the same command.\n");
    Ok(())
}

/// Listens at a party's port on this machine alone: IPv4, and IPv6 where there is one.
async fn bind(party: &Served) -> Result<Vec<TcpListener>, Problem> {
    let port = party.port;
    let listen = |ip: IpAddr| TcpListener::bind(SocketAddr::new(ip, port));
    let taken = |e: io::Error| {
        let why = match e.kind() {
            io::ErrorKind::AddrInUse => "the port is taken; choose another with --port".to_owned(),
            _ => e.to_string(),
        };
        Problem::of(format_args!("port {port} ({})", party.name), why)
    };
    let first = listen(Ipv4Addr::LOCALHOST.into()).await.map_err(taken)?;
    let mut listeners = vec![first];
    match listen(Ipv6Addr::LOCALHOST.into()).await {
        Ok(second) => listeners.push(second),
        // Browsers would reach somebody else there.
        Err(e) if e.kind() == io::ErrorKind::AddrInUse => return Err(taken(e)),
        Err(_) => {}
    }
    Ok(listeners)
}

/// Leads who came by another name of this machine to the one whose cookies and forms work.
async fn own_host(State(site): State<Site>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST);
    let own = site
        .origin()
        .split_once("://")
        .map(|(_, host)| host.as_bytes());
    // Metadata is fetched by programs, which may know this machine by another name only.
    let asks =
        matches!(*request.method(), Method::GET | Method::HEAD) && request.uri().path() != METADATA;
    if !asks || host.map(|host| host.as_bytes()) == own {
        return next.run(request).await;
    }
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, site.url(path))]).into_response()
}

/// Removes what has expired, every minute.
async fn sweep<S: Sweep + 'static>(stores: Vec<Arc<S>>) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for store in &stores {
            loop {
                match store.sweep(Utc::now(), 1000).await {
                    Ok(swept) if swept.more => tokio::task::yield_now().await,
                    Ok(_) => break,
                    Err(e) => {
                        tracing::warn!(code = e.code(), "sweeping failed: {e}");
                        break;
                    }
                }
            }
        }
    }
}

/// Says what runs where.
fn announce<S>(setup: &Setup<S>) {
    let mut text = String::from("The hub is ready.\n\n");
    for party in &setup.parties {
        text.push_str(&format!("  {:<20}{}/\n", party.name, party.site.origin()));
    }
    for (name, password) in &setup.passwords {
        text.push_str(&format!("  {:<20}{name}  {password}\n", "Demo user"));
    }
    text.push_str(&format!("  {:<20}{}\n", "Data", setup.data_dir.display()));
    text.push_str("\nCtrl-C stops it.\n");
    say(&text);
}

fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush()); // nobody may be listening
}

/// Ctrl-C, and on Unix SIGTERM.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Result<Self, Problem> {
        use tokio::signal::unix::{SignalKind, signal};
        let problem = |e| Problem::of("signals cannot be received", e);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(problem)?,
            terminate: signal(SignalKind::terminate()).map_err(problem)?,
        })
    }

    #[cfg(not(unix))]
    #[allow(clippy::unnecessary_wraps)]
    fn new() -> Result<Self, Problem> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn wait(&mut self) {
        let _ = tokio::signal::ctrl_c().await; // without signals there is nothing to wait for
    }
}
