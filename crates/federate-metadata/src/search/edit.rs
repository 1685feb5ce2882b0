//! Words that are nearly what was typed.

/// Which letters are in a word, as bits: a filter that is quick to ask.
pub(super) fn letters(word: &str) -> u64 {
    word.chars().fold(0, |bits, c| {
        let bit = match c {
            'a'..='z' => u32::from(c) - u32::from('a'),
            '0'..='9' => 26 + u32::from(c) - u32::from('0'),
            _ => 36 + u32::from(c) % 28,
        };
        bits | 1 << bit
    })
}

/// Whether a word with these letters can begin with those of what was typed, but for one.
pub(super) const fn may_begin(typed: u64, word: u64) -> bool {
    (typed & !word).count_ones() <= 1
}

/// Whether the word begins with what was typed, when one letter of that is changed, added,
/// left out, or swapped with the next.
pub(super) fn nearly_begins(typed: &str, word: &str) -> bool {
    if typed.is_ascii() && word.is_ascii() {
        return nearly(typed.as_bytes(), word.as_bytes());
    }
    let typed: Vec<char> = typed.chars().collect();
    // What lies beyond does not matter.
    let word: Vec<char> = word.chars().take(typed.len() + 1).collect();
    nearly(&typed, &word)
}

fn nearly<T: PartialEq + Copy>(typed: &[T], word: &[T]) -> bool {
    let same = typed.iter().zip(word).take_while(|(a, b)| a == b).count();
    let begins =
        |typed_at: usize, word_at: usize| match (typed.get(typed_at..), word.get(word_at..)) {
            (Some(typed), Some(word)) => word.starts_with(typed),
            _ => false,
        };
    let swapped = || {
        let pair = |text: &[T]| Some((*text.get(same)?, *text.get(same + 1)?));
        matches!((pair(typed), pair(word)), (Some((a, b)), Some((c, d))) if a == d && b == c)
    };
    same == typed.len()
        || begins(same + 1, same + 1)
        || begins(same + 1, same)
        || begins(same, same + 1)
        || (swapped() && begins(same + 2, same + 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_edit_is_near() {
        for typed in [
            "university",
            "univ",
            "unjversity",
            "niversity",
            "univversity",
            "uinversity",
            "unievrs",
            "xuniver",
            "univx",
        ] {
            assert!(nearly_begins(typed, "university"), "{typed}");
        }
        for typed in [
            "unjvxrsity",
            "versity",
            "unvieersity",
            "uinevr",
            "xyuniv",
            "universityxx",
        ] {
            assert!(!nearly_begins(typed, "university"), "{typed}");
        }
        assert!(nearly_begins("東亰大", "東京大学"));
        assert!(!nearly_begins("東亰小", "東京大学"));
    }

    proptest! {
        #[test]
        fn the_filter_lets_all_through_that_is_near(
            word in "[a-zé東0-9]{4,12}", at in 0usize..12, kind in 0..4, c in "[a-zü京]",
        ) {
            let mut typed: Vec<char> = word.chars().collect();
            let at = at % typed.len();
            match kind {
                0 => typed[at] = c.chars().next().unwrap(),
                1 => typed.insert(at, c.chars().next().unwrap()),
                2 => drop(typed.remove(at)),
                _ if at + 1 < typed.len() => typed.swap(at, at + 1),
                _ => {}
            }
            let typed: String = typed.into_iter().collect();
            prop_assert!(nearly_begins(&typed, &word), "{typed} {word}");
            prop_assert!(may_begin(letters(&typed), letters(&word)));
        }
    }
}
