use chrono::{DateTime, Utc};
use federate_types::MessageId;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The circumstances of one step.
///
/// The seed makes everything random in it: message IDs and the jitter of retries. A step is
/// repeatable, and its IDs cannot be foreseen by anybody who has not the seed; the ID of one
/// message tells nothing of another's, for each is a SHA-256 of the seed and a number that no
/// other message of this logout had.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The caller's clock.
    pub now: DateTime<Utc>,
    /// 256 secret random bits, fresh for each step.
    pub seed: [u8; 32],
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Moment {
    /// The ID of the `n`-th message ([SAMLCore] 1.3.4: 160 random bits).
    pub(crate) fn id(&self, n: u64) -> MessageId {
        let mut random = [0; 20];
        for (to, from) in random.iter_mut().zip(self.draw(b'i', n)) {
            *to = from;
        }
        MessageId::from_random(random)
    }

    /// A number below `bound`, or 0.
    pub(crate) fn below(&self, bound: u64, n: u64) -> u64 {
        let number = self
            .draw(b'j', n)
            .into_iter()
            .take(8)
            .fold(0_u64, |number, octet| number << 8 | u64::from(octet));
        number.checked_rem(bound).unwrap_or(0)
    }

    fn draw(&self, purpose: u8, n: u64) -> [u8; 32] {
        Sha256::new()
            .chain_update([purpose])
            .chain_update(self.seed)
            .chain_update(n.to_be_bytes())
            .finalize()
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_its_own_id() {
        let moment = |seed| Moment {
            now: DateTime::UNIX_EPOCH,
            seed: [seed; 32],
        };
        assert_eq!(moment(1).id(7), moment(1).id(7), "repeatable");
        assert_ne!(moment(1).id(7), moment(1).id(8));
        assert_ne!(moment(1).id(7), moment(2).id(7));
        assert_eq!(moment(1).below(0, 1), 0);
        assert!((0..100).all(|n| moment(1).below(10, n) < 10));
        assert!(!format!("{:?}", moment(1)).contains("seed: ["));
    }
}
