use super::*;
use proptest::prelude::*;

const MILLISECOND: TimeDelta = TimeDelta::milliseconds(1);

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn days(n: i64) -> TimeDelta {
    TimeDelta::days(n)
}

fn policy(absolute: TimeDelta, idle: TimeDelta) -> LifetimePolicy {
    LifetimePolicy::new(absolute, idle).unwrap()
}

#[test]
fn ends_at_the_limit_itself() {
    let life = Lifetime::open(&LifetimePolicy::default(), start(), None);
    assert_eq!(life.over_at(start() + days(3) - MILLISECOND), None);
    assert_eq!(life.over_at(start() + days(3)), Some(Limit::Idle));
}

#[test]
fn an_active_user_is_signed_out_after_seven_days() {
    let policy = LifetimePolicy::default();
    let mut life = Lifetime::open(&policy, start(), None);
    let mut now = start();
    let over = loop {
        now += TimeDelta::hours(5);
        match life.touch(&policy, now) {
            Touch::Write(touched) => life = touched,
            Touch::Recent => {}
            Touch::Over(limit) => break limit,
        }
        assert!(now < start() + days(7));
    };
    assert_eq!(over, Limit::Absolute);
    assert!(now < start() + days(7) + TimeDelta::hours(5));
    assert_eq!(life.over_at(start() + days(7)), Some(Limit::Absolute));
    assert_eq!(life.over_at(start() + days(7) - MILLISECOND), None);
}

#[test]
fn the_upstream_cap_ends_the_session() {
    let cap = start() + TimeDelta::hours(8);
    let life = Lifetime::open(&LifetimePolicy::default(), start(), Some(cap));
    assert_eq!(life.expires(), cap);
    assert_eq!(life.not_on_or_after(), cap);
    assert_eq!(life.over_at(cap), Some(Limit::Upstream));
    assert_eq!(life.over_at(cap - MILLISECOND), None);
}

#[test]
fn touches_are_throttled() {
    let policy = LifetimePolicy::default();
    let life = Lifetime::open(&policy, start(), None);
    let hour = TimeDelta::hours(1);
    assert_eq!(life.touch(&policy, start()), Touch::Recent);
    assert_eq!(
        life.touch(&policy, start() + hour - MILLISECOND),
        Touch::Recent
    );
    let Touch::Write(touched) = life.touch(&policy, start() + hour) else {
        panic!("an hour later the touch is written");
    };
    assert_eq!(touched.last_activity, start() + hour);
    assert_eq!(touched.absolute_end, life.absolute_end);
}

#[test]
fn a_lengthened_policy_does_not_reach_old_sessions() {
    let life = Lifetime::open(&policy(days(2), days(1)), start(), None);
    let longer = policy(days(30), days(20));
    let Touch::Write(touched) = life.touch(&longer, start() + TimeDelta::hours(23)) else {
        panic!("alive");
    };
    assert_eq!(touched.idle, days(1));
    assert_eq!(touched.absolute_end, start() + days(2));
    assert_eq!(
        life.touch(&longer, start() + days(1)),
        Touch::Over(Limit::Idle)
    );
}

#[test]
fn a_shortened_policy_applies_at_the_next_activity() {
    let life = Lifetime::open(&LifetimePolicy::default(), start(), None);
    let shorter = policy(days(1), TimeDelta::hours(2));
    let at = |minutes| start() + TimeDelta::minutes(minutes);
    // Without activity the old limits stay.
    assert_eq!(life.over_at(at(24 * 60)), None);
    // Within the granularity the shorter limits are still written.
    let Touch::Write(touched) = life.touch(&shorter, at(1)) else {
        panic!("the limits changed");
    };
    assert_eq!(touched.idle, TimeDelta::hours(2));
    assert_eq!(touched.absolute_end, start() + days(1));
    assert_eq!(life.touch(&shorter, at(120)), Touch::Over(Limit::Idle));
    assert_eq!(
        life.touch(&shorter, at(119)),
        Touch::Write(Lifetime {
            last_activity: at(119),
            ..touched
        })
    );
}

#[test]
fn a_short_session_is_not_lost_to_a_coarse_granularity() {
    let life = Lifetime::open(&policy(days(1), TimeDelta::minutes(30)), start(), None);
    let later = LifetimePolicy::default();
    let at = start() + TimeDelta::minutes(10);
    assert!(matches!(life.touch(&later, at), Touch::Write(t) if t.last_activity == at));
}

