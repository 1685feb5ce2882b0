//! The one thread that writes: it drains a queue, runs all verbs that wait in one
//! transaction, commits once, and only then answers each.

use federate_session::StoreError;
use redb::{Database, WriteTransaction};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// The most verbs of one transaction.
const BATCH: usize = 256;
/// The most verbs that wait; beyond, callers do.
const QUEUE: usize = 1024;

/// What a verb did within the transaction.
pub(crate) enum Done<T> {
    /// It wrote: the answer may be given once the transaction is committed.
    Changed(T),
    /// It wrote nothing.
    Unchanged(T),
}

/// Tells the caller, once it is known whether the transaction was committed.
type Answer = Box<dyn FnOnce(bool) + Send>;

/// What is left of a verb after its run.
enum Ran {
    Changed(Answer),
    Unchanged(Answer),
    /// The database failed: nothing of this transaction may stay.
    Failed(Answer),
}

type Job = Box<dyn FnOnce(&WriteTransaction) -> Ran + Send>;

pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(db: Arc<Database>) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("federate-store".into())
            .spawn(move || work(&db, jobs))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Runs a verb in a write transaction.
    ///
    /// A verb gives an error other than `Unavailable` only before its first write, for it
    /// shares the transaction with others.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&WriteTransaction) -> Result<Done<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (to_caller, answer) = oneshot::channel();
        let job: Job = Box::new(move |txn| {
            let outcome = verb(txn);
            let kind: fn(Answer) -> Ran = match &outcome {
                Ok(Done::Changed(_)) => Ran::Changed,
                Err(StoreError::Unavailable(_)) => Ran::Failed,
                Ok(Done::Unchanged(_)) | Err(_) => Ran::Unchanged,
            };
            kind(Box::new(move |committed| {
                let outcome = match outcome {
                    Ok(Done::Changed(value) | Done::Unchanged(value)) if committed => Ok(value),
                    Ok(_) => Err(StoreError::Unavailable(None)),
                    Err(error) => Err(error),
                };
                let _ = to_caller.send(outcome); // the caller may have gone away
            }))
        });
        let queue = self.queue.as_ref().ok_or(StoreError::Unavailable(None))?;
        queue
            .send(job)
            .await
            .map_err(|_| StoreError::Unavailable(None))?;
        answer.await.map_err(|_| StoreError::Unavailable(None))?
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

fn work(db: &Database, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
        transact(db, &mut batch);
    }
}

fn transact(db: &Database, batch: &mut Vec<Job>) {
    let Ok(txn) = db.begin_write() else {
        batch.clear(); // dropping a job tells its caller that the store is unavailable
        return;
    };
    let mut answers = Vec::with_capacity(batch.len());
    let (mut changed, mut failed) = (false, false);
    for job in batch.drain(..) {
        match job(&txn) {
            Ran::Changed(answer) => {
                changed = true;
                answers.push(answer);
            }
            Ran::Unchanged(answer) => answers.push(answer),
            Ran::Failed(answer) => {
                failed = true;
                answers.push(answer);
                break; // dropping the rest tells their callers
            }
        }
    }
    let committed = match (failed, changed) {
        (true, _) => {
            let _ = txn.abort(); // it failed already: there is nothing more to report
            false
        }
        (false, true) => txn.commit().is_ok(),
        (false, false) => txn.abort().is_ok(),
    };
    for answer in answers {
        answer(committed);
    }
}
