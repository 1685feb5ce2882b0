//! The last good copies of what was fetched.

use crate::document::Document;
use crate::error::FeedError;
use crate::source::{Source, Trust};
use chrono::{DateTime, Utc};
use federate_crypto::CryptoProvider;
use federate_metadata::{Aggregate, AggregateError, AggregatePolicy};
use federate_xml::{StreamLimits, VerificationContext};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

/// Where the copies of one source are.
#[derive(Debug)]
pub(crate) struct Copies {
    /// A document as it came.
    document: PathBuf,
    /// A signed group, as an [`Aggregate`] is kept.
    aggregate: PathBuf,
    /// What is being fetched.
    download: PathBuf,
}

impl Copies {
    pub(crate) fn new(folder: &Path, source: &str) -> Self {
        let safe = |c: char| match c {
            c if c.is_ascii_alphanumeric() => c.to_string(),
            c => format!("_{:x}", u32::from(c)),
        };
        let name: String = source.chars().map(safe).collect();
        let path = |ending: &str| folder.join(format!("{name}.{ending}"));
        Self {
            document: path("xml"),
            aggregate: path("aggregate"),
            download: path("download"),
        }
    }

    pub(crate) fn exist(&self) -> bool {
        self.aggregate.exists() || self.document.exists()
    }

    /// The document that was kept, verified as if it had just come.
    pub(crate) fn open(
        &self,
        source: &Source,
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Result<Document, FeedError> {
        if let Trust::Signed { keys, policy } = &source.trust
            && self.aggregate.exists()
        {
            let context = VerificationContext {
                provider,
                policy,
                now,
            };
            let policy = aggregate_policy(source);
            let opened = Aggregate::open(&self.aggregate, keys, &context, &policy);
            return Ok(Document::of_aggregate(opened?));
        }
        let octets = read_file(&self.document, source.limits.bytes)?;
        source.read(&octets, provider, now)
    }
}

/// Where a document goes while it is fetched: to a file, if copies are kept, and else to memory.
pub(crate) struct Sink<'a> {
    copies: Option<&'a Copies>,
    file: Option<BufWriter<File>>,
    octets: Vec<u8>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(copies: Option<&'a Copies>) -> Result<Self, FeedError> {
        // Without a place for copies, there is none: what is fetched counts all the same.
        let file = copies.and_then(|copies| File::create(&copies.download).ok());
        Ok(Self {
            copies,
            file: file.map(BufWriter::new),
            octets: Vec::new(),
        })
    }

    /// Reads what was fetched, and keeps a copy; why that could not be, is told.
    pub(crate) fn read(
        mut self,
        source: &Source,
        before: Option<&Document>,
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Result<(Document, Option<FeedError>), FeedError> {
        if let (Some(copies), Some(file)) = (self.copies, self.file.take()) {
            let written = file.into_inner().map_err(io::IntoInnerError::into_error);
            written.map_err(FeedError::file(&copies.download))?;
            return copies.take(source, before, provider, now);
        }
        let document = source.read(&self.octets, provider, now)?;
        let kept = self
            .copies
            .map(|copies| keep(&copies.document, &self.octets));
        Ok((document, kept.and_then(Result::err)))
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(octets),
            None => self.octets.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Sink<'_> {
    fn drop(&mut self) {
        if let Some(copies) = self.copies {
            let _ = fs::remove_file(&copies.download); // it may not be there
        }
    }
}

impl Copies {
    /// Reads what was downloaded: a signed group stays in a file, everything else is small.
    fn take(
        &self,
        source: &Source,
        before: Option<&Document>,
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Result<(Document, Option<FeedError>), FeedError> {
        if let Some(group) = self.take_group(&self.download, source, before, provider, now)? {
            let _ = fs::remove_file(&self.document); // it may not be there
            return Ok((group, None));
        }
        let octets = read_file(&self.download, source.limits.bytes)?;
        let document = source.read(&octets, provider, now)?;
        let document = source.in_order(document, before)?;
        let _ = fs::remove_file(&self.aggregate); // it may not be there
        let copy = keep(&self.document, &octets).err();
        Ok((document, copy))
    }

    /// Verifies the signed group in a file and keeps it; `None` if it is something else.
    pub(crate) fn take_group(
        &self,
        file: &Path,
        source: &Source,
        before: Option<&Document>,
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Result<Option<Document>, FeedError> {
        let Trust::Signed { keys, policy } = &source.trust else {
            return Ok(None);
        };
        let context = VerificationContext {
            provider,
            policy,
            now,
        };
        let input = File::open(file).map_err(FeedError::file(file))?;
        let policy = aggregate_policy(source);
        let before = before.and_then(|before| before.aggregate.as_deref());
        match Aggregate::fetch(input, &self.aggregate, before, keys, &context, &policy) {
            Ok(aggregate) => Ok(Some(Document::of_aggregate(aggregate))),
            // One entity: it is read as a whole.
            Err(error) if error.code() == "schema.unexpected_root" => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn aggregate_policy(source: &Source) -> AggregatePolicy {
    AggregatePolicy {
        require_valid_until: source.require_valid_until,
        max_validity: source.max_validity,
        limits: StreamLimits {
            bytes: source.limits.bytes as u64,
            ..StreamLimits::default()
        },
        ..AggregatePolicy::default()
    }
}

impl From<AggregateError> for FeedError {
    fn from(error: AggregateError) -> Self {
        use federate_metadata::MetadataError::Expired;
        match error {
            AggregateError::Metadata(Expired) => Self::Expired,
            AggregateError::Metadata(error) => Self::Metadata(error),
            AggregateError::NoValidUntil => Self::NoValidUntil,
            AggregateError::ValidTooLong { .. } => Self::ValidUntilTooFar,
            AggregateError::Older => Self::Rollback,
            other => Self::Aggregate(other),
        }
    }
}

pub(crate) fn read_file(path: &Path, most: usize) -> Result<Vec<u8>, FeedError> {
    let mut octets = Vec::new();
    let most = most as u64;
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut octets));
    let read = match read {
        Ok(_) if octets.len() as u64 > most => {
            let why = format!("the file is larger than {most} bytes");
            Err(io::Error::new(io::ErrorKind::FileTooLarge, why))
        }
        other => other,
    };
    read.map_err(FeedError::file(path))?;
    Ok(octets)
}

/// Replaces a file as a whole: whoever reads it finds the old one or the new one.
fn keep(path: &Path, octets: &[u8]) -> Result<(), FeedError> {
    let temporary = path.with_extension("xml.new");
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(FeedError::file(path))
}
