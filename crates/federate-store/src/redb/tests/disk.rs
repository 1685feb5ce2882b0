//! A disk in memory that fails on demand.

use redb::StorageBackend;
use std::collections::BTreeSet;
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

/// Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// As a running system sees it.
    seen: Vec<u8>,
    /// As it was at the last sync.
    synced: Vec<u8>,
    /// What happened since.
    since: Vec<Step>,
    /// The blocks that hold something: a file that is made longer takes no room before it is
    /// written.
    blocks: BTreeSet<usize>,
    /// How many blocks the disk has.
    room: Option<usize>,
    /// How many writes succeed.
    writes_left: Option<u32>,
    sync_fails: bool,
    reads_fail: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Leaves room for so many more blocks of 4096 octets.
    pub(super) fn full_after(&self, blocks: usize) {
        let mut state = self.state();
        state.room = Some(state.blocks.len() + blocks);
    }

    /// From then on every write and sync fails.
    pub(super) fn dies_after(&self, writes: u32) {
        self.state().writes_left = Some(writes);
    }

    pub(super) fn fail_writes(&self) {
        self.dies_after(0);
    }

    pub(super) fn fail_sync(&self) {
        self.state().sync_fails = true;
    }

    pub(super) fn fail_reads(&self) {
        self.state().reads_fail = true;
    }

    pub(super) fn works(&self) {
        let mut state = self.state();
        state.writes_left = None;
        state.room = None;
        state.sync_fails = false;
        state.reads_fail = false;
    }

    /// The disk as the next start may find it.
    pub(super) fn after_power_loss(&self, seed: u32) -> Self {
        let state = self.state();
        let mut left = State {
            seen: state.synced.clone(),
            ..State::default()
        };
        let mut random = seed.wrapping_mul(0x9e37_79b9) | 1;
        for step in &state.since {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            match (random % 4, step) {
                (0, _) => {}
                (1, Step::Write(at, octets)) => {
                    // Sectors are written whole.
                    let sectors = octets.len() / 512;
                    let some = random as usize / 4 % (sectors + 1) * 512;
                    left.apply(&Step::Write(*at, octets[..some].to_vec()));
                }
                (_, step) => left.apply(step),
            }
        }
        left.synced = left.seen.clone();
        Self(Arc::new(Mutex::new(left)))
    }
}

impl State {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Length(length) => self.seen.resize(*length, 0),
            Step::Write(at, octets) => {
                let end = at + octets.len();
                if self.seen.len() < end {
                    self.seen.resize(end, 0);
                }
                self.seen[*at..end].copy_from_slice(octets);
            }
        }
    }

    fn change(&mut self, step: Step) -> Result<(), Error> {
        if let Some(left) = &mut self.writes_left {
            let Some(fewer) = left.checked_sub(1) else {
                self.write_half(step);
                return Err(ErrorKind::Other.into());
            };
            *left = fewer;
        }
        if let Step::Write(at, octets) = &step {
            let mut blocks = self.blocks.clone();
            blocks.extend(at / BLOCK..=(at + octets.len()).saturating_sub(1) / BLOCK);
            if self.room.is_some_and(|room| blocks.len() > room) {
                self.write_half(step);
                return Err(ErrorKind::StorageFull.into());
            }
            self.blocks = blocks;
        }
        self.apply(&step);
        self.since.push(step);
        Ok(())
    }

    fn write_half(&mut self, step: Step) {
        if let Step::Write(at, mut octets) = step {
            octets.truncate(octets.len() / 2);
            let half = Step::Write(at, octets);
            self.apply(&half);
            self.since.push(half);
        }
    }
}

const BLOCK: usize = 4096;

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.state().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let state = self.state();
        if state.reads_fail {
            return Err(ErrorKind::Other.into());
        }
        let at = usize::try_from(offset).unwrap();
        let octets = state.seen.get(at..at + out.len());
        out.copy_from_slice(octets.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.state()
            .change(Step::Length(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> Result<(), Error> {
        let mut state = self.state();
        if state.sync_fails || state.writes_left == Some(0) {
            return Err(ErrorKind::Other.into());
        }
        state.synced = state.seen.clone();
        state.since.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        let at = usize::try_from(offset).unwrap();
        self.state().change(Step::Write(at, data.to_vec()))
    }
}
