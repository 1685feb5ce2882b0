//! How characters are written in canonical form (`[C14N] 2.3`).

pub(super) fn replace_one(bytes: &[u8], byte: u8, with: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some((before, after)) =
        memchr::memchr(byte, rest).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(before);
        out.extend_from_slice(with);
        rest = after.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// [C14N] 2.3, text nodes.
pub(crate) fn escape_text(bytes: &[u8], out: &mut Vec<u8>) {
    escape(bytes, out, |byte| match byte {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'>' => Some(b"&gt;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    });
}

/// [C14N] 2.3, attribute and namespace nodes.
pub(crate) fn escape_attribute(bytes: &[u8], out: &mut Vec<u8>) {
    escape(bytes, out, |byte| match byte {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'"' => Some(b"&quot;"),
        b'\t' => Some(b"&#x9;"),
        b'\n' => Some(b"&#xA;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    });
}

fn escape(bytes: &[u8], out: &mut Vec<u8>, special: impl Fn(u8) -> Option<&'static [u8]>) {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| special(*b).is_some()) {
        let Some((before, after)) = rest.split_at_checked(at) else {
            break;
        };
        out.extend_from_slice(before);
        if let Some((byte, after)) = after.split_first() {
            out.extend_from_slice(special(*byte).unwrap_or_default());
            rest = after;
        }
    }
    out.extend_from_slice(rest);
}
