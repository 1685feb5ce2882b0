//! `federate xml`.

use crate::Output;
use crate::failure::Failure;
use crate::input;
use crate::options::{C14nArgs, XmlCommand, XmlVerifyArgs};
use crate::problem::Problem;
use crate::terminal::visible;
use crate::trust::{self, Peer};
use federate_crypto::aws_lc_provider;
use federate_saml::SamlError;
use federate_xml::dsig::own_signature;
use federate_xml::{
    Canonicalization, Document, Element, Limits, VerificationContext, canonicalize_document,
};
use std::fmt::Write as _;
use std::path::Path;

pub(crate) fn run(command: &XmlCommand) -> Result<Output, Problem> {
    match command {
        XmlCommand::C14n(args) => c14n(args),
        XmlCommand::Verify(args) => verify(args),
    }
}

/// Any document, not only a message: metadata of a federation is large.
fn limits() -> Limits {
    Limits {
        value_bytes: 64 * 1024 * 1024,
        ..Limits::for_aggregate()
    }
}

/// The refusal of a document that the parser does not take.
fn refused(path: &Path, error: SamlError) -> Output {
    let failure = Failure::from(error);
    let file = visible(&path.display().to_string());
    Output {
        stderr: format!(
            "{file}: refused: {}\n{}",
            failure.code,
            failure.to_lines("  ")
        ),
        refused: true,
        ..Output::default()
    }
}

fn c14n(args: &C14nArgs) -> Result<Output, Problem> {
    let method = Canonicalization::from_uri(&args.method)
        .ok_or_else(|| Problem::of("--method", "not the identifier of a known method"))?;
    let prefixes = args.prefix_list.split_ascii_whitespace();
    let method = Canonicalization {
        inclusive_prefixes: prefixes.map(str::to_owned).collect(),
        ..method
    };
    let octets = input::read(&args.file)?;
    let document = match Document::parse(&octets, &limits()) {
        Ok(document) => document,
        Err(e) => return Ok(refused(&args.file, e.into())),
    };
    let mut output = Output::default();
    canonicalize_document(&document, None, &method, &mut output.stdout);
    Ok(output)
}

fn verify(args: &XmlVerifyArgs) -> Result<Output, Problem> {
    let provider = aws_lc_provider();
    let peer = Peer::of_certificates(&provider, &args.cert, None)?;
    let policy = trust::signature_policy(&args.algorithms);
    let context = VerificationContext {
        provider: &provider,
        policy: &policy,
        now: trust::now(),
    };
    let octets = input::read(&args.file)?;
    let document = match Document::parse(&octets, &limits()) {
        Ok(document) => document,
        Err(e) => return Ok(refused(&args.file, e.into())),
    };
    let mut text = String::new();
    let (mut signed, mut bad) = (0, 0);
    let mut pending = vec![document.root()];
    while let Some(element) = pending.pop() {
        let children: Vec<_> = element.child_elements().collect();
        pending.extend(children.into_iter().rev());
        if matches!(own_signature(element), Ok(None)) {
            continue;
        }
        signed += 1;
        let label = label(element, &document);
        // A String never fails.
        let _ = match context.verify_enveloped(element, &peer.keys) {
            Ok(octets) => writeln!(text, "good: {label}, {}", octets.signed_by().algorithm),
            Err(e) => {
                bad += 1;
                let failure = Failure::from(e);
                let lines = failure.to_lines("  ");
                write!(text, "refused: {label}: {}\n{lines}", failure.code)
            }
        };
    }
    if signed == 0 {
        return Ok(refused(
            &args.file,
            federate_xml::SignatureError::Missing.into(),
        ));
    }
    Ok(Output {
        stdout: text.into_bytes(),
        stderr: String::new(),
        refused: bad > 0,
    })
}

/// What is signed, and how much of the document that is.
fn label(element: Element<'_>, document: &Document<'_>) -> String {
    let id = element.attribute("ID").unwrap_or("without ID");
    let name = element.local_name();
    let extent = match element == document.root() {
        true => "the whole document",
        false => "a part of the document",
    };
    visible(&format!("{name} {id}, {extent}"))
}
