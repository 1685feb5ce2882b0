//! Finding an identity provider by what people type.

use crate::{EntityDescriptor, Localized};
use federate_types::EntityId;
use std::collections::{BTreeMap, HashMap, HashSet};
use url::Url;

mod edit;
mod fold;

/// Identity providers whose operators do not want them to be offered (REFEDS).
const HIDDEN: &str = "http://refeds.org/category/hide-from-discovery";

/// What of a query is looked at.
const MAX_QUERY: usize = 256;
const MAX_WORDS: usize = 8;
/// The shortest word in which an error is forgiven, in letters.
const MIN_FUZZY: usize = 4;
/// So many places in a text without spaces can be the beginning of a word.
const MAX_BEGINNINGS: usize = 32;

/// A hit by a whole domain stands before all others.
const DOMAIN: u32 = 2000;
const PARENT_DOMAIN: u32 = 1500;
/// A scope before a hint: registrars check scopes, hints are the publisher's own.
const SCOPE: u32 = 100;
const WHOLE_WORD: u32 = 60;
const PREFIX: u32 = 30;

/// Where a word stands, in the order of what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Host,
    Keyword,
    Name,
    NameStart,
}

impl Place {
    const fn counts(self) -> u32 {
        match self {
            Self::Host => 20,
            Self::Keyword => 25,
            Self::Name => 40,
            Self::NameStart => 50,
        }
    }
}

/// An index over identity providers, for a discovery service that searches while people type.
///
/// Found are words of display names in every language, keywords, scopes, domain hints and hosts
/// of entityIDs: by their beginnings, without regard to case and accents, and with one error in
/// words of four letters and more. A domain that is typed as a whole, also as that of a mail
/// address, comes first. Identity providers of the category `hide-from-discovery` are left out.
///
/// ```
/// # use federate_metadata::{SearchIndex, parse_entities};
/// # let octets = br#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
/// #   xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" entityID="https://idp.uzh.example">
/// #   <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
/// #   <md:Extensions><mdui:UIInfo><mdui:DisplayName xml:lang="de">Universit&#xe4;t
/// #   Z&#xfc;rich</mdui:DisplayName></mdui:UIInfo></md:Extensions><md:SingleSignOnService
/// #   Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://a.example"/>
/// #   </md:IDPSSODescriptor></md:EntityDescriptor>"#;
/// let group = parse_entities(octets, &federate_xml::Limits::for_aggregate())?;
/// let index = SearchIndex::new(group.entities());
/// for typed in ["zur", "univ zurich", "Zürcih"] {
///     assert_eq!(index.search(typed, 10)[0].entity_id.as_str(), "https://idp.uzh.example");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct SearchIndex {
    items: Vec<Item>,
    /// Every word once, sorted, one after the other.
    text: String,
    words: Vec<Word>,
    postings: Vec<(u32, Place)>,
    /// Who has a domain, as a scope, a hint or the host of the entityID, and what it counts.
    domains: HashMap<String, Vec<(u32, u32)>>,
}

/// An identity provider. The better known ones, by short names, stand first.
#[derive(Debug)]
struct Item {
    entity_id: EntityId,
    display_name: String,
}

#[derive(Debug)]
struct Word {
    /// Where it ends in the text; it begins where the one before ends.
    end: u32,
    /// Where its postings end.
    postings_end: u32,
    letters: u64,
}

/// An identity provider that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hit<'i> {
    /// Who it is.
    pub entity_id: &'i EntityId,
    /// What it is called: in English, if it has an English name.
    pub display_name: &'i str,
    /// How well it fits; only to be compared with others of the same search.
    pub score: u32,
}

