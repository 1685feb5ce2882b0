//! Stored values: a format version, then postcard.

use federate_session::StoreError;
use serde::{Serialize, de::DeserializeOwned};

const FORMAT: u8 = 3;

/// Fails for no value of ours; if it did, the whole transaction would be given up.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(value, vec![FORMAT]).map_err(StoreError::unavailable)
}

pub(crate) fn decode<T: DeserializeOwned>(
    what: &'static str,
    octets: &[u8],
) -> Result<T, StoreError> {
    match octets.split_first() {
        Some((&FORMAT, rest)) => match postcard::take_from_bytes(rest) {
            Ok((value, [])) => Ok(value),
            _ => Err(StoreError::Corrupt { what }),
        },
        Some((&found, _)) => Err(StoreError::UnsupportedFormat { what, found }),
        None => Err(StoreError::Corrupt { what }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_versions_and_damage_are_told_apart() {
        let octets = encode(&(1_u8, "two")).unwrap();
        assert_eq!(
            decode::<(u8, String)>("x", &octets).unwrap(),
            (1, "two".into())
        );
        let read = |octets: &[u8]| decode::<(u8, String)>("x", octets).unwrap_err().code();
        assert_eq!(read(&[]), "store.corrupt");
        assert_eq!(read(&[1, 1, 0]), "store.unsupported_format");
        assert_eq!(read(&octets[..3]), "store.corrupt");
        assert_eq!(read(&[octets, vec![0]].concat()), "store.corrupt");
    }
}
