//! How an aggregate is kept: a line, the head of the document, and the canonical octets that were
//! hashed, in one file, so that they are replaced together or not at all.

use super::index::{Index, Indexer};
use super::{Aggregate, AggregateError, AggregatePolicy};
use crate::read::GROUP;
use federate_xml::{Stream, TrustedKeys, VerificationContext};
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// With what the first line begins; the length of the head follows.
const LINE: &[u8] = b"federate-aggregate 1 ";

/// Digits of the length.
const DIGITS: usize = 10;

impl Aggregate {
    /// Reads an aggregate once, from beginning to end, verifies the signature over all of it
    /// (`[SAMLMeta] 3.1`) and keeps it in the store, from where its entities are read.
    ///
    /// The keys are those configured for the publisher, never those of the document. A document
    /// that none of them signed is refused before it is read. The signature must be the first
    /// element in the root (`[SAMLMeta] 2.3.1`).
    ///
    /// The store is something to write to and to read from again, such as an empty file. What it
    /// holds is worth nothing unless this function succeeds: [`Aggregate::fetch`] sees to that.
    ///
    /// # Errors
    /// [`AggregateError`]; nothing of the document is given out then.
    pub fn verify<S: Read + Write + Seek + Send + 'static>(
        input: impl Read,
        mut store: S,
        keys: &TrustedKeys,
        context: &VerificationContext<'_>,
        policy: &AggregatePolicy,
    ) -> Result<Self, AggregateError> {
        let mut stream = Stream::new(input, &[GROUP], policy.limits);
        let head = stream.head()?;
        let head = context.verify_head(head, &policy.limits.part, keys)?;
        let before = write_head(&mut store, head.octets()).map_err(AggregateError::store)?;
        let indexer = Indexer::new(policy, Some(context.provider.digester));
        let indexer = stream.verify(&head, context, indexer, &mut store)?;
        let signed_by = indexer.signed_by().clone();
        let index = indexer.into_inner().finish();
        policy.check(index.document.valid_until, context.now)?;
        let provider = Some(*context.provider);
        Ok(Self::new(
            store,
            before,
            index,
            policy,
            provider,
            Some(signed_by),
        ))
    }

    /// Reads what [`Aggregate::verify`] has kept in a store, in one pass, and verifies again all
    /// that it did: the file was somebody else's to change in the meantime.
    ///
    /// # Errors
    /// [`AggregateError::NotKept`] when it is something else, and as [`Aggregate::verify`]: what
    /// is kept can have expired, and a key or an algorithm can have been withdrawn.
    pub fn verify_again<S: Read + Seek + Send + 'static>(
        mut store: S,
        keys: &TrustedKeys,
        context: &VerificationContext<'_>,
        policy: &AggregatePolicy,
    ) -> Result<Self, AggregateError> {
        let head = read_head(&mut store, policy)?;
        let before = (LINE.len() + DIGITS + 1 + head.len()) as u64;
        let head = context.verify_head(head, &policy.limits.part, keys)?;
        let stream = Stream::new(&mut store, &[GROUP], policy.limits);
        let indexer = Indexer::new(policy, Some(context.provider.digester));
        let indexer = stream.verify_again(&head, context, indexer)?;
        let signed_by = indexer.signed_by().clone();
        let index: Index = indexer.into_inner().finish();
        policy.check(index.document.valid_until, context.now)?;
        let provider = Some(*context.provider);
        Ok(Self::new(
            store,
            before,
            index,
            policy,
            provider,
            Some(signed_by),
        ))
    }

    /// Opens the aggregate that [`Aggregate::fetch`] has kept at this path.
    ///
    /// # Errors
    /// [`AggregateError::Store`] when there is none, and as [`Aggregate::verify_again`].
    pub fn open(
        path: &Path,
        keys: &TrustedKeys,
        context: &VerificationContext<'_>,
        policy: &AggregatePolicy,
    ) -> Result<Self, AggregateError> {
        let file = File::open(path).map_err(AggregateError::store)?;
        Self::verify_again(file, keys, context, policy)
    }

    /// Verifies an aggregate and keeps it at this path, in the place of the one before, which
    /// must not be newer.
    ///
    /// What is there stays as it is until the new one is complete, verified and on the disk, and
    /// if anything fails. Until then the new one lies beside it, in a file whose name ends in
    /// `.new`; one that a crash left behind may be deleted.
    ///
    /// # Errors
    /// As [`Aggregate::verify`] and [`Aggregate::supersedes`].
    pub fn fetch(
        input: impl Read,
        path: &Path,
        before: Option<&Self>,
        keys: &TrustedKeys,
        context: &VerificationContext<'_>,
        policy: &AggregatePolicy,
    ) -> Result<Self, AggregateError> {
        let mut beside = Beside::create(path).map_err(AggregateError::store)?;
        let file = beside.file.try_clone().map_err(AggregateError::store)?;
        let aggregate = Self::verify(input, file, keys, context, policy)?;
        if let Some(before) = before {
            aggregate.supersedes(before)?;
        }
        beside.replace(path).map_err(AggregateError::store)?;
        Ok(aggregate)
    }
}

fn write_head(store: &mut (impl Write + Seek), head: &[u8]) -> std::io::Result<u64> {
    let mut octets = LINE.to_vec();
    octets.extend_from_slice(format!("{:0DIGITS$}\n", head.len()).as_bytes());
    octets.extend_from_slice(head);
    store.seek(SeekFrom::Start(0))?;
    store.write_all(&octets)?;
    Ok(octets.len() as u64)
}

fn read_head(
    store: &mut (impl Read + Seek),
    policy: &AggregatePolicy,
) -> Result<Vec<u8>, AggregateError> {
    let not_kept = |_| AggregateError::NotKept;
    store
        .seek(SeekFrom::Start(0))
        .map_err(AggregateError::store)?;
    let mut line = [0; LINE.len() + DIGITS + 1];
    store.read_exact(&mut line).map_err(not_kept)?;
    let digits = line.strip_prefix(LINE).and_then(|l| l.strip_suffix(b"\n"));
    let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let len = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    let len = len
        .filter(|len| *len <= policy.limits.part.bytes)
        .ok_or(AggregateError::NotKept)?;
    let mut head = vec![0; len];
    store.read_exact(&mut head).map_err(not_kept)?;
    Ok(head)
}

/// A file that is to take the place of another; until it does, it is deleted when dropped.
struct Beside {
    file: File,
    path: Option<PathBuf>,
}

impl Beside {
    fn create(path: &Path) -> std::io::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        let number = RandomState::new().hash_one(std::process::id());
        name.push(format!(".{number:016x}.new"));
        let path = path.with_file_name(name);
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        let path = Some(path);
        Ok(Self { file, path })
    }

    fn replace(&mut self, target: &Path) -> std::io::Result<()> {
        self.file.sync_all()?;
        if let Some(path) = &self.path {
            std::fs::rename(path, target)?;
        }
        self.path = None;
        // That it has the name now must outlast a crash, too. Not every system lets a folder be
        // opened; there, nothing is lost but the newer of two good copies.
        let folder = target.parent().filter(|p| !p.as_os_str().is_empty());
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            let _ = std::fs::remove_file(path); // it is of no use, wherever it stays
        }
    }
}
