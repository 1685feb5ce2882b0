//! Issuing and validating one response, by criterion.
#![allow(missing_docs, clippy::unwrap_used)] // criterion's macros, and a bench may stop

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use federate_benches::Workbench;

fn sign_on(c: &mut Criterion) {
    let mut group = c.benchmark_group("response");
    for octets in [5_000, 10_000] {
        let bench = Workbench::new(federate::crypto::aws_lc_provider(), octets).unwrap();
        let response = bench.issue().unwrap();
        group.throughput(Throughput::Bytes(response.len() as u64));
        group.bench_with_input(BenchmarkId::new("issue", octets), &bench, |b, bench| {
            b.iter(|| bench.issue().unwrap());
        });
        group.bench_with_input(BenchmarkId::new("validate", octets), &bench, |b, bench| {
            b.iter(|| bench.validate(&response).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, sign_on);
criterion_main!(benches);
