//! Metadata of applications, from files and addresses.

use crate::application::ApplicationEntry;
use crate::config::Config;
use crate::problem::Problem;
use federate::Application;
use federate_http::{Client, HttpError, Options};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;
use url::{Host, Url};

/// The largest document that is read. One entity is a few kilobytes.
const MOST: u64 = 2 * 1024 * 1024;

/// How long an address may take to answer.
const TIME: Duration = Duration::from_secs(10);

/// The application of an entry of the configuration.
pub(crate) fn application(
    config: &Config,
    entry: &ApplicationEntry,
) -> Result<Application, Problem> {
    let what = format!(
        "{}: application.metadata of {:?}: {}",
        config.file, entry.name, entry.metadata
    );
    let problem = |why: String| Problem::of(&what, why);
    let octets = match Url::parse(&entry.metadata) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => fetch(&url).map_err(problem)?,
        _ => read(&config.folder.join(&entry.metadata)).map_err(problem)?,
    };
    let application = Application::from_metadata(entry.name.trim(), &octets);
    let mut application = application.map_err(|e| problem(e.to_string()))?;
    entry.apply(&mut application).map_err(|why| {
        let what = format_args!("{}: application {:?}", config.file, entry.name);
        Problem::of(what, why)
    })?;
    Ok(application)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let mut octets = Vec::new();
    let read = file.take(MOST + 1).read_to_end(&mut octets);
    read.map_err(|e| e.to_string())?;
    match octets.len() as u64 > MOST {
        true => Err(format!("the file is larger than {MOST} bytes")),
        false => Ok(octets),
    }
}

/// Keys come with the document: it must come by TLS, or from this very machine.
fn fetch(url: &Url) -> Result<Vec<u8>, String> {
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let client = Client::new(&Options {
        // The operator has written the address, and applications may live beside the hub.
        allow_private_addresses: true,
        allow_http: local,
        timeout: TIME,
        max_bytes: MOST,
        ..Options::default()
    });
    let fetched = async {
        let mut octets = Vec::new();
        client?.fetch(url.as_str(), None, &mut octets).await?;
        Ok::<_, HttpError>(octets)
    };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(fetched).map_err(|e| e.to_string())
}
