//! Documents that nobody in this project wrote: `FEDERATE_VECTORS` names their folder.

use crate::compare::{Keys, Tally};
use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::{Certificate, PublicKey};
use federate_testkit::judge::ForeignDocument;
use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Compares the verdicts on all of them, if they are there.
pub(crate) fn compared() -> Option<Tally> {
    let Some(folder) = std::env::var_os("FEDERATE_VECTORS").map(PathBuf::from) else {
        println!("skipped: FEDERATE_VECTORS is not set");
        return None;
    };
    let table = std::fs::read_to_string(folder.join("VERDICTS.tsv")).unwrap();
    let mut tally = Tally::default();
    let mut beside = HashMap::new();
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (path, encoding) = (fields[0], fields[5]);
        let Some(octets) = octets(&folder.join(path), encoding) else {
            continue;
        };
        if !octets.windows(10).any(|w| w == b"SignedInfo") {
            continue;
        }
        // The keys that the document names, or else those that lie beside it.
        let inside = Keys::new(keys_inside(&octets));
        let source = path.split('/').next().unwrap();
        let keys = match &inside {
            Some(inside) => Some(inside),
            None => beside
                .entry(source.to_owned())
                .or_insert_with(|| Keys::new(keys_beside(&folder.join(source))))
                .as_ref(),
        };
        if let Some(keys) = keys {
            tally.document(path, &octets, keys, &limits(true));
        }
    }
    assert!(tally.both_accept > 80, "the vectors are not all there");
    Some(tally)
}

fn octets(path: &Path, encoding: &str) -> Option<Vec<u8>> {
    let octets = std::fs::read(path).ok()?;
    let unpacked = || {
        let mut compact = octets.clone();
        compact.retain(|b| !b.is_ascii_whitespace());
        STANDARD.decode(compact).ok()
    };
    match encoding {
        "xml" => Some(octets),
        "base64" => unpacked(),
        "deflate+base64" => {
            let packed = unpacked()?;
            let mut inflated = Vec::new();
            let mut inflate = flate2::read::DeflateDecoder::new(packed.as_slice());
            inflate.read_to_end(&mut inflated).ok()?;
            Some(inflated)
        }
        _ => None,
    }
}

/// The keys of the certificates in a document, as libxml2 finds them. That nobody vouches for
/// them does not matter here: both judge with the same ones.
fn keys_inside(octets: &[u8]) -> Vec<PublicKey> {
    let Ok(foreign) = ForeignDocument::parse(octets) else {
        return Vec::new();
    };
    let all = 0..foreign.element_count();
    let named = all.filter(|e| foreign.name_of(*e).1 == "X509Certificate");
    let certificates = named.filter_map(|e| Certificate::from_base64(&foreign.text_of(e)).ok());
    certificates.map(|c| c.public_key().clone()).collect()
}

/// The keys of the certificates that lie in a source's folder.
fn keys_beside(folder: &Path) -> Vec<PublicKey> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(keys_beside(&path));
            continue;
        }
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        if !["crt", "cer", "cert", "pem"].contains(&extension) {
            continue;
        }
        if let Ok(text) = std::fs::read_to_string(&path) {
            let read = Certificate::from_pem(&text).or_else(|_| Certificate::from_base64(&text));
            found.extend(read.map(|c| c.public_key().clone()));
        }
    }
    found
}
