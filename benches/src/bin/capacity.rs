//! How many writes the throttled touches of many sessions make: a week of a sample of people,
//! scaled to the sessions and the sign-ons per second of a large hub.
//!
//! A sign-on is an authorization for an application: it loads the session, counts as activity,
//! and records the application. People work eight hours of five days, in four time zones, and open
//! applications at random moments; a tenth of them work at the weekend, too.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use federate::session::{Lifetime, LifetimePolicy, Touch};
use serde_json::json;

/// Simulates the load of touches, and prints it per second of the whole hub.
#[derive(Parser)]
struct Options {
    /// People whose week is simulated.
    #[arg(long, default_value_t = 100_000)]
    sample: u32,
    /// Sessions of the hub: its figures are those of the sample, scaled.
    #[arg(long, default_value_t = 100_000_000)]
    sessions: u64,
    /// Sign-ons per second in the busiest hour.
    #[arg(long, default_value_t = 50_000)]
    sign_ons: u64,
    /// Minutes that the last activity on record must be old before another one is written.
    #[arg(long, default_value_t = 60)]
    granularity: i64,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

const HOURS: usize = 7 * 24;

/// What happened in each hour of the week, in the sample.
#[derive(Default, Clone, Copy)]
struct Hour {
    sign_ons: u64,
    touches: u64,
    sign_ins: u64,
}

/// A small generator of numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1, never 0.
    fn part(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 1.0) / (1_u64 << 53) as f64
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let granularity = TimeDelta::minutes(options.granularity);
    let policy = LifetimePolicy::default().with_touch_granularity(granularity)?;
    // The mean pause between two sign-ons is found so that the busiest hour is as busy as asked:
    // sign-ons are proportional to its inverse.
    let trial = week(&options, &policy, 1800.0);
    let per_second = busiest(&options, &trial, |hour| hour.sign_ons);
    let pause = 1800.0 * per_second / options.sign_ons as f64;
    let hours = week(&options, &policy, pause);

    let rows = [
        ("sign-ons", measure(&options, &hours, |hour| hour.sign_ons)),
        (
            "durable touches",
            measure(&options, &hours, |hour| hour.touches),
        ),
        (
            "new sessions",
            measure(&options, &hours, |hour| hour.sign_ins),
        ),
    ];
    if options.json {
        let figures = rows
            .map(|(name, (busiest, mean))| json!({"what": name, "busiest": busiest, "mean": mean}));
        let all = json!({"sessions": options.sessions, "pause_s": pause, "per_second": figures});
        println!("{all}");
        return Ok(());
    }
    println!(
        "{} sessions, one sign-on in {pause:.0} s of each working person\n",
        options.sessions
    );
    println!("| per second | busiest hour | mean of the week |");
    println!("|---|---|---|");
    for (name, (busiest, mean)) in rows {
        println!("| {name} | {busiest:.0} | {mean:.0} |");
    }
    Ok(())
}

fn measure(options: &Options, hours: &[Hour], of: impl Fn(&Hour) -> u64) -> (f64, f64) {
    let total: u64 = hours.iter().map(&of).sum();
    let mean = total as f64 / (HOURS as f64 * 3600.0) * scale(options);
    (busiest(options, hours, of), mean)
}

fn busiest(options: &Options, hours: &[Hour], of: impl Fn(&Hour) -> u64) -> f64 {
    let most = hours.iter().map(of).max().unwrap_or(0);
    most as f64 / 3600.0 * scale(options)
}

fn scale(options: &Options) -> f64 {
    options.sessions as f64 / f64::from(options.sample)
}

/// The week of the sample, hour by hour; the mean pause between two sign-ons is in seconds.
fn week(options: &Options, policy: &LifetimePolicy, pause: f64) -> Vec<Hour> {
    let mut random = Random(2026);
    let mut hours = vec![Hour::default(); HOURS];
    for _ in 0..options.sample {
        let zone = match random.next() % 4 {
            0 => 0,
            1 => 5,
            2 => 8,
            _ => 14,
        };
        let weekend = random.next().is_multiple_of(10);
        let mut session: Option<Lifetime> = None;
        for day in 0..7 {
            if day >= 5 && !weekend {
                continue;
            }
            // They begin within an hour of nine.
            let start = f64::from(day * 24 + zone + 8) * 3600.0 + random.part() * 7200.0;
            let mut at = start;
            loop {
                at += -pause * random.part().ln();
                if at > start + 8.0 * 3600.0 {
                    break;
                }
                sign_on(policy, &mut session, &mut hours, at);
            }
        }
    }
    hours
}

/// One authorization at this second of the week.
fn sign_on(policy: &LifetimePolicy, session: &mut Option<Lifetime>, hours: &mut [Hour], at: f64) {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::milliseconds((at * 1000.0) as i64);
    let Some(hour) = hours.get_mut((at / 3600.0) as usize % HOURS) else {
        return;
    };
    hour.sign_ons += 1;
    match session.map(|life| life.touch(policy, now)) {
        Some(Touch::Recent) => {}
        Some(Touch::Write(life)) => {
            hour.touches += 1;
            *session = Some(life);
        }
        Some(Touch::Over(_)) | None => {
            hour.sign_ins += 1;
            *session = Some(Lifetime::open(policy, now, None));
        }
    }
}
