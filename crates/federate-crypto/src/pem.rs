//! PEM armour (RFC 7468). Our own few lines, because the bodies may be private keys: every
//! buffer they pass through is wiped.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// One armoured block.
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// The blocks of a text, in order; what stands between them is skipped. After a malformed
/// block (`Err`) nothing more comes.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Result<Block<'_>, Malformed>> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (_, begun) = rest.take()?.split_once("-----BEGIN ")?;
        Some(block(begun).map(|(block, after)| {
            rest = Some(after);
            block
        }))
    })
}

/// A block without its end, or a body that is not Base64.
#[derive(Debug)]
pub(crate) struct Malformed;

fn block(begun: &str) -> Result<(Block<'_>, &str), Malformed> {
    let (label, body) = begun.split_once("-----").ok_or(Malformed)?;
    if label.len() > 64 || label.contains(['\n', '\r']) {
        return Err(Malformed);
    }
    let (body, after) = body
        .split_once(&format!("-----END {label}-----"))
        .ok_or(Malformed)?;
    let der = decode(body).ok_or(Malformed)?;
    Ok((Block { label, der }, after))
}

/// Decodes Base64 between whose characters whitespace may stand.
pub(crate) fn decode(body: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut packed = Zeroizing::new(Vec::with_capacity(body.len()));
    packed.extend(body.bytes().filter(|octet| !octet.is_ascii_whitespace()));
    let mut der = Zeroizing::new(vec![0; base64::decoded_len_estimate(packed.len())]);
    let len = STANDARD.decode_slice(&*packed, &mut der).ok()?;
    der.truncate(len);
    Some(der)
}

/// Writes one block, in lines of 64 characters.
pub(crate) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    // 48 octets are 64 characters.
    let lines = der.len().div_ceil(48);
    let mut text = Zeroizing::new(String::with_capacity(65 * lines + 2 * label.len() + 40));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    for line in der.chunks(48) {
        STANDARD.encode_string(line, &mut text);
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn skips_what_stands_between() {
        let text = "Bag Attributes\n-----BEGIN A-----\r\nAQID\r\n-----END A-----\nx\n\
                    -----BEGIN B-----\nBAU=\n-----END B-----";
        let found: Vec<_> = blocks(text).map(Result::unwrap).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].label, &found[0].der[..]), ("A", &[1, 2, 3][..]));
        assert_eq!((found[1].label, &found[1].der[..]), ("B", &[4, 5][..]));
    }

    #[test]
    fn refuses_malformed_blocks_and_stops_there() {
        for text in [
            "-----BEGIN A",
            "-----BEGIN A-----",
            "-----BEGIN A-----\nAQID\n-----END B-----",
            "-----BEGIN A-----\nA?ID\n-----END A-----",
            "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAQID\n-----END A-----",
            "-----BEGIN A\nB-----\nAQID\n-----END A\nB-----",
        ] {
            let mut found = blocks(text);
            assert!(found.next().unwrap().is_err(), "{text}");
            assert!(found.next().is_none(), "{text}");
        }
        assert!(blocks("").next().is_none());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(data in proptest::collection::vec(any::<u8>(), 0..500)) {
            let text = encode("PRIVATE KEY", &data);
            prop_assert!(text.lines().all(|line| line.len() <= 64));
            let found: Vec<_> = blocks(&text).map(Result::unwrap).collect();
            prop_assert_eq!(&found[0].der[..], &data[..]);
        }

        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = blocks(&format!("-----BEGIN {text}")).count();
            let _ = decode(&text);
        }
    }
}
