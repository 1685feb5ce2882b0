//! Single values.

use crate::testing::location;
use crate::*;
use chrono::{DateTime, TimeDelta, Utc};
use federate_types::{EntityId, MessageId};
use federate_xml::Limits;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub(super) fn any_entity_id() -> impl Strategy<Value = EntityId> {
    "[!-~é-ÿ]{1,60}".prop_map(|id| EntityId::new(id).unwrap())
}

pub(super) fn any_id() -> impl Strategy<Value = Option<MessageId>> {
    option::of("[A-Za-z_][A-Za-z0-9_.-]{0,40}".prop_map(|id| MessageId::new(id).unwrap()))
}

pub(super) fn any_cache() -> impl Strategy<Value = Option<TimeDelta>> {
    option::of((0..=MAX_CACHE_DURATION.num_seconds()).prop_map(TimeDelta::seconds))
}

pub(super) fn any_instant() -> impl Strategy<Value = Option<DateTime<Utc>>> {
    option::of((0..4_000_000_000i64).prop_map(|s| DateTime::from_timestamp(s, 0).unwrap()))
}

/// A text that neither begins nor ends with white space.
pub(super) fn any_text() -> impl Strategy<Value = String> {
    "[!-~é-ÿ]([ -~é-ÿ\n]{0,20}[!-~é-ÿ])?"
}

pub(super) fn any_uri() -> impl Strategy<Value = String> {
    "[!-~]{1,20}"
}

pub(super) fn any_location() -> impl Strategy<Value = Location> {
    "https?://[a-z]{1,10}\\.example(:[1-9][0-9]{0,3})?/[a-z&'=;?#%]{0,20}"
        .prop_map(|text| location(&text))
}

pub(super) fn any_texts() -> BoxedStrategy<Vec<Localized>> {
    let text = ("|[a-z]{2}(-[A-Z]{2})?", any_text());
    vec(
        text.prop_map(|(lang, text)| Localized::new(lang, text)),
        0..3,
    )
    .boxed()
}

pub(super) fn any_addresses() -> BoxedStrategy<Vec<Localized<Location>>> {
    let address = ("|[a-z]{2}", any_location());
    vec(
        address.prop_map(|(lang, url)| Localized::new(lang, url)),
        0..3,
    )
    .boxed()
}

pub(super) fn any_attributes() -> BoxedStrategy<Vec<Attribute>> {
    let value = "[ -~é-ÿ\n\t]{0,20}";
    let attribute = (
        any_text(),
        option::of(any_uri()),
        option::of(any_text()),
        vec(value, 0..3),
    );
    let attribute = attribute.prop_map(|(name, name_format, friendly_name, values)| Attribute {
        name,
        name_format,
        friendly_name,
        values,
    });
    vec(attribute, 0..3).boxed()
}

pub(super) fn any_opaque() -> BoxedStrategy<Vec<OpaqueElement>> {
    let name = "(md|mdui|x|y):[a-z]{1,3}";
    let one = (name, "[a-z]{0,3}", any_text(), "(x|y|urn):[a-z]{1,3}", name).prop_map(
        |(name, namespace, text, value, inner)| {
            let text = text.replace(['&', '<', '"'], "");
            // A prefix that looks like ours in values would become ours where it is put.
            let text = text.replace(':', "");
            let document = format!(
                "<{name} xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
                 xmlns:mdui=\"urn:{namespace}\" xmlns:x=\"urn:x\" xmlns:y=\"urn:y\" a=\"{value}\" \
                 b=\"{text}\">{text}<{inner} xmlns:x=\"urn:{namespace}\">{value}</{inner}></{name}>"
            );
            OpaqueElement::parse(document.as_bytes(), &Limits::default()).unwrap()
        },
    );
    prop_oneof![3 => Just(Vec::new()), 1 => vec(one, 0..3)].boxed()
}