impl SearchIndex {
    /// An index over the identity providers among these. Of several entities with one
    /// identifier the first counts.
    pub fn new<'a>(entities: impl IntoIterator<Item = &'a EntityDescriptor>) -> Self {
        let mut seen = HashSet::new();
        let offered = |entity: &&EntityDescriptor| {
            entity.idp.is_some()
                && !entity
                    .entity_categories()
                    .any(|category| category == HIDDEN)
        };
        let mut found: Vec<(String, &EntityDescriptor)> = entities
            .into_iter()
            .filter(offered)
            .filter(|entity| seen.insert(&entity.entity_id))
            .map(|entity| (display_name(entity), entity))
            .collect();
        found.sort_by(|(a, one), (b, other)| {
            let key = |name: &str| name.chars().count();
            key(a)
                .cmp(&key(b))
                .then_with(|| a.cmp(b))
                .then_with(|| one.entity_id.cmp(&other.entity_id))
        });
        let mut index = Self::default();
        let mut by_word: BTreeMap<String, Vec<(u32, Place)>> = BTreeMap::new();
        for (number, (name, entity)) in (0u32..).zip(found) {
            for (word, place) in words_of(entity, &name) {
                by_word.entry(word).or_default().push((number, place));
            }
            for (domain, counts) in domains_of(entity) {
                let owners = index.domains.entry(domain).or_default();
                owners.push((number, counts));
            }
            index.items.push(Item {
                entity_id: entity.entity_id.clone(),
                display_name: name,
            });
        }
        for (word, mut postings) in by_word {
            // Of several places of a word the one that counts most.
            postings.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
            postings.dedup_by_key(|posting| posting.0);
            index.text.push_str(&word);
            index.postings.append(&mut postings);
            index.words.push(Word {
                end: short(index.text.len()),
                postings_end: short(index.postings.len()),
                letters: edit::letters(&word),
            });
        }
        index
    }

    /// How many identity providers can be found.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What fits best, the best first; at most `limit`.
    ///
    /// Every word of the query must be found; if they are not all found of one identity
    /// provider, some will do.
    #[must_use]
    pub fn search(&self, query: &str, limit: usize) -> Vec<Hit<'_>> {
        let end = query.char_indices().nth(MAX_QUERY).map(|(at, _)| at);
        let query = query.get(..end.unwrap_or(query.len())).unwrap_or_default();
        let mut scores = vec![0u32; self.items.len()];
        let mut words = fold::words(query);
        words.truncate(MAX_WORDS);
        let mut counts = vec![0usize; self.items.len()];
        let mut of_word = vec![0u32; self.items.len()];
        for word in &words {
            self.score_word(word, limit, &mut of_word);
            for ((score, count), new) in scores.iter_mut().zip(&mut counts).zip(&mut of_word) {
                *score += *new;
                *count += usize::from(*new > 0);
                *new = 0;
            }
        }
        let most = counts.iter().copied().max().unwrap_or_default();
        for (score, count) in scores.iter_mut().zip(&counts) {
            if *count < most {
                *score = 0;
            }
        }
        self.score_domains(query, &mut scores);
        self.best(&scores, limit)
    }

    /// Gives each identity provider the best score that a word finds there.
    fn score_word(&self, typed: &str, limit: usize, scores: &mut [u32]) {
        let start = self.words.len().min(self.lower_bound(typed));
        let mut found = 0;
        let mut number = start;
        while let Some(word) = self.word(number).filter(|word| word.starts_with(typed)) {
            let fits = match word.len() - typed.len() {
                0 => WHOLE_WORD,
                more => PREFIX + 20u32.saturating_sub(u32::try_from(more).unwrap_or(20)),
            };
            found += self.score_postings(number, fits, scores);
            number += 1;
        }
        if found >= limit || typed.chars().count() < MIN_FUZZY {
            return;
        }
        let letters = edit::letters(typed);
        for (number, word) in self.words.iter().enumerate() {
            if edit::may_begin(letters, word.letters)
                && let Some(word) = self.word(number)
                && edit::nearly_begins(typed, word)
            {
                self.score_postings(number, 0, scores);
            }
        }
    }

    /// Scores whoever has a word, and gives how many had not been found before.
    fn score_postings(&self, number: usize, fits: u32, scores: &mut [u32]) -> usize {
        let before = number.checked_sub(1).and_then(|n| self.words.get(n));
        let start = before.map_or(0, |word| word.postings_end as usize);
        let end = self
            .words
            .get(number)
            .map_or(0, |word| word.postings_end as usize);
        let mut found = 0;
        for (item, place) in self.postings.get(start..end).unwrap_or_default() {
            if let Some(score) = scores.get_mut(*item as usize) {
                found += usize::from(*score == 0);
                *score = (*score).max(fits + place.counts());
            }
        }
        found
    }

    /// A domain that was typed, and those above it.
    fn score_domains(&self, query: &str, scores: &mut [u32]) {
        let query = query.trim().to_lowercase();
        let typed = query.rsplit_once('@').map_or(query.as_str(), |(_, d)| d);
        let mut domain = Some(typed);
        let mut counts = DOMAIN;
        while let Some(name) = domain.filter(|name| name.contains('.')) {
            for (item, more) in self.domains.get(name).into_iter().flatten() {
                if let Some(score) = scores.get_mut(*item as usize) {
                    *score = (*score).max(counts + more);
                }
            }
            domain = name.split_once('.').map(|(_, above)| above);
            counts = PARENT_DOMAIN;
        }
    }

    fn best(&self, scores: &[u32], limit: usize) -> Vec<Hit<'_>> {
        let mut found: Vec<(u32, usize)> = scores
            .iter()
            .enumerate()
            .filter(|(_, score)| **score > 0)
            .map(|(item, score)| (u32::MAX - score, item))
            .collect();
        if limit < found.len() {
            found.select_nth_unstable(limit);
            found.truncate(limit);
        }
        found.sort_unstable();
        let hit = |(rank, item): (u32, usize)| {
            self.items.get(item).map(|item| Hit {
                entity_id: &item.entity_id,
                display_name: &item.display_name,
                score: u32::MAX - rank,
            })
        };
        found.into_iter().filter_map(hit).collect()
    }

    fn word(&self, number: usize) -> Option<&str> {
        let before = number.checked_sub(1).and_then(|n| self.words.get(n));
        let start = before.map_or(0, |word| word.end as usize);
        self.text.get(start..self.words.get(number)?.end as usize)
    }

    /// The first word that is not before this text.
    fn lower_bound(&self, text: &str) -> usize {
        let (mut low, mut high) = (0, self.words.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.word(middle) {
                Some(word) if word < text => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }
}

/// There are no four gigabytes of words in documents of half a gigabyte.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Every name for people: of the role, and of the organization where the role has none.
fn names(entity: &EntityDescriptor) -> &[Localized] {
    let idp = entity.idp.as_ref();
    let ui = idp.and_then(|idp| idp.details.extensions.ui_info.as_ref());
    let organization = entity.organization.as_ref();
    ui.map(|ui| ui.display_names.as_slice())
        .filter(|names| !names.is_empty())
        .or(organization.map(|organization| organization.display_names.as_slice()))
        .unwrap_or_default()
}

fn display_name(entity: &EntityDescriptor) -> String {
    let name = Localized::best_of(names(entity), &["en"]);
    let name = name.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "));
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| entity.entity_id.as_str().to_owned())
}

