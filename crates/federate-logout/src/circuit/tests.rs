use super::*;
use proptest::prelude::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn peer(n: u8) -> EntityId {
    EntityId::new(format!("sp{n}")).unwrap()
}

fn opened() -> CircuitBreaker {
    let mut breaker = CircuitBreaker::new(3, TimeDelta::seconds(30), 10);
    for seconds in 0..3 {
        assert!(breaker.may_send(&peer(1), at(seconds)));
        breaker.failed(&peer(1), at(seconds));
    }
    breaker
}

#[test]
fn failures_in_a_row_open_it() {
    let mut breaker = opened();
    assert_eq!(breaker.state(&peer(1), at(3)), CircuitState::Open);
    assert!(!breaker.may_send(&peer(1), at(31)));
    assert!(breaker.may_send(&peer(2), at(3)), "another peer");
}

#[test]
fn a_success_between_keeps_it_closed() {
    let mut breaker = CircuitBreaker::new(2, TimeDelta::seconds(30), 10);
    for seconds in 0..10 {
        breaker.failed(&peer(1), at(seconds));
        breaker.succeeded(&peer(1));
        assert!(breaker.may_send(&peer(1), at(seconds)));
    }
    assert_eq!(breaker.failing(), 0);
}

#[test]
fn half_open_lets_one_attempt_see() {
    let mut breaker = opened();
    assert_eq!(breaker.state(&peer(1), at(32)), CircuitState::HalfOpen);
    assert!(breaker.may_send(&peer(1), at(32)));
    assert!(!breaker.may_send(&peer(1), at(32)), "one is on its way");
    let mut failed = breaker.clone();
    failed.failed(&peer(1), at(35));
    assert!(!failed.may_send(&peer(1), at(64)));
    assert!(failed.may_send(&peer(1), at(65)));
    breaker.succeeded(&peer(1));
    assert_eq!(breaker.state(&peer(1), at(35)), CircuitState::Closed);
}

#[test]
fn a_probe_whose_outcome_is_never_told_blocks_nobody() {
    let mut breaker = opened();
    assert!(breaker.may_send(&peer(1), at(32)));
    assert!(!breaker.may_send(&peer(1), at(61)));
    assert!(breaker.may_send(&peer(1), at(62)));
}

#[test]
fn the_oldest_failure_is_forgotten_first() {
    let mut breaker = CircuitBreaker::new(1, TimeDelta::seconds(30), 2);
    for n in 1..=3 {
        breaker.failed(&peer(n), at(n.into()));
    }
    assert_eq!(breaker.failing(), 2);
    assert!(breaker.may_send(&peer(1), at(4)));
    assert!(!breaker.may_send(&peer(3), at(4)));
}

#[derive(Debug, Clone)]
enum Act {
    Send(u8),
    Succeed(u8),
    Fail(u8),
    Tick(i8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0_u8..6).prop_map(Act::Send),
        (0_u8..6).prop_map(Act::Succeed),
        (0_u8..6).prop_map(Act::Fail),
        any::<i8>().prop_map(Act::Tick),
    ]
}

proptest! {
    /// It never grows beyond its capacity, never holds back a peer that has not failed often
    /// enough in a row, and never for longer than the cool-down.
    #[test]
    fn whatever_happens(acts in prop::collection::vec(act(), 0..200)) {
        let mut breaker = CircuitBreaker::new(3, TimeDelta::seconds(30), 4);
        let (mut clock, mut in_a_row, mut touched) = (0, [0; 6], [0; 6]);
        for act in acts {
            match act {
                Act::Send(n) => {
                    let sent = breaker.may_send(&peer(n), at(clock));
                    let since = clock - touched[usize::from(n)];
                    if !sent {
                        prop_assert!(in_a_row[usize::from(n)] >= 3);
                        prop_assert!((0..30).contains(&since));
                    } else if in_a_row[usize::from(n)] >= 3 {
                        touched[usize::from(n)] = clock;
                    }
                }
                Act::Succeed(n) => {
                    breaker.succeeded(&peer(n));
                    in_a_row[usize::from(n)] = 0;
                    prop_assert_eq!(breaker.state(&peer(n), at(clock)), CircuitState::Closed);
                }
                Act::Fail(n) => {
                    breaker.failed(&peer(n), at(clock));
                    in_a_row[usize::from(n)] += 1;
                    touched[usize::from(n)] = clock;
                }
                Act::Tick(seconds) => clock += i64::from(seconds),
            }
            prop_assert!(breaker.failing() <= 4);
        }
    }
}
