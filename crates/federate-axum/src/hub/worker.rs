//! Logouts that go on without a browser.

use crate::failure::printable;
use federate::hub::{LogoutWork, PeerFailure};
use federate::{FederateError, Hub, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{MissedTickBehavior, interval};

/// How often the store is asked for work that is due, unless there was more than room for it.
const EVERY: Duration = Duration::from_secs(1);

/// How much due work is claimed at a time: what is claimed is begun at once.
const AT_A_TIME: usize = 64;

/// How many logouts this node asks peers for at once. Most of them wait for a peer that is slow.
const LOGOUTS: usize = 256;

/// Asks peers by SOAP for the logouts of this hub, goes on with those whose time has come, and
/// with those that another node left: run it as long as the hub runs, on every node. It ends with
/// the task in which it runs.
pub async fn carry_out_logouts<S: Store>(hub: Arc<Hub<S>>) {
    let room = Arc::new(Semaphore::new(LOGOUTS));
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Nobody closes the semaphore.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        tokio::select! {
            work = hub.next_work() => spawn(&hub, work, permit),
            _ = ticks.tick() => {
                drop(permit);
                if claim(&hub, &room).await {
                    // There is more, as after a crash: the next turn is for what is new or for
                    // what is due, whichever comes first.
                    ticks.reset_immediately();
                }
            }
        }
    }
}

/// Claims what is due, as far as there is room for it: a claim that waits may be another node's
/// again when its turn comes. Says whether there is more.
async fn claim<S: Store>(hub: &Arc<Hub<S>>, room: &Arc<Semaphore>) -> bool {
    let mut permits = Vec::new();
    while permits.len() < AT_A_TIME
        && let Ok(permit) = Arc::clone(room).try_acquire_owned()
    {
        permits.push(permit);
    }
    let limit = permits.len();
    match hub.due_work(limit).await {
        Ok(claimed) => {
            let more = claimed.len() >= limit;
            for (work, permit) in claimed.into_iter().zip(permits) {
                spawn(hub, work, permit);
            }
            more
        }
        Err(error) => {
            tell(Err(error));
            false
        }
    }
}

fn spawn<S: Store>(hub: &Arc<Hub<S>>, work: LogoutWork, permit: OwnedSemaphorePermit) {
    let hub = Arc::clone(hub);
    tokio::spawn(async move {
        tell(hub.carry_out(work).await);
        drop(permit);
    });
}

fn tell(outcome: Result<Vec<PeerFailure>, FederateError>) {
    match outcome {
        Ok(failures) => {
            for PeerFailure { peer, error } in failures {
                let (code, why) = (error.code(), printable(&error.to_string()));
                let (expected, actual) = error
                    .expected_and_actual()
                    .map(|(expected, actual)| (printable(expected), printable(actual)))
                    .unzip();
                tracing::warn!(
                    expected,
                    actual,
                    code,
                    peer = printable(peer.as_str()),
                    "a peer could not be told of a logout: {why}"
                );
            }
        }
        Err(error) => {
            let (code, why) = (error.code(), printable(&error.to_string()));
            tracing::warn!(code, "a logout could not go on: {why}");
        }
    }
}
