//! Aggregates beside quick-xml alone.

use federate::crypto::CryptoProvider;
use federate_benches::federation::{Federation, lookups, peak_memory};
use serde_json::{Value, json};
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// What was measured.
pub(crate) struct Figures {
    octets: usize,
    synthetic: bool,
    entities: usize,
    /// Name, milliseconds, and times quick-xml's events.
    rows: Vec<(&'static str, f64, f64)>,
    /// Microseconds: not in memory, 99 of 100 of these, in memory.
    lookups: [f64; 3],
    /// Most memory in kB, by what was opened.
    peaks: Vec<(&'static str, u64)>,
    growth: Vec<Growth>,
}

/// Entities, and microseconds to open and to verify, for each.
type Growth = (usize, f64, f64);

/// Runs once and tells the milliseconds.
fn timed<T>(run: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    let result = run()?;
    let time = start.elapsed().as_secs_f64() * 1e3;
    drop(black_box(result));
    Ok(time)
}

pub(crate) fn measure(provider: CryptoProvider, rounds: u32) -> Result<Figures, Box<dyn Error>> {
    let federation = Federation::new(provider)?;
    let store = || Vec::with_capacity(federation.octets + 64 * 1024);
    let mut best = [f64::INFINITY; 5];
    for _ in 0..rounds.max(1) {
        let memory = store();
        let times = [
            timed(|| federation.events())?,
            timed(|| federation.parse())?,
            timed(|| federation.verify(memory))?,
            timed(|| federation.fetch())?,
            timed(|| federation.open())?,
        ];
        for (best, time) in best.iter_mut().zip(times) {
            *best = best.min(time);
        }
    }
    let names = ["events", "parse", "verify", "fetch", "open"];
    let [events, ..] = best;
    let rows = names
        .iter()
        .zip(best)
        .map(|(name, ms)| (*name, ms, ms / events));
    let rows = rows.collect();
    let opened = federation.open()?;
    let entities = opened.len();
    let lookups = lookups(&opened)?;
    drop(opened);
    let mut peaks = Vec::new();
    for (name, file) in [("parse", "plain"), ("fetch", "signed"), ("open", "kept")] {
        peaks.extend(peak_of(&federation.folder().join(file))?.map(|peak| (name, peak)));
    }
    let (octets, synthetic) = (federation.octets, federation.synthetic);
    drop(federation);
    Ok(Figures {
        octets,
        synthetic,
        entities,
        rows,
        lookups,
        peaks,
        growth: growth(provider, rounds)?,
    })
}

fn growth(provider: CryptoProvider, rounds: u32) -> Result<Vec<Growth>, Box<dyn Error>> {
    let mut growth = Vec::new();
    for entities in [1_000, 5_000, 10_000] {
        let federation = Federation::synthetic(provider, entities)?;
        let mut best = [f64::INFINITY; 2];
        for _ in 0..rounds.clamp(1, 3) {
            let memory = Vec::with_capacity(federation.octets + 64 * 1024);
            let times = [
                timed(|| federation.parse())?,
                timed(|| federation.verify(memory))?,
            ];
            for (best, time) in best.iter_mut().zip(times) {
                *best = best.min(time * 1e3 / entities as f64);
            }
        }
        let [parse, verify] = best;
        growth.push((entities, parse, verify));
    }
    Ok(growth)
}

/// Opens a file in a process of its own.
fn peak_of(file: &Path) -> Result<Option<u64>, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let output = Command::new(program).arg("--peak").arg(file).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse().ok())
}

/// Opens a file of a federation's folder, looks up entities as long as the cache can grow, and
/// prints the most memory that this process had, in kB.
pub(crate) fn print_peak(provider: CryptoProvider, file: &Path) -> Result<(), Box<dyn Error>> {
    lookups(&Federation::open_file(provider, file)?)?;
    println!("{}", peak_memory().unwrap_or_default());
    Ok(())
}

impl Figures {
    pub(crate) fn json(&self) -> Value {
        let [cold, most, warm] = self.lookups;
        json!({
            "octets": self.octets,
            "entities": self.entities,
            "synthetic": self.synthetic,
            "operations": self.rows.iter().map(|(name, ms, ratio)| json!({
                "operation": name, "milliseconds": ms, "beside": "events", "ratio": ratio,
            })).collect::<Vec<_>>(),
            "lookup_microseconds": { "cold": cold, "cold_99_of_100": most, "warm": warm },
            "peak_memory_kb": self.peaks.iter()
                .map(|(name, peak)| ((*name).to_owned(), Value::from(*peak)))
                .collect::<serde_json::Map<_, _>>(),
            "growth": self.growth.iter().map(|(entities, parse, verify)| json!({
                "entities": entities, "parse_microseconds": parse, "verify_microseconds": verify,
            })).collect::<Vec<_>>(),
        })
    }

    pub(crate) fn print(&self) {
        let what = match self.synthetic {
            true => "made up, for FEDERATE_VECTORS is not set",
            false => "eduGAIN",
        };
        println!(
            "\naggregate of {} entities, {} octets ({what}), beside quick-xml's events",
            self.entities, self.octets
        );
        println!(
            "{:<14} {:>12} {:>8} {:>6}",
            "operation", "milliseconds", "ratio", "MB/s"
        );
        for (name, ms, ratio) in &self.rows {
            let speed = self.octets as f64 / ms / 1e3;
            println!("{name:<14} {ms:>12.1} {ratio:>8.2} {speed:>6.0}");
        }
        let [cold, most, warm] = self.lookups;
        println!(
            "lookup: {cold:.1} microseconds not in memory (99 of 100 below {most:.0}), {warm:.3} in memory"
        );
        for (name, peak) in &self.peaks {
            println!("most memory, {name}: {peak} kB");
        }
        for (entities, parse, verify) in &self.growth {
            println!(
                "{entities:>6} entities: {parse:.1} microseconds each to parse, {verify:.1} to verify"
            );
        }
    }
}
