//! The configuration file.

use crate::application::ApplicationEntry;
use crate::federation::FederationEntry;
use crate::management::ManagementEntry;
use crate::problem::Problem;
use crate::upstream::UpstreamEntry;
use argon2::PasswordHash;
use chrono::TimeDelta;
use federate::hub::{DirectoryUser, ReturnToList};
use federate::logout::{LogoutPolicy, RequestLimit, UpstreamPolicy};
use federate::session::{InvalidPolicy, LifetimePolicy, Persistence, Profile};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// What the file says, checked.
#[derive(Debug, Default)]
pub(crate) struct Config {
    pub(crate) applications: Vec<ApplicationEntry>,
    pub(crate) federations: Vec<FederationEntry>,
    pub(crate) upstreams: Vec<UpstreamEntry>,
    pub(crate) users: BTreeMap<String, DirectoryUser>,
    pub(crate) lifetime: LifetimePolicy,
    pub(crate) logout: LogoutPolicy,
    /// How many LogoutRequests each peer may bring.
    pub(crate) logout_requests: RequestLimit,
    /// Where browsers may go after a logout that names no application.
    pub(crate) return_to: ReturnToList,
    /// Whether applications are told of sessions that have expired.
    pub(crate) tell_expiry: bool,
    /// Whether peers may be asked directly that live on this machine or its network.
    pub(crate) private_addresses: bool,
    /// Whether programs may sign in by themselves.
    pub(crate) ecp: bool,
    /// Where the secret of the management API is, if there is to be one.
    pub(crate) management: Option<ManagementEntry>,
    /// Where the paths in it begin.
    pub(crate) folder: PathBuf,
    /// How it is called in messages.
    pub(crate) file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    application: Vec<ApplicationEntry>,
    #[serde(default)]
    federation: Vec<FederationEntry>,
    #[serde(default)]
    upstream: Vec<UpstreamEntry>,
    #[serde(default)]
    user: Vec<UserEntry>,
    #[serde(default)]
    session: SessionEntry,
    #[serde(default)]
    logout: LogoutEntry,
    management: Option<ManagementEntry>,
    #[serde(default)]
    ecp: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    name: String,
    password_hash: String,
    email: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionEntry {
    absolute: Option<String>,
    idle: Option<String>,
    ephemeral_absolute: Option<String>,
    ephemeral_idle: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogoutEntry {
    #[serde(default)]
    upstream: Upstream,
    #[serde(default)]
    return_to: Vec<String>,
    #[serde(default)]
    tell_expiry: bool,
    #[serde(default)]
    frames: bool,
    #[serde(default)]
    private_addresses: bool,
    requests_per_second: Option<NonZeroU32>,
    requests_at_once: Option<NonZeroU32>,
}

/// Whether sessions at identity providers end with the hub's.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Upstream {
    #[default]
    Never,
    Ask,
    Always,
}

impl Config {
    /// Reads the file, or gives the defaults if there is none.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, Problem> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| Problem::of(format_args!("--config {file}"), e))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self::parse(&text, file, folder)
    }

    fn parse(text: &str, file: String, folder: PathBuf) -> Result<Self, Problem> {
        let document: Document = toml::from_str(text).map_err(|e| {
            let before = e.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            let message = e.message().replace('\n', ", ");
            Problem::of(format_args!("{file}: line {line}"), message)
        })?;
        let at = |why: String| Problem::of(&file, why);
        let mut config = Self {
            lifetime: lifetime(&document.session).map_err(at)?,
            logout: LogoutPolicy {
                upstream: match document.logout.upstream {
                    Upstream::Never => UpstreamPolicy::Never,
                    Upstream::Ask => UpstreamPolicy::Ask,
                    Upstream::Always => UpstreamPolicy::Always,
                },
                frames: document.logout.frames,
                ..LogoutPolicy::default()
            },
            logout_requests: limit(&document.logout),
            return_to: ReturnToList::new(&document.logout.return_to)
                .map_err(|e| at(format!("logout.return_to: {e}")))?,
            tell_expiry: document.logout.tell_expiry,
            private_addresses: document.logout.private_addresses,
            ecp: document.ecp,
            management: document.management,
            applications: document.application,
            federations: document.federation,
            upstreams: document.upstream,
            folder,
            users: BTreeMap::new(),
            file: file.clone(),
        };
        for application in &config.applications {
            if application.name.trim().is_empty() {
                return Err(at("application.name: it is empty".to_owned()));
            }
        }
        let mut names = BTreeSet::new();
        for federation in &config.federations {
            if federation.name.trim().is_empty() || !names.insert(federation.name.trim()) {
                let name = &federation.name;
                return Err(at(format!(
                    "federation.name: {name:?} is empty or occurs twice"
                )));
            }
        }
        let mut names = BTreeSet::new();
        for upstream in &config.upstreams {
            if upstream.name.trim().is_empty() || !names.insert(upstream.name.trim()) {
                let name = &upstream.name;
                return Err(at(format!(
                    "upstream.name: {name:?} is empty or occurs twice"
                )));
            }
            upstream.check().map_err(at)?;
        }
        for entry in document.user {
            let (name, user) = user(entry).map_err(at)?;
            if config.users.contains_key(&name) {
                return Err(at(format!("user.name: {name:?} occurs twice")));
            }
            config.users.insert(name, user);
        }
        Ok(config)
    }
}

