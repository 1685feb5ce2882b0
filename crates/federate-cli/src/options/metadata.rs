//! Options of `metadata`.

use super::making::KeyKind;
use super::{AlgorithmArgs, duration, instant};
use chrono::{DateTime, TimeDelta, Utc};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum MetadataCommand {
    Show(ShowArgs),
    Query(QueryArgs),
    Verify(MetadataVerifyArgs),
    Lint(LintArgs),
    Diff(DiffArgs),
    Sign(SignArgs),
    Fetch(FetchArgs),
    Expiring(ExpiringArgs),
    Rollover(RolloverArgs),
}

/// Print what an entity or a group is
///
/// Of one entity: roles, endpoints, keys, names, scopes, and what could not be read. Of a group:
/// how many of what it has. No signature is looked at.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    federate metadata show idp.xml\n  \
    federate metadata show edugain.xml.gz --json")]
pub(crate) struct ShowArgs {
    /// The document, which may be packed with gzip; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print an entity of a group, or search for identity providers
///
/// The search is that of discovery: beginnings of words in any language, without accents, with
/// one error forgiven, and domains.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("what").required(true).args(["entity_id", "search"])),
    after_help = "Examples:\n  \
    federate metadata query edugain.xml https://idp.example/saml\n  \
    federate metadata query edugain.xml --search 'univ zurich'"
)]
pub(crate) struct QueryArgs {
    /// The document, which may be packed with gzip; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The entity, to the letter
    #[arg(value_name = "ENTITY_ID")]
    pub(crate) entity_id: Option<String>,

    /// What people would type
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,

    /// How many are found at most
    #[arg(long, value_name = "N", default_value_t = 20, requires = "search")]
    pub(crate) limit: usize,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Verify the signature of metadata, and until when it holds
///
/// The signature is that of the whole document; signatures of the entities in a group are not
/// looked at.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    federate metadata verify edugain.xml --cert federation.pem --max-validity 30d")]
pub(crate) struct MetadataVerifyArgs {
    /// The document, which may be packed with gzip; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) judging: JudgingArgs,

    /// Certificates of the publisher in PEM or DER
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) cert: Vec<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// By what signed metadata is judged.
#[derive(Debug, Args)]
pub(crate) struct JudgingArgs {
    /// Refuse a document without validUntil
    #[arg(long)]
    pub(crate) require_valid_until: bool,

    /// Refuse a document that holds for longer, such as `30d`; implies --require-valid-until
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) max_validity: Option<TimeDelta>,

    /// The instant at which to judge; the present by default
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(crate) at: Option<DateTime<Utc>>,

    #[command(flatten)]
    pub(crate) algorithms: AlgorithmArgs,
}

/// Tell what is wrong with metadata, and what to change
///
/// The exit status is 1 when there is an error; warnings and notes alone leave it 0.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    federate metadata lint sp.xml --group adfs --group entra\n  \
    federate metadata lint edugain.xml --summary")]
pub(crate) struct LintArgs {
    /// The document, which may be packed with gzip; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Apply the rules of a product, too; may be given several times
    #[arg(long, value_enum)]
    pub(crate) group: Vec<LintGroup>,

    /// A registrar whose word on categories counts; without any, every registrar's does
    #[arg(long, value_name = "URI")]
    pub(crate) registrar: Vec<String>,

    /// How far ahead validUntil may lie
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "93d")]
    pub(crate) max_validity: TimeDelta,

    /// Print only how often each rule is broken
    #[arg(long)]
    pub(crate) summary: bool,

    /// The instant at which to judge; the present by default
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(crate) at: Option<DateTime<Utc>>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintGroup {
    Adfs,
    Entra,
}

/// Tell what has changed between two documents
///
/// The exit status is 1 when something has changed that does not change at every publication.
/// Whatever the documents are, their entities are compared.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    federate metadata diff yesterday.xml today.xml")]
pub(crate) struct DiffArgs {
    /// The document as it was
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,

    /// The document as it is
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,

    /// Tell also of entities whose validUntil only moved ahead
    #[arg(long)]
    pub(crate) all: bool,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Sign metadata
///
/// The document is read and written anew: what cannot be read is left out, and told.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    federate metadata sign sp.xml --key sp.key --cert sp.pem --valid-for 14d \\\n    \
    --cache-duration 6h --out signed.xml")]
pub(crate) struct SignArgs {
    /// The document, which may be packed with gzip; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The private key in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,

