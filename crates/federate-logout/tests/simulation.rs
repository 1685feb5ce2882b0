//! Whole logouts in a simulated world: slow, dead and lying peers, lost and repeated
//! messages, crashing nodes, two nodes at once, and people who close the tab.
//!
//! Each seed is one schedule, always the same. `FEDERATE_SCHEDULES` says how many are run,
//! and `FEDERATE_SEED` runs one, with what happens in it.

// A test program: what would be a bug in library code is a verdict here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "simulation/check.rs"]
mod check;
#[path = "simulation/deal.rs"]
mod deal;
#[path = "simulation/random.rs"]
mod random;
#[path = "simulation/world.rs"]
mod world;

use random::Random;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;
use world::World;

const SCHEDULES: u64 = 50_000;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn run(seed: u64, aloud: bool) -> World {
    let mut world = World::new(Random::new(seed), aloud);
    world.run();
    world
}

/// What some schedules came to.
#[derive(Default)]
struct Tally {
    steps: u64,
    largest: usize,
    seen: BTreeMap<&'static str, u64>,
}

/// Runs every `stride`-th schedule from the `first`; stops at one that fails.
fn run_some(first: u64, stride: usize, schedules: u64) -> Tally {
    let mut tally = Tally::default();
    for seed in (first..schedules).step_by(stride) {
        match catch_unwind(AssertUnwindSafe(|| run(seed, false))) {
            Ok(world) => {
                tally.steps += world.steps;
                tally.largest = tally.largest.max(world.largest);
                for what in world.seen {
                    *tally.seen.entry(what).or_default() += 1;
                }
            }
            Err(verdict) => {
                eprintln!(
                    "schedule {seed} failed; replay it with\n    FEDERATE_SEED={seed} cargo test \
                     -p federate-logout --test simulation -- --nocapture"
                );
                resume_unwind(verdict);
            }
        }
    }
    tally
}

#[test]
fn whatever_happens() {
    if let Some(seed) = number("FEDERATE_SEED") {
        run(seed, true);
        return;
    }
    let schedules = number("FEDERATE_SCHEDULES").unwrap_or(SCHEDULES);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let started = Instant::now();
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let firsts = (0..schedules).take(cores);
        let threads: Vec<_> = firsts
            .map(|first| scope.spawn(move || run_some(first, cores, schedules)))
            .collect();
        for thread in threads {
            let some = thread
                .join()
                .unwrap_or_else(|verdict| resume_unwind(verdict));
            all.steps += some.steps;
            all.largest = all.largest.max(some.largest);
            for (what, count) in some.seen {
                *all.seen.entry(what).or_default() += count;
            }
        }
    });
    println!(
        "{schedules} schedules on {cores} cores, {} steps, largest state {} octets, {:?}",
        all.steps,
        all.largest,
        started.elapsed()
    );
    println!("schedules with: {:?}", all.seen);
    if schedules >= SCHEDULES {
        for what in world::TO_BE_SEEN {
            assert!(
                all.seen.contains_key(what),
                "the simulation never had {what}"
            );
        }
    }
}
