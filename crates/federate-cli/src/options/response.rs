//! Options of `verify` and `explain`.

use super::instant;
use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args};
use std::path::PathBuf;

/// Verify and validate a response, as a service provider does
///
/// If neither --request-id nor --unsolicited is given, whichever InResponseTo the response has
/// is accepted, and standard error says so: a service knows which request it sent, an operator
/// with a file often does not. That the response was not used before is not checked: only the
/// store of a service knows.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("peer").required(true).args(["idp_metadata", "idp_cert"])),
    after_help = "Examples:\n  \
    federate verify response.xml --idp-metadata idp.xml \\\n    \
    --sp-entity-id https://sp.example/saml --acs https://sp.example/saml/acs\n  \
    federate verify response.b64 --idp-cert idp.pem --sp-entity-id https://sp.example/saml \\\n    \
    --acs https://sp.example/saml/acs --request-id _4f3a --at 2026-01-31T12:00:00Z --json"
)]
pub(crate) struct ResponseArgs {
    /// The response: XML, base64 of XML, or a form with SAMLResponse; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Metadata of the identity provider, which is trusted as it stands
    #[arg(long, value_name = "FILE")]
    pub(crate) idp_metadata: Option<PathBuf>,

    /// Certificates of the identity provider in PEM or DER
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) idp_cert: Vec<PathBuf>,

    /// Who must have issued the response; without it, whoever the assertion names
    #[arg(long, value_name = "ID", requires = "idp_cert")]
    pub(crate) idp_entity_id: Option<String>,

    /// The service provider's own entity identifier: the audience
    #[arg(long, value_name = "ID")]
    pub(crate) sp_entity_id: String,

    /// The address of the assertion consumer service, to the letter
    #[arg(long, value_name = "URL")]
    pub(crate) acs: String,

    /// The request that the response must answer
    #[arg(long, value_name = "ID", conflicts_with = "unsolicited")]
    pub(crate) request_id: Option<String>,

    /// Accept only a response that answers no request
    #[arg(long)]
    pub(crate) unsolicited: bool,

    /// The instant at which to judge; the present by default
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(crate) at: Option<DateTime<Utc>>,

    /// How far the clocks may differ, in seconds, 0 to 600
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) skew: u32,

    /// The service provider's private key in PEM, to decrypt with; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) decrypt_key: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) algorithms: AlgorithmArgs,

    /// Decrypt CBC although no signature covers the ciphertext
    #[arg(long)]
    pub(crate) dangerous_allow_cbc: bool,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is let through beyond the library's defaults.
#[derive(Debug, Args)]
pub(crate) struct AlgorithmArgs {
    /// Accept SHA-1 in signatures and digests
    #[arg(long)]
    pub(crate) dangerous_allow_sha1: bool,

    /// Accept RSA keys of 1024 bits and more
    #[arg(long)]
    pub(crate) dangerous_allow_rsa1024: bool,

    /// Accept references to the whole document instead of the element's ID
    #[arg(long)]
    pub(crate) dangerous_allow_whole_document: bool,

    /// Accept inclusive canonicalization
    #[arg(long)]
    pub(crate) allow_inclusive_canonicalization: bool,
}

/// Run every check on a response and print all results
///
/// Where `verify` stops at the first refusal, this goes on as far as it can: each check has
/// passed, has failed (with what was expected, what came, and what to do), or was not reached
/// (and why). What a signature does not cover is never judged by the rules.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    federate explain response.xml --idp-metadata idp.xml \\\n    \
    --sp-entity-id https://sp.example/saml --acs https://sp.example/saml/acs\n  \
    federate explain response.xml --idp-cert idp.pem --sp-entity-id https://sp.example/saml \\\n    \
    --acs https://sp.example/saml/acs --canonical")]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) response: ResponseArgs,

    /// Print the canonical octets that are hashed, values included; characters that a terminal
    /// would act on are escaped, with --json the octets are exact
    #[arg(long)]
    pub(crate) canonical: bool,
}
