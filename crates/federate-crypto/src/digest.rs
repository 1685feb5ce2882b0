use crate::DigestAlgorithm;
use std::fmt;
use subtle::ConstantTimeEq;

const MAX_LEN: usize = 64;

/// The digest of some octets, and the algorithm that made it.
#[derive(Clone, Copy)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    // Octets beyond the algorithm's length are zero.
    octets: [u8; MAX_LEN],
}

impl Digest {
    /// Takes over what a digest function returned, or `None` when the length is not the
    /// algorithm's.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm, octets: &[u8]) -> Option<Self> {
        let mut inline = [0; MAX_LEN];
        if octets.len() != algorithm.output_len() {
            return None;
        }
        inline.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(Self {
            algorithm,
            octets: inline,
        })
    }

    /// The digest without a length check: a provider's function gives the right one.
    #[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
    pub(crate) fn from_provider(algorithm: DigestAlgorithm, octets: &[u8]) -> Self {
        let mut inline = [0; MAX_LEN];
        for (to, from) in inline.iter_mut().zip(octets) {
            *to = *from;
        }
        Self {
            algorithm,
            octets: inline,
        }
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets
            .get(..self.algorithm.output_len())
            .unwrap_or(&self.octets)
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// Whether the other octets are the same; takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, other: &[u8]) -> bool {
        self.as_bytes().ct_eq(other).into()
    }

    /// The digest in hexadecimal, lower case, without separators.
    #[must_use]
    pub fn to_hex(&self) -> String {
        use fmt::Write;
        self.as_bytes().iter().fold(
            String::with_capacity(2 * self.as_bytes().len()),
            |mut text, octet| {
                let _ = write!(text, "{octet:02x}"); // a String never fails
                text
            },
        )
    }

    /// The digest as consoles and browsers show fingerprints: `0A:1B:..`, upper case.
    #[must_use]
    pub fn to_fingerprint(&self) -> String {
        use fmt::Write;
        let mut text = String::with_capacity(3 * self.as_bytes().len());
        for octet in self.as_bytes() {
            if !text.is_empty() {
                text.push(':');
            }
            let _ = write!(text, "{octet:02X}"); // a String never fails
        }
        text
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.matches(other.as_bytes())
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({} {})", self.algorithm, self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_for_machines_and_for_people() {
        let mut octets = [0; 20];
        octets[0] = 0x0a;
        octets[19] = 0xff;
        let digest = Digest::new(DigestAlgorithm::Sha1, &octets).unwrap();
        assert_eq!(digest.to_hex(), format!("0a{}ff", "00".repeat(18)));
        assert_eq!(
            digest.to_fingerprint(),
            format!("0A{}:FF", ":00".repeat(18))
        );
    }

    #[test]
    fn only_the_algorithms_length_is_taken() {
        assert!(Digest::new(DigestAlgorithm::Sha256, &[1; 31]).is_none());
        assert!(Digest::new(DigestAlgorithm::Sha256, &[1; 33]).is_none());
        assert!(Digest::new(DigestAlgorithm::Sha1, &[1; 65]).is_none());
        for algorithm in DigestAlgorithm::ALL {
            let octets = vec![7; algorithm.output_len()];
            let digest = Digest::new(algorithm, &octets).unwrap();
            assert_eq!(digest.as_bytes(), octets);
            assert!(digest.matches(&octets));
            assert!(!digest.matches(&octets[1..]));
            assert!(!digest.matches(&[]));
            assert!(!digest.matches(&[7; 65]));
        }
    }
}
