use super::shards::SHARDS;
use crate::{ConnectionId, TenantId};
use federate_types::{EntityId, NameIdFormat};
use hashbrown::HashTable;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{OnceLock, PoisonError, RwLock};

/// The texts that many sessions share, each stored once.
///
/// They come from configuration and metadata, which are small. Yet nothing depends on that: a
/// table takes [`Table::MOST`] words of at most [`MAX_BYTES`] and never forgets one, and what
/// it does not take lies in each record. So whoever could fill it makes records longer, and
/// nothing else.
pub(super) struct Words {
    pub(super) tenants: Table<TenantId>,
    pub(super) connections: Table<ConnectionId>,
    pub(super) entities: Table<EntityId>,
    pub(super) formats: Table<NameIdFormat>,
    /// AuthnContextClassRefs.
    pub(super) contexts: Table<String>,
    /// Addresses of applications.
    pub(super) addresses: Table<String>,
}

impl Default for Words {
    fn default() -> Self {
        use NameIdFormat::{EmailAddress, Persistent, Transient, Unspecified};
        let words = Self {
            tenants: Table::default(),
            connections: Table::default(),
            entities: Table::default(),
            formats: Table::default(),
            contexts: Table::default(),
            addresses: Table::default(),
        };
        // Upstreams choose formats, and teach the table none: these are the usual ones.
        for format in [EmailAddress, Persistent, Transient, Unspecified] {
            words.formats.number_or_add(&format);
        }
        words
    }
}

/// The longest word that a table takes, in bytes.
const MAX_BYTES: usize = 256;

/// What a table holds: something with a text of its own.
pub(super) trait Word: Clone + Eq + Hash {
    /// The text, which gives the word back.
    fn to_text(&self) -> String;
    /// The word of a text.
    fn from_text(text: String) -> Option<Self>;
    /// How long the text is.
    fn bytes(&self) -> usize;
}

/// Words by the lower part of their number.
type Row<T> = Box<[OnceLock<T>]>;

/// Words by number. Reading takes no lock: what has a number keeps it.
pub(super) struct Table<T> {
    rows: Box<[OnceLock<Row<T>>]>,
    numbers: RwLock<HashTable<u32>>,
    hasher: RandomState,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: (0..SHARDS).map(|_| OnceLock::new()).collect(),
            numbers: RwLock::default(),
            hasher: RandomState::new(),
        }
    }
}

impl<T: Word> Table<T> {
    /// How many words a row has.
    const ROW: usize = 256;
    /// How many words a table takes.
    const MOST: usize = SHARDS * Self::ROW;

    /// The word of a number.
    pub(super) fn word(&self, number: u32) -> Option<&T> {
        let number = usize::try_from(number).ok()?;
        let row = self.rows.get(number / Self::ROW)?.get()?;
        row.get(number % Self::ROW)?.get()
    }

    /// The number of a word, if the table has it.
    pub(super) fn number(&self, word: &T) -> Option<u32> {
        let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
        self.find(&numbers, word)
    }

    /// The number of a word, which is added if there is room.
    pub(super) fn number_or_add(&self, word: &T) -> Option<u32> {
        let known = self.number(word);
        if known.is_some() || word.bytes() > MAX_BYTES {
            return known;
        }
        let mut numbers = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = self.find(&numbers, word) {
            return Some(number); // another was first
        }
        let next = numbers.len();
        if next >= Self::MOST {
            return None;
        }
        let row = self.rows.get(next / Self::ROW)?;
        let row = row.get_or_init(|| (0..Self::ROW).map(|_| OnceLock::new()).collect());
        row.get(next % Self::ROW)?.set(word.clone()).ok()?;
        let number = u32::try_from(next).ok()?;
        let hash = |number: &u32| self.hasher.hash_one(self.word(*number));
        numbers.insert_unique(self.hasher.hash_one(Some(word)), number, hash);
        Some(number)
    }

    fn find(&self, numbers: &HashTable<u32>, word: &T) -> Option<u32> {
        let hash = self.hasher.hash_one(Some(word));
        let is_it = |number: &u32| self.word(*number) == Some(word);
        numbers.find(hash, is_it).copied()
    }
}

macro_rules! word {
    ($name:ty, $text:expr, $from:expr) => {
        impl Word for $name {
            fn to_text(&self) -> String {
                let text: fn(&$name) -> &str = $text;
                text(self).to_owned()
            }

            fn from_text(text: String) -> Option<Self> {
                let from: fn(String) -> Option<$name> = $from;
                from(text)
            }

            fn bytes(&self) -> usize {
                let text: fn(&$name) -> &str = $text;
                text(self).len()
            }
        }
    };
}

word!(TenantId, TenantId::as_str, |text| TenantId::new(text).ok());
word!(ConnectionId, ConnectionId::as_str, |text| {
    ConnectionId::new(text).ok()
});
word!(EntityId, EntityId::as_str, |text| EntityId::new(text).ok());
word!(String, String::as_str, Some);

impl Word for NameIdFormat {
    /// The URI; `=` precedes one that stands for no known format.
    fn to_text(&self) -> String {
        match self {
            Self::Other(uri) => format!("={uri}"),
            known => known.uri().to_owned(),
        }
    }

    fn from_text(text: String) -> Option<Self> {
        Some(match text.strip_prefix('=') {
            Some(uri) => Self::Other(uri.to_owned()),
            None => Self::from_uri(&text),
        })
    }

    fn bytes(&self) -> usize {
        self.uri().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_takes_nothing_and_keeps_all() {
        let table = Table::<String>::default();
        let word = |n: usize| format!("word-{n}");
        for n in 0..Table::<String>::MOST {
            assert_eq!(table.number_or_add(&word(n)), u32::try_from(n).ok());
        }
        assert_eq!(table.number_or_add(&"one more".to_owned()), None);
        for n in [0, 255, 256, Table::<String>::MOST - 1] {
            assert_eq!(table.number_or_add(&word(n)), u32::try_from(n).ok());
            assert_eq!(table.word(u32::try_from(n).unwrap()), Some(&word(n)));
        }
        assert_eq!(table.word(u32::MAX), None);
    }

    #[test]
    fn long_words_are_not_taken() {
        let table = Table::<String>::default();
        assert_eq!(table.number_or_add(&"a".repeat(MAX_BYTES + 1)), None);
        assert_eq!(table.number_or_add(&"a".repeat(MAX_BYTES)), Some(0));
    }

    #[test]
    fn formats_come_back_from_their_texts() {
        let persistent = NameIdFormat::Persistent.uri().to_owned();
        for format in [
            NameIdFormat::Persistent,
            NameIdFormat::Other("urn:x".into()),
            NameIdFormat::Other(persistent),
            NameIdFormat::Other("=".into()),
        ] {
            assert_eq!(NameIdFormat::from_text(format.to_text()), Some(format));
        }
    }
}
