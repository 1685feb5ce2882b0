//! From options to routers: everything is read, made and checked here.

use crate::application::ApplicationEntry;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::demo::{self, DemoUsers};
use crate::demo_app::{self, DemoApp};
use crate::directly::Directly;
use crate::federation::{self, Federations};
use crate::management;
use crate::metadata::{self, Described, Metadata};
use crate::options::Options;
use crate::problem::Problem;
use crate::upstream::UpstreamEntry;
use axum::Router;
use federate::crypto::{CryptoProvider, SignatureAlgorithm, aws_lc_provider};
use federate::hub::Directory;
use federate::types::EntityId;
use federate::{
    Application, Connection, Denial, FederateError, Hub, IdentityProvider, Party, ServiceProvider,
    Store, Token,
};
use federate_axum::{HubState, Site, SpState, hub, hub_router, sp};
use federate_store::RedbStore;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What is served, and what is said about it.
pub(crate) struct Setup<S> {
    pub(crate) parties: Vec<Served>,
    pub(crate) hub: Arc<Hub<S>>,
    /// The stores of the demo applications.
    pub(crate) stores: Vec<Arc<RedbStore>>,
    /// The applications' metadata, which is read again when it is due.
    pub(crate) feed: Metadata,
    /// The same of identity providers.
    pub(crate) upstream_feed: Metadata,
    /// The federations' metadata.
    pub(crate) federations: Federations,
    /// The demo users' names and passwords.
    pub(crate) passwords: Vec<(String, String)>,
    pub(crate) data_dir: PathBuf,
}

/// One party: its routes at its port.
pub(crate) struct Served {
    pub(crate) name: String,
    pub(crate) site: Site,
    pub(crate) port: u16,
    pub(crate) router: Router,
}

/// A demo application before the hub knows it.
struct Demo {
    site: Site,
    port: u16,
    sp: Arc<ServiceProvider<RedbStore>>,
}

/// The names of the demo applications, and how their files, hosts and cookies are called.
const DEMO: [(&str, &str); 2] = [
    ("Demo Application A", "app-a"),
    ("Demo Application B", "app-b"),
];

/// Prepares everything of the command line and the configuration; the hub remembers what it must
/// in the store that this opens.
pub(crate) fn prepare<S: Store>(
    options: &Options,
    open: impl FnOnce(&DataDir) -> Result<S, Problem>,
) -> Result<Setup<S>, Problem> {
    let provider = aws_lc_provider();
    let config = Config::read(options.config.as_deref())?;
    let site = hub_site(options)?;
    if !options.no_demo {
        room_for_demo(options, &config)?;
    }
    let data = DataDir::open(&options.data_dir)?;
    let feed = metadata::feed(
        &config,
        &described(&config.applications, ApplicationEntry::described),
        &provider,
        data.path().join("metadata"),
    )?;
    // A feed of its own: no application can say who an identity provider is.
    let upstream_feed = metadata::feed(
        &config,
        &described(&config.upstreams, UpstreamEntry::described),
        &provider,
        data.path().join("upstreams"),
    )?;
    let federations = federation::feed(&config, &provider, data.path().join("federations"))?;
    let mut configured = config
        .applications
        .iter()
        .map(|entry| metadata::application(&config, entry, &feed))
        .collect::<Result<Vec<_>, _>>()?;

    let store = Arc::new(open(&data)?);
    let party = party(&data, &provider, "hub", &site)?;
    let party = party.with_logout_limit(config.logout_requests);
    for (entry, application) in config.applications.iter().zip(&mut configured) {
        if let Some(algorithm) = entry.signature_algorithm() {
            // The same key: its files are there.
            application.signer = Some(data.signer(&provider, "hub", "hub", algorithm)?);
        }
    }
    let mut idp = IdentityProvider::new(party, &site.url(hub::SSO), &site.url(hub::SLO))?
        .with_artifact_resolution(&site.url(hub::ARTIFACTS))?
        .with_soap_logout(&site.url(hub::SLO))?
        .with_published_metadata(feed.registry())
        // Everybody in a federation may ask, and is told what its metadata asks for.
        .with_federation(federations.registry(), |_| {});
    if config.ecp {
        idp = idp.with_ecp(&site.url(hub::ECP))?;
    }

    let mut stores = Vec::new();
    let mut applications = Vec::new();
    let mut demos = Vec::new();
    let mut demo_users = DemoUsers {
        users: BTreeMap::new(),
        passwords: Vec::new(),
    };
    if !options.no_demo {
        demo_users = demo::users(&data, &provider)?;
        demos = self::demos(&data, &provider, options.port, &idp.metadata(), &mut stores)?;
    }
    for demo in &demos {
        let metadata = demo.sp.metadata();
        applications.push(Application::from_metadata(demo.site.title(), &metadata)?);
    }
    applications.extend(configured);
    let idp = with_applications(idp, applications, &config.file)?;

    let mut users = config.users.clone();
    users.extend(demo_users.users);
    let mut hub = hub(idp, &data, &provider, &config, Arc::clone(&store))?;
    if !config.upstreams.is_empty() {
        let party = upstream_party(&config, &data, &provider, &site)?;
        let sp = upstream(&config, &site, party, store, &upstream_feed)?;
        hub = hub.with_upstream(sp)?;
    }
    let directory = Directory::new(&provider, users)?;
    if directory.is_empty() {
        hub = hub.without_passwords();
    }
    let hub = Arc::new(hub);
    let state = HubState::new(Arc::clone(&hub), directory, site.clone());
    let state = management::added(state, &config)?;
    let mut parties = vec![Served {
        name: "Hub".to_owned(),
        site: site.clone(),
        port: options.port,
        router: hub_router(state),
    }];
    parties.extend(demo_routers(demos, &site));
    Ok(Setup {
        parties,
        hub,
        stores,
        feed,
        upstream_feed,
        federations,
        passwords: demo_users.passwords,
        data_dir: data.path().to_owned(),
    })
}

