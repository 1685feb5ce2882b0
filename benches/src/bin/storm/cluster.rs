//! The worker processes: started, asked, killed and started again.

use crate::worker::READY;
use crate::{Failure, locked};
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// All workers of one store.
pub(crate) struct Cluster {
    arguments: Vec<OsString>,
    nodes: Vec<Mutex<Option<Arc<Process>>>>,
    asked: AtomicU64,
    /// The most memory that a worker had, in kB.
    memory: AtomicU64,
    /// Since when nobody is alive, and for how long that was so before.
    nobody: Mutex<(Option<Instant>, Duration)>,
}

struct Process {
    child: Mutex<Child>,
    input: Mutex<ChildStdin>,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    answers: HashMap<u64, oneshot::Sender<String>>,
    /// Nothing more will be said.
    ended: bool,
}

impl Cluster {
    /// So many workers, none of which runs yet.
    pub(crate) fn new(count: usize, arguments: Vec<OsString>) -> Self {
        Self {
            arguments,
            nodes: (0..count).map(|_| Mutex::default()).collect(),
            asked: AtomicU64::new(0),
            memory: AtomicU64::new(0),
            nobody: Mutex::new((None, Duration::ZERO)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The most memory that a worker had, in MiB.
    pub(crate) fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed) / 1024
    }

    /// How long nobody was alive.
    pub(crate) fn nobody(&self) -> Duration {
        let (since, before) = *locked(&self.nobody);
        before + since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn note_who_is_alive(&self) {
        let any = self.nodes.iter().any(|node| locked(node).is_some());
        let mut nobody = locked(&self.nobody);
        match (nobody.0, any) {
            (None, false) => nobody.0 = Some(Instant::now()),
            (Some(since), true) => *nobody = (None, nobody.1 + since.elapsed()),
            _ => {}
        }
    }

    /// Starts a worker, and waits until it can be asked.
    pub(crate) fn start(&self, node: usize) -> Result<(), Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        if line.trim_end() != READY {
            child.kill()?;
            return Err("a worker does not start".into());
        }
        let waiting = Arc::<Mutex<Waiting>>::default();
        let theirs = Arc::clone(&waiting);
        std::thread::spawn(move || {
            let mut line = String::new();
            while matches!(output.read_line(&mut line), Ok(1..)) {
                // A line that the kill cut off says nothing.
                if let Some((number, said)) = line.split_once(' ')
                    && line.ends_with('\n')
                    && let Ok(number) = number.parse()
                    && let Some(answer) = locked(&theirs).answers.remove(&number)
                {
                    let _ = answer.send(said.trim_end().to_owned()); // nobody may wait any more
                }
                line.clear();
            }
            let mut waiting = locked(&theirs);
            waiting.ended = true;
            waiting.answers.clear();
        });
        let process = Process {
            child: Mutex::new(child),
            input: Mutex::new(input),
            waiting,
        };
        if let Some(node) = self.nodes.get(node) {
            *locked(node) = Some(Arc::new(process));
        }
        self.note_who_is_alive();
        Ok(())
    }

    /// Kills a worker, wherever it is.
    pub(crate) fn kill(&self, node: usize) -> Result<(), Failure> {
        let process = self.nodes.get(node).and_then(|node| locked(node).take());
        if let Some(process) = process {
            let mut child = locked(&process.child);
            let memory = peak_memory(child.id()).unwrap_or(0);
            self.memory.fetch_max(memory, Ordering::Relaxed);
            child.kill()?;
            child.wait()?;
        }
        self.note_who_is_alive();
        Ok(())
    }

    /// Asks some worker; `None` when it died before it answered: what was asked may have
    /// happened.
    pub(crate) async fn ask(&self, order: &str) -> Option<String> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let process = loop {
            let first = number as usize;
            let mut nodes = (0..self.len()).map(|n| (first + n) % self.len());
            let alive = nodes.find_map(|n| self.nodes.get(n).and_then(|node| locked(node).clone()));
            match alive {
                Some(process) => break process,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        let (tell, answer) = oneshot::channel();
        {
            let mut waiting = locked(&process.waiting);
            if waiting.ended {
                return None;
            }
            waiting.answers.insert(number, tell);
        }
        let line = format!("{number} {order}\n");
        locked(&process.input).write_all(line.as_bytes()).ok()?;
        answer.await.ok()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in 0..self.len() {
            let _ = self.kill(node); // it may be dead already
        }
    }
}

/// The most memory that a process had, in kB.
fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
