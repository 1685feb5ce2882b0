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
