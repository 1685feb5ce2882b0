//! Measures, in one process and in turn, the provider's raw RSA operations and what the
//! library does around them, and prints microseconds per operation and the ratio.

#[path = "throughput/aggregates.rs"]
mod aggregates;

use clap::Parser;
use federate::crypto::{CryptoProvider, aws_lc_provider, rustcrypto_provider};
use federate::xml::{Document, Limits};
use federate_benches::Workbench;
use serde_json::json;
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Speed of issuing and validating beside raw RSA-2048.
///
/// Every figure is the best of the rounds: on a busy machine the best is the least disturbed.
#[derive(Parser)]
struct Options {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// How many rounds; each measures every operation once.
    #[arg(long, default_value_t = 8)]
    rounds: u32,
    /// How long one measurement takes, in milliseconds.
    #[arg(long, default_value_t = 120)]
    milliseconds: u64,
    /// The cryptography: aws-lc or rustcrypto.
    #[arg(long, default_value = "aws-lc")]
    provider: String,
    /// Leave out the aggregates, which take a minute and 400 MB of disk.
    #[arg(long)]
    no_aggregates: bool,
    /// Opens what lies in this folder and prints the memory that it took: what the program runs
    /// itself to measure.
    #[arg(long, hide = true)]
    peak: Option<std::path::PathBuf>,
}

type Operation<'a> = Box<dyn FnMut() -> Result<(), Box<dyn Error>> + 'a>;

struct Measured<'a> {
    name: &'static str,
    /// The raw operation with which it is compared.
    beside: &'static str,
    octets: usize,
    run: Operation<'a>,
    best: f64,
}

impl<'a> Measured<'a> {
    fn new<T>(
        name: &'static str,
        beside: &'static str,
        octets: usize,
        mut run: impl FnMut() -> Result<T, Box<dyn Error>> + 'a,
    ) -> Self {
        Self {
            name,
            beside,
            octets,
            run: Box::new(move || {
                let _result = black_box(run()?);
                Ok(())
            }),
            best: f64::INFINITY,
        }
    }

    fn measure(&mut self, time: Duration) -> Result<(), Box<dyn Error>> {
        let mut count = 0u32;
        let start = Instant::now();
        while start.elapsed() < time {
            for _ in 0..4 {
                (self.run)()?;
            }
            count += 4;
        }
        let each = start.elapsed().as_secs_f64() * 1e6 / f64::from(count);
        self.best = self.best.min(each);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let provider: CryptoProvider = match options.provider.as_str() {
        "aws-lc" => aws_lc_provider(),
        "rustcrypto" => rustcrypto_provider(),
        other => return Err(format!("--provider {other}: expected aws-lc or rustcrypto").into()),
    };
    if let Some(file) = &options.peak {
        return aggregates::print_peak(provider, file);
    }
    let benches = [
        Workbench::new(provider, 5_000)?,
        Workbench::new(provider, 10_000)?,
    ];
    let [small, large] = &benches;
    let (response_5, response_10) = (small.issue()?, large.issue()?);
    let document = Document::parse(&response_10, &Limits::default())?;
    let (len_5, len_10) = (response_5.len(), response_10.len());
    let mut all = [
        Measured::new("rsa_sign", "rsa_sign", 0, || small.raw_sign()),
        Measured::new("rsa_verify", "rsa_verify", 0, || small.raw_verify()),
        Measured::new("sign_10k", "rsa_sign", len_10, || large.sign(&response_10)),
        Measured::new("issue_5k", "rsa_sign", len_5, || small.issue()),
        Measured::new("issue_10k", "rsa_sign", len_10, || large.issue()),
        Measured::new("verify_5k", "rsa_verify", len_5, || {
            small.verify(&response_5)
        }),
        Measured::new("verify_10k", "rsa_verify", len_10, || {
            large.verify(&response_10)
        }),
        Measured::new("validate_5k", "rsa_verify", len_5, || {
            small.validate(&response_5)
        }),
        Measured::new("validate_10k", "rsa_verify", len_10, || {
            large.validate(&response_10)
        }),
        Measured::new("parse_10k", "rsa_verify", len_10, || {
            large.parse(&response_10)
        }),
        Measured::new("c14n_hash_10k", "rsa_verify", len_10, || {
            Ok(large.canonicalize(&document))
        }),
    ];
    for _ in 0..options.rounds {
        for measured in &mut all {
            measured.measure(Duration::from_millis(options.milliseconds))?;
        }
    }
    let aggregates = match options.no_aggregates {
        true => None,
        false => Some(aggregates::measure(provider, options.rounds)?),
    };
    print(&all, &options, small.provider(), aggregates.as_ref());
    Ok(())
}

fn print(
    all: &[Measured<'_>],
    options: &Options,
    provider: &str,
    aggregates: Option<&aggregates::Figures>,
) {
    let best_of = |name| all.iter().find(|m| m.name == name).map_or(1.0, |m| m.best);
    if options.json {
        let rows: Vec<_> = all
            .iter()
            .map(|m| {
                json!({
                    "operation": m.name,
                    "octets": m.octets,
                    "microseconds": m.best,
                    "beside": m.beside,
                    "ratio": m.best / best_of(m.beside),
                })
            })
            .collect();
        let aggregates = aggregates.map(aggregates::Figures::json);
        println!(
            "{}",
            json!({ "provider": provider, "operations": rows, "aggregates": aggregates })
        );
        return;
    }
    println!(
        "provider {provider}, RSA-2048 with SHA-256, best of {}",
        options.rounds
    );
    println!(
        "{:<14} {:>8} {:>12} {:>8}  {:<10} {:>6}",
        "operation", "octets", "microseconds", "ratio", "beside", "MB/s"
    );
    for m in all {
        let ratio = m.best / best_of(m.beside);
        let speed = m.octets as f64 / m.best;
        println!(
            "{:<14} {:>8} {:>12.2} {:>8.3}  {:<10} {:>6.0}",
            m.name, m.octets, m.best, ratio, m.beside, speed
        );
    }
    if let Some(aggregates) = aggregates {
        aggregates.print();
    }
}
