//! What the program measures of aggregates: a federation in a file, opened and verified, beside
//! reading the same octets with quick-xml and looking at nothing.

use chrono::{DateTime, TimeDelta, Utc};
use federate::crypto::{
    Certificate, CryptoProvider, SignatureAlgorithm, VerifyingKey, self_signed,
};
use federate::metadata::{Aggregate, AggregatePolicy};
use federate::types::{EntityId, MessageId};
use federate::xml::{
    Canonicalization, Document, Limits, SignaturePolicy, Signer, TrustedKeys, VerificationContext,
    Writer, canonicalize,
};
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Where the large federation lies in the folder of other people's documents.
const EDUGAIN: &str = "federation/edugain/edugain-trustinfo-2.0.xml.gz";

/// A federation in files: as it is published, signed, and kept.
pub struct Federation {
    provider: CryptoProvider,
    now: DateTime<Utc>,
    keys: TrustedKeys,
    policy: AggregatePolicy,
    folder: tempfile::TempDir,
    /// Octets of the document.
    pub octets: usize,
    /// Whether it was made for this, and is nobody's.
    pub synthetic: bool,
}

impl Federation {
    /// eduGAIN where `FEDERATE_VECTORS` says, or 10,000 entities that are made up.
    ///
    /// # Errors
    /// When it cannot be read, signed or written.
    pub fn new(provider: CryptoProvider) -> Result<Self, Box<dyn Error>> {
        match std::env::var_os("FEDERATE_VECTORS") {
            Some(folder) => {
                let file = File::open(Path::new(&folder).join(EDUGAIN))?;
                let mut text = String::new();
                flate2::read::GzDecoder::new(file).read_to_string(&mut text)?;
                Self::of(provider, text, false)
            }
            None => Self::synthetic(provider, 10_000),
        }
    }

    /// So many entities that are made up, of some 8.5 kB each as in eduGAIN.
    ///
    /// # Errors
    /// When they cannot be signed or written.
    pub fn synthetic(provider: CryptoProvider, entities: usize) -> Result<Self, Box<dyn Error>> {
        Self::of(provider, synthetic(entities), true)
    }

    fn of(provider: CryptoProvider, text: String, synthetic: bool) -> Result<Self, Box<dyn Error>> {
        let now = Utc::now();
        let folder = tempfile::tempdir()?;
        let until = (now + TimeDelta::days(7)).format("%FT%TZ");
        let attributes = format!("EntitiesDescriptor ID=\"_r\" validUntil=\"{until}\"");
        let text = text.replacen("EntitiesDescriptor", &attributes, 1);
        let (certificate, signed) = sign(&provider, &text, now)?;
        let keys = VerifyingKey::new(&provider, certificate.public_key().clone())?;
        std::fs::write(folder.path().join("plain"), &text)?;
        std::fs::write(folder.path().join("signed"), signed)?;
        std::fs::write(folder.path().join("certificate"), certificate.to_base64())?;
        let federation = Self {
            provider,
            now,
            keys: TrustedKeys::from(keys),
            policy: AggregatePolicy::default(),
            folder,
            octets: text.len(),
            synthetic,
        };
        drop(text);
        federation.fetch()?;
        Ok(federation)
    }

