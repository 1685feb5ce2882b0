//! `federate metadata rollover`.

use super::describe::Key;
use super::{refused, replace};
use crate::Output;
use crate::failure::Failure;
use crate::options::RolloverArgs;
use crate::problem::Problem;
use crate::summary::Lines;
use crate::terminal::json;
use crate::{input, keygen, trust};
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::{Certificate, CryptoProvider, PrivateKey, aws_lc_provider};
use federate_metadata::{
    EntityDescriptor, KeyDescriptor, KeyRing, RingKey, RolloverError, parse_entity,
};
use federate_types::EntityId;
use federate_xml::{Limits, format_instant};
use serde::Serialize;
use zeroize::Zeroizing;

/// What was done, and what is to be done.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    step: &'static str,
    /// What the metadata has to say of the keys.
    publish: Vec<Standing>,
    next_step: Option<&'static str>,
    /// When it is due.
    not_before: Option<String>,
}

#[derive(Debug, Serialize)]
struct Standing {
    standing: &'static str,
    since: String,
    #[serde(flatten)]
    key: Key,
}

pub(super) fn run(args: &RolloverArgs) -> Result<Output, Problem> {
    let provider = aws_lc_provider();
    let now = args.at.unwrap_or_else(trust::now);
    let (ring, step) = if args.new {
        (new_ring(args, &provider, now)?, "made the ring")
    } else {
        let mut ring = read(args)?;
        if args.show {
            (ring, "none")
        } else {
            match advance(&mut ring, args, &provider, now)? {
                Ok(step) => (ring, step),
                Err(e) => return refused(args.ring.display(), &of(&e), args.json),
            }
        }
    };
    // The metadata can only be wrong before the ring has changed.
    let metadata = metadata(args, &ring)?;
    if !args.show {
        write(args, &ring)?;
    }
    if let (Some(octets), Some(out)) = (metadata, &args.out) {
        replace(out, &octets, false)?;
    }
    let report = Report::of(&ring, step, args.cache_duration, &provider)?;
    Ok(match args.json {
        true => json(&report)?.into(),
        false => report.to_text().into(),
    })
}

fn of(error: &RolloverError) -> Failure {
    Failure {
        code: error.code(),
        message: error.to_string(),
        expected: None,
        actual: None,
    }
}

fn read(args: &RolloverArgs) -> Result<KeyRing, Problem> {
    let text = Zeroizing::new(input::read_text(&args.ring)?);
    // What a parser says of a line could be a part of a key.
    serde_json::from_str(&text).map_err(|e| {
        let why = format!(
            "not a ring of keys: line {}, column {}",
            e.line(),
            e.column()
        );
        Problem::of(args.ring.display(), why)
    })
}

fn write(args: &RolloverArgs, ring: &KeyRing) -> Result<(), Problem> {
    let problem = |e| Problem::of(args.ring.display(), e);
    let mut octets = Zeroizing::new(serde_json::to_vec_pretty(ring).map_err(problem)?);
    octets.push(b'\n');
    match args.new {
        true => keygen::write_new(&args.ring, &octets, true),
        false => replace(&args.ring, &octets, true),
    }
}

/// The key that is to be added, if one was given or is to be made.
fn given_key(
    args: &RolloverArgs,
    provider: &CryptoProvider,
    now: DateTime<Utc>,
) -> Result<Option<(PrivateKey, Certificate)>, Problem> {
    if let (Some(key), Some(cert)) = (&args.key, &args.cert) {
        return Ok(Some((trust::private_key(key)?, trust::certificate(cert)?)));
    }
    if !args.generate {
        return Ok(None);
    }
    let lifetime = TimeDelta::days(i64::from(args.days));
    keygen::make(provider, args.kind, &args.common_name, now, lifetime).map(Some)
}

fn new_ring(
    args: &RolloverArgs,
    provider: &CryptoProvider,
    now: DateTime<Utc>,
) -> Result<KeyRing, Problem> {
    if args.ring.symlink_metadata().is_ok() {
        let why = "it exists already and is not overwritten";
        return Err(Problem::of(args.ring.display(), why));
    }
    let (key, certificate) = given_key(args, provider, now)?
        .ok_or_else(|| Problem::new("--new needs --generate, or --key and --cert"))?;
    KeyRing::new(key, certificate, provider, now).map_err(|e| Problem::of("--cert", e))
}

/// The step that a ring is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Add,
    Activate,
    Remove,
}

impl Step {
    fn of(ring: &KeyRing) -> Self {
        if !ring.retiring().is_empty() {
            Self::Remove
        } else if ring.next().is_some() {
            Self::Activate
        } else {
            Self::Add
        }
    }
}

