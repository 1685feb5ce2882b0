//! Names of persons, beside what the record says of them anyway.

use super::super::words::Words;
use super::octets::{Reader, Writer};
use crate::Subject;
use federate_types::{EntityId, NameId};

/// The bits of the octet before a name.
const FORMAT: u8 = 1;
/// The value is the subject.
const SUBJECT: u8 = 2;
const NAME_QUALIFIER: u8 = 4;
const SP_NAME_QUALIFIER: u8 = 8;
/// The NameQualifier is the party itself.
const PARTY_QUALIFIES: u8 = 16;
/// The SPNameQualifier is the party itself.
const PARTY_QUALIFIES_SP: u8 = 32;

/// Packs how `party` knows the person. New words are added to the tables only if `learn`.
pub(super) fn pack_name(
    name: &NameId,
    party: &EntityId,
    subject: &Subject,
    words: &Words,
    learn: bool,
    to: &mut Writer,
) {
    let is_subject = name.value() == subject.subject();
    let mut head = if is_subject { SUBJECT } else { 0 };
    if name.format.is_some() {
        head |= FORMAT;
    }
    let qualifiers = [
        (&name.name_qualifier, NAME_QUALIFIER, PARTY_QUALIFIES),
        (
            &name.sp_name_qualifier,
            SP_NAME_QUALIFIER,
            PARTY_QUALIFIES_SP,
        ),
    ];
    for (qualifier, any, same) in qualifiers {
        head |= match qualifier {
            None => 0,
            Some(qualifier) if qualifier == party => same,
            Some(_) => any,
        };
    }
    to.byte(head);
    if !is_subject {
        to.text(name.value());
    }
    if let Some(format) = &name.format {
        let number = match learn {
            true => words.formats.number_or_add(format),
            false => words.formats.number(format),
        };
        to.word(format, number);
    }
    for (qualifier, any, _) in qualifiers {
        if let Some(qualifier) = qualifier
            && head & any != 0
        {
            let number = match learn {
                true => words.entities.number_or_add(qualifier),
                false => words.entities.number(qualifier),
            };
            to.word(qualifier, number);
        }
    }
}

pub(super) fn unpack_name(
    party: &EntityId,
    subject: &Subject,
    words: &Words,
    from: &mut Reader<'_>,
) -> Option<NameId> {
    let head = from.byte()?;
    let value = match head & SUBJECT {
        0 => from.text()?,
        _ => subject.subject().to_owned(),
    };
    let mut name = NameId::new(value, None).ok()?;
    if head & FORMAT != 0 {
        name.format = Some(from.word(&words.formats)?);
    }
    if head & NAME_QUALIFIER != 0 {
        name.name_qualifier = Some(from.word(&words.entities)?);
    } else if head & PARTY_QUALIFIES != 0 {
        name.name_qualifier = Some(party.clone());
    }
    if head & SP_NAME_QUALIFIER != 0 {
        name.sp_name_qualifier = Some(from.word(&words.entities)?);
    } else if head & PARTY_QUALIFIES_SP != 0 {
        name.sp_name_qualifier = Some(party.clone());
    }
    Some(name)
}
