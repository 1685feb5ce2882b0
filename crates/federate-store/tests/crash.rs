//! A process that writes is killed at random moments: what it acknowledged is there.
//!
//! The test starts its own program again as the writer, which says each operation on its
//! output once the future is ready. `FEDERATE_CRASH_ROUNDS` asks for more rounds than 15.

// A test program: what would be a bug in library code is a verdict here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![cfg(all(unix, feature = "redb"))]

#[allow(dead_code)]
#[path = "redb/sessions.rs"]
mod sessions;
#[path = "crash/told.rs"]
mod told;
#[path = "crash/writer.rs"]
mod writer;

use chrono::{DateTime, Utc};
use federate_store::RedbStore;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use told::Told;

const FILE: &str = "FEDERATE_CRASH_FILE";
const FIRST: &str = "FEDERATE_CRASH_FIRST";
/// More numbers than a round uses.
const ROUND: u32 = 1_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// The writer, when the environment names a file; otherwise nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the writer of the other test"]
async fn writer() {
    if let Some(path) = std::env::var_os(FILE) {
        let first = std::env::var(FIRST).unwrap().parse().unwrap();
        writer::run(&RedbStore::open(path).unwrap(), first).await;
    }
}

/// Runs the writer and kills it, `after` its first word or, if not `late`, after its start.
fn round(path: &Path, first: u32, after: Duration, late: bool) -> Told {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer", "--ignored", "--nocapture", "--quiet"])
        .env(FILE, path)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (spoke, heard) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let (mut told, mut line) = (Told::default(), String::new());
        while output.read_line(&mut line).unwrap() > 0 {
            // A line that the kill cut off says nothing.
            if line.ends_with('\n') && told.hear(&line) {
                let _ = spoke.send(());
            }
            line.clear();
        }
        told
    });
    if late {
        heard.recv_timeout(Duration::from_secs(60)).unwrap();
    }
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let rounds =
        std::env::var("FEDERATE_CRASH_ROUNDS").map_or(15, |rounds| rounds.parse().unwrap());
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    let (mut all, mut acknowledged) = (Vec::new(), 0);
    let mut random = 0x9e37_79b9_u32;
    for n in 0..rounds {
        if n % 25 == 24 {
            // A small file is killed at other places than a large one.
            for told in all.drain(..) {
                let told: Told = told;
                told.verify(&RedbStore::open(&path).unwrap()).await;
            }
            std::fs::remove_file(&path).unwrap();
        }
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Some are killed while they open the file after the kill before.
        let late = n % 5 != 4;
        let after = Duration::from_millis(u64::from(random >> 16) % if late { 500 } else { 60 });
        let told = round(&path, n * ROUND, after, late);
        acknowledged += told.len();
        let store = RedbStore::open(&path).unwrap();
        told.verify(&store).await;
        drop(store);
        told::rows_agree(&path);
        all.push(told);
    }
    let store = RedbStore::open(&path).unwrap();
    for told in &all {
        told.verify(&store).await;
    }
    println!("{rounds} kills, {acknowledged} acknowledged operations, none lost");
    assert!(acknowledged > rounds as usize * 10, "{acknowledged} only");
}
