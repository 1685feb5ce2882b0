use super::*;
use crate::{ConnectionId, LifetimePolicy, TenantId};
use federate_types::{EntityId, NameId, NameIdFormat, Provenance, ProxyRestriction};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const KEY: SessionKey = SessionKey::new([7; 32]);

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    let usual = (1_700_000_000_i64..1_800_000_000, 0_u32..1_000_000_000);
    let any = (
        -8_000_000_000_000_i64..8_000_000_000_000,
        0..1_000_000_000_u32,
    );
    let leap = (
        (0_i64..20_000_000).prop_map(|n| n * 60 + 59),
        1_000_000_000..2_000_000_000_u32,
    );
    let ends = prop_oneof![
        Just(DateTime::<Utc>::MIN_UTC),
        Just(DateTime::<Utc>::MAX_UTC)
    ];
    let at = prop_oneof![6 => usual, 1 => any, 1 => leap];
    prop_oneof![
        12 => at.prop_map(|(s, n)| DateTime::from_timestamp(s, n).unwrap()),
        1 => ends,
    ]
}

fn delta() -> impl Strategy<Value = TimeDelta> {
    prop_oneof![
        (1_i64..4_000_000).prop_map(TimeDelta::seconds),
        any::<i64>().prop_map(TimeDelta::nanoseconds),
        any::<i64>().prop_map(|ms| TimeDelta::try_milliseconds(ms).unwrap_or(TimeDelta::MAX)),
    ]
}

fn lifetime() -> impl Strategy<Value = Lifetime> {
    let policy = (1_i64..3660, 1_i64..86_400).prop_map(|(days, idle)| {
        LifetimePolicy::new(TimeDelta::days(days), TimeDelta::seconds(idle)).unwrap()
    });
    let opened = (policy, instant(), option::of(instant()))
        .prop_map(|(policy, now, cap)| Lifetime::open(&policy, now, cap));
    let any = (
        instant(),
        instant(),
        instant(),
        delta(),
        option::of(instant()),
    )
        .prop_map(
            |(created, last_activity, absolute_end, idle, upstream_cap)| Lifetime {
                created,
                last_activity,
                absolute_end,
                idle,
                upstream_cap,
            },
        );
    prop_oneof![2 => opened, 1 => any]
}

/// Texts as identifiers are: random ones in hexadecimal, and near them, and others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "_[0-9a-f]{1,60}",
        "_([0-9A-F]{2}){1,9}",
        "[!-~]{1,80}",
        "_?[a-zé☃]{1,9}"
    ]
}

fn entity() -> impl Strategy<Value = EntityId> {
    prop_oneof!["[ab]", "https://[a-z]{1,9}\\.example/m", "[x]{255,300}"]
        .prop_map(|text| EntityId::new(text).unwrap())
}

fn name() -> impl Strategy<Value = NameId> {
    let known = NameIdFormat::Persistent.uri();
    let format = prop_oneof![
        Just(NameIdFormat::Persistent),
        Just(NameIdFormat::Kerberos),
        Just(NameIdFormat::Other(known.to_owned())),
        text().prop_map(NameIdFormat::Other),
    ];
    let qualifier = || option::of(entity());
    (text(), option::of(format), qualifier(), qualifier()).prop_map(|(value, format, idp, sp)| {
        let mut name = NameId::new(value, format).unwrap();
        name.name_qualifier = idp;
        name.sp_name_qualifier = sp;
        name
    })
}

fn ended() -> impl Strategy<Value = Ended> {
    let reason = prop_oneof![
        Just(EndReason::Expired(Limit::Absolute)),
        Just(EndReason::Expired(Limit::Idle)),
        Just(EndReason::Expired(Limit::Upstream)),
        Just(EndReason::Replaced),
        any::<[u8; 32]>().prop_map(|by| EndReason::LoggedOut {
            by: LogoutKey::new(by)
        }),
    ];
    (reason, instant()).prop_map(|(reason, at)| Ended { reason, at })
}

fn participant() -> impl Strategy<Value = Participant> {
    (entity(), name(), text(), ".{0,300}", instant()).prop_map(
        |(entity_id, name_id, index, acs, added_at)| Participant {
            entity_id,
            name_id,
            session_index: SessionIndex::new(index).unwrap(),
            acs,
            added_at,
        },
    )
}

fn provenance() -> impl Strategy<Value = Provenance> {
    let restriction = (option::of(any::<u32>()), vec(text(), 0..3));
    let restriction =
        restriction.prop_map(|(count, audiences)| ProxyRestriction { count, audiences });
    (vec(text(), 0..3), option::of(restriction)).prop_map(|(authorities, restriction)| Provenance {
        authorities,
        restriction,
    })
}

