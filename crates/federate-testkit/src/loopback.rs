//! An HTTP server of this machine that answers what it is told to, also what no server should.
//!
//! # Panics
//! Whatever cannot be set up is a failed test.

#![allow(clippy::expect_used, clippy::missing_panics_doc)] // for tests only

use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The octets of an answer, and how long the connection then stays open.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What is sent, head and body.
    pub octets: Vec<u8>,
    /// How long nothing more is sent.
    pub then_wait: Duration,
}

impl Answer {
    /// An answer of this status (`200 OK`, perhaps with further headers after line ends) and
    /// body.
    #[must_use]
    pub fn new(head: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        Self {
            octets: [head.as_bytes(), body].concat(),
            then_wait: Duration::ZERO,
        }
    }

    /// The same without its last octets.
    #[must_use]
    pub fn without_last(mut self, octets: usize) -> Self {
        let length = self.octets.len().saturating_sub(octets);
        self.octets.truncate(length);
        self
    }

    /// The same, and then nothing for so long.
    #[must_use]
    pub const fn then_waiting(mut self, time: Duration) -> Self {
        self.then_wait = time;
        self
    }
}

/// Answers each connection with the next of these. Gives the address, and what was asked once
/// all are given.
pub async fn serve(answers: Vec<Answer>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port of this machine");
    let address = listener.local_addr().expect("its number");
    let task = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = vec![0; 64 * 1024];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let request = request.get(..read).unwrap_or_default();
            asked.push(String::from_utf8_lossy(request).to_lowercase());
            let _ = stream.write_all(&answer.octets).await; // the client may have gone
            tokio::spawn(async move {
                sleep(answer.then_wait).await;
                drop(stream);
            });
        }
        asked
    });
    (format!("http://{address}/metadata"), task)
}