fn limit(logout: &LogoutEntry) -> RequestLimit {
    let default = RequestLimit::default();
    let or = |given: Option<NonZeroU32>, default| given.map_or(default, NonZeroU32::get);
    RequestLimit {
        per_second: or(logout.requests_per_second, default.per_second),
        burst: or(logout.requests_at_once, default.burst),
    }
}

fn user(entry: UserEntry) -> Result<(String, DirectoryUser), String> {
    let name = entry.name;
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    if !(1..=256).contains(&name.len()) || !name.chars().all(plain) {
        return Err(format!(
            "user.name: {name:?} is not 1 to 256 bytes without blanks"
        ));
    }
    let hash = PasswordHash::new(&entry.password_hash);
    if !hash.is_ok_and(|hash| hash.algorithm.as_str().starts_with("argon2") && hash.hash.is_some())
    {
        return Err(format!(
            "user.password_hash of {name:?}: not an Argon2 hash ($argon2id$...); \
             `hub --hash-password` makes one"
        ));
    }
    let mut attributes = entry.attributes;
    if let Some(email) = entry.email {
        if !email.contains('@') || !email.chars().all(plain) {
            return Err(format!(
                "user.email of {name:?}: {email:?} is not an address"
            ));
        }
        if attributes.insert("email".to_owned(), vec![email]).is_some() {
            return Err(format!(
                "user.attributes of {name:?}: email stands beside user.email"
            ));
        }
    }
    let user = DirectoryUser {
        password_hash: entry.password_hash,
        profile: Profile { attributes },
    };
    Ok((name, user))
}

fn lifetime(session: &SessionEntry) -> Result<LifetimePolicy, String> {
    let default = LifetimePolicy::default();
    let read = |key: &str, text: &Option<String>, default: TimeDelta| {
        match text {
        Some(text) => duration(text).ok_or_else(|| {
            format!("session.{key}: {text:?} is not a number of days, hours or minutes, such as \"7d\", \"12h\" or \"30m\"")
        }),
        None => Ok(default),
    }
    };
    let absolute = read("absolute", &session.absolute, default.absolute())?;
    let idle = read("idle", &session.idle, default.idle().min(absolute))?;
    let wrong = |before: &str, e: InvalidPolicy| {
        let key = match e {
            InvalidPolicy::Absolute => "absolute",
            _ => "idle",
        };
        format!("session.{before}{key}: {e}")
    };
    let policy = LifetimePolicy::new(absolute, idle).map_err(|e| wrong("", e))?;
    let default = policy.of(Persistence::Ephemeral);
    let absolute = read(
        "ephemeral_absolute",
        &session.ephemeral_absolute,
        default.absolute(),
    )?;
    let idle = default.idle().min(absolute);
    let idle = read("ephemeral_idle", &session.ephemeral_idle, idle)?;
    policy
        .with_ephemeral(absolute, idle)
        .map_err(|e| wrong("ephemeral_", e))
}