    /// The folder with the files `plain`, `signed` and `kept`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens one of these files, in another process than that which made them: `signed` is
    /// verified and kept.
    ///
    /// # Errors
    /// When it is refused.
    pub fn open_file(provider: CryptoProvider, file: &Path) -> Result<Aggregate, Box<dyn Error>> {
        let policy = AggregatePolicy::default();
        let now = Utc::now();
        let input = File::open(file)?;
        if file.ends_with("plain") {
            return Ok(Aggregate::parse(input, &policy, now)?);
        }
        let certificate = std::fs::read_to_string(file.with_file_name("certificate"))?;
        let certificate = Certificate::from_base64(&certificate)?;
        let key = VerifyingKey::new(&provider, certificate.public_key().clone())?;
        let keys = TrustedKeys::from(key);
        let context = VerificationContext {
            provider: &provider,
            policy: &SignaturePolicy::default(),
            now,
        };
        Ok(match file.ends_with("signed") {
            true => {
                let kept = file.with_file_name("kept by another");
                Aggregate::fetch(input, &kept, None, &keys, &context, &policy)?
            }
            false => Aggregate::open(file, &keys, &context, &policy)?,
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Reads every event of quick-xml.
    ///
    /// # Errors
    /// When the document is refused.
    pub fn events(&self) -> Result<usize, Box<dyn Error>> {
        let file = BufReader::with_capacity(256 * 1024, File::open(self.file("plain"))?);
        let mut reader = quick_xml::Reader::from_reader(file);
        let mut buffer = Vec::new();
        let mut count = 0;
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer)? {
                quick_xml::events::Event::Eof => return Ok(count),
                _ => count += 1,
            }
        }
    }

    /// Opens the document without looking at a signature.
    ///
    /// # Errors
    /// When it is refused.
    pub fn parse(&self) -> Result<Aggregate, Box<dyn Error>> {
        let file = File::open(self.file("plain"))?;
        Ok(Aggregate::parse(file, &self.policy, self.now)?)
    }

    /// Verifies the signed document and keeps it.
    ///
    /// # Errors
    /// When it is refused.
    pub fn fetch(&self) -> Result<Aggregate, Box<dyn Error>> {
        let file = File::open(self.file("signed"))?;
        let kept = self.file("kept");
        self.with_context(|context| {
            Ok(Aggregate::fetch(
                file,
                &kept,
                None,
                &self.keys,
                context,
                &self.policy,
            )?)
        })
    }

    /// Verifies the signed document and keeps it in memory, without the disk.
    ///
    /// # Errors
    /// When it is refused.
    pub fn verify(&self, store: Vec<u8>) -> Result<Aggregate, Box<dyn Error>> {
        let file = File::open(self.file("signed"))?;
        let store = std::io::Cursor::new(store);
        self.with_context(|context| {
            Ok(Aggregate::verify(
                file,
                store,
                &self.keys,
                context,
                &self.policy,
            )?)
        })
    }

    /// Opens what was kept, verifying it again.
    ///
    /// # Errors
    /// When it is refused.
    pub fn open(&self) -> Result<Aggregate, Box<dyn Error>> {
        let kept = self.file("kept");
        self.with_context(|context| Ok(Aggregate::open(&kept, &self.keys, context, &self.policy)?))
    }

    fn with_context<T>(&self, run: impl FnOnce(&VerificationContext<'_>) -> T) -> T {
        run(&VerificationContext {
            provider: &self.provider,
            policy: &SignaturePolicy::default(),
            now: self.now,
        })
    }
}

/// Microseconds of lookups in an aggregate: of an entity that is not in memory, on average and in
/// 99 of 100 cases at most, and of one that is.
///
/// # Errors
/// When an entity cannot be read.
pub fn lookups(aggregate: &Aggregate) -> Result<[f64; 3], Box<dyn Error>> {
    let ids: Vec<EntityId> = aggregate.entity_ids().cloned().collect();
    let mut times = Vec::with_capacity(ids.len());
    for id in &ids {
        let start = Instant::now();
        aggregate.entity(id)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let most = times.get(times.len() * 99 / 100).copied();
    let last = ids.last().ok_or("an empty federation")?;
    let start = Instant::now();
    let rounds = 100_000;
    for _ in 0..rounds {
        std::hint::black_box(aggregate.entity(last)?);
    }
    let warm = start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds);
    let average = times.iter().sum::<f64>() / ids.len() as f64;
    Ok([average, most.unwrap_or_default(), warm])
}

/// The most memory that this process had, in kB; only Linux tells.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Signs the document as it is written; the signature comes first in the root.
fn sign(
    provider: &CryptoProvider,
    text: &str,
    now: DateTime<Utc>,
) -> Result<(Certificate, Vec<u8>), Box<dyn Error>> {
    let private = provider.keys.generate_rsa(2048)?;
    let key = provider
        .keys
        .load_signing_key(&private, SignatureAlgorithm::RsaSha256)?;
    let certificate = self_signed(provider, &*key, "bench", now, now + TimeDelta::days(1))?;
    let signer = Signer::new(*provider, key, certificate.clone())?;
    let document = Document::parse(text.as_bytes(), &Limits::for_aggregate())?;
    let mut canonical = Vec::with_capacity(text.len());
    let method = Canonicalization::default();
    canonicalize(document.root(), None, &method, &mut canonical);
    drop(document);
    let mut writer = Writer::new();
    writer.embed(&canonical);
    let signed = String::from_utf8(signer.sign(writer, &MessageId::new("_r")?)?)?;
    let between = |text: &str| {
        let start = text.rfind("<ds:Signature ")?;
        let end = text.rfind("</ds:Signature>")? + "</ds:Signature>".len();
        text.get(start..end).map(str::to_owned)
    };
    let signature = between(&signed).ok_or("no signature")?;
    let root = text.find("EntitiesDescriptor").unwrap_or_default();
    let root = text
        .get(root..)
        .and_then(|tag| Some(root + tag.find('>')? + 1));
    let (before, after) = text
        .split_at_checked(root.ok_or("no root")?)
        .ok_or("no root")?;
    Ok((
        certificate,
        [before, &signature, after].concat().into_bytes(),
    ))
}

/// A federation of entities like those of eduGAIN: half of them identity providers, with two keys,
/// names in several languages, and indented.
fn synthetic(entities: usize) -> String {
    use std::fmt::Write as _;
    let mut text = String::from(
        "<?xml version=\"1.0\"?>\n<md:EntitiesDescriptor \
         xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
         xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\">\n",
    );
    // Base64 of nothing in particular, as long as a certificate; which is read later, if at all.
    let certificate =
        "MIIDBTCCAe2gAwIBAgIBBzANBgkqhkiG9w0BAQsFADA8MQswCQYDVQQGEwJESzEN\n".repeat(22);
    for number in 0..entities {
        let (role, service) = match number % 2 {
            0 => ("IDPSSODescriptor", "SingleSignOnService"),
            _ => ("SPSSODescriptor", "AssertionConsumerService"),
        };
        let _ = write!(
            text,
            "<md:EntityDescriptor entityID=\"https://entity-{number}.example.org/metadata\">\n  \
             <md:{role} protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n    \
             <md:Extensions>\n      <mdui:UIInfo>\n"
        );
        for language in ["en", "de", "fr", "es", "it", "nl", "sv", "da"] {
            let _ = write!(
                text,
                "        <mdui:DisplayName xml:lang=\"{language}\">Entity {number} of a federation \
                 that is made up</mdui:DisplayName>\n        <mdui:Description \
                 xml:lang=\"{language}\">There is no such party, &amp; what it is good for is only \
                 that it is as long as others are</mdui:Description>\n"
            );
        }
        text.push_str("      </mdui:UIInfo>\n    </md:Extensions>\n");
        for key in ["signing", "encryption"] {
            let _ = write!(
                text,
                "    <md:KeyDescriptor use=\"{key}\">\n      <ds:KeyInfo>\n        <ds:X509Data>\n\
                 <ds:X509Certificate>\n{certificate}</ds:X509Certificate>\n        \
                 </ds:X509Data>\n      </ds:KeyInfo>\n    </md:KeyDescriptor>\n"
            );
        }
        for index in 0..8 {
            let _ = writeln!(
                text,
                "    <md:{service} Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
                 Location=\"https://entity-{number}.example.org/saml/post/{index}\" \
                 index=\"{index}\"/>"
            );
        }
        let _ = writeln!(text, "  </md:{role}>\n</md:EntityDescriptor>");
    }
    text.push_str("</md:EntitiesDescriptor>\n");
    text
}