    /// The certificate of that key
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,

    /// How long it holds from now on, such as `14d`; what stands there stays by default
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) valid_for: Option<TimeDelta>,

    /// After how long it is to be fetched again, such as `6h`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) cache_duration: Option<TimeDelta>,

    /// The identifier of the document; a new one by default
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,

    /// The present, for --valid-for
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(crate) at: Option<DateTime<Utc>>,

    /// Where it goes; standard output by default
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Fetch metadata, and verify it
///
/// What is refused is not written. Without --cert nothing is verified, and standard error says so.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    federate metadata fetch https://mds.edugain.org/edugain-v2.xml --cert mds.pem --out edugain.xml")]
pub(crate) struct FetchArgs {
    /// The address
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// Certificates of the publisher in PEM or DER
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) cert: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) judging: JudgingArgs,

    /// Where it goes; standard output by default
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Connect to private addresses, too
    #[arg(long)]
    pub(crate) allow_private: bool,

    /// Speak without encryption, if the address says so
    #[arg(long)]
    pub(crate) allow_http: bool,

    /// How long it may take, such as `5m`
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "5m")]
    pub(crate) timeout: TimeDelta,
}

/// Tell which certificates and documents end soon, or have ended
///
/// The exit status is 1 when there are any.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    federate metadata expiring idp.xml sp.xml --within 60d")]
pub(crate) struct ExpiringArgs {
    /// The documents
    #[arg(value_name = "FILE", required = true)]
    pub(crate) file: Vec<PathBuf>,

    /// What is soon
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30d")]
    pub(crate) within: TimeDelta,

    /// The present
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(crate) at: Option<DateTime<Utc>>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Change a party's key, a step at a time
///
/// The ring is a file with the party's keys: it is a secret. Each call takes the step that is
/// due: it adds the next key, makes it the active one, or removes the one before. Between the
/// steps every peer must have fetched the metadata, so they are refused for as long as its
/// cacheDuration.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    federate metadata rollover sp.ring --new --key sp.key --cert sp.pem\n  \
    federate metadata rollover sp.ring --generate --cache-duration 6h \\\n    \
    --metadata sp.xml --out sp.xml\n  \
    federate metadata rollover sp.ring --cache-duration 6h --metadata sp.xml --out sp.xml\n  \
    federate metadata rollover sp.ring --show")]
pub(crate) struct RolloverArgs {
    /// The ring
    #[arg(value_name = "RING")]
    pub(crate) ring: PathBuf,

    /// Make the ring, with its first key
    #[arg(long, conflicts_with = "show")]
    pub(crate) new: bool,

    /// The private key that is added, in PEM
    #[arg(long, value_name = "FILE", requires = "cert", conflicts_with_all = ["generate", "show"])]
    pub(crate) key: Option<PathBuf>,

    /// The certificate of that key
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,

    /// Make the key that is added
    #[arg(long, conflicts_with = "show")]
    pub(crate) generate: bool,

    /// What kind of key is made
    #[arg(long = "type", value_enum, default_value_t = KeyKind::Rsa3072)]
    pub(crate) kind: KeyKind,

    /// The name in the certificate that is made
    #[arg(long, value_name = "NAME", default_value = "federate")]
    pub(crate) common_name: String,

    /// How many days the certificate that is made holds
    #[arg(long, default_value_t = 3652, value_parser = clap::value_parser!(u32).range(1..=36_524))]
    pub(crate) days: u32,

    /// The cacheDuration of the party's metadata: so long does a step take
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1d")]
    pub(crate) cache_duration: TimeDelta,

    /// Print the ring, and take no step
    #[arg(long)]
    pub(crate) show: bool,

    /// The party's metadata, which gets the keys of the ring
    #[arg(long, value_name = "FILE", requires = "out")]
    pub(crate) metadata: Option<PathBuf>,

    /// Where the metadata with the keys goes
    #[arg(long, value_name = "FILE", requires = "metadata")]
    pub(crate) out: Option<PathBuf>,

    /// The present
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(crate) at: Option<DateTime<Utc>>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
