//! Does one operation so many times, and nothing else in a loop: for profilers, and for
//! `.ci/instructions`, which counts the instructions of each.

use clap::{Parser, ValueEnum};
use federate::crypto::aws_lc_provider;
use federate::xml::{Document, Limits};
use federate_benches::Workbench;
use std::error::Error;
use std::hint::black_box;

/// Repeats one operation on a response of 10,000 octets.
#[derive(Parser)]
struct Options {
    /// The operation.
    operation: Operation,
    /// How many times.
    #[arg(default_value_t = 100)]
    count: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Operation {
    Parse,
    Canonicalize,
    Verify,
    Validate,
    Sign,
    Issue,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let bench = Workbench::new(aws_lc_provider(), 10_000)?;
    let response = bench.issue()?;
    let document = Document::parse(&response, &Limits::default())?;
    for _ in 0..options.count {
        match options.operation {
            Operation::Parse => drop(black_box(bench.parse(&response)?)),
            Operation::Canonicalize => drop(black_box(bench.canonicalize(&document))),
            Operation::Verify => drop(black_box(bench.verify(&response)?)),
            Operation::Validate => drop(black_box(bench.validate(&response)?)),
            Operation::Sign => drop(black_box(bench.sign(&response)?)),
            Operation::Issue => drop(black_box(bench.issue()?)),
        }
    }
    Ok(())
}
