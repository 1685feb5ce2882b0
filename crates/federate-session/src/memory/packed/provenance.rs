//! What the word of an identity provider rests on.

use super::octets::{Reader, Writer};
use federate_types::{Provenance, ProxyRestriction};

pub(super) fn pack_provenance(provenance: &Provenance, to: &mut Writer) {
    pack_texts(&provenance.authorities, to);
    let Some(restriction) = &provenance.restriction else {
        return to.byte(0);
    };
    to.byte(1);
    // One more than the count, so that 0 is none.
    to.number(restriction.count.map_or(0, |count| u64::from(count) + 1));
    pack_texts(&restriction.audiences, to);
}

pub(super) fn unpack_provenance(from: &mut Reader<'_>) -> Option<Provenance> {
    let authorities = unpack_texts(from)?;
    let mut restriction = None;
    if from.byte()? != 0 {
        let count = from.number()?.checked_sub(1);
        restriction = Some(ProxyRestriction {
            count: count.map(u32::try_from).transpose().ok()?,
            audiences: unpack_texts(from)?,
        });
    }
    Some(Provenance {
        authorities,
        restriction,
    })
}

fn pack_texts(texts: &[String], to: &mut Writer) {
    to.number(texts.len() as u64);
    for text in texts {
        to.text(text);
    }
}

fn unpack_texts(from: &mut Reader<'_>) -> Option<Vec<String>> {
    let count = from.number()?;
    (0..count).map(|_| from.text()).collect()
}