#[test]
fn a_clock_going_backwards_changes_nothing() {
    let policy = LifetimePolicy::default()
        .with_touch_granularity(TimeDelta::zero())
        .unwrap();
    let life = Lifetime::open(&policy, start(), None);
    assert_eq!(life.touch(&policy, start() - days(400)), Touch::Recent);
}

#[test]
fn the_ends_of_time_do_not_overflow() {
    for now in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
        let life = Lifetime::open(&LifetimePolicy::default(), now, Some(now));
        for at in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
            let _ = life.touch(&LifetimePolicy::default(), at);
        }
    }
}

#[test]
fn refuses_policies_that_contradict_themselves() {
    let zero = TimeDelta::zero();
    assert_eq!(
        LifetimePolicy::new(zero, zero),
        Err(InvalidPolicy::Absolute)
    );
    assert_eq!(
        LifetimePolicy::new(days(4000), days(1)),
        Err(InvalidPolicy::Absolute)
    );
    assert_eq!(LifetimePolicy::new(days(1), zero), Err(InvalidPolicy::Idle));
    assert_eq!(
        LifetimePolicy::new(days(1), days(2)),
        Err(InvalidPolicy::Idle)
    );
    let policy = policy(days(1), days(1));
    for granularity in [TimeDelta::seconds(-1), TimeDelta::hours(13)] {
        assert_eq!(
            policy.with_touch_granularity(granularity),
            Err(InvalidPolicy::Granularity)
        );
    }
}

proptest! {
    /// Whatever the clock and the policy do: no session outlives the limits it was opened
    /// with, and none that is active ends early by more than the granularity.
    #[test]
    fn no_activity_outlives_a_limit(
        steps in proptest::collection::vec((-100_i64..1000, 60_i64..20_000, 60_i64..20_000), 1..60),
        cap in proptest::option::of(1_i64..20_000),
    ) {
        let opened = policy(TimeDelta::minutes(10_080), TimeDelta::minutes(4320));
        let cap = cap.map(|m| start() + TimeDelta::minutes(m));
        let mut life = Lifetime::open(&opened, start(), cap);
        let (mut now, mut latest) = (start(), start());
        for (minutes, absolute, idle) in steps {
            now += TimeDelta::minutes(minutes);
            let absolute = TimeDelta::minutes(absolute);
            let policy = policy(absolute, TimeDelta::minutes(idle).min(absolute));
            let before = life.expires();
            match life.touch(&policy, now) {
                Touch::Over(_) => break,
                Touch::Recent => prop_assert!(now < before),
                Touch::Write(touched) => {
                    prop_assert!(now < before, "a touch revived the session");
                    prop_assert!(touched.idle <= life.idle);
                    prop_assert!(touched.absolute_end <= life.absolute_end);
                    prop_assert!(touched.last_activity >= life.last_activity);
                    life = touched;
                }
            }
            latest = latest.max(now);
            prop_assert!(life.expires() <= latest + opened.idle());
            prop_assert!(life.expires() <= start() + opened.absolute());
            prop_assert!(cap.is_none_or(|cap| life.expires() <= cap));
        }
    }
}

/// Any instant within some 60 years, often near the beginning of the session.
fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    let near = (-1_000_000_000_i64..1_000_000_000).prop_map(TimeDelta::milliseconds);
    let any = (-1_000_000_000_i64..1_000_000_000).prop_map(TimeDelta::seconds);
    prop_oneof![4 => near, 1 => any].prop_map(|distance| start() + distance)
}

/// Any policy, of milliseconds or years, with any granularity that it may have.
fn any_policy() -> impl Strategy<Value = LifetimePolicy> {
    let longest = LifetimePolicy::MAX.num_milliseconds();
    let absolute = prop_oneof![1_i64..1_000, 1_i64..1_000_000_000, 1..=longest];
    let part = || 0_i64..=1_000;
    (absolute, part(), part()).prop_map(|(absolute, idle, granularity)| {
        let idle = (i128::from(absolute) * i128::from(idle) / 1000).max(1);
        let idle = i64::try_from(idle).unwrap();
        let granularity = i128::from(idle / 2) * i128::from(granularity) / 1000;
        let ms = TimeDelta::milliseconds;
        policy(ms(absolute), ms(idle))
            .with_touch_granularity(ms(i64::try_from(granularity).unwrap()))
            .unwrap()
    })
}

/// The lifetime after an activity, if the session is not over.
fn touched(life: Lifetime, policy: &LifetimePolicy, now: DateTime<Utc>) -> Option<Lifetime> {
    match life.touch(policy, now) {
        Touch::Over(_) => None,
        Touch::Recent => Some(life),
        Touch::Write(next) => Some(next),
    }
}