/// `7d`, `12h` or `30m`.
pub(crate) fn duration(text: &str) -> Option<TimeDelta> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = number.parse::<i64>().ok()?;
    match unit {
        "d" => TimeDelta::try_days(number),
        "h" => TimeDelta::try_hours(number),
        "m" => TimeDelta::try_minutes(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$ZcnOxFVU9jK1fMT0tWVfB7ToWAE3rQVAi1pVW7uNLnk";

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, "hub.toml".to_owned(), PathBuf::new()).map_err(|p| p.to_string())
    }

    #[test]
    fn reads_every_key() {
        let config = parse(&format!(
            "[[application]]\nname = \"Wiki\"\nmetadata = \"wiki.xml\"\n\
             [[user]]\nname = \"carol\"\npassword_hash = \"{HASH}\"\nemail = \"carol@example.com\"\n\
             attributes = {{ groups = [\"staff\"] }}\n[session]\nabsolute = \"12h\"\nidle = \"30m\"\n\
             [logout]\nrequests_per_second = 5\nrequests_at_once = 50\n"
        ))
        .unwrap();
        assert_eq!(config.applications[0].name, "Wiki");
        let profile = &config.users["carol"].profile;
        assert_eq!(profile.first("email"), Some("carol@example.com"));
        assert_eq!(profile.first("groups"), Some("staff"));
        assert_eq!(config.lifetime.absolute(), TimeDelta::hours(12));
        assert_eq!(config.lifetime.idle(), TimeDelta::minutes(30));
        let limit = RequestLimit {
            per_second: 5,
            burst: 50,
        };
        assert_eq!(config.logout_requests, limit);
    }

    #[test]
    fn without_keys_the_defaults_hold() {
        let config = parse("").unwrap();
        assert_eq!(config.lifetime, LifetimePolicy::default());
        // A short absolute limit shortens the default idle limit.
        let config = parse("[session]\nabsolute = \"1d\"").unwrap();
        assert_eq!(config.lifetime.idle(), TimeDelta::days(1));
    }

    #[test]
    fn a_bad_value_is_told_by_file_and_key() {
        for (text, expected) in [
            ("a = 1", "hub.toml: line 1: unknown field `a`"),
            (
                "[[application]]\nname = \"x\"\nmeta = \"y\"",
                "hub.toml: line 3: unknown field `meta`",
            ),
            (
                "[[application]]\nname = \"x\"",
                "hub.toml: line 1: missing field `metadata`",
            ),
            (
                "[session]\nidle = 3",
                "hub.toml: line 2: invalid type: integer `3`",
            ),
            (
                "[session]\nidle = \"3 days\"",
                "hub.toml: session.idle: \"3 days\" is not a number",
            ),
            (
                "[session]\nidle = \"\u{e9}\"",
                "hub.toml: session.idle: \"\u{e9}\" is not a number",
            ),
            (
                "[session]\nidle = \"8d\"",
                "hub.toml: session.idle: the idle limit must be",
            ),
            (
                "[session]\nabsolute = \"0d\"",
                "hub.toml: session.absolute: the absolute limit",
            ),
            (
                "[session]\nephemeral_idle = \"25h\"",
                "hub.toml: session.ephemeral_idle: the idle limit must be",
            ),
            (
                "[[upstream]]\nname = \"Okta\"\nmetadata = \"o.xml\"\nemail_domains = [\"Acme.example\"]",
                "hub.toml: upstream.email_domains of \"Okta\": \"Acme.example\" is not a domain",
            ),
            (
                "[[upstream]]\nname = \"\"\nmetadata = \"o.xml\"",
                "hub.toml: upstream.name: \"\" is empty",
            ),
            (
                "[logout]\nreturn_to = [\"https://*.com\"]",
                "hub.toml: logout.return_to: \"https://*.com\" cannot be an address to return to",
            ),
            (
                "[logout]\nrequests_per_second = 0",
                "hub.toml: line 2: invalid value: integer `0`",
            ),
            (
                "[logout]\nupstream = \"maybe\"",
                "hub.toml: line 2: unknown variant `maybe`",
            ),
            (
                "[management]\ntoken = \"secret\"",
                "hub.toml: line 2: unknown field `token`",
            ),
            (
                "[management]",
                "hub.toml: line 1: missing field `token_file`",
            ),
            ("[session", "hub.toml: line 1: "),
            (
                "[[user]]\nname = \"c\"\npassword_hash = \"secret\"",
                "hub.toml: user.password_hash of \"c\": not an Argon2 hash",
            ),
            (
                "[[user]]\nname = \"c d\"\npassword_hash = \"secret\"",
                "hub.toml: user.name: \"c d\" is not",
            ),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
            assert!(!problem.contains('\n'), "{problem}");
        }
        let user = format!("[[user]]\nname = \"c\"\npassword_hash = \"{HASH}\"\n");
        let problem = parse(&format!("{user}{user}")).unwrap_err();
        assert_eq!(problem, "hub.toml: user.name: \"c\" occurs twice");
        let problem = parse(&format!("{user}email = \"c\"")).unwrap_err();
        assert_eq!(
            problem,
            "hub.toml: user.email of \"c\": \"c\" is not an address"
        );
    }
}
