//! A document that is read part by part is what it is when it is held as a whole: the same
//! verdict, the same canonical octets, the same entities, however its octets come.
#![no_main]

use federate_crypto::{
    CryptoProvider, SignatureAlgorithm, SigningKey, VerifyingKey, aws_lc_provider, self_signed,
};
use federate_metadata::{Aggregate, AggregatePolicy, parse_entities};
use federate_types::MessageId;
use federate_xml::{
    Canonicalization, Document, Limits, Name, Part, ReadProblem, SignaturePolicy, Signer, Stream,
    StreamError, StreamLimits, TrustedKeys, VerificationContext, Visitor, Writer, canonicalize,
};
use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Read};
use std::sync::OnceLock;

const CONTAINERS: [Name; 2] = [Name::md("EntitiesDescriptor"), Name::local("g")];

struct Nobody;

impl Visitor for Nobody {
    type Error = StreamError;

    fn open(&mut self, tag: &Part<'_>) -> Result<(), StreamError> {
        tag.tag()?;
        Ok(())
    }

    fn part(&mut self, part: &Part<'_>) -> Result<(), StreamError> {
        part.tag()?;
        part.document()?;
        Ok(())
    }

    fn close(&mut self, _end: u64, _unexpected: Option<ReadProblem>) -> Result<(), StreamError> {
        Ok(())
    }
}

/// Gives as many octets at once as was asked for, but for the last.
struct Chunks<'a>(&'a [u8], usize);

impl Read for Chunks<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = self.1.min(into.len());
        self.0.read(&mut into[..most])
    }
}

struct Fixed {
    provider: CryptoProvider,
    signer: Signer,
    keys: TrustedKeys,
}

fn fixed() -> &'static Fixed {
    static FIXED: OnceLock<Fixed> = OnceLock::new();
    FIXED.get_or_init(|| {
        let provider = aws_lc_provider();
        let private = provider.keys.generate_ed25519().expect("a key");
        let key = provider
            .keys
            .load_signing_key(&private, SignatureAlgorithm::Ed25519)
            .expect("our key");
        let from = chrono::DateTime::UNIX_EPOCH;
        let until = from + chrono::TimeDelta::days(1);
        let certificate = self_signed(&provider, &*key, "fuzz", from, until).expect("our key");
        let public = SigningKey::public_key(&*key).clone();
        let keys = TrustedKeys::from(VerifyingKey::new(&provider, public).expect("our key"));
        let signer = Signer::new(provider, key, certificate).expect("its certificate");
        Fixed {
            provider,
            signer,
            keys,
        }
    })
}

/// Bounds nothing that a whole document does not bound, too.
fn limits(window: usize) -> StreamLimits {
    let part = Limits {
        bytes: 1 << 30,
        attributes_per_element: 1 << 20,
        namespaces: 1 << 20,
        value_bytes: 1 << 30,
        ..StreamLimits::default().part
    };
    StreamLimits {
        window,
        part,
        ..StreamLimits::default()
    }
}

/// The canonical octets are those of the whole document.
fn check_canonical(octets: &[u8], window: usize, chunk: usize) {
    let limits = limits(window);
    let (before, after) = ("<g ID='_r' xmlns:a='urn:a' xmlns='urn:b'>", "</g>");
    let whole = [before.as_bytes(), octets, after.as_bytes()].concat();
    let Ok(document) = Document::parse(&whole, &limits.part) else {
        return;
    };
    let mut canonical = Vec::new();
    let method = Canonicalization::default();
    canonicalize(document.root(), None, &method, &mut canonical);
    let mut writer = Writer::new();
    writer.embed(&canonical);
    let fixed = fixed();
    let id = MessageId::new("_r").expect("an ID");
    let signed = fixed.signer.sign(writer, &id).expect("our key signs");
    // The signature is before the last end tag; here it comes first.
    let at = canonical.len() - after.len();
    let signature = &signed[at..signed.len() - after.len()];
    let signed = [before.as_bytes(), signature, octets, after.as_bytes()].concat();

    let context = VerificationContext {
        provider: &fixed.provider,
        policy: &SignaturePolicy::default(),
        now: chrono::DateTime::UNIX_EPOCH,
    };
    let mut stream = Stream::new(Chunks(&signed, chunk), &CONTAINERS, limits);
    let head = stream.head().expect("it begins with the signature");
    let head = context
        .verify_head(head, &limits.part, &fixed.keys)
        .expect("our signature");
    let mut kept = Vec::new();
    let result = stream.verify(&head, &context, Nobody, &mut kept);
    let several = document
        .root()
        .child_elements()
        .any(|child| child.is(Name::ds("Signature")));
    assert_eq!(result.is_err(), several, "{:?}", result.map(drop));
    if !several {
        assert_eq!(kept, canonical);
        let stream = Stream::new(&kept[..], &CONTAINERS, limits);
        drop(
            stream
                .verify_again(&head, &context, Nobody)
                .expect("it was kept"),
        );
    }
}

fuzz_target!(|octets: &[u8]| {
    // As arbitrary as the octets are.
    let sum = octets
        .iter()
        .fold(0, |sum: u8, octet| sum.wrapping_add(*octet));
    let (window, chunk) = (octets.len() % 256, usize::from(sum) + 1);
    let limits = limits(window);
    let whole = Document::parse(octets, &limits.part);
    let stream = Stream::new(Chunks(octets, chunk), &CONTAINERS, limits);
    let parts = stream.read_unsigned(Nobody).map(drop);
    assert_eq!(whole.is_ok(), parts.is_ok(), "{whole:?} {parts:?}");
    check_canonical(octets, window, chunk);

    let policy = AggregatePolicy {
        require_valid_until: false,
        max_validity: None,
        limits,
        ..AggregatePolicy::default()
    };
    let now = chrono::DateTime::<chrono::Utc>::MIN_UTC;
    let Ok(aggregate) = Aggregate::parse(Cursor::new(octets.to_vec()), &policy, now) else {
        return;
    };
    let group = parse_entities(octets, &limits.part).expect("an aggregate is a group");
    for entity in group.entities() {
        let id = &entity.entity_id;
        let found = aggregate.entity(id).expect("it is there");
        assert_eq!(found.as_deref(), group.entity(id));
    }
    for id in aggregate.entity_ids() {
        if let Ok(found) = aggregate.entity(id) {
            assert_eq!(found.as_deref(), group.entity(id));
        }
    }
});