/// Takes the step that is due, or says why it cannot be taken yet.
fn advance(
    ring: &mut KeyRing,
    args: &RolloverArgs,
    provider: &CryptoProvider,
    now: DateTime<Utc>,
) -> Result<Result<&'static str, RolloverError>, Problem> {
    let step = Step::of(ring);
    if step != Step::Add && (args.generate || args.key.is_some()) {
        let why = "a rollover is under way: no other key is added before it is over";
        return Err(Problem::of(args.ring.display(), why));
    }
    let cache = args.cache_duration;
    Ok(match step {
        Step::Add => {
            let (key, certificate) = given_key(args, provider, now)?.ok_or_else(|| {
                let why = "no rollover is under way: --generate, or --key and --cert, begin one";
                Problem::of(args.ring.display(), why)
            })?;
            let added = ring.add_next(key, certificate, provider, now);
            added.map(|()| "added the next key")
        }
        Step::Activate => {
            let activated = ring.activate_next(now, cache);
            activated.map(|()| "made the next key the active one")
        }
        Step::Remove => {
            let removed = ring.remove_retiring(now, cache);
            removed.map(|_| "removed the key that retired")
        }
    })
}

/// The party's metadata with the keys of the ring.
fn metadata(args: &RolloverArgs, ring: &KeyRing) -> Result<Option<Vec<u8>>, Problem> {
    let Some(path) = &args.metadata else {
        return Ok(None);
    };
    let octets = input::read_metadata(path)?;
    let mut entity = parse_entity(&octets, &Limits::for_aggregate())
        .map_err(|e| Problem::of(path.display(), e))?;
    let mut roles: Vec<&mut Vec<KeyDescriptor>> = Vec::new();
    roles.extend(entity.idp.as_mut().map(|idp| &mut idp.keys));
    roles.extend(entity.sp.as_mut().map(|sp| &mut sp.keys));
    if roles.is_empty() {
        let why = "it has neither an identity provider nor a service provider";
        return Err(Problem::of(path.display(), why));
    }
    for keys in roles {
        // How to encrypt is said of the party, not of one key.
        let encrypting = keys.iter().find(|key| key.key_use.encrypts());
        let methods = encrypting.map(|key| key.encryption_methods.clone());
        *keys = ring.descriptors();
        for key in keys.iter_mut().filter(|key| key.key_use.encrypts()) {
            key.encryption_methods = methods.clone().unwrap_or_default();
        }
    }
    entity.cache_duration = Some(args.cache_duration);
    let mut octets = entity.to_xml();
    octets.push(b'\n');
    Ok(Some(octets))
}

impl Report {
    fn of(
        ring: &KeyRing,
        step: &'static str,
        cache: TimeDelta,
        provider: &CryptoProvider,
    ) -> Result<Self, Problem> {
        let retiring = ring.retiring().iter().map(|key| ("retires", key));
        let next = ring.next().map(|key| ("next", key));
        let standing: Vec<_> = std::iter::once(("active", ring.active()))
            .chain(next)
            .chain(retiring)
            .collect();
        let (next_step, waits_for) = match Step::of(ring) {
            Step::Add => (None, None),
            Step::Activate => (Some("make the next key the active one"), ring.next()),
            Step::Remove => {
                let last = ring.retiring().iter().max_by_key(|key| key.since());
                (Some("remove the key that retires"), last)
            }
        };
        let due = waits_for.and_then(|key| key.since().checked_add_signed(cache));
        Ok(Self {
            ok: true,
            step,
            publish: described(ring, &standing, provider)?,
            next_step,
            not_before: due.map(format_instant),
        })
    }

    fn to_text(&self) -> String {
        let mut lines = Lines::default();
        lines.line("step", self.step);
        for one in &self.publish {
            let since = &one.since;
            let text = one.key.to_text();
            lines.line(
                "publish",
                &format!("{} since {since}: {text}", one.standing),
            );
            lines.line("  SHA-256", &one.key.sha256);
        }
        match (self.next_step, &self.not_before) {
            (Some(step), Some(due)) => {
                lines.line("next step", step);
                lines.line("come back at", due);
            }
            _ => lines.line("next step", "none is due"),
        }
        lines.finish()
    }
}

/// The keys as metadata has them.
fn described(
    ring: &KeyRing,
    standing: &[(&'static str, &RingKey)],
    provider: &CryptoProvider,
) -> Result<Vec<Standing>, Problem> {
    let id = EntityId::new("urn:ring").map_err(|e| Problem::of("ring", e))?;
    let mut entity = EntityDescriptor::new(id);
    let mut sp = federate_metadata::SpDescriptor::default();
    sp.keys = ring.descriptors();
    entity.sp = Some(sp);
    let keys = entity.published_keys(provider);
    Ok(standing
        .iter()
        .zip(&keys)
        .map(|((standing, ring_key), key)| Standing {
            standing,
            since: format_instant(ring_key.since()),
            key: Key::of(key),
        })
        .collect())
}
