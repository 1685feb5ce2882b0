//! What people do, and when.

use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc, Weekday};

/// Numbers that look random and follow from a seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0, below this one.
    pub(crate) fn below(&mut self, bound: i64) -> i64 {
        (self.next() % bound.unsigned_abs()) as i64
    }
}

/// How somebody uses applications.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Habit {
    /// At work, on working days.
    Office,
    /// Day and night, every day.
    Restless,
    /// Now and then, with days between.
    Seldom,
    /// As at work; and a page that is left open asks all night.
    OpenPage,
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Poll,
    Open,
    SignInAgain,
    SignOut,
    SignOutEverywhere,
}

impl Habit {
    pub(crate) fn of(random: &mut Random) -> Self {
        match random.below(10) {
            0..5 => Self::Office,
            5..7 => Self::Restless,
            7..9 => Self::Seldom,
            _ => Self::OpenPage,
        }
    }

    /// When somebody comes first, after the beginning.
    pub(crate) fn first(self, random: &mut Random) -> TimeDelta {
        TimeDelta::milliseconds(random.below(40 * 3_600_000))
    }

    /// How long it is until the next act.
    pub(crate) fn pause(self, now: DateTime<Utc>, random: &mut Random) -> TimeDelta {
        let minutes = |least: i64, most: i64, random: &mut Random| {
            TimeDelta::milliseconds(least * 60_000 + random.below((most - least) * 60_000))
        };
        match self {
            Self::Seldom => minutes(60, 5 * 24 * 60, random),
            Self::Restless => minutes(1, 500, random),
            Self::OpenPage => minutes(5, 120, random),
            Self::Office => {
                let pause = minutes(2, 240, random);
                let next = now + pause;
                let is_work = |at: DateTime<Utc>| {
                    (8..18).contains(&at.hour())
                        && !matches!(at.weekday(), Weekday::Sat | Weekday::Sun)
                };
                if is_work(next) || random.below(20) == 0 {
                    return pause;
                }
                let hours = (1..80).map(TimeDelta::hours);
                let morning = hours.map(|h| pause + h).find(|p| is_work(now + *p));
                morning.unwrap_or(pause)
            }
        }
    }

    pub(crate) fn act(self, random: &mut Random) -> Act {
        let polls = match self {
            Self::OpenPage => 850,
            _ => 350,
        };
        match random.below(1000) {
            0..15 => Act::SignOut,
            15..17 => Act::SignOutEverywhere,
            17..30 => Act::SignInAgain,
            n if n < polls => Act::Poll,
            _ => Act::Open,
        }
    }
}
