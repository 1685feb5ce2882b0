//! How a [`Status`] is stored: its codes as identifiers, its texts cut to size.

use federate_types::{Status, StatusCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest text of a peer that is kept, in octets.
const MAX_BYTES: usize = 128;

pub(crate) fn serialize<S: Serializer>(status: &Status, to: S) -> Result<S::Ok, S::Error> {
    (
        status.code.uri(),
        status.subcode.as_ref().map(StatusCode::uri),
        status.message.as_deref(),
    )
        .serialize(to)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Status, D::Error> {
    let (code, subcode, message) = <(String, Option<String>, Option<String>)>::deserialize(from)?;
    Ok(Status {
        code: StatusCode::from_uri(&code),
        subcode: subcode.as_deref().map(StatusCode::from_uri),
        message,
    })
}

/// The same status with the peer's texts cut to size.
pub(crate) fn bounded(status: Status) -> Status {
    let cut = |mut text: String| {
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
        let end = ends.take_while(|end| *end <= MAX_BYTES).last();
        text.truncate(end.unwrap_or(0));
        text
    };
    let code = |code| match code {
        StatusCode::Other(uri) => StatusCode::Other(cut(uri)),
        known => known,
    };
    Status {
        code: code(status.code),
        subcode: status.subcode.map(code),
        message: status.message.map(cut),
    }
}

/// Whether [`bounded`] would leave it as it is.
pub(crate) fn is_bounded(status: &Status) -> bool {
    let short = |text: &str| text.len() <= MAX_BYTES;
    let code = |code: &StatusCode| match code {
        StatusCode::Other(uri) => short(uri),
        _ => true,
    };
    code(&status.code)
        && status.subcode.as_ref().is_none_or(code)
        && status.message.as_deref().is_none_or(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut() {
        let long = format!("x{}", "\u{e9}".repeat(600));
        let long = Status {
            code: StatusCode::Other(long.clone()),
            subcode: Some(StatusCode::PartialLogout),
            message: Some(long),
        };
        assert!(!is_bounded(&long));
        let status = bounded(long);
        assert!(is_bounded(&status));
        assert_eq!(
            status.message.as_ref().map(String::len),
            Some(127),
            "a whole character less"
        );
        assert_eq!(status.code.uri().len(), 127);
        assert_eq!(status.subcode, Some(StatusCode::PartialLogout));
    }
}
