//! The secret of the management API.

use crate::config::Config;
use crate::problem::Problem;
use federate::Store;
use federate_axum::HubState;
use serde::Deserialize;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The longest file that is read, in bytes: a token and what stands around it.
const MOST: u64 = 4096;

/// The management API in the configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManagementEntry {
    /// A file with the token alone, so that the configuration holds no secret.
    token_file: PathBuf,
}

/// Adds the management API, if there is to be one.
pub(crate) fn added<S: Store>(state: HubState<S>, config: &Config) -> Result<HubState<S>, Problem> {
    let Some(entry) = &config.management else {
        return Ok(state);
    };
    // The file is named, and nothing of what is in it.
    let problem = |why: String| {
        let file = entry.token_file.display();
        let what = format!("{}: management.token_file {file}", config.file);
        Problem::of(what, why)
    };
    let token = read(&config.folder.join(&entry.token_file)).map_err(problem)?;
    let with = state.with_management(&token);
    with.map_err(|e| problem(e.to_string()))
}

fn read(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    private(&file)?;
    let mut text = String::new();
    let read = file.take(MOST).read_to_string(&mut text);
    read.map_err(|e| e.to_string())?;
    Ok(text.trim().to_owned())
}

/// Whoever can read the token can end everybody's sessions. The group may be the hub's own.
#[cfg(unix)]
fn private(file: &File) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(|e| e.to_string())?.permissions();
    match mode.mode() & 0o007 {
        0 => Ok(()),
        _ => Err(format!(
            "other users of this machine may open it (mode {:04o}); `chmod 600` makes it private",
            mode.mode() & 0o7777
        )),
    }
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
fn private(_: &File) -> Result<(), String> {
    Ok(())
}
