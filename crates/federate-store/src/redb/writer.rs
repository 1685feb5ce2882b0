//! The one thread that writes: it drains a queue, runs all verbs that wait in one
//! transaction, commits once, shows the result to the readers, and only then answers each.

use super::error::{FailedBefore, OrFailed as _, full_disk, is_failure};
use super::tables::{Tables, View};
use federate_session::StoreError;
use redb::{Database, WriteTransaction};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// The most verbs of one transaction. Those that come during a commit share the next one, so
/// transactions grow with the load; this bounds how long the first of them waits.
const BATCH: usize = 1024;
/// The most verbs that wait; beyond, callers do.
const QUEUE: usize = 4096;

/// What a verb did within the transaction.
pub(crate) enum Done<T> {
    /// It wrote: the answer may be given once the transaction is committed.
    Changed(T),
    /// It wrote nothing.
    Unchanged(T),
}

/// What became of a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    /// The disk is full. Whether it was kept shows when the file is opened again.
    Full,
    /// As of a full disk, for another reason.
    Failed,
}

/// Tells the caller, once the fate of the transaction is known.
type Answer = Box<dyn FnOnce(Fate) + Send>;

/// What is left of a verb after its run.
enum Ran {
    Changed(Answer),
    Unchanged(Answer),
    /// The database failed: nothing of this transaction may stay.
    Failed(Fate, Answer),
}

type Job = Box<dyn FnOnce(&mut Tables<'_>) -> Ran + Send>;

/// What readers and the writer share.
pub(crate) struct Shared {
    view: RwLock<Arc<View>>,
    /// The database failed: it may have written a part, so nothing it says can be relied on
    /// until it is opened again.
    failed: AtomicBool,
}

impl Shared {
    /// What the last committed transaction left.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] once the database failed.
    pub(crate) fn view(&self) -> Result<Arc<View>, StoreError> {
        self.check()?;
        let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(&view))
    }

    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    fn check(&self) -> Result<(), StoreError> {
        match self.failed.load(Ordering::Acquire) {
            true => Err(StoreError::unavailable(FailedBefore)),
            false => Ok(()),
        }
    }

    fn show(&self, view: View) {
        let mut shown = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *shown, Arc::new(view));
        drop(shown);
        drop(former); // which may take a moment: not under the lock
    }
}

pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl Writer {
    pub(crate) fn start(db: Database, view: View) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            view: RwLock::new(Arc::new(view)),
            failed: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("federate-store".into())
            .spawn(move || work(&db, &theirs, jobs))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            shared,
        })
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Runs a verb in a write transaction.
    ///
    /// A verb gives an error of its own only before its first write, for it shares the
    /// transaction with others.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Tables<'_>) -> Result<Done<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::unavailable(FailedBefore);
        self.shared.check()?;
        let (to_caller, answer) = oneshot::channel();
        let job: Job = Box::new(move |tables| {
            let outcome = verb(tables);
            let ran: fn(Answer) -> Ran = match &outcome {
                Ok(Done::Changed(_)) => Ran::Changed,
                Err(error) if is_failure(error) => match error {
                    StoreError::Full { .. } => |answer| Ran::Failed(Fate::Full, answer),
                    _ => |answer| Ran::Failed(Fate::Failed, answer),
                },
                Ok(Done::Unchanged(_)) | Err(_) => Ran::Unchanged,
            };
            ran(Box::new(move |fate| {
                let outcome = match (outcome, fate) {
                    (Ok(Done::Changed(value) | Done::Unchanged(value)), Fate::Kept) => Ok(value),
                    (Err(error), _) => Err(error),
                    (Ok(_), Fate::Full) => Err(full_disk()),
                    (Ok(_), Fate::Failed) => Err(StoreError::unavailable(FailedBefore)),
                };
                let _ = to_caller.send(outcome); // the caller may have gone away
            }))
        });
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    /// Waits for the verbs in the queue, so that the file can be opened again at once.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a writer that panicked has told its callers already
        }
    }
}

/// Works until the store is dropped, or the database fails. Then the queue is closed and its
/// jobs are dropped, which tells their callers.
fn work(db: &Database, shared: &Shared, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
        let run = AssertUnwindSafe(|| transact(db, shared, &mut batch));
        // The engine may panic on a damaged file rather than report it.
        if !matches!(catch_unwind(run), Ok(true)) {
            shared.fail();
            return;
        }
    }
}

/// Runs a batch, and says whether the database is as good as before.
fn transact(db: &Database, shared: &Shared, batch: &mut Vec<Job>) -> bool {
    let txn = match db.begin_write().or_failed() {
        Ok(txn) => txn,
        Err(_) => return false,
    };
    let mut answers = Vec::with_capacity(batch.len());
    let changed = run(&txn, batch, &mut answers);
    let fate = match changed {
        Ok(true) => commit(db, shared, txn),
        Ok(false) => match txn.abort() {
            Ok(()) => Fate::Kept,
            Err(_) => Fate::Failed,
        },
        Err(fate) => {
            let _ = txn.abort(); // it failed already: there is nothing more to report
            fate
        }
    };
    if fate != Fate::Kept {
        shared.fail(); // before any caller learns of it
    }
    for answer in answers {
        answer(fate);
    }
    fate == Fate::Kept
}

/// Runs the verbs, and says whether they wrote anything.
fn run(
    txn: &WriteTransaction,
    batch: &mut Vec<Job>,
    answers: &mut Vec<Answer>,
) -> Result<bool, Fate> {
    let mut tables = Tables::new(txn);
    let mut changed = false;
    for job in batch.drain(..) {
        match job(&mut tables) {
            Ran::Changed(answer) => {
                changed = true;
                answers.push(answer);
            }
            Ran::Unchanged(answer) => answers.push(answer),
            Ran::Failed(fate, answer) => {
                answers.push(answer);
                return Err(fate); // dropping the rest tells their callers
            }
        }
    }
    Ok(changed)
}

/// Commits, durably, and shows the result to the readers.
fn commit(db: &Database, shared: &Shared, txn: WriteTransaction) -> Fate {
    match txn.commit().or_failed() {
        Err(StoreError::Full { .. }) => return Fate::Full,
        Err(_) => return Fate::Failed,
        Ok(()) => {}
    }
    match View::open(db) {
        Ok(view) => {
            shared.show(view);
            Fate::Kept
        }
        Err(_) => Fate::Failed,
    }
}
