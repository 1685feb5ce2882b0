//! Files in, messages out.

use crate::problem::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_saml::BindingError;
use federate_xml::Limits;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use percent_encoding::percent_decode_str;
use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

/// The most octets that are read of a file.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// The most octets that are read of metadata: what `Limits::for_aggregate` allows.
pub(crate) const MAX_METADATA: u64 = 512 * 1024 * 1024;

/// The octets of a file; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    read_up_to(path, MAX_FILE)
}

fn read_up_to(path: &Path, most: u64) -> Result<Vec<u8>, Problem> {
    let problem = |e: std::io::Error| Problem::of(path.display(), e);
    let mut octets = Vec::new();
    let mut take = |from: &mut dyn Read| from.take(most + 1).read_to_end(&mut octets);
    if path == Path::new("-") {
        take(&mut stdin().lock()).map_err(problem)?;
    } else {
        take(&mut File::open(path).map_err(problem)?).map_err(problem)?;
    }
    within(path, octets, most)
}

fn within(path: &Path, octets: Vec<u8>, most: u64) -> Result<Vec<u8>, Problem> {
    if octets.len() as u64 > most {
        let why = format!("larger than {} MiB", most / (1024 * 1024));
        return Err(Problem::of(path.display(), why));
    }
    Ok(octets)
}

/// The octets of a metadata file, unpacked if it is packed with gzip.
pub(crate) fn read_metadata(path: &Path) -> Result<Vec<u8>, Problem> {
    let octets = read_up_to(path, MAX_METADATA)?;
    if !octets.starts_with(&[0x1f, 0x8b]) {
        return Ok(octets);
    }
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(&octets[..])
        .take(MAX_METADATA + 1)
        .read_to_end(&mut unpacked)
        .map_err(|e| Problem::of(path.display(), e))?;
    within(path, unpacked, MAX_METADATA)
}

/// The text of a file.
pub(crate) fn read_text(path: &Path) -> Result<String, Problem> {
    String::from_utf8(read(path)?).map_err(|_| Problem::of(path.display(), "not UTF-8 text"))
}

/// A message with the way in which it came.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) xml: Vec<u8>,
    /// What was undone to get at it.
    pub(crate) encoding: &'static str,
    /// What stood beside it in a query or form, as name and value.
    pub(crate) beside: Vec<(&'static str, String)>,
}

/// Which encodings a message may have come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encodings {
    /// All that the bindings have.
    All,
    /// Those in which a response comes by HTTP-POST: never deflated (`[SAMLProf] 4.1.2`).
    Post,
}

const PARAMETERS: [&str; 2] = ["SAMLRequest", "SAMLResponse"];
const BESIDE: [&str; 3] = ["RelayState", "SigAlg", "Signature"];

/// Finds the message in what was pasted or saved.
pub(crate) fn message(octets: Vec<u8>, encodings: Encodings) -> Result<Message, BindingError> {
    let start = octets.iter().find(|b| !b.is_ascii_whitespace());
    // XML begins with `<`, or with a byte order mark; the parser judges what else it begins with.
    if matches!(start, Some(b'<' | 0xef | 0xfe | 0xff)) {
        return Ok(plain(octets, "XML"));
    }
    let Ok(text) = std::str::from_utf8(&octets) else {
        return Ok(plain(octets, "XML"));
    };
    let text = text.trim();
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    if PARAMETERS
        .iter()
        .any(|p| query.split('&').any(|pair| named(pair, p)))
    {
        return of_query(query, encodings);
    }
    if text.contains('%') {
        let decoded = unescape(text, "SAMLResponse")?;
        return of_base64(&decoded, encodings);
    }
    of_base64(text, encodings)
}

fn plain(xml: Vec<u8>, encoding: &'static str) -> Message {
    Message {
        xml,
        encoding,
        beside: Vec::new(),
    }
}

fn named(pair: &str, name: &str) -> bool {
    pair.split_once('=').is_some_and(|(n, _)| n == name)
}

/// The one value of a parameter.
fn value<'q>(query: &'q str, name: &'static str) -> Result<Option<&'q str>, BindingError> {
    let mut values = query.split('&').filter(|pair| named(pair, name));
    let first = values.next().and_then(|pair| pair.split_once('='));
    match values.next() {
        Some(_) => Err(BindingError::Ambiguous(name)),
        None => Ok(first.map(|(_, value)| value)),
    }
}

fn of_query(query: &str, encodings: Encodings) -> Result<Message, BindingError> {
    let [request, response] = PARAMETERS;
    let (name, raw) = match (value(query, request)?, value(query, response)?) {
        (Some(_), Some(_)) => return Err(BindingError::Ambiguous(response)),
        (Some(raw), None) => (request, raw),
        (None, Some(raw)) => (response, raw),
        (None, None) => return Err(BindingError::Missing(response)),
    };
    let mut message = of_base64(&unescape(&raw.replace('+', " "), name)?, encodings)?;
    for name in BESIDE {
        if let Some(raw) = value(query, name)? {
            let value = unescape(&raw.replace('+', " "), name)?;
            message.beside.push((name, value));
        }
    }
    Ok(message)
}

fn unescape(raw: &str, name: &'static str) -> Result<String, BindingError> {
    let decoded = percent_decode_str(raw).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| BindingError::Escaping(name))
}

fn of_base64(text: &str, encodings: Encodings) -> Result<Message, BindingError> {
    // An unescaped `+` of a query has become a space: then it is base64 no more, and refused.
    let compact: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let octets = STANDARD.decode(compact).map_err(|_| BindingError::Base64)?;
    if encodings == Encodings::All
        && let Some(xml) = inflate(&octets)?
    {
        return Ok(plain(xml, "deflated XML in base64"));
    }
    let start = octets.iter().find(|b| !b.is_ascii_whitespace());
    if encodings == Encodings::All && !matches!(start, Some(b'<' | 0xef | 0xfe | 0xff)) {
        return Err(BindingError::Deflate);
    }
    Ok(plain(octets, "XML in base64"))
}

/// The content of a DEFLATE stream of XML, or `None` if it is no such stream.
fn inflate(octets: &[u8]) -> Result<Option<Vec<u8>>, BindingError> {
    let allowed = Limits::default().bytes;
    let mut decoder = DeflateDecoder::new(octets);
    let mut xml = Vec::new();
    let result = (&mut decoder)
        .take((allowed as u64).saturating_add(1))
        .read_to_end(&mut xml);
    if xml.len() > allowed {
        return Err(BindingError::TooLarge { allowed });
    }
    let whole = result.is_ok() && decoder.total_in() == octets.len() as u64;
    Ok((whole && !xml.is_empty()).then_some(xml))
}