/// The demo applications need ports, and the demo users their names.
fn room_for_demo(options: &Options, config: &Config) -> Result<(), Problem> {
    if options.port > u16::MAX - 2 {
        let why = "the demo applications take the two ports that follow, and there are none";
        return Err(Problem::of(format_args!("--port {}", options.port), why));
    }
    let Some(name) = config.users.keys().find(|name| demo::is_demo_user(name)) else {
        return Ok(());
    };
    let why = "it is a demo user; choose another, or start with --no-demo";
    let what = format!("{}: user.name: {name:?}", config.file);
    Err(Problem::of(what, why))
}

fn hub_site(options: &Options) -> Result<Site, Problem> {
    const TITLE: &str = "Federate Hub";
    match &options.base_url {
        Some(base) => Site::new(base, "hub", TITLE)
            .map_err(|e| Problem::of(format_args!("--base-url {base}"), e)),
        None => {
            let base = format!("http://hub.localhost:{}", options.port);
            Site::new(&base, "hub", TITLE).map_err(|e| Problem::of("--port", e))
        }
    }
}

/// A party whose name is the address of its metadata.
fn party(
    data: &DataDir,
    provider: &CryptoProvider,
    name: &str,
    site: &Site,
) -> Result<Party, Problem> {
    let entity_id =
        EntityId::new(site.url(hub::METADATA)).map_err(|e| Problem::new(e.to_string()))?;
    if let Some(ring) = data.ring(name)? {
        return Ok(Party::from_key_ring(*provider, entity_id, &ring)?);
    }
    let common_name = format!("Federate {name}");
    let signer = data.signer(provider, name, &common_name, SignatureAlgorithm::RsaSha256)?;
    Ok(Party::new(entity_id, signer))
}

/// The demo applications, each with a store of its own.
fn demos(
    data: &DataDir,
    provider: &CryptoProvider,
    hub_port: u16,
    hub_metadata: &[u8],
    stores: &mut Vec<Arc<RedbStore>>,
) -> Result<Vec<Demo>, Problem> {
    let mut demos = Vec::new();
    for ((title, name), port) in DEMO.into_iter().zip(hub_port + 1..) {
        let store = Arc::new(data.store(&format!("{name}.redb"))?);
        stores.push(Arc::clone(&store));
        let names = (title, name);
        demos.push(demo(data, provider, names, port, store, hub_metadata)?);
    }
    Ok(demos)
}

/// A demo application: it knows the hub by its metadata alone.
fn demo(
    data: &DataDir,
    provider: &CryptoProvider,
    (title, name): (&str, &str),
    port: u16,
    store: Arc<RedbStore>,
    hub_metadata: &[u8],
) -> Result<Demo, Problem> {
    let site = Site::new(&format!("http://{name}.localhost:{port}"), name, title)
        .map_err(|e| Problem::of(name, e))?;
    let party = party(data, provider, name, &site)?;
    let mut hub = Connection::from_metadata(hub_metadata)?;
    hub.allow_unsolicited = true; // the hub's own page opens applications, too
    let sp = ServiceProvider::new(party, &site.url(sp::ACS), store)?
        .with_connection(hub)?
        .with_single_logout(&site.url(sp::SLO))?;
    Ok(Demo {
        site,
        port,
        sp: Arc::new(sp),
    })
}

