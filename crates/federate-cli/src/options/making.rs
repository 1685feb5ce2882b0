//! Options of `issue` and `keygen`.

use super::{instant, name_and_value};
use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, ValueEnum};
use std::path::PathBuf;

/// Issue a response, as an identity provider does
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("sp").required(true).args(["sp_metadata", "sp_entity_id"])),
    after_help = "Examples:\n  \
    federate issue --key idp.key --cert idp.pem --idp-entity-id https://idp.example/saml \\\n    \
    --sp-metadata sp.xml --name-id alice@example.com --attr groups=staff --attr groups=admins\n  \
    federate issue --key idp.key --cert idp.pem --idp-entity-id https://idp.example/saml \\\n    \
    --sp-entity-id https://sp.example/saml --acs https://sp.example/saml/acs \\\n    \
    --name-id alice --sign both --form base64"
)]
pub(crate) struct IssueArgs {
    /// The identity provider's private key in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,

    /// The certificate of that key
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,

    /// The identity provider
    #[arg(long, value_name = "ID")]
    pub(crate) idp_entity_id: String,

    /// Metadata of the service provider
    #[arg(long, value_name = "FILE")]
    pub(crate) sp_metadata: Option<PathBuf>,

    /// The service provider: the audience
    #[arg(long, value_name = "ID", requires = "acs")]
    pub(crate) sp_entity_id: Option<String>,

    /// Where the response goes; with metadata, one of the addresses in it
    #[arg(long, value_name = "URL")]
    pub(crate) acs: Option<String>,

    /// The name of the person
    #[arg(long, value_name = "VALUE")]
    pub(crate) name_id: String,

    /// The format of the name, a URI; none is named by default
    #[arg(long, value_name = "URI")]
    pub(crate) name_id_format: Option<String>,

    /// An attribute; the same name several times gives several values
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) attr: Vec<(String, String)>,

    /// The request that is answered
    #[arg(long, value_name = "ID")]
    pub(crate) in_response_to: Option<String>,

    /// The instant of issue; the present by default
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(crate) at: Option<DateTime<Utc>>,

    /// How long the assertion holds, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300,
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) lifetime: u32,

    /// What is signed
    #[arg(long, value_enum, default_value_t = Sign::Assertion)]
    pub(crate) sign: Sign,

    /// Encrypt the assertion to this certificate of the service provider
    #[arg(long, value_name = "FILE")]
    pub(crate) encrypt_cert: Option<PathBuf>,

    /// How the response is printed
    #[arg(long, value_enum, default_value_t = Form::Xml)]
    pub(crate) form: Form,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Sign {
    Assertion,
    Response,
    Both,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Form {
    Xml,
    Base64,
}

/// Make a private key and a self-signed certificate
///
/// Both files are PEM. The key is readable by its owner alone. Files that exist are not
/// overwritten.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    federate keygen --key idp.key --cert idp.pem --common-name idp.example\n  \
    federate keygen --key sp.key --cert sp.pem --type p-256")]
pub(crate) struct KeygenArgs {
    /// Where the private key goes
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,

    /// Where the certificate goes
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,

    /// What kind of key
    #[arg(long = "type", value_enum, default_value_t = KeyKind::Rsa2048)]
    pub(crate) kind: KeyKind,

    /// The name in the certificate
    #[arg(long, value_name = "NAME", default_value = "federate")]
    pub(crate) common_name: String,

    /// How many days the certificate holds
    #[arg(long, default_value_t = 3652, value_parser = clap::value_parser!(u32).range(1..=36_524))]
    pub(crate) days: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KeyKind {
    #[value(name = "rsa-2048")]
    Rsa2048,
    #[value(name = "rsa-3072")]
    Rsa3072,
    #[value(name = "rsa-4096")]
    Rsa4096,
    #[value(name = "p-256")]
    P256,
    #[value(name = "p-384")]
    P384,
    #[value(name = "p-521")]
    P521,
    #[value(name = "ed25519")]
    Ed25519,
}
