//! The padding of CBC (`[XMLEnc] 5.2.1`).

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};
use zeroize::Zeroizing;

/// Cuts the padding off and says whether it was one: the last octet tells how many octets it
/// has, one to a block; the others may be anything.
///
/// If it was none, everything remains, so that the caller can go on as if it had been.
pub(super) fn cut(block_len: usize, padded: &mut Zeroizing<Vec<u8>>) -> Choice {
    let most = u8::try_from(block_len).unwrap_or(u8::MAX);
    let last = padded.last().copied().unwrap_or_default();
    let valid = !last.ct_eq(&0) & !last.ct_gt(&most);
    let len = u8::conditional_select(&0, &last, valid);
    let remains = padded.len().saturating_sub(usize::from(len));
    padded.truncate(remains);
    valid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_octet_to_a_block() {
        for block_len in [8, 16] {
            for last in 0..=u8::MAX {
                let mut padded = Zeroizing::new(vec![0xff; 32]);
                padded[31] = last;
                let valid = bool::from(cut(block_len, &mut padded));
                let expected = (1..=block_len).contains(&usize::from(last));
                assert_eq!(valid, expected, "{block_len} {last}");
                let cut = if expected { usize::from(last) } else { 0 };
                assert_eq!(padded.len(), 32 - cut);
            }
        }
        let mut nothing = Zeroizing::new(Vec::new());
        assert!(!bool::from(cut(16, &mut nothing)));
    }
}
