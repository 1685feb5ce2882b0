//! Options of `xml`.

use super::AlgorithmArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum XmlCommand {
    C14n(C14nArgs),
    Verify(XmlVerifyArgs),
}

/// Print the canonical form of a document
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    federate xml c14n response.xml | sha256sum\n  \
    federate xml c14n file.xml --method http://www.w3.org/2006/12/xml-c14n11")]
pub(crate) struct C14nArgs {
    /// The document; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The identifier of the method
    #[arg(long, value_name = "URI", default_value = federate_xml::EXCLUSIVE)]
    pub(crate) method: String,

    /// Prefixes that count as used, separated by spaces; `#default` is the empty one
    #[arg(long, value_name = "PREFIXES", default_value = "")]
    pub(crate) prefix_list: String,
}

/// Verify the enveloped signatures of a document, as SAML has them
///
/// Every element with a signature of its own is verified. It is accepted if there is one at
/// least and all are good; what no signature covers is accepted by nobody.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    federate xml verify metadata.xml --cert federation.pem")]
pub(crate) struct XmlVerifyArgs {
    /// The document; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Certificates of the signer in PEM or DER
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) cert: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) algorithms: AlgorithmArgs,
}