fn upstream() -> impl Strategy<Value = UpstreamSession> {
    let parts = (entity(), name(), option::of(text()), provenance());
    parts.prop_map(|(issuer, name_id, index, provenance)| UpstreamSession {
        issuer,
        name_id,
        session_index: index.map(|index| SessionIndex::new(index).unwrap()),
        provenance,
    })
}

prop_compose! {
    fn subject()(tenant in text(), connection in text(), issuer in entity(), person in text())
        -> Subject
    {
        let tenant = TenantId::new(tenant).unwrap();
        let connection = ConnectionId::new(connection).unwrap();
        Subject::new(tenant, connection, issuer, person).unwrap()
    }
}

prop_compose! {
    fn record()(
        ids in (text(), text()),
        subject in subject(),
        ephemeral in any::<bool>(),
        authn in (option::of(instant()), option::of(".{0,300}")),
        upstream in option::of(upstream()),
        same_name in any::<bool>(),
        lifetime in lifetime(),
        retain_until in option::of(instant()),
        ended in option::of(ended()),
        epoch in prop_oneof![Just(0), any::<u64>()],
    ) -> SessionRecord {
        let mut upstream = upstream;
        if let Some(upstream) = upstream.as_mut().filter(|_| same_name) {
            upstream.name_id = NameId::new(subject.subject(), None).unwrap();
            upstream.issuer = subject.issuer.clone();
        }
        SessionRecord {
            key: KEY,
            id: SessionId::new(ids.0).unwrap(),
            user: UserId::new(ids.1).unwrap(),
            subject,
            persistence: if ephemeral { Persistence::Ephemeral } else { Persistence::Persistent },
            authn_instant: authn.0.unwrap_or(lifetime.created),
            authn_context: authn.1,
            upstream,
            retain_until: retain_until.unwrap_or(lifetime.absolute_end),
            lifetime,
            ended,
            epoch,
        }
    }
}

proptest! {
    #[test]
    fn unpacks_exactly(
        record in record(),
        participants in vec(participant(), 0..4),
        now in instant(),
    ) {
        let words = Words::default();
        let session = SessionSnapshot { record, participants };
        let packed = Packed::new(&session, Fingerprint(1), &words);
        let record = &session.record;
        prop_assert_eq!(packed.snapshot(KEY, &words), Some(session.clone()));
        prop_assert_eq!(packed.record(KEY, &words), Some(record.clone()));
        prop_assert_eq!(packed.retain_until(), Some(record.retain_until));
        prop_assert_eq!(packed.lifetime(), Some(record.lifetime));
        prop_assert_eq!(packed.end_reason(now), Some(record.end_reason(now)));
        prop_assert_eq!(packed.is_ended(), record.ended.is_some());
    }

    /// What is written in place is what packing anew would store.
    #[test]
    fn activities_are_written_in_place(record in record(), minutes in 0_i64..20_000, idle in 1_i64..4320) {
        let words = Words::default();
        let session = SessionSnapshot::new(record);
        let mut packed = Packed::new(&session, Fingerprint(1), &words);
        let policy = LifetimePolicy::new(TimeDelta::minutes(4320), TimeDelta::minutes(idle)).unwrap();
        let created = session.record.lifetime.created;
        let now = created.checked_add_signed(TimeDelta::minutes(minutes)).unwrap_or(created);
        let touch = session.record.lifetime.touch(&policy, now);
        let is_written = packed.write(&touch);
        let mut expected = session.record.lifetime;
        match touch {
            Touch::Write(next) if is_written => expected = next,
            Touch::Over(_) => prop_assert!(!is_written),
            Touch::Recent | Touch::Write(_) => {}
        }
        prop_assert_eq!(packed.lifetime(), Some(expected));
    }

    /// Octets that nobody wrote are refused or read as something, and break nothing.
    #[test]
    fn damaged_octets_do_no_harm(octets in vec(any::<u8>(), 0..200), flags in 0_u8..8) {
        let packed = Packed {
            created: 0,
            last_activity: 0,
            absolute: 1,
            idle: 1,
            person: Fingerprint(1),
            flags,
            octets: octets.into(),
        };
        let _ = packed.snapshot(KEY, &Words::default());
        let _ = packed.retain_until();
    }
}

/// The figure on which the store's memory rests.
#[test]
fn the_open_part_is_small() {
    assert_eq!(size_of::<Packed>(), 48);
}