fn words_of(entity: &EntityDescriptor, shown: &str) -> Vec<(String, Place)> {
    let mut found = Vec::new();
    let texts = names(entity).iter().map(|name| name.value.as_str());
    for text in texts.chain([shown]) {
        let mut place = Place::NameStart;
        for word in fold::words(text) {
            add_word(&mut found, word, place);
            place = Place::Name;
        }
    }
    let idp = entity.idp.as_ref();
    let ui = idp.and_then(|idp| idp.details.extensions.ui_info.as_ref());
    let keywords = ui.iter().flat_map(|ui| &ui.keywords);
    for keyword in keywords.flat_map(|keywords| &keywords.value) {
        for word in fold::words(keyword) {
            add_word(&mut found, word, Place::Keyword);
        }
    }
    for domain in domains_of(entity).keys() {
        for word in fold::words(domain) {
            add_word(&mut found, word, Place::Host);
        }
    }
    found
}

fn add_word(found: &mut Vec<(String, Place)>, word: String, place: Place) {
    let inner = if word.starts_with(fold::is_unspaced) {
        MAX_BEGINNINGS
    } else {
        1
    };
    for (at, _) in word.char_indices().take(inner).skip(1) {
        found.push((
            word.get(at..).unwrap_or_default().to_owned(),
            Place::Name.min(place),
        ));
    }
    found.push((word, place));
}

/// The scopes, the domain hints and the host of the entityID, each once, and what they count.
fn domains_of(entity: &EntityDescriptor) -> BTreeMap<String, u32> {
    let scopes = entity.idp_scopes().filter(|scope| !scope.regexp);
    let scopes = scopes.map(|scope| (scope.value.as_str(), SCOPE));
    let idp = entity.idp.as_ref();
    let hints = idp.and_then(|idp| idp.details.extensions.disco_hints.as_ref());
    let hints = hints.iter().flat_map(|hints| &hints.domain_hints);
    let url = Url::parse(entity.entity_id.as_str()).ok();
    let host = url.as_ref().and_then(Url::domain);
    let others = hints.map(String::as_str).chain(host);
    let mut found = BTreeMap::new();
    for (domain, counts) in others.map(|domain| (domain, 0)).chain(scopes) {
        let domain = domain.trim().to_lowercase();
        if !domain.is_empty() {
            found.insert(domain, counts);
        }
    }
    found
}

#[cfg(test)]
mod tests;
