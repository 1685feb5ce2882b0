//! `federate decode`.

use crate::Output;
use crate::failure::Failure;
use crate::input::{self, Encodings};
use crate::options::DecodeArgs;
use crate::pretty;
use crate::problem::Problem;
use crate::summary::{Lines, summary};
use federate_saml::SamlError;
use federate_xml::{Document, Limits};

pub(crate) fn run(args: &DecodeArgs) -> Result<Output, Problem> {
    // An address can be given as it was copied; no file is called like one.
    let is_address = |text: &&str| text.starts_with("https://") || text.starts_with("http://");
    let octets = match args.file.to_str().filter(is_address) {
        Some(address) => address.as_bytes().to_vec(),
        None => input::read(&args.file)?,
    };
    Ok(decoded(octets, args.show_values).unwrap_or_else(|error| {
        let failure = Failure::from(error);
        Output {
            stderr: format!("refused: {}\n{}", failure.code, failure.to_lines("  ")),
            refused: true,
            ..Output::default()
        }
    }))
}

fn decoded(octets: Vec<u8>, show_values: bool) -> Result<Output, SamlError> {
    let message = input::message(octets, Encodings::All)?;
    // Shown is also what the library would refuse only later.
    let limits = Limits {
        processing_instructions: true,
        ..Limits::default()
    };
    let document = Document::parse(&message.xml, &limits)?;
    let mut text = pretty::indented(&document, show_values);
    text.push_str("\nNothing of this was verified.\n");
    let mut lines = Lines::default();
    lines.line("came as", message.encoding);
    for (name, value) in &message.beside {
        let value = match *name {
            "Signature" => "present, of the query",
            _ => value,
        };
        lines.line(name, value);
    }
    summary(&document, show_values, &mut lines);
    text.push_str(&lines.finish());
    Ok(text.into())
}
