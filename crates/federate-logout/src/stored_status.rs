//! How a [`Status`] is stored: its codes as identifiers, its texts cut to size.

use federate_types::{Status, StatusCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest text of a peer that is kept, in characters.
const MAX_CHARS: usize = 512;

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
    let cut = |text: String| match text.char_indices().nth(MAX_CHARS) {
        Some(_) => text.chars().take(MAX_CHARS).collect(),
        None => text,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut() {
        let long = "\u{e9}".repeat(600);
        let status = bounded(Status {
            code: StatusCode::Other(long.clone()),
            subcode: Some(StatusCode::PartialLogout),
            message: Some(long),
        });
        assert_eq!(status.message.unwrap().chars().count(), 512);
        assert_eq!(status.code.uri().chars().count(), 512);
        assert_eq!(status.subcode, Some(StatusCode::PartialLogout));
    }
}
