//! Text as people search for it: without case and accents.

/// Letters, and how they are written with marks. What is not here has no marks, or is not
/// written without them.
const MARKED: [(&str, &str); 38] = [
    ("a", "àáâãäåāăąǎǟǡǻȁȃȧạảấầẩẫậắằẳẵặḁ"),
    ("ae", "æǣǽ"),
    ("b", "ƀḃḅḇ"),
    ("c", "çćĉċčḉ"),
    ("d", "ďđḋḍḏḑḓð"),
    ("e", "èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệə"),
    ("f", "ḟ"),
    ("g", "ĝğġģǥǧǵḡ"),
    ("h", "ĥħȟḣḥḧḩḫẖ"),
    ("i", "ìíîïĩīĭįıǐȉȋḭḯỉị"),
    ("j", "ĵǰ"),
    ("k", "ķǩḱḳḵ"),
    ("l", "ĺļľŀłḷḹḻḽ"),
    ("m", "ḿṁṃ"),
    ("n", "ñńņňŉǹṅṇṉṋ"),
    ("o", "òóôõöøōŏőǒǫǭǿȍȏȫȭȯȱṍṏṑṓọỏốồổỗộơớờởỡợ"),
    ("oe", "œ"),
    ("p", "ṕṗ"),
    ("r", "ŕŗřȑȓṙṛṝṟ"),
    ("s", "śŝşšșṡṣṥṧṩ"),
    ("ss", "ßẞ"),
    ("t", "ţťŧțṫṭṯṱẗ"),
    ("th", "þ"),
    ("u", "ùúûüũūŭůűųǔǖǘǚǜȕȗṳṵṷṹṻụủưứừửữự"),
    ("v", "ṽṿ"),
    ("w", "ŵẁẃẅẇẉẘ"),
    ("x", "ẋẍ"),
    ("y", "ýÿŷȳẏẙỳỵỷỹ"),
    ("z", "źżžƶẑẓẕ"),
    ("α", "ά"),
    ("ε", "έ"),
    ("η", "ή"),
    ("ι", "ίϊΐ"),
    ("ο", "ό"),
    ("υ", "ύϋΰ"),
    ("ω", "ώ"),
    ("σ", "ς"),
    ("е", "ё"),
];

/// The most octets of a word that count: no name that people type has a longer one.
const MAX_WORD: usize = 128;

/// The words of a text, folded. Whatever is neither letter nor digit separates them.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        // An apostrophe or a mark of its own is within a word.
        if matches!(c, '\'' | '\u{2019}' | '\u{300}'..='\u{36f}' | '\u{ad}') {
            continue;
        }
        if c.is_alphanumeric() {
            c.to_lowercase().for_each(|c| push(&mut word, c));
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn push(word: &mut String, c: char) {
    if word.len() >= MAX_WORD {
        return;
    }
    if c.is_ascii() {
        return word.push(c);
    }
    // Lower case of a letter can be the letter and a mark.
    if matches!(c, '\u{300}'..='\u{36f}') {
        return;
    }
    let may_be_marked = matches!(c,
        '\u{c0}'..='\u{2af}' | '\u{370}'..='\u{45f}' | '\u{1e00}'..='\u{1eff}');
    let marked = || MARKED.iter().find(|(_, marked)| marked.contains(c));
    match may_be_marked.then(marked).flatten() {
        Some((plain, _)) => word.push_str(plain),
        None => word.push(c),
    }
}

/// Whether text of this script is written without spaces, so that a word can begin anywhere.
pub(super) const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3040}'..='\u{30ff}' // Kana
        | '\u{3400}'..='\u{9fff}' // Han
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_marks_do_not_count() {
        for (text, expected) in [
            ("Universität Zürich", &["universitat", "zurich"][..]),
            ("  École  d'Été ", &["ecole", "dete"]),
            ("E\u{301}cole", &["ecole"]),
            (
                "ŁÓDŹ, Straße; Ærø-Þing",
                &["lodz", "strasse", "aero", "thing"],
            ),
            ("İstanbul ĞÜ", &["istanbul", "gu"]),
            ("Αθήνα ΟΔΟΣ", &["αθηνα", "οδοσ"]),
            ("Đại học Quốc gia", &["dai", "hoc", "quoc", "gia"]),
            ("東京大学 (UTokyo)", &["東京大学", "utokyo"]),
            ("--- @ ", &[]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn every_marked_letter_is_folded() {
        for (plain, marked) in MARKED {
            for c in marked.chars() {
                assert_eq!(words(&c.to_string()), [plain], "{c}");
            }
        }
        let long = "ä".repeat(10_000);
        assert_eq!(words(&long), ["a".repeat(MAX_WORD)]);
    }
}
