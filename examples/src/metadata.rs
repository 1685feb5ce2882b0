//! Metadata of applications, from files and addresses.

use crate::application::ApplicationEntry;
use crate::config::Config;
use crate::problem::Problem;
use federate::Application;
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
    if url.scheme() == "http" && !local {
        return Err("metadata is fetched by https:// only".to_owned());
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIME))
        .https_only(!local)
        .max_redirects(3)
        .build()
        .into();
    let one_line = |e: ureq::Error| e.to_string().replace('\n', " ");
    let mut response = agent.get(url.as_str()).call().map_err(one_line)?;
    let body = response.body_mut().with_config().limit(MOST);
    body.read_to_vec().map_err(one_line)
}