fn with_applications(
    mut idp: IdentityProvider,
    applications: Vec<Application>,
    file: &str,
) -> Result<IdentityProvider, Problem> {
    for application in applications {
        let id = application.entity_id().clone();
        if let Some(first) = idp.applications().get(&id) {
            let why = format!("it has the entity ID of {:?}, {id}", first.name);
            let what = format!("{file}: application.metadata of {:?}", application.name);
            return Err(Problem::of(what, why));
        }
        let same_name = |other: &Application| other.name == application.name;
        if idp.applications().values().any(same_name) {
            let what = format!("{file}: application.name");
            return Err(Problem::of(
                what,
                format_args!("{:?} occurs twice", application.name),
            ));
        }
        let name = application.name.clone();
        idp = idp.with_application(application);
        match idp.unsolicited_sign_on(&id) {
            Err(FederateError::Denied(Denial::NoEndpoint)) => {
                let what = format!("{file}: application.metadata of {name:?}");
                return Err(Problem::of(
                    what,
                    "it takes no responses by HTTP-POST, SimpleSign or artifact",
                ));
            }
            // The others go on: this one may be repaired meanwhile.
            Err(e) => tracing::warn!(code = e.code(), application = name, "{e}"),
            Ok(_) => {}
        }
    }
    Ok(idp)
}

fn hub<S: Store>(
    idp: IdentityProvider,
    data: &DataDir,
    provider: &CryptoProvider,
    config: &Config,
    store: Arc<S>,
) -> Result<Hub<S>, Problem> {
    const FILE: &str = "hub.secret";
    let text = data.text(FILE, || Ok(Token::random(provider)?.expose().to_owned()))?;
    let secret = Token::parse(text.trim()).ok_or_else(|| {
        let file = data.path().join(FILE);
        Problem::of(file.display(), "it does not hold what was written to it")
    })?;
    let hub = Hub::new(idp, secret.expose().as_bytes(), store)?;
    let hub = hub
        .with_lifetime(config.lifetime)
        .with_logout_policy(config.logout)
        .with_return_to(config.return_to.clone())
        .with_back_channel(Directly::new(config.private_addresses));
    Ok(match config.tell_expiry {
        true => hub.with_expiry_told(),
        false => hub,
    })
}

/// The hub towards identity providers: it signs with the hub's key, by a name of its own.
fn upstream_party(
    config: &Config,
    data: &DataDir,
    provider: &CryptoProvider,
    site: &Site,
) -> Result<Party, Problem> {
    let mut party = party(data, provider, "hub", site)?;
    let entity_id = EntityId::new(site.url(hub::UPSTREAM_METADATA));
    party.entity_id = entity_id.map_err(|e| Problem::new(e.to_string()))?;
    Ok(party.with_logout_limit(config.logout_requests))
}

/// The service provider that the hub is towards the configuration's identity providers.
fn upstream<S: Store>(
    config: &Config,
    site: &Site,
    party: Party,
    store: Arc<S>,
    feed: &Metadata,
) -> Result<ServiceProvider<S>, Problem> {
    let mut sp = ServiceProvider::new(party, &site.url(hub::UPSTREAM_ACS), store)?
        .with_single_logout(&site.url(hub::UPSTREAM_SLO))?
        .with_soap_logout(&site.url(hub::UPSTREAM_SLO))?
        .with_published_metadata(feed.registry());
    for entry in &config.upstreams {
        let connection = metadata::connection(config, entry, feed)?;
        let id = connection.entity_id();
        if sp.identity_providers().any(|known| known.entity_id() == id) {
            let what = format!("{}: upstream.metadata of {:?}", config.file, entry.name);
            return Err(Problem::of(what, format_args!("{id} occurs twice")));
        }
        sp = sp.with_connection(connection)?;
    }
    Ok(sp)
}

fn described<'a, E>(
    entries: &'a [E],
    describe: impl Fn(&'a E) -> Described<'a>,
) -> Vec<Described<'a>> {
    entries.iter().map(describe).collect()
}

fn demo_routers(demos: Vec<Demo>, hub: &Site) -> Vec<Served> {
    let links: Vec<(String, String)> = demos
        .iter()
        .map(|demo| (demo.site.title().to_owned(), demo.site.url("/login")))
        .collect();
    demos
        .into_iter()
        .zip(links.into_iter().rev())
        .map(|(demo, other)| {
            let app = DemoApp {
                sp: SpState::new(demo.sp, demo.site.clone()),
                other,
                hub: hub.url("/"),
            };
            Served {
                name: demo.site.title().to_owned(),
                site: demo.site,
                port: demo.port,
                router: demo_app::router(app),
            }
        })
        .collect()
}