proptest! {
    /// Whatever the policies, the clock and the upstream: the end that was promised to
    /// applications never moves back, and the session never outlives it.
    #[test]
    fn the_promised_end_holds(
        opened in any_policy(),
        cap in proptest::option::of(instant()),
        steps in proptest::collection::vec((any_policy(), instant()), 1..40),
    ) {
        let mut life = Lifetime::open(&opened, start(), cap);
        let promised = life.not_on_or_after();
        let limit = start() + opened.absolute();
        prop_assert_eq!(promised, cap.map_or(limit, |cap| cap.min(limit)));
        for (policy, now) in steps {
            prop_assert!(life.expires() <= promised);
            prop_assert!(life.over_at(promised).is_some());
            let Some(next) = touched(life, &policy, now) else { continue };
            prop_assert!(now < life.expires(), "a touch revived the session");
            prop_assert!(next.not_on_or_after() <= life.not_on_or_after());
            prop_assert!(next.idle <= life.idle);
            prop_assert!(next.last_activity >= life.last_activity);
            prop_assert!(next.over_at(now).is_none(), "what is touched goes on");
            life = next;
        }
    }

    /// A policy with longer limits changes nothing for a session that began before it.
    #[test]
    fn longer_limits_are_for_new_sessions(
        opened in any_policy(),
        longer in proptest::collection::vec((any_policy(), instant()), 1..40),
        cap in proptest::option::of(instant()),
    ) {
        let mut life = Lifetime::open(&opened, start(), cap);
        let granularity = opened.touch_granularity();
        for (other, now) in longer {
            let absolute = other.absolute().max(opened.absolute());
            let idle = other.idle().max(opened.idle());
            let longer = policy(absolute, idle).with_touch_granularity(granularity).unwrap();
            prop_assert_eq!(life.touch(&longer, now), life.touch(&opened, now));
            life = touched(life, &longer, now).unwrap_or(life);
            prop_assert_eq!(life.idle, opened.idle());
            prop_assert_eq!(life.absolute_end, start() + opened.absolute());
        }
    }

    /// A policy with shorter limits applies from the next activity on, and already to it.
    #[test]
    fn shorter_limits_apply_at_the_next_activity(
        opened in any_policy(),
        shorter in any_policy(),
        before in proptest::collection::vec(instant(), 0..10),
        now in instant(),
    ) {
        let mut life = Lifetime::open(&opened, start(), None);
        for at in before {
            life = touched(life, &opened, at).unwrap_or(life);
        }
        let absolute_end = (start() + shorter.absolute()).min(life.absolute_end);
        let idle = shorter.idle().min(life.idle);
        let is_over = now >= absolute_end || now >= life.last_activity + idle;
        match touched(life, &shorter, now) {
            None => prop_assert!(is_over),
            Some(next) => {
                prop_assert!(!is_over);
                prop_assert_eq!(next.absolute_end, absolute_end);
                prop_assert_eq!(next.idle, idle);
            }
        }
    }

    /// What is over at one instant is over at every later one, for every policy.
    #[test]
    fn nothing_is_revived(
        opened in any_policy(),
        cap in proptest::option::of(instant()),
        activities in proptest::collection::vec(instant(), 0..10),
        over in instant(),
        later in proptest::collection::vec((any_policy(), instant()), 1..10),
    ) {
        let mut life = Lifetime::open(&opened, start(), cap);
        for at in activities {
            life = touched(life, &opened, at).unwrap_or(life);
        }
        prop_assume!(life.over_at(over).is_some());
        for (policy, at) in later {
            let at = at.max(over);
            prop_assert!(life.over_at(at).is_some());
            prop_assert!(matches!(life.touch(&policy, at), Touch::Over(_)));
        }
    }

    /// The record lags behind the last activity by less than the granularity, and a clock that
    /// goes backwards writes nothing.
    #[test]
    fn the_record_lags_by_less_than_the_granularity(
        opened in any_policy(),
        steps in proptest::collection::vec(instant(), 1..60),
    ) {
        let mut life = Lifetime::open(&opened, start(), None);
        for now in steps {
            let touch = life.touch(&opened, now);
            if now <= life.last_activity {
                prop_assert_eq!(touch, Touch::Recent);
            }
            let Some(next) = touched(life, &opened, now) else { continue };
            let lag = now - next.last_activity;
            prop_assert!(lag <= TimeDelta::zero() || lag < opened.touch_granularity());
            if let Touch::Write(next) = touch {
                let step = next.last_activity - life.last_activity;
                prop_assert!(step >= opened.touch_granularity(), "writes are throttled");
            }
            life = next;
        }
    }
}
