//! `federate keygen`.

use crate::Output;
use crate::options::{KeyKind, KeygenArgs};
use crate::problem::Problem;
use crate::terminal::visible;
use crate::trust;
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::{
    Certificate, CryptoProvider, Curve, PrivateKey, SignatureAlgorithm, aws_lc_provider,
    self_signed,
};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

pub(crate) fn run(args: &KeygenArgs) -> Result<Output, Problem> {
    for path in [&args.key, &args.cert] {
        if path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
    }
    let provider = aws_lc_provider();
    let days = TimeDelta::days(i64::from(args.days));
    let (key, certificate) = make(&provider, args.kind, &args.common_name, trust::now(), days)?;
    write_new(&args.key, key.to_pem().as_bytes(), true)?;
    write_new(&args.cert, certificate.to_pem().as_bytes(), false)?;
    let line = format!(
        "{} key in {}, certificate in {}\nSHA-256 {}\n",
        key.key_type(),
        visible(&args.key.display().to_string()),
        visible(&args.cert.display().to_string()),
        certificate.sha256_fingerprint(&provider).to_fingerprint(),
    );
    Ok(line.into())
}

/// A key, and a certificate of it that holds for so long from now on.
pub(crate) fn make(
    provider: &CryptoProvider,
    kind: KeyKind,
    common_name: &str,
    now: DateTime<Utc>,
    lifetime: TimeDelta,
) -> Result<(PrivateKey, Certificate), Problem> {
    let keys = provider.keys;
    let key = match kind {
        KeyKind::Rsa2048 => keys.generate_rsa(2048),
        KeyKind::Rsa3072 => keys.generate_rsa(3072),
        KeyKind::Rsa4096 => keys.generate_rsa(4096),
        KeyKind::P256 => keys.generate_ec(Curve::P256),
        KeyKind::P384 => keys.generate_ec(Curve::P384),
        KeyKind::P521 => keys.generate_ec(Curve::P521),
        KeyKind::Ed25519 => keys.generate_ed25519(),
    };
    let key = key.map_err(|e| Problem::of("--type", e))?;
    let signer = keys
        .load_signing_key(&key, SignatureAlgorithm::usual_for(key.key_type()))
        .map_err(|e| Problem::of("--type", e))?;
    // Set back a little, for peers whose clock is behind.
    let from = now - TimeDelta::minutes(5);
    let certificate = self_signed(provider, &*signer, common_name, from, from + lifetime)
        .map_err(|e| Problem::of("certificate", e))?;
    Ok((key, certificate))
}

fn exists(path: &Path) -> Problem {
    Problem::of(path.display(), "it exists already and is not overwritten")
}

/// Writes a file that was not there before; a secret one is its owner's alone.
pub(crate) fn write_new(path: &Path, octets: &[u8], secret: bool) -> Result<(), Problem> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = secret; // the directory's rules decide
    let result = options.open(path).and_then(|mut file| {
        file.write_all(octets)?;
        file.sync_all()
    });
    result.map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => Problem::of(path.display(), e),
    })
}
