//! The directory in which the program keeps everything.

use crate::problem::Problem;
use chrono::{TimeDelta, Utc};
use federate::crypto::{Certificate, CryptoProvider, PrivateKey, SignatureAlgorithm, self_signed};
use federate::metadata::KeyRing;
use federate::xml::Signer;
use federate_store::RedbStore;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// How long a certificate holds. Peers know the key by it; few look at the date.
const CERTIFICATE_TIME: TimeDelta = TimeDelta::days(3652);

/// A directory of private files that are made when they are first wanted.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// The directory; it is made if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, Problem> {
        let problem = |e| Problem::of(format_args!("--data-dir {}", path.display()), e);
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(problem)?;
        let path = fs::canonicalize(path).map_err(problem)?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a database. While it is open, no other process can open it.
    pub(crate) fn store(&self, name: &str) -> Result<RedbStore, Problem> {
        let path = self.path.join(name);
        // An empty file becomes a database, with the mode that it has.
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        let file = private(&mut options).open(&path);
        file.map_err(|e| Problem::of(path.display(), e))?;
        RedbStore::open(&path).map_err(|e| match e {
            federate_store::OpenError::Locked => {
                Problem::of(path.display(), "it is in use; does another hub run here?")
            }
            e => Problem::of(path.display(), with_sources(&e)),
        })
    }

    /// The keys of a party while they change, if `federate metadata rollover` has begun that.
    pub(crate) fn ring(&self, name: &str) -> Result<Option<KeyRing>, Problem> {
        let path = self.path.join(format!("{name}.ring.json"));
        let problem = |why: String| Problem::of(path.display(), why);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|e| problem(e.to_string())),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(problem(e.to_string())),
        }
    }

    /// The key of a party with its certificate: the active one of its ring, if it has one.
    pub(crate) fn signer(
        &self,
        provider: &CryptoProvider,
        name: &str,
        common_name: &str,
        algorithm: SignatureAlgorithm,
    ) -> Result<Signer, Problem> {
        if let Some(ring) = self.ring(name)? {
            let active = ring.active();
            let key = provider
                .keys
                .load_signing_key(active.private_key(), algorithm);
            let signer = key.and_then(|k| Signer::new(*provider, k, active.certificate().clone()));
            return signer.map_err(|e| Problem::of(format_args!("{name}.ring.json"), e));
        }
        let (key_file, certificate_file) = (format!("{name}.key.pem"), format!("{name}.cert.pem"));
        let problem =
            |file: &str, e| Problem::of(self.path.join(file).display(), format_args!("{e}"));
        let pem = self.text(&key_file, || {
            let key = provider.keys.generate_rsa(2048);
            key.map(|key| key.to_pem().to_string())
                .map_err(|e| problem(&key_file, e))
        })?;
        let key = PrivateKey::from_pem(&pem).map_err(|e| problem(&key_file, e))?;
        let key = provider
            .keys
            .load_signing_key(&key, algorithm)
            .map_err(|e| problem(&key_file, e))?;
        let pem = self.text(&certificate_file, || {
            // Set back a little, for peers whose clock is behind.
            let from = Utc::now() - TimeDelta::minutes(5);
            self_signed(provider, &*key, common_name, from, from + CERTIFICATE_TIME)
                .map(|certificate| certificate.to_pem())
                .map_err(|e| problem(&certificate_file, e))
        })?;
        let certificate = Certificate::from_pem(&pem).map_err(|e| problem(&certificate_file, e))?;
        Signer::new(*provider, key, certificate).map_err(|e| problem(&certificate_file, e))
    }

    /// The text of a private file; `make` gives it if the file is not there.
    pub(crate) fn text(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<String, Problem>,
    ) -> Result<String, Problem> {
        let path = self.path.join(name);
        let problem = |e| Problem::of(path.display(), e);
        match fs::read_to_string(&path) {
            Ok(text) => return Ok(text),
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(problem(e)),
        }
        let text = make()?;
        self.write(&path, &text).map_err(problem)?;
        Ok(text)
    }

    /// Writes a private file as a whole or not at all.
    fn write(&self, path: &Path, text: &str) -> std::io::Result<()> {
        let unfinished = path.with_extension("new");
        match fs::remove_file(&unfinished) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let mut file = private(&mut options).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        // The new name itself must survive a crash too.
        #[cfg(unix)]
        fs::File::open(&self.path)?.sync_all()?;
        Ok(())
    }
}

/// A file that is made is its owner's alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// An error with what caused it, on one line.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use federate::crypto::SignatureAlgorithm::RsaSha256;
    use federate::crypto::aws_lc_provider;

    #[test]
    fn what_was_made_once_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let provider = aws_lc_provider();
        let certificate = || {
            let data = DataDir::open(&path).unwrap();
            let signer = data
                .signer(&provider, "hub", "hub.localhost", RsaSha256)
                .unwrap();
            signer.certificate().clone()
        };
        let first = certificate();
        assert_eq!(first, certificate());
        assert!(first.not_after() - first.not_before() > TimeDelta::days(3650));
        fs::write(path.join("hub.key.pem"), "damaged").unwrap();
        let data = DataDir::open(&path).unwrap();
        let problem = data
            .signer(&provider, "hub", "hub", RsaSha256)
            .unwrap_err()
            .to_string();
        assert!(problem.contains("hub.key.pem: "), "{problem}");
    }

    #[cfg(unix)]
    #[test]
    fn files_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(&dir.path().join("a/b")).unwrap();
        data.text("secret", || Ok("x".to_owned())).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(data.path()), 0o700);
        assert_eq!(mode(&data.path().join("secret")), 0o600);
        assert!(!data.path().join("secret.new").exists());
        let _store = data.store("a.redb").unwrap();
        assert_eq!(mode(&data.path().join("a.redb")), 0o600);
    }

    #[test]
    fn a_database_is_open_once() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        let _open = data.store("hub.redb").unwrap();
        let problem = data.store("hub.redb").err().unwrap().to_string();
        assert!(problem.contains("does another hub run here?"), "{problem}");
    }
}
