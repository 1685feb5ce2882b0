//! `federate metadata verify`.

use super::{LONG, progress, refused};
use crate::Output;
use crate::failure::Failure;
use crate::input;
use crate::options::{JudgingArgs, MetadataVerifyArgs};
use crate::problem::Problem;
use crate::summary::Lines;
use crate::terminal::json;
use crate::trust::{self, Peer};
use chrono::{DateTime, Utc};
use federate_crypto::{CryptoProvider, DigestAlgorithm, aws_lc_provider};
use federate_metadata::{
    Aggregate, AggregatePolicy, MetadataError, verify_entities, verify_entity,
};
use federate_xml::{
    Limits, SignatureError, SignedBy, TrustedKeys, VerificationContext, format_instant,
};
use serde::Serialize;
use std::io::Cursor;
use std::path::PathBuf;

/// Metadata that was verified.
#[derive(Debug, Serialize)]
pub(super) struct Accepted {
    ok: bool,
    entities: usize,
    valid_until: Option<String>,
    algorithm: &'static str,
    /// Of the certificate with the key that made the signature.
    sha256: String,
}

pub(super) fn run(args: &MetadataVerifyArgs) -> Result<Output, Problem> {
    let octets = input::read_metadata(&args.file)?;
    match judge(&octets, &args.cert, &args.judging)? {
        Err(failure) => refused(args.file.display(), &failure, args.json),
        Ok(accepted) if args.json => Ok(json(&accepted)?.into()),
        Ok(accepted) => Ok(accepted.to_text().into()),
    }
}

impl Accepted {
    pub(super) fn to_text(&self) -> String {
        let mut lines = Lines::default();
        lines.line("verified", "the signature over the whole document");
        lines.line("entities", &self.entities.to_string());
        lines.line("valid until", self.valid_until.as_deref().unwrap_or("none"));
        lines.line("algorithm", self.algorithm);
        lines.line("SHA-256 of the key", &self.sha256);
        lines.finish()
    }
}

/// Verifies a document with the keys of certificates, and judges until when it holds.
pub(super) fn judge(
    octets: &[u8],
    certificates: &[PathBuf],
    args: &JudgingArgs,
) -> Result<Result<Accepted, Failure>, Problem> {
    let provider = aws_lc_provider();
    let peer = Peer::of_certificates(&provider, certificates, None)?;
    let policy = trust::signature_policy(&args.algorithms);
    let now = args.at.unwrap_or_else(trust::now);
    let context = VerificationContext {
        provider: &provider,
        policy: &policy,
        now,
    };
    let found = match verify_group(octets, &peer.keys, &context) {
        // It may be one entity.
        Err(failure) if failure.code == "schema.unexpected_root" => {
            verify_entity(octets, &Limits::for_aggregate(), &peer.keys, &context)
                .map(|entity| (1, entity.valid_until, entity.signed_by().clone()))
                .map_err(Failure::from)
        }
        found => found,
    };
    Ok(found.and_then(|(entities, valid_until, signed_by)| {
        until(valid_until, now, args)?;
        Ok(Accepted {
            ok: true,
            entities,
            valid_until: valid_until.map(format_instant),
            algorithm: signed_by.algorithm.uri(),
            sha256: fingerprint(&signed_by, &peer, &provider),
        })
    }))
}

/// How many entities, until when, and who signed it.
type Found = (usize, Option<DateTime<Utc>>, SignedBy);

/// Verifies a group; a large one without holding all that is in it.
fn verify_group(
    octets: &[u8],
    keys: &TrustedKeys,
    context: &VerificationContext<'_>,
) -> Result<Found, Failure> {
    if octets.len() <= LONG {
        let group = verify_entities(octets, &Limits::for_aggregate(), keys, context)?;
        let signed_by = group.signed_by().clone();
        return Ok((group.entities().count(), group.valid_until, signed_by));
    }
    progress(format_args!("verifying {} MB", octets.len() / 1_000_000));
    let kept = Cursor::new(Vec::new());
    let aggregate = Aggregate::verify(octets, kept, keys, context, &any_validity())?;
    let signed_by = aggregate.signed_by().ok_or(SignatureError::Missing)?;
    let until = aggregate.document().valid_until;
    Ok((aggregate.len(), until, signed_by.clone()))
}

/// Until when the document holds is judged by the options.
pub(super) fn any_validity() -> AggregatePolicy {
    AggregatePolicy {
        require_valid_until: false,
        max_validity: None,
        ..AggregatePolicy::default()
    }
}

fn fingerprint(signed_by: &SignedBy, peer: &Peer, provider: &CryptoProvider) -> String {
    let mut certificates = peer.certificates.iter();
    let made = certificates.find(|certificate| *certificate.public_key() == signed_by.key);
    let octets = made.map_or_else(|| signed_by.key.spki_der(), |c| c.der());
    let digest = provider.digester.digest(DigestAlgorithm::Sha256, octets);
    digest.to_fingerprint()
}

/// Whether the description holds now, and not for longer than allowed.
fn until(
    valid_until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    args: &JudgingArgs,
) -> Result<(), Failure> {
    let failure = |code, message: &str| Failure {
        code,
        message: message.to_owned(),
        expected: None,
        actual: None,
    };
    let Some(until) = valid_until else {
        return match args.require_valid_until || args.max_validity.is_some() {
            true => Err(failure(
                "metadata.no_valid_until",
                "the metadata has no validUntil",
            )),
            false => Ok(()),
        };
    };
    // [SAMLMeta] 2.3.1: at validUntil it is over.
    if until <= now {
        let error = MetadataError::Expired;
        return Err(failure(error.code(), &error.to_string()).expecting(
            format!("after {}", format_instant(now)),
            format_instant(until),
        ));
    }
    let Some(last) = args
        .max_validity
        .and_then(|most| now.checked_add_signed(most))
    else {
        return Ok(());
    };
    match until > last {
        true => Err(failure(
            "metadata.valid_too_long",
            "the metadata holds for longer than allowed",
        )
        .expecting(
            format!("until {} at the latest", format_instant(last)),
            format_instant(until),
        )),
        false => Ok(()),
    }
}
